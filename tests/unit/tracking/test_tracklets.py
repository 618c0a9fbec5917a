"""News in another tracker's reports: it is what its measurements said, and no correlation makes a claim too bold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.tracking.tracklets import (
    Readings,
    intersections,
    noise_between,
    tracklets,
    transition,
    white_acceleration,
)

PLACE, AXES = ecef_from_geodetic(52.0, 22.0, 1_500.0), enu_axes(52.0, 22.0)
POSITION = np.eye(3, 6)


def noise(q: float, dt_s: float, x: np.ndarray) -> np.ndarray:
    return white_acceleration(x[None], np.array([dt_s]), np.array([q]), np.array([q / 5.0]))[0]


def measured(rng: np.random.Generator) -> np.ndarray:
    """The ECEF covariance of a radar's measurement, seen at some elevation from some side."""
    sigma = np.diag([rng.uniform(10, 60), rng.uniform(40, 300), rng.uniform(40, 300)])
    azimuth, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.3)
    ray = np.array([np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    side = np.array([np.cos(azimuth), -np.sin(azimuth), 0.0])
    rays = np.stack([ray, side, np.cross(ray, side)])
    return np.asarray(AXES.T @ rays.T @ sigma**2 @ rays @ AXES)


def filtered(seed: int, *, looks: int, dt_s: float, q: float) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """States and covariances of a Kalman filter after each look, and what it measured."""
    rng = np.random.default_rng(seed)
    r = measured(rng)
    x = np.r_[PLACE, AXES.T @ np.array([60.0, 20.0, 1.0])]
    p = np.diag([200.0**2] * 3 + [30.0**2] * 3)
    onward = transition(np.array([dt_s]))[0]
    told = []
    for _ in range(looks):
        z = onward[:3] @ x + np.linalg.cholesky(r) @ rng.standard_normal(3)
        x, p = onward @ x, onward @ p @ onward.T + noise(q, dt_s, x)
        gain = p[:, :3] @ np.linalg.inv(p[:3, :3] + r)
        x, p = x + gain @ (z - x[:3]), (np.eye(6) - gain @ POSITION) @ p
        p = (p + p.T) / 2.0
        told.append((x, p.astype(np.float32).astype(float), np.r_[z, r.ravel()]))
    return told


@given(seed=st.integers(0, 10_000), dt_s=st.floats(0.5, 6.0), q=st.floats(0.05, 20.0))
def test_the_news_of_a_filter_is_the_information_that_it_measured(seed: int, dt_s: float, q: float) -> None:
    *_, (last, last_cov, _), (x, cov, told) = filtered(seed, looks=30, dt_s=dt_s, q=q)
    news, sound = tracklets(last[None], last_cov[None], x[None], cov[None], np.array([dt_s]))
    assert sound[0]
    information = POSITION.T @ np.linalg.inv(told[3:].reshape(3, 3)) @ POSITION
    lower = np.linalg.cholesky(cov)
    error = lower.T @ (news.root[0].T @ news.root[0] - information) @ lower
    assert np.abs(error).max() < 0.01 * np.linalg.eigvalsh(lower.T @ information @ lower)[-1]
    said = news.about[0] + np.linalg.lstsq(news.root[0], news.offset[0], rcond=1e-6)[0]
    assert np.linalg.norm(said[:3] - told[:3]) < 0.02 * np.sqrt(np.trace(told[3:].reshape(3, 3)))


@given(seed=st.integers(0, 10_000), q=st.floats(0.05, 20.0))
def test_the_noise_that_a_filter_assumed_shows_in_its_covariances(seed: int, q: float) -> None:
    *_, (_, last_cov, _), (x, cov, _) = filtered(seed, looks=40, dt_s=1.0, q=q)
    onward = transition(np.array([1.0]))
    level, upright = noise_between(onward @ last_cov[None] @ np.swapaxes(onward, 1, 2), x[None], cov[None], np.ones(1))
    assert level[0] == pytest.approx(q, rel=0.05)
    assert upright[0] <= q / 5.0 * 1.05


def test_a_report_that_was_only_carried_on_is_no_news() -> None:
    *_, (last, last_cov, _) = filtered(1, looks=20, dt_s=1.0, q=1.0)
    onward = transition(np.array([1.0]))[0]
    cov = onward @ last_cov @ onward.T + noise(1.0, 1.0, last)
    news, sound = tracklets(last[None], last_cov[None], (onward @ last)[None], cov[None], np.ones(1))
    assert sound[0]
    assert not news.root.any()


def after(p: np.ndarray, readings: Readings, keep: float) -> tuple[np.ndarray, np.ndarray]:
    """The gain by which a state of covariance `p` / `keep` takes a reading, and its covariance afterwards."""
    root = readings.root[0]
    p = p / keep
    gain = p @ root.T @ np.linalg.inv(root @ p @ root.T + np.eye(6))
    return gain @ root, (np.eye(6) - gain @ root) @ p


@given(seed=st.integers(0, 10_000), correlation=st.floats(-0.99, 0.99))
def test_an_intersection_never_claims_more_than_it_knows(seed: int, correlation: float) -> None:
    rng = np.random.default_rng(seed)
    scale = np.diag([50.0] * 3 + [3.0] * 3)
    ours, theirs = (scale @ (a @ a.T + 0.1 * np.eye(6)) @ scale for a in rng.standard_normal((2, 6, 6)))
    readings, keep = intersections(ours[None], np.zeros((1, 6)), theirs[None])
    gain, claimed = after(ours, readings, keep[0])
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    shared = correlation * np.linalg.cholesky(ours) @ turn @ np.linalg.cholesky(theirs).T
    left = np.eye(6) - gain
    true = left @ ours @ left.T + gain @ theirs @ gain.T + left @ shared @ gain.T + gain @ shared.T @ left.T
    half = np.linalg.inv(np.linalg.cholesky(claimed))
    assert np.linalg.eigvalsh(half @ true @ half.T)[-1] < 1.0 + 1e-6
    assert np.linalg.det(claimed) <= np.linalg.det(ours) * (1.0 + 1e-6)

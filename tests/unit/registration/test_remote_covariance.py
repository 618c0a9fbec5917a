"""Covariances that other trackers tell: turned into our frame, and left out where they cannot be any."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import enu_axes
from dronewall.registration.remote_covariance import UPPER, remote_covariances

AXES = enu_axes(np.array([52.0]), np.array([22.0]))
KNOWN = np.array([True])


def cells(covariance: np.ndarray) -> np.ndarray:
    return covariance[UPPER][None].astype(np.float32)


def a_covariance() -> np.ndarray:
    lower = np.tril(np.random.default_rng(1).uniform(-1.0, 1.0, (6, 6))) + 3.0 * np.eye(6)
    scale = np.diag([30.0, 40.0, 60.0, 2.0, 3.0, 1.0])
    return np.asarray(scale @ lower @ lower.T @ scale)


def test_a_whole_covariance_is_the_same_one_in_our_frame() -> None:
    told = a_covariance()
    out = remote_covariances(cells(told), AXES, heights_known=KNOWN)[0]
    turn = np.kron(np.eye(2), AXES[0])
    assert np.allclose(turn @ out @ turn.T, told, rtol=1e-5, atol=1e-3)


def test_one_of_position_only_leaves_velocity_untold() -> None:
    told = a_covariance()
    told[3:, :] = told[:, 3:] = np.nan
    out = remote_covariances(cells(told), AXES, heights_known=KNOWN)[0]
    assert np.allclose(AXES[0] @ out[:3, :3] @ AXES[0].T, told[:3, :3], rtol=1e-5)
    assert np.isnan(out[3:, 3:]).all()


@pytest.mark.parametrize("wrong", [np.nan, -1.0, 0.0, 1e30, np.inf])
def test_what_cannot_be_a_covariance_is_none(wrong: float) -> None:
    told = a_covariance()
    told[1, 1] = wrong
    assert np.isnan(remote_covariances(cells(told), AXES, heights_known=KNOWN)).all()


def test_correlations_beyond_one_are_no_covariance() -> None:
    told = a_covariance()
    told[0, 1] = told[1, 0] = 1.1 * np.sqrt(told[0, 0] * told[1, 1])
    assert np.isnan(remote_covariances(cells(told), AXES, heights_known=KNOWN)).all()


def test_without_a_height_a_covariance_means_nothing() -> None:
    assert np.isnan(remote_covariances(cells(a_covariance()), AXES, heights_known=np.array([False]))).all()

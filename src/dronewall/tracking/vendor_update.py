"""How a reading of the whole state, of whatever rank, bears on the modes of a track.

A reading may be older than its track: it is then compared with where the track was, and the noise since then is added
to the reading's own. With readings of unit noise the update needs no inverse of an information matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dronewall.tracking.parameters import Motion
from dronewall.tracking.store import TrackColumns
from dronewall.tracking.tracklets import Readings, carried, intersections, transition, white_acceleration

FloatArray = NDArray[np.float64]
Rows = NDArray[np.intp]

LEAST_WEIGHT = 1e-3


def noise_of_modes(p: Motion) -> list[tuple[float, float]]:
    """Return each mode's densities of white acceleration, level and upright; of a manoeuvre at middling speed."""
    return [
        (p.q_level_cruise, p.q_upright_cruise),
        (2.0 * p.q_level_turn, p.q_upright_turn),
        (p.q_level_hover, p.q_upright_hover),
    ]


def misfits(
    tracks: TrackColumns, rows: Rows, readings: Readings, lag_s: FloatArray, p: Motion
) -> tuple[FloatArray, FloatArray]:
    """Return how far readings lie from what tracks expect, and where to.

    Returns:
        (n,) mean squares in sigmas over the dimensions that say something, weighted by the modes' posterior weights;
        (n, 3) unit vectors along which the readings would pull the tracks' positions.
    """
    weight = tracks.weight[rows].copy()
    d_sq, pull = np.empty_like(weight), np.zeros((len(rows), weight.shape[1], 3))
    for k in range(weight.shape[1]):
        root, residual, spread = _against(tracks, rows, k, readings, lag_s, p)
        d_sq[:, k], like = _fit(residual, spread)
        weight[:, k] *= like
        pull[:, k] = np.einsum("nij,ni->nj", root[:, :, :3], residual)
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    rank = np.maximum(np.any(readings.root != 0.0, axis=2).sum(axis=1), 1)
    mean_pull = np.einsum("nk,nki->ni", weight, pull)
    length = np.maximum(np.linalg.norm(mean_pull, axis=1, keepdims=True), 1e-300)
    return np.asarray((weight * d_sq).sum(axis=1) / rank), mean_pull / length


def _fit(residual: FloatArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return squared distances (n,) of residuals (n, 6), and their likelihoods but for a factor all modes share."""
    solved = np.linalg.solve(spread, residual[:, :, None])[:, :, 0]
    d_sq = np.einsum("ni,ni->n", residual, solved)
    return d_sq, np.exp(-0.5 * np.minimum(d_sq, 600.0)) / np.sqrt(np.linalg.det(spread))


def absorb_news(tracks: TrackColumns, rows: Rows, readings: Readings, lag_s: FloatArray, p: Motion) -> None:
    """Update tracks `rows` (n,), each once, by readings that are news; `lag_s` (n,) ≥ 0 is how old the readings are."""
    weight = tracks.weight[rows].copy()
    for k in range(weight.shape[1]):
        root, residual, spread = _against(tracks, rows, k, readings, lag_s, p)
        weight[:, k] *= _fit(residual, spread)[1]
        _update(tracks, rows, k, root, residual, spread)
    weight = np.maximum(weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300), LEAST_WEIGHT)
    weight[tracks.weight[rows] == 0.0] = 0.0  # what does not hover does not begin to by being heard of
    tracks.weight[rows] = weight / weight.sum(axis=1, keepdims=True)


def absorb_correlated(
    tracks: TrackColumns, rows: Rows, x: FloatArray, cov: FloatArray, lag_s: FloatArray, p: Motion
) -> None:
    """Update tracks `rows` (n,), each once, by states whose errors may be correlated with theirs in any way.

    The modes' weights stay: what is told again and again must not add up to evidence.
    """
    for k, (q_level, q_upright) in enumerate(noise_of_modes(p)):
        now, now_cov = carried(x, cov, lag_s)
        now_cov += white_acceleration(x, lag_s, np.full(len(x), q_level), np.full(len(x), q_upright))
        readings, keep = intersections(tracks.cov[rows, k], now, now_cov)
        tracks.cov[rows, k] /= keep[:, None, None]
        root, residual, spread = _against(tracks, rows, k, readings, np.zeros(len(x)), p)
        _update(tracks, rows, k, root, residual, spread)


def _against(
    tracks: TrackColumns, rows: Rows, k: int, readings: Readings, lag_s: FloatArray, p: Motion
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return root (n, 6, 6) at the tracks' instants, residual (n, 6) and its covariance (n, 6, 6) against mode `k`."""
    back = transition(-lag_s)
    then = np.einsum("nij,nj->ni", back, tracks.mean[rows, k])
    residual = readings.offset - np.einsum("nij,nj->ni", readings.root, then - readings.about)
    root = readings.root @ back
    q_level, q_upright = noise_of_modes(p)[k]
    count = len(lag_s)
    aged = white_acceleration(then, lag_s, np.full(count, q_level), np.full(count, q_upright))
    spread = root @ (tracks.cov[rows, k] + aged) @ np.swapaxes(root, 1, 2) + np.eye(6)
    return root, residual, spread


def _update(
    tracks: TrackColumns, rows: Rows, k: int, root: FloatArray, residual: FloatArray, spread: FloatArray
) -> None:
    """Update mode `k` by readings; in Joseph's form, so that covariances stay symmetric and positive."""
    cov = tracks.cov[rows, k]
    gain = np.swapaxes(np.linalg.solve(spread, root @ cov), 1, 2)
    left = np.eye(6) - gain @ root
    noise = spread - root @ cov @ np.swapaxes(root, 1, 2)
    cov = left @ cov @ np.swapaxes(left, 1, 2) + gain @ noise @ np.swapaxes(gain, 1, 2)
    tracks.cov[rows, k] = (cov + np.swapaxes(cov, 1, 2)) / 2.0
    tracks.mean[rows, k] += np.einsum("nij,nj->ni", gain, residual)

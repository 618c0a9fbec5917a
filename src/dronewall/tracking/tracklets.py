"""What is new in a report of another tracker, as readings whose noise is white and of unit variance.

A report repeats all that its tracker ever knew. Its news since the last report, as information, is what the report
knows less what the last one, carried on to the same instant, knew already. For a tracker that is a Kalman filter this
is exactly the information of the measurements it took meanwhile, whatever errors its own motion model makes.

Source:
    Chong, Mori, Barker, Chang, Architectures and Algorithms for Track Association and Fusion, IEEE Aerospace and
    Electronic Systems Magazine 15(1), 2000 (information decorrelation). Julier and Uhlmann, A Non-divergent Estimation
    Algorithm in the Presence of Unknown Correlations, Proceedings of the American Control Conference, 1997.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

NEWS_LEAST = 1e-3
"""Where less than this part of what a report knows is new, nothing is."""
DISAGREEMENT_MOST = 0.02
"""How much a report may know less than the last one did, before its covariances are no filter's."""
WEIGHT_LEAST = 1e-3
BISECTIONS = 40


class Readings(NamedTuple):
    """`root` (n, 6, 6) times (state - `about`) reads `offset` (n, 6), each row with independent noise of variance 1.

    `about` (n, 6) is an ECEF state near the report's, so that nothing large is subtracted. Rows of zeros say nothing.
    """

    root: FloatArray
    about: FloatArray
    offset: FloatArray


def carried(x: FloatArray, cov: FloatArray, dt_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return states (n, 6) and covariances (n, 6, 6) after `dt_s` (n,) at constant velocity, without noise."""
    onward = transition(dt_s)
    return np.einsum("nij,nj->ni", onward, x), onward @ cov @ np.swapaxes(onward, 1, 2)


def transition(dt_s: FloatArray) -> FloatArray:
    """Return the matrices (n, 6, 6) that carry a state on by `dt_s` (n,) at constant velocity."""
    onward = np.tile(np.eye(6), (len(dt_s), 1, 1))
    onward[:, [0, 1, 2], [3, 4, 5]] = dt_s[:, None]
    return onward


def white_acceleration(x: FloatArray, dt_s: FloatArray, q_level: FloatArray, q_upright: FloatArray) -> FloatArray:
    """Return what white acceleration adds to covariances (n, 6, 6) in `dt_s` ≥ 0, for densities (n,) in m²/s³."""
    up = x[:, :3] / np.linalg.norm(x[:, :3], axis=1, keepdims=True)
    q = q_level[:, None, None] * np.eye(3) + (q_upright - q_level)[:, None, None] * up[:, :, None] * up[:, None, :]
    dt = dt_s[:, None, None]
    out = np.empty((len(x), 6, 6))
    out[:, :3, :3], out[:, 3:, 3:] = q * dt**3 / 3.0, q * dt
    out[:, :3, 3:] = out[:, 3:, :3] = q * dt**2 / 2.0
    return out


def tracklets(
    last: FloatArray, last_cov: FloatArray, x: FloatArray, cov: FloatArray, dt_s: FloatArray
) -> tuple[Readings, NDArray[np.bool_]]:
    """Return the news in reports since the last ones of the same tracks, and where there is a sound answer.

    Args:
        last: (n, 6) the states told last, ECEF m and m/s.
        last_cov: (n, 6, 6) their covariances.
        x: (n, 6) the states told now.
        cov: (n, 6, 6) their covariances.
        dt_s: (n,) time between the two, > 0.
    """
    about, moved = carried(last, last_cov, dt_s)
    q_level, q_upright = noise_between(moved, x, cov, dt_s)
    before = moved + white_acceleration(x, dt_s, q_level, q_upright)
    lower = np.linalg.cholesky(cov)
    whitener = np.linalg.inv(lower)
    known = np.swapaxes(lower, 1, 2) @ np.linalg.solve(before, lower)
    share, axes = np.linalg.eigh(np.eye(6) - (known + np.swapaxes(known, 1, 2)) / 2.0)
    news = np.where(share > NEWS_LEAST, share, 0.0)
    along = np.swapaxes(axes, 1, 2) @ whitener
    step = np.einsum("nij,nj->ni", along, x - about)
    scale = np.sqrt(news)
    offset = np.divide(step, scale, out=np.zeros_like(step), where=news > 0.0)
    return Readings(scale[:, :, None] * along, about, offset), share[:, 0] > -DISAGREEMENT_MOST


def noise_between(moved: FloatArray, x: FloatArray, cov: FloatArray, dt_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the least densities of white acceleration (n,), level and upright, that a tracker must have assumed.

    A measurement can only add information, so the last state carried on may nowhere be better known than the report.
    Where the tracker measured fewer dimensions than its state has, as all do, the least density is its own: the
    measurement leaves some direction as it was.
    """
    turn = level_axes(x)
    excess = turn @ (cov - moved) @ np.swapaxes(turn, 1, 2)
    level = _least_scale(excess[:, [[0], [1], [3], [4]], [0, 1, 3, 4]], dt_s)
    upright = _least_scale(excess[:, [[2], [5]], [2, 5]], dt_s)
    return level, upright


def _least_scale(excess: FloatArray, dt_s: FloatArray) -> FloatArray:
    """Return the least q ≥ 0 with q G ≥ `excess` (n, 2k, 2k), for k axes of position and then of velocity.

    G is white acceleration of density 1, so q is the largest eigenvalue of G^-1/2 `excess` G^-T/2.
    """
    axes = excess.shape[1] // 2
    position, speed = np.sqrt(12.0 / dt_s**3), 1.0 / np.sqrt(dt_s)
    whitener = np.zeros_like(excess)
    for a in range(axes):
        whitener[:, a, a], whitener[:, a, axes + a] = position, -position * dt_s / 2.0
        whitener[:, axes + a, axes + a] = speed
    largest = np.linalg.eigvalsh(whitener @ excess @ np.swapaxes(whitener, 1, 2))[:, -1]
    return np.maximum(largest, 0.0)


def level_axes(x: FloatArray) -> FloatArray:
    """Return rotations (n, 6, 6) of position and velocity into axes of which each third is the geocentric vertical."""
    up = x[:, :3] / np.linalg.norm(x[:, :3], axis=1, keepdims=True)
    east = np.cross(np.where(np.abs(up[:, 2:]) < 0.9, [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]), up)
    east /= np.linalg.norm(east, axis=1, keepdims=True)
    rows = np.stack([east, np.cross(up, east), up], axis=1)
    turn = np.zeros((len(x), 6, 6))
    turn[:, :3, :3] = turn[:, 3:, 3:] = rows
    return turn


def intersections(ours: FloatArray, x: FloatArray, cov: FloatArray) -> tuple[Readings, FloatArray]:
    """Return reports as readings for states whose errors may be correlated with theirs in any way.

    Args:
        ours: (n, 6, 6) covariances of the states that are to take the reports.
        x: (n, 6) the states told.
        cov: (n, 6, 6) their covariances.

    Returns:
        the readings, and how much weight (n,), in (0, 1], the states keep: their covariances must be divided by it
        first. It is the weight that makes the determinant of the result least.
    """
    whitener = np.linalg.inv(np.linalg.cholesky(cov))
    ratio = np.maximum(np.linalg.eigvalsh(whitener @ ours @ np.swapaxes(whitener, 1, 2)), 1e-12)
    keep = _best_weight(1.0 / ratio)
    root = np.sqrt(1.0 - keep)[:, None, None] * whitener
    return Readings(root, x, np.zeros_like(x)), keep


def _best_weight(gain: FloatArray) -> FloatArray:
    """Return w in [0.001, 1] where the product of (w `gain` + 1 - w) (n, 6) is largest; its logarithm is concave."""
    low, high = np.full(len(gain), WEIGHT_LEAST), np.ones(len(gain))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        rising = ((gain - 1.0) / (1.0 + middle[:, None] * (gain - 1.0))).sum(axis=1) > 0.0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    return (low + high) / 2.0

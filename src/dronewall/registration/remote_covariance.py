"""The covariance that another tracker told of its track, turned into ECEF; nothing where it cannot be one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dronewall.registration.errors_declared import LEAST, MOST

FloatArray = NDArray[np.float64]

UPPER = np.triu_indices(6)


def remote_covariances(
    told: NDArray[np.float32], axes: FloatArray, *, heights_known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return covariances (n, 6, 6) of ECEF position and velocity, NaN where none was told.

    Args:
        told: (n, 21) upper triangles of local ENU ones, row by row; those of position only leave velocity's cells NaN.
        axes: (n, 3, 3) rows east, north, up in ECEF.
        heights_known: (n,) where the track has a height: a covariance of one that was not told means nothing.
    """
    enu = np.full((len(told), 6, 6), np.nan)
    enu[:, UPPER[0], UPPER[1]] = told
    enu[:, UPPER[1], UPPER[0]] = told
    turn = np.zeros((len(told), 6, 6))
    turn[:, :3, :3] = turn[:, 3:, 3:] = axes
    out = np.full_like(enu, np.nan)
    whole = heights_known & _sound(enu)
    position = heights_known & ~whole & _sound(enu[:, :3, :3])
    out[whole] = np.swapaxes(turn[whole], 1, 2) @ enu[whole] @ turn[whole]
    out[position, :3, :3] = np.swapaxes(axes[position], 1, 2) @ enu[position, :3, :3] @ axes[position]
    return out


def _sound(covariance: FloatArray) -> NDArray[np.bool_]:
    """Return which matrices (n, d, d) can be covariances of a track's position, or position and velocity."""
    size = covariance.shape[1]
    least = np.array([LEAST["position_m"]] * 3 + [LEAST["velocity_mps"]] * 3)[:size] ** 2
    most = np.array([MOST["position_m"]] * 3 + [MOST["velocity_mps"]] * 3)[:size] ** 2
    variances = np.diagonal(covariance, axis1=1, axis2=2)
    sound = np.all(np.isfinite(covariance), axis=(1, 2))
    sound &= np.all((variances >= least) & (variances <= most), axis=1)
    scale = np.sqrt(np.where(sound[:, None], variances, 1.0))
    correlation = np.where(sound[:, None, None], covariance, np.eye(size)) / (scale[:, :, None] * scale[:, None, :])
    return np.asarray(sound & (np.linalg.eigvalsh(correlation)[:, 0] > 1e-6))

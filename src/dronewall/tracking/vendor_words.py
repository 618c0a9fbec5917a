"""What other trackers say, as states with covariances that can be used; and what of it is only an echo of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import NAN
from dronewall.model.table import Table, column
from dronewall.model.tracks import RemoteTracks
from dronewall.tracking.vendor_memory import SourceWorth

FloatArray = NDArray[np.float64]
Rows = NDArray[np.intp]

UNTOLD_SPEED_MPS = 60.0
OWN_NUMBER = re.compile(rb"T-(?:(\d{1,5})-)?(\d{6,15})")


@dataclass(frozen=True, slots=True, eq=False)
class Words(Table):
    """One source's reports of one moment, one row for each of its tracks.

    `mean` and `covariance` are what is made of a report, ECEF; `stated` is the covariance as it was told, and
    `filtered` whether that may be a filter's: whole, and with position and velocity correlated.
    """

    mean: NDArray[np.float64] = column("<f8", cell=(6,), absent=NAN)
    covariance: NDArray[np.float64] = column("<f8", cell=(6, 6), absent=NAN)
    stated: NDArray[np.float64] = column("<f8", cell=(6, 6), absent=NAN)
    filtered: NDArray[np.bool_] = column("|b1", absent=False)
    at_ns: NDArray[np.int64] = column("<i8")
    icao24: NDArray[np.uint32] = column("<u4", absent=0)


def words_from(told: RemoteTracks, worth: SourceWorth) -> Words:
    """Return one source's reports as states with covariances, as wide as its words have proved to be."""
    mean, stated = told.mean.copy(), told.covariance
    still = np.any(~np.isfinite(mean[:, 3:]), axis=1)
    mean[still, 3:] = 0.0
    positioned = np.isfinite(stated[:, :3, :3]).all(axis=(1, 2))
    whole = np.isfinite(stated).all(axis=(1, 2)) & ~still
    covariance = _assumed_covariances(mean, told, still) * worth.variance
    covariance[positioned, :3, :3] = stated[positioned, :3, :3] * worth.variance
    covariance[whole] = stated[whole] * worth.variance
    filtered = whole & (np.abs(stated[:, :3, 3:]).max(axis=(1, 2), initial=0.0) > 0.0)
    return Words(mean, covariance, stated, filtered, told.at_ns, told.icao24)


def _assumed_covariances(mean: FloatArray, told: RemoteTracks, still: NDArray[np.bool_]) -> FloatArray:
    """Return covariances (n, 6, 6) made of declared sigmas."""
    up = mean[:, :3] / np.linalg.norm(mean[:, :3], axis=1, keepdims=True)
    level = (told.sigma_position_m**2)[:, None, None]
    upright = (told.sigma_altitude_m**2)[:, None, None]
    speed = np.where(still, UNTOLD_SPEED_MPS, told.sigma_velocity_mps) ** 2
    out = np.zeros((len(mean), 6, 6))
    out[:, :3, :3] = level * np.eye(3) + (upright - level) * up[:, :, None] * up[:, None, :]
    out[:, 3:, 3:] = speed[:, None, None] * np.eye(3)
    return out


def rounds(told: RemoteTracks) -> Iterator[tuple[int, Rows]]:
    """Yield (source, rows) so that no track is told of twice in one round, in the order of time for each track."""
    order = np.lexsort((np.arange(len(told)), told.at_ns, told.track_ref, told.sensor))
    sensor, ref = told.sensor[order], told.track_ref[order]
    first = np.ones(len(told), np.bool_)
    first[1:] = (sensor[1:] != sensor[:-1]) | (ref[1:] != ref[:-1])
    place = np.arange(len(told))
    turn = place - np.maximum.accumulate(np.where(first, place, 0))
    for source in np.unique(sensor).tolist():
        for n in range(int(turn[sensor == source].max()) + 1):
            yield source, np.sort(order[(sensor == source) & (turn == n)])


def own_numbers(refs: NDArray[np.bytes_]) -> NDArray[np.int64]:
    """Return the numbers (n,) of the tracks of ours that other trackers' names are, -1 where a name is none of ours."""
    found = (OWN_NUMBER.fullmatch(ref) for ref in refs.tolist())
    return np.array([-1 if m is None else (int(m[1] or 0) << 48) + int(m[2]) for m in found], np.int64)

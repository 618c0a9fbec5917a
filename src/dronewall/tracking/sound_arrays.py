"""Acoustic arrays as the sound tracker sees them: where they stand, who stands near whom, what was learned of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.sensors import SensorKind, Sensors
from dronewall.tracking.measurement import SPEED_OF_SOUND_MPS

FloatArray = NDArray[np.float64]

REACH_M, PERIOD_S, PD = 10_000.0, 2.0, 0.8
"""Assumed of an array that does not declare them."""
NEAR_M = 20_000.0
"""Two arrays farther apart than this never hear one source."""
NORTH_SIGMA_RAD = math.radians(1.0)
"""How well arrays are turned to north before anything is known of them."""


class Ears(NamedTuple):
    """One row per sensor of the register; rows of other kinds of sensors have no reach and no neighbours.

    `axes` (n, 3, 3) are the rows east, north, up at each array. The neighbours of array i are rows `first[i]` to
    `first[i + 1]` of `near`, itself included, nearest first; `offset` (k, 3) is where each stands, east, north, up of
    i, and `turn` (k,) what turns an azimuth from its north to that of i. `north` is each array's error of north, rad,
    and `north_var` its variance; `sound_mps` the speed of sound there.
    """

    site: FloatArray
    axes: FloatArray
    reach_m: FloatArray
    period_s: FloatArray
    pd: FloatArray
    first: NDArray[np.int64]
    near: NDArray[np.int32]
    offset: FloatArray
    turn: FloatArray
    north: FloatArray
    north_var: FloatArray
    sound_mps: FloatArray


def ears_of(sensors: Sensors) -> Ears:
    """Return the arrays of a register, nothing learned yet."""
    count = len(sensors)
    hearing = np.array([s.kind == SensorKind.ACOUSTIC_ARRAY and s.sited for s in sensors], np.bool_)
    place = np.array([(s.lat_deg or 0.0, s.lon_deg or 0.0, s.hae_m or 0.0) for s in sensors], float).reshape(-1, 3)
    site, axes = ecef_from_geodetic(*place.T), enu_axes(place[:, 0], place[:, 1])
    first, near = _neighbours(site, hearing)
    owner = np.repeat(np.arange(count), np.diff(first))
    offset = np.einsum("kij,kj->ki", axes[owner], site[near] - site[owner])
    north = np.einsum("kij,kj->ki", axes[owner], axes[near, 1])
    return Ears(
        site=site,
        axes=axes,
        reach_m=np.where(hearing, [s.range_max_m or REACH_M for s in sensors], 0.0),
        period_s=np.array([s.period_s or PERIOD_S for s in sensors], float),
        pd=np.clip(np.array([s.pd or PD for s in sensors], float), 0.1, 0.9),
        first=first,
        near=near,
        offset=offset,
        turn=np.arctan2(north[:, 0], north[:, 1]),
        north=np.zeros(count),
        north_var=np.full(count, NORTH_SIGMA_RAD**2),
        sound_mps=np.full(count, SPEED_OF_SOUND_MPS),
    )


def _neighbours(site: FloatArray, hearing: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return for every array where its neighbours begin, and all neighbours, nearest first."""
    rows = np.flatnonzero(hearing)
    count = len(site)
    if not len(rows):
        return np.zeros(count + 1, np.int64), np.empty(0, np.int32)
    pairs = cKDTree(site[rows]).query_pairs(NEAR_M, output_type="ndarray")
    one, other = rows[pairs[:, 0]], rows[pairs[:, 1]]
    a, b = np.concatenate([one, other, rows]), np.concatenate([other, one, rows])
    order = np.lexsort((b, np.linalg.norm(site[a] - site[b], axis=1), a))
    first = np.searchsorted(a[order], np.arange(count + 1)).astype(np.int64)
    return first, b[order].astype(np.int32)


def learned(ears: Ears) -> dict[str, NDArray[Any]]:
    """Return what was learned of the arrays, as named arrays."""
    return {"ears.north": ears.north.copy(), "ears.north_var": ears.north_var.copy()}


def relearn(ears: Ears, state: Mapping[str, NDArray[Any]]) -> None:
    """Take over what `learned` returned, for as many arrays as there were then."""
    for column, name in ((ears.north, "ears.north"), (ears.north_var, "ears.north_var")):
        known = state[name]
        column[: len(known)] = known

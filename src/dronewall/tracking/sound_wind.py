"""The wind as sound itself tells it: what each track learned of it, shared with all tracks of its region.

A track carries the wind as two states, so its bearings tell something of the wind. What they tell is information that
adds up over tracks, as long as none gets its own back: each track is given the sum of all others of its region, and
remembers what it was given.

Source:
    Maybeck, Stochastic Models, Estimation and Control 1 (1979), 5.7 (the information filter: information of
    independent measurements adds).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import geodetic_from_ecef

FloatArray = NDArray[np.float64]

CELL_DEG = 1.0
"""Regions are cells of so many degrees of latitude, and as wide."""
NEXT_CELL = 0.8
"""How much what was learned in a neighbouring cell is worth."""
SIGMA_MPS = 5.5
"""The wind near the ground before anything is known of it, each component."""
LEAST_SIGMA_MPS = 1.0
"""The wind is never the same everywhere in a region: no sum of information says more than this."""
RETIRED_MEMORY_S = 1_800.0
TRUST = 0.3
"""How much of what a track says it has learned is believed: a slight turn looks like wind."""
WORTH_TELLING = 0.05
"""Information is handed to a track when it has grown by this share."""


class Known(NamedTuple):
    """Information on the wind (n, 2, 2), (m/s)^-2, and information times wind (n, 2), east and north."""

    info: FloatArray
    pull: FloatArray


class Retired(NamedTuple):
    """What tracks that ended had learned, by cell, in ascending order of `cell`."""

    cell: NDArray[np.int64]
    info: FloatArray
    pull: FloatArray


def nothing_retired() -> Retired:
    """Return an empty memory."""
    return Retired(np.empty(0, np.int64), np.empty((0, 2, 2)), np.empty((0, 2)))


def cell_of_place(ecef: FloatArray) -> NDArray[np.int64]:
    """Return the cells (n,) of ECEF positions (n, 3)."""
    lat, lon, _ = geodetic_from_ecef(ecef)
    row = np.floor(lat / CELL_DEG).astype(np.int64)
    wide = CELL_DEG / np.cos(np.radians(np.minimum(np.abs((row + 0.5) * CELL_DEG), 85.0)))
    return (row + 90) * 1_000 + np.floor((lon + 180.0) / wide).astype(np.int64)


def centre_of(cells: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Return latitudes and longitudes (n,) of the middles of cells, degrees."""
    lat = np.asarray((cells // 1_000 - 90 + 0.5) * CELL_DEG, float)
    wide = CELL_DEG / np.cos(np.radians(np.minimum(np.abs(lat), 85.0)))
    return lat, (cells % 1_000 + 0.5) * wide - 180.0


def prior(count: int) -> Known:
    """Return what is known of the wind where nobody has told anything."""
    return Known(np.tile(np.eye(2) / SIGMA_MPS**2, (count, 1, 1)), np.zeros((count, 2)))


def foretold(wind: FloatArray, variance: FloatArray) -> Known:
    """Return what reports of the weather say of winds (n, 2), variances (n,) of each component; else the prior.

    Reports so far away that they say less than nothing does are not asked.
    """
    said = variance < SIGMA_MPS**2
    worth = np.where(said, 1.0 / variance, SIGMA_MPS**-2)
    return Known(worth[:, None, None] * np.eye(2), np.where(said, worth, 0.0)[:, None] * wind)


def learned_by(mean: FloatArray, cov: FloatArray, given: Known) -> Known:
    """Return what tracks have learned of the wind by themselves.

    Args:
        mean: (n, 2) winds of the tracks.
        cov: (n, 2, 2) their covariances.
        given: what they were given by others, the prior included.
    """
    total = np.linalg.inv(cov)
    own = total - given.info
    pull = np.einsum("nij,nj->ni", total, mean) - given.pull
    values, vectors = np.linalg.eigh(own)
    sound = values[:, 0] >= 0.0
    kept = np.einsum("nij,nj,nkj->nik", vectors, np.maximum(values, 0.0), vectors)
    wind = np.einsum("nij,nj->ni", kept, mean)
    return Known(TRUST * kept, TRUST * np.where(sound[:, None], pull, wind))


def told(
    cells: NDArray[np.int64],
    learner_cell: NDArray[np.int64],
    learned: Known,
    retired: Retired,
    before: Known,
) -> Known:
    """Return all that is known of the wind in `cells` (n,): `before` anything, by live tracks and by ended ones."""
    source = np.concatenate([learner_cell, retired.cell])
    info = np.concatenate([learned.info, retired.info])
    pull = np.concatenate([learned.pull, retired.pull])
    wanted, at = np.unique(cells, return_inverse=True)
    worth = _worth(wanted, source)
    return Known(
        before.info + np.einsum("ws,sij->wij", worth, info)[at], before.pull + np.einsum("ws,si->wi", worth, pull)[at]
    )


def _worth(wanted: NDArray[np.int64], source: NDArray[np.int64]) -> FloatArray:
    """Return (wanted, source) what a source in one cell is worth in another: 1 in the same, less beside it, else 0."""
    rows = np.abs(wanted[:, None] // 1_000 - source[None] // 1_000)
    columns = np.abs(wanted[:, None] % 1_000 - source[None] % 1_000)
    near = (rows <= 1) & (columns <= 1)
    return np.where((rows == 0) & (columns == 0), 1.0, np.where(near, NEXT_CELL, 0.0))


def without(all_told: Known, own: Known) -> Known:
    """Return what others told: all but what each told itself."""
    return limited(Known(all_told.info - own.info, all_told.pull - own.pull))


def limited(known: Known) -> Known:
    """Return what is known, but no more than a wind that varies within its region can be known."""
    most = np.linalg.eigvalsh(known.info)[:, -1] if len(known.info) else np.empty(0)
    scale = np.minimum(1.0, LEAST_SIGMA_MPS**-2 / np.maximum(most, 1e-12))
    return Known(known.info * scale[:, None, None], known.pull * scale[:, None])


def news(target: Known, given: Known) -> tuple[NDArray[np.intp], Known]:
    """Return which tracks should be given more than they were, and what."""
    info, pull = target.info - given.info, target.pull - given.pull
    least = np.linalg.eigvalsh(info)[:, 0] if len(info) else np.empty(0)
    rows = np.flatnonzero(least > WORTH_TELLING * np.trace(given.info, axis1=1, axis2=2) / 2.0)
    return rows, Known(info[rows], pull[rows])


def told_to(mean: FloatArray, cov: FloatArray, more: Known) -> tuple[FloatArray, FloatArray]:
    """Return states `mean` (n, m, 8), `cov` (n, m, 8, 8) that know `more` (n) of the wind, their last two states."""
    noise = np.linalg.inv(more.info)
    wind = np.einsum("nij,nj->ni", noise, more.pull)
    gain = cov[..., 6:] @ np.linalg.inv(cov[..., 6:, 6:] + noise[:, None])
    innovation = wind[:, None] - mean[..., 6:]
    new = cov - gain @ cov[..., 6:, :]
    return mean + np.einsum("nmij,nmj->nmi", gain, innovation), 0.5 * (new + new.swapaxes(-1, -2))


def retire(retired: Retired, cell: NDArray[np.int64], own: Known) -> Retired:
    """Return the memory with what ended tracks had learned."""
    cells = np.concatenate([retired.cell, cell])
    info = np.concatenate([retired.info, own.info])
    pull = np.concatenate([retired.pull, own.pull])
    unique, at = np.unique(cells, return_inverse=True)
    whole, drawn = np.zeros((len(unique), 2, 2)), np.zeros((len(unique), 2))
    np.add.at(whole, at, info)
    np.add.at(drawn, at, pull)
    return Retired(unique, whole, drawn)


def faded(retired: Retired, elapsed_s: float) -> Retired:
    """Return the memory after some time: winds change."""
    left = np.exp(-elapsed_s / RETIRED_MEMORY_S)
    return Retired(retired.cell, retired.info * left, retired.pull * left)


def wind_of(known: Known) -> tuple[FloatArray, FloatArray]:
    """Return winds (n, 2) m/s and the variance of each's less known component (n,)."""
    cov = np.linalg.inv(known.info)
    return np.einsum("nij,nj->ni", cov, known.pull), np.asarray(np.linalg.eigvalsh(cov)[:, -1], float)


def checkpointed(retired: Retired) -> dict[str, NDArray[Any]]:
    """Return the memory as named arrays."""
    return {f"sound.wind.{name}": column.copy() for name, column in retired._asdict().items()}


def retired_from(state: Mapping[str, NDArray[Any]]) -> Retired:
    """Return what `checkpointed` was given."""
    return Retired(*(state[f"sound.wind.{name}"].copy() for name in Retired._fields))

"""How a track of sound begins: at the first of the bearings that its fit explains, as loose as that fit is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.model.tracks import TrackStatus
from dronewall.tracking.parameters import Parameters
from dronewall.tracking.sound_arrays import Ears
from dronewall.tracking.sound_filter import SoundParameters
from dronewall.tracking.sound_fixes import Heard, SearchParameters
from dronewall.tracking.sound_tables import insert
from dronewall.tracking.store import TrackStore

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

START_SIGMA_M, START_SPEED_MPS = 500.0, 20.0
START_LOOSENED, START_CLIMB_MPS = 9.0, 2.0
"""A track begins at its fit, loosened so much: its bearings are gone through again, and would count twice else."""
ALIKE_MPS = 40.0
"""Two sources near each other whose velocities differ by less are one."""


class Start(NamedTuple):
    """State ECEF (6,), (6, 6) at `at_ns`, the rows of its bearings and when each was emitted."""

    at_ns: int
    mean: FloatArray
    cov: FloatArray
    own: IntArray
    emitted_ns: IntArray


def place_of(heard: Heard, ears: Ears, birth: FloatArray, height_m: float) -> FloatArray:
    """Return where a fit is at its seed's instant, ECEF."""
    i = int(heard.sensor[int(birth[0])])
    return np.asarray(ears.site[i] + ears.axes[i].T @ np.array([birth[3], birth[4], height_m]), float)


def start_of(
    heard: Heard,
    ears: Ears,
    birth: FloatArray,
    seed: FloatArray,
    own: IntArray,
    emitted_ns: IntArray,
    p: SoundParameters,
    s: SearchParameters,
) -> Start:
    """Return how the track of a fit begins.

    Args:
        birth: (23,) a row that `sound_births.search` wrote, and `seed` (4,) the seed it grew from.
        own: rows of its bearings; `emitted_ns` (len(own),) when each was emitted.
    """
    i = int(heard.sensor[int(birth[0])])
    seed_ns = int(heard.at_ns[int(birth[0])]) - round(1e9 * seed[2])
    start_ns = int(emitted_ns.min())
    ahead_s = (start_ns - seed_ns) / 1e9
    level = birth[3:5] + ahead_s * birth[5:7]
    axes = ears.axes[i]
    place = ears.site[i] + axes.T @ np.array([level[0], level[1], s.height_m])
    velocity = axes.T @ np.array([birth[5], birth[6], 0.0])
    move = np.eye(4)
    move[0, 2] = move[1, 3] = ahead_s
    fit = START_LOOSENED * move @ birth[7:].reshape(4, 4) @ move.T
    place_sq, speed_sq = START_SIGMA_M**2, START_SPEED_MPS**2
    enu = np.diag([place_sq, place_sq, p.height_sigma_m**2, speed_sq, speed_sq, START_CLIMB_MPS**2])
    enu[np.ix_([0, 1, 3, 4], [0, 1, 3, 4])] += fit
    turn = np.kron(np.eye(2), axes)
    return Start(start_ns, np.concatenate([place, velocity]), turn.T @ enu @ turn, own, emitted_ns)


def is_known(store: TrackStore, start: Start, now_ns: int, apart_m: float) -> bool:
    """Whether an established track is already where a start would be by now, flying alike."""
    place = start.mean[:3] + start.mean[3:] * (now_ns - start.at_ns) / 1e9
    c, n = store.columns, store.count
    live = c.status[:n] != TrackStatus.TENTATIVE
    apart = np.linalg.norm(c.mean[:n, 0, :3] - place, axis=1)
    slower = np.linalg.norm(c.mean[:n, 0, 3:] - start.mean[3:], axis=1)
    return bool(np.any(live & (apart < apart_m) & (slower < ALIKE_MPS)))


def added(store: TrackStore, starts: list[Start], now_ns: int, p: Parameters) -> IntArray:
    """Add a row to a store for each start, ready to be confirmed; return their numbers."""
    return np.array([insert(store, start.mean, start.cov, now_ns, p) for start in starts], np.int64)

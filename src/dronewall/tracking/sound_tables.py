"""What the sound tracker remembers, as columns: tracks it holds, their bearings, and bearings nobody explains."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.tracking.classes import CLASSES
from dronewall.tracking.parameters import WEIGHTS_AT_BIRTH, Parameters
from dronewall.tracking.sound_filter import MODES
from dronewall.tracking.sound_fixes import Heard
from dronewall.tracking.store import TrackStore

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

EXISTENCE = 0.999
"""How surely a source exists that enough arrays have heard move."""


class Held(NamedTuple):
    """Tracks held here, by their number: the settled state at `at_ns`, the newest at `new_at_ns`, by modes.

    `given_info` and `given_pull` are what others told it of the wind.
    `share` is the smoothed share of due reports that came.
    `supported_ns` is when enough arrays last heard a track, `moved_ns` when it was last fast enough to fly.
    """

    track_id: IntArray
    at_ns: IntArray
    mean: FloatArray
    cov: FloatArray
    weight: FloatArray
    new_at_ns: IntArray
    new_mean: FloatArray
    new_cov: FloatArray
    new_weight: FloatArray
    heard_ns: IntArray
    supported_ns: IntArray
    moved_ns: IntArray
    share: FloatArray
    given_info: FloatArray
    given_pull: FloatArray


class Edges(NamedTuple):
    """Bearings that tracks held here took and that are not settled yet, ordered by track and emission."""

    track_id: IntArray
    emitted_ns: IntArray
    at_ns: IntArray
    sensor: NDArray[np.int32]
    azimuth: FloatArray
    elevation: FloatArray
    var_azimuth: FloatArray
    var_elevation: FloatArray
    share: FloatArray


def no_tracks() -> Held:
    """Return a table without tracks."""
    whole, one = (lambda: np.empty(0, np.int64)), (lambda *cell: np.empty((0, *cell)))
    return Held(
        *(
            whole(),
            whole(),
            one(MODES, 8),
            one(MODES, 8, 8),
            one(MODES),
            whole(),
            one(MODES, 8),
            one(MODES, 8, 8),
            one(MODES),
        ),
        *(whole(), whole(), whole(), one(), one(2, 2), one(2)),
    )


def no_edges() -> Edges:
    """Return a table without bearings of tracks."""
    whole, real = (lambda: np.empty(0, np.int64)), (lambda: np.empty(0))
    return Edges(whole(), whole(), whole(), np.empty(0, np.int32), real(), real(), real(), real(), real())


def no_bearings() -> Heard:
    """Return a table without unexplained bearings."""
    real, flag = (lambda: np.empty(0)), (lambda: np.empty(0, np.bool_))
    at_ns, sensor = np.empty(0, np.int64), np.empty(0, np.int32)
    classes = np.empty((0, CLASSES), np.float32)
    return Heard(at_ns, sensor, real(), real(), real(), real(), classes, flag(), flag(), np.zeros(1, np.int64))


def taken(table: Any, rows: NDArray[Any]) -> Any:
    """Return some rows of a table."""
    return type(table)(*(column[rows] for column in table))


def joined(table: Any, more: Any) -> Any:
    """Return the rows of both tables."""
    return type(table)(*(np.concatenate(pair) for pair in zip(table, more, strict=True)))


def rows_of(b: Heard, rows: NDArray[Any]) -> Heard:
    """Return some bearings; where each array's begin is as it was."""
    return Heard._make((*(column[rows] for column in b[:-1]), b.first))


def together(a: Heard, b: Heard) -> Heard:
    """Return the bearings of both; where each array's begin is as in `a`."""
    pairs: Any = zip(a[:-1], b[:-1], strict=True)
    return Heard._make((*(np.concatenate(pair) for pair in pairs), a.first))


def insert(store: TrackStore, mean: FloatArray, cov: FloatArray, now_ns: int, p: Parameters) -> int:
    """Add a track to a store, ready to be confirmed; return its number."""
    store.make_room(1, store.columns.visited.shape[1])
    row, c = store.count, store.columns
    for column in c:
        column[row] = 0
    c.track_id[row] = store.next_id
    c.mean[row], c.cov[row] = mean, cov
    c.weight[row] = WEIGHTS_AT_BIRTH
    c.at_ns[row] = c.born_ns[row] = c.heard_at_ns[row] = c.updated_ns[row] = now_ns
    c.revisit_s[row] = 4.0
    c.existence[row] = EXISTENCE
    c.hits[row] = p.confirm_hits_standing
    store.count += 1
    store.next_id += 1
    store.clear_claims(row)
    return int(c.track_id[row])

"""What kernels are given: observations with what the tracker assumes of each, and events in the order of time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LOOK, CLOSE = 0, 1
"""Events: a sensor looked and reported plots [first, last); a radar's scan closed."""


class Looks(NamedTuple):
    """Observations as columns, one row each, ordered so that each event's rows are together.

    `pd` probability that the sensor reports an object it can see; `kappa` density of clutter and unknown sources in
    the units of z; `birth` prior probability that an unclaimed plot is a new object; `radar` slot of a scanning radar,
    -1 for others; `reach_m` how far the sensor sees; `claimed` whether the plot is the object's own word.
    """

    kind: NDArray[np.uint8]
    at_ns: NDArray[np.int64]
    site: NDArray[np.float64]
    transmitter: NDArray[np.float64]
    z: NDArray[np.float64]
    noise: NDArray[np.float64]
    place: NDArray[np.float64]
    spread: NDArray[np.float64]
    floor_m: NDArray[np.float64]
    range_rate_mps: NDArray[np.float64]
    sigma_range_rate_mps: NDArray[np.float64]
    velocity: NDArray[np.float64]
    sigma_velocity_mps: NDArray[np.float64]
    icao24: NDArray[np.uint32]
    pd: NDArray[np.float64]
    kappa: NDArray[np.float64]
    birth: NDArray[np.float64]
    radar: NDArray[np.int32]
    reach_m: NDArray[np.float64]
    claimed: NDArray[np.bool_]


class Events(NamedTuple):
    """What happened, in order: LOOK with its rows, radar and scan stamp; CLOSE with radar, stamp, pd, instant."""

    what: NDArray[np.uint8]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    radar: NDArray[np.int32]
    stamp: NDArray[np.int32]
    pd: NDArray[np.float64]
    at_ns: NDArray[np.int64]


class Outcome(NamedTuple):
    """What became of each observation.

    `row` is the track that most likely caused it (-1 none) and `taken` how probable that is; `unclaimed` how probable
    it is that no track did. `own` tells that it was credited to `row`, or began it; `late` that it came too late.
    """

    row: NDArray[np.int32]
    taken: NDArray[np.float64]
    unclaimed: NDArray[np.float64]
    own: NDArray[np.bool_]
    late: NDArray[np.bool_]


def outcome_for(count: int) -> Outcome:
    """Return an outcome for `count` observations, nothing known yet."""
    no = np.zeros(count, np.bool_)
    return Outcome(np.full(count, -1, np.int32), np.zeros(count), np.ones(count), no, no.copy())

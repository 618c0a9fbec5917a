"""What is kept of objects that several sensors see, and of what two sensors' plots of them tell about both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.registration.bias_model import OWN

FloatArray = NDArray[np.float64]

WATCHED_EACH, WATCHED_MOST = 16, 256
"""So many objects are watched for each sensor, and at most: more would tell the same again."""
SEEING = 12
"""Sensors whose last plot of an object is kept."""
PAIRS_MOST = 1024
"""So many pairs of sensors are compared at most: all of 45 radars, or the neighbours of some hundreds."""
WITNESSES = 3


class Objects(NamedTuple):
    """Objects that are watched, one row each, and the last plot of each sensor on them (w, SEEING).

    `number` is the track's, 0 for a free row; `double` that of another track of the same object, 0 for none, whose
    plots are compared from `trusted_ns` on. `both` counts scans in which one sensor gave plots to both: then they are
    two objects, and `single` is set. Readings `z` are range, azimuth and elevation (NaN if none) as the sensor gave
    them, nothing corrected. `second` tells that the plot went to the double.
    """

    number: NDArray[np.int64]
    double: NDArray[np.int64]
    since_ns: NDArray[np.int64]
    trusted_ns: NDArray[np.int64]
    both: NDArray[np.int64]
    single: NDArray[np.bool_]
    slot: NDArray[np.int32]
    at_ns: NDArray[np.int64]
    z: FloatArray
    noise: FloatArray
    raised: NDArray[np.bool_]
    second: NDArray[np.bool_]


class CommonPairs(NamedTuple):
    """What each pair of sensors told, in the order in which they first shared an object; `used` rows are.

    `slots` (p, 2), the lower first. `info` and `score` are of both sensors' own errors, one after the other, in units
    of the priors, of about `compared` comparisons. `off` is the recent share of those refused, `refused` their number;
    `witnesses` the last objects compared. `row_of` (s, s) finds a pair, -1 for none.
    """

    used: NDArray[np.int64]
    row_of: NDArray[np.int32]
    slots: NDArray[np.int32]
    info: FloatArray
    score: FloatArray
    compared: FloatArray
    refused: NDArray[np.int64]
    off: FloatArray
    last_ns: NDArray[np.int64]
    faded_ns: NDArray[np.int64]
    witnesses: NDArray[np.int64]


def no_objects(sensors: int) -> Objects:
    """Return free rows for the objects that so many sensors may watch."""
    rows = min(WATCHED_EACH * sensors, WATCHED_MOST)
    cells = (rows, SEEING)
    return Objects(
        number=np.zeros(rows, np.int64),
        double=np.zeros(rows, np.int64),
        since_ns=np.zeros(rows, np.int64),
        trusted_ns=np.zeros(rows, np.int64),
        both=np.zeros(rows, np.int64),
        single=np.zeros(rows, np.bool_),
        slot=np.full(cells, -1, np.int32),
        at_ns=np.zeros(cells, np.int64),
        z=np.zeros((*cells, 3)),
        noise=np.zeros((*cells, 3, 3)),
        raised=np.zeros(cells, np.bool_),
        second=np.zeros(cells, np.bool_),
    )


def no_common_pairs(sensors: int) -> CommonPairs:
    """Return room for the pairs of so many sensors."""
    rows = min(sensors * (sensors - 1) // 2, PAIRS_MOST)
    return CommonPairs(
        used=np.zeros(1, np.int64),
        row_of=np.full((sensors, sensors), -1, np.int32),
        slots=np.zeros((rows, 2), np.int32),
        info=np.zeros((rows, 2 * OWN, 2 * OWN)),
        score=np.zeros((rows, 2 * OWN)),
        compared=np.zeros(rows),
        refused=np.zeros(rows, np.int64),
        off=np.zeros(rows),
        last_ns=np.zeros(rows, np.int64),
        faded_ns=np.zeros(rows, np.int64),
        witnesses=np.zeros((rows, WITNESSES), np.int64),
    )


def free(objects: Objects, rows: NDArray[Any]) -> None:
    """Free some rows of objects."""
    for name, column in objects._asdict().items():
        column[rows] = -1 if name == "slot" else 0


def with_rows(objects: Objects, sensors: int) -> Objects:
    """Return objects with room for those of sensors that joined."""
    grown = no_objects(sensors)
    for name, before in objects._asdict().items():
        getattr(grown, name)[: len(before)] = before
    return grown


def with_pairs(pairs: CommonPairs, sensors: int) -> CommonPairs:
    """Return pairs with room for those of sensors that joined at the end."""
    grown, before = no_common_pairs(sensors), len(pairs.row_of)
    grown.used[:] = pairs.used
    grown.row_of[:before, :before] = pairs.row_of
    for name in CommonPairs._fields[2:]:
        getattr(grown, name)[: len(pairs.last_ns)] = getattr(pairs, name)
    return grown


def forget_sensor(pairs: CommonPairs, slot: int) -> None:
    """Forget what the pairs of one sensor gathered."""
    rows = np.flatnonzero(np.any(pairs.slots[: pairs.used[0]] == slot, axis=1))
    for name in ("info", "score", "compared", "off", "witnesses"):
        getattr(pairs, name)[rows] = 0


def saved_common(objects: Objects, pairs: CommonPairs) -> dict[str, NDArray[Any]]:
    """Return what is in use as named arrays."""
    rows, used = np.flatnonzero(objects.number), int(pairs.used[0])
    return {
        "biases.objects.at": rows,
        **{f"biases.objects.{name}": column[rows] for name, column in objects._asdict().items()},
        **{f"biases.common.{name}": getattr(pairs, name)[:used].copy() for name in CommonPairs._fields[2:]},
    }


def restored_common(state: Mapping[str, NDArray[Any]], sensors: int) -> tuple[Objects, CommonPairs]:
    """Return the objects and pairs that `saved_common` saved."""
    objects, pairs = no_objects(sensors), no_common_pairs(sensors)
    rows = state["biases.objects.at"]
    for name, column in objects._asdict().items():
        column[rows] = state[f"biases.objects.{name}"]
    used = len(state["biases.common.last_ns"])
    pairs.used[0] = used
    for name in CommonPairs._fields[2:]:
        getattr(pairs, name)[:used] = state[f"biases.common.{name}"]
    pairs.row_of[pairs.slots[:used, 0], pairs.slots[:used, 1]] = np.arange(used)
    return objects, pairs

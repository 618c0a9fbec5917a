"""Groups: objects that fly together, closer than sensors tell apart; how many there are is an estimate of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import NAN
from dronewall.model.table import Table, column


@dataclass(frozen=True, slots=True, eq=False)
class Groups(Table):
    """One row per group, predicted to the picture's instant.

    `group_id` is shard (16 bits) and counter (48 bits), never reused; the column of the same name in `Tracks` tells
    which tracks belong to it, and `members` how many. `mean` is the middle's position m and velocity m/s in ECEF,
    `spread` the covariance of the members' places about it, m². `count` is the median of how many objects fly there;
    with 90 % they are `count_low` to `count_high`. `since_ns` is when the group formed.
    """

    group_id: NDArray[np.int64] = column("<i8")
    since_ns: NDArray[np.int64] = column("<i8")
    mean: NDArray[np.float64] = column("<f8", cell=(6,), absent=NAN)
    spread: NDArray[np.float64] = column("<f8", cell=(3, 3), absent=NAN)
    members: NDArray[np.int32] = column("<i4")
    count: NDArray[np.int32] = column("<i4")
    count_low: NDArray[np.int32] = column("<i4")
    count_high: NDArray[np.int32] = column("<i4")


def shown_group_id(group_id: int) -> str:
    """Return a group's number as people see it: `G-0001`, with the shard in front when it is not the first."""
    shard, counter = group_id >> 48, group_id & 0xFFFF_FFFF_FFFF
    return f"G-{counter:04d}" if shard == 0 else f"G-{shard}-{counter:04d}"

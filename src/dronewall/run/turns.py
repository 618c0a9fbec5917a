"""Turns of sensors: how many there were in the last minute, and whether they are all alike. Columns by sensor.

A turn is what a sensor reports under one scan number; a sensor that counts no scans begins a new turn when three
quarters of its declared period have passed since its last one began.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dronewall.engine.clock import NS_PER_S
from dronewall.model.plots import Plots

SLOTS = 60
TURN_SHARE = 0.75
UNDECLARED_PERIOD_S = 1.0
MIXED = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
"""Odd 64-bit constants that spread bits: of the golden ratio, and two large primes."""


def readings(plots: Plots) -> NDArray[np.uint64]:
    """Return one number for what each plot measured, the same for the same readings; instants do not count."""
    columns = (
        plots.range_m,
        plots.azimuth_rad,
        plots.elevation_rad,
        plots.range_rate_mps,
        plots.lat_deg,
        plots.lon_deg,
    )
    digest = np.zeros(len(plots), np.uint64)
    for column in columns:
        bits = np.ascontiguousarray(column).view(np.uint64)
        digest = (digest ^ bits) * MIXED[0]
        digest ^= digest >> np.uint64(29)
    return (digest * MIXED[1]) ^ MIXED[2]


class Turns:
    """The turns of sensors, known by their rows; `grow` before a new row is heard."""

    def __init__(self) -> None:
        self._period_ns = np.zeros(0, np.int64)
        self._scan = np.zeros(0, np.int64)
        self._began_ns = np.zeros(0, np.int64)
        self._digest = np.zeros(0, np.uint64)
        self._before = np.zeros(0, np.uint64)
        self._alike = np.zeros(0, np.int32)
        self._alike_since = np.zeros(0, np.int64)
        self._counts = np.zeros((SLOTS, 0), np.int16)
        self._second = 0

    def grow(self, rows: int) -> None:
        """Make room for so many sensors."""
        more = rows - len(self._scan)
        self._period_ns = np.pad(self._period_ns, (0, more), constant_values=round(UNDECLARED_PERIOD_S * NS_PER_S))
        self._scan = np.pad(self._scan, (0, more), constant_values=-1)
        for name in ("_began_ns", "_digest", "_before", "_alike", "_alike_since"):
            setattr(self, name, np.pad(getattr(self, name), (0, more)))
        self._counts = np.pad(self._counts, ((0, 0), (0, more)))

    def expect(self, rows: NDArray[np.intp], period_s: Sequence[float]) -> None:
        """Take note of what sensors declared; 0 where they did not."""
        declared = np.where(np.asarray(period_s) > 0, period_s, UNDECLARED_PERIOD_S)
        self._period_ns[rows] = (declared * NS_PER_S).astype(np.int64)

    def hear(
        self,
        rows: NDArray[np.intp],
        scan: NDArray[np.int64],
        received_ns: NDArray[np.int64],
        digest: NDArray[np.uint64],
    ) -> None:
        """Take note of a batch: (n,) columns; `digest` 0 for a row that is no report."""
        order = np.lexsort((scan, rows))
        key_row, key_scan = rows[order], scan[order]
        first = np.ones(len(order), bool)
        first[1:] = (key_row[1:] != key_row[:-1]) | (key_scan[1:] != key_scan[:-1])
        starts = np.flatnonzero(first)
        group_row, group_scan = key_row[starts], key_scan[starts]
        group_ns = np.minimum.reduceat(received_ns[order], starts)
        sums = np.add.reduceat(digest[order], starts)
        # The k-th group of each sensor in one go: a batch holds a few turns of a sensor, but thousands of sensors.
        new_row = np.ones(len(starts), bool)
        new_row[1:] = group_row[1:] != group_row[:-1]
        rank = np.arange(len(starts)) - np.flatnonzero(new_row)[np.cumsum(new_row) - 1]
        for k in range(int(rank.max(initial=-1)) + 1):
            at = rank == k
            self._take(group_row[at], group_scan[at], group_ns[at], sums[at])

    def told(self, now_ns: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """Return by sensor the turns of the last minute, how many in a row were alike, and since when."""
        self._turn_to(now_ns // NS_PER_S)
        return self._counts.sum(axis=0, dtype=np.int64), self._alike, self._alike_since

    def _take(
        self,
        rows: NDArray[np.intp],
        scan: NDArray[np.int64],
        began_ns: NDArray[np.int64],
        sums: NDArray[np.uint64],
    ) -> None:
        counted = scan >= 0
        due = began_ns - self._began_ns[rows] >= TURN_SHARE * self._period_ns[rows]
        new = np.where(counted, scan != self._scan[rows], due)
        self._digest[rows[~new]] += sums[~new]
        self._begin(rows[new], scan[new], began_ns[new], sums[new])

    def _begin(
        self, rows: NDArray[np.intp], scan: NDArray[np.int64], began_ns: NDArray[np.int64], sums: NDArray[np.uint64]
    ) -> None:
        if len(rows) == 0:
            return
        over, before = self._digest[rows], self._before[rows]
        alike = (over == before) & (over != 0)
        fresh = alike & (self._alike[rows] == 0)
        self._alike_since[rows] = np.where(fresh, self._began_ns[rows], self._alike_since[rows])
        self._alike[rows] = np.where(alike, self._alike[rows] + 1, 0)
        self._before[rows] = over
        self._digest[rows], self._scan[rows], self._began_ns[rows] = sums, scan, began_ns
        self._turn_to(int(began_ns.max()) // NS_PER_S)
        self._counts[self._second % SLOTS, rows] += 1

    def _turn_to(self, second: int) -> None:
        if second > self._second:
            gone = min(second - self._second, SLOTS)
            self._counts[np.arange(second - gone + 1, second + 1) % SLOTS] = 0
            self._second = second

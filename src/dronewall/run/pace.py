"""The pace: how many reports fit into a tick, learned from how long ticks take."""

from __future__ import annotations

from collections import deque
from statistics import median

WORK_S = 0.09
"""So much of a tick's 100 ms may go into journalling and stepping."""
ROOM_LEAST = 2_000
ROOM_MOST = 100_000
TELLING_FROM = 200
"""Ticks with fewer reports say little about what one costs."""
TICKS_REMEMBERED = 21


class Pace:
    """Follows the cost of a report. The median of some ticks: one hiccup of the machine changes nothing."""

    def __init__(self) -> None:
        self._seconds_each: deque[float] = deque(maxlen=TICKS_REMEMBERED)

    def took(self, reports: int, seconds: float) -> None:
        """Note that a tick of so many reports took so long."""
        if reports >= TELLING_FROM:
            self._seconds_each.append(seconds / reports)

    @property
    def room(self) -> int:
        """How many reports the next tick may take. What a tick costs in any case is laid on its reports: cautious."""
        if not self._seconds_each:
            return ROOM_MOST
        return round(min(max(WORK_S / max(median(self._seconds_each), 1e-9), ROOM_LEAST), ROOM_MOST))

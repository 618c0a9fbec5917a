"""The pace: how many reports fit into a tick, learned from how long steps take."""

from __future__ import annotations

from collections import deque

import numpy as np

WORK_S = 0.09
"""So much of a tick's 100 ms a step may take while nothing is behind."""
WORK_BEHIND_S = 0.2
"""When most sensors bring more than fits, ticks may become longer: each report is cheaper then."""
ROOM_LEAST = 2_000
ROOM_MOST = 100_000
TELLING_FROM = 200
"""Steps with fewer reports say little about what one costs."""
STEPS_REMEMBERED = 64
STEPS_LEAST = 8


class Pace:
    """Follows what a step costs: something in any case, and something for each report.

    Medians of many steps tell: one hiccup of the machine changes nothing.
    """

    def __init__(self) -> None:
        self._steps: deque[tuple[int, float]] = deque(maxlen=STEPS_REMEMBERED)
        self._room: dict[float, int] = {}

    def took(self, reports: int, seconds: float) -> None:
        """Note that a step with so many reports took so long."""
        if reports >= TELLING_FROM:
            self._steps.append((reports, seconds))
            self._room.clear()

    @property
    def room(self) -> int:
        """How many reports the next tick may take."""
        return self._fits(WORK_S)

    @property
    def room_behind(self) -> int:
        """How many it may take where that is not enough, at the price that it becomes longer for everybody."""
        return self._fits(WORK_BEHIND_S)

    def _fits(self, seconds: float) -> int:
        if len(self._steps) < STEPS_LEAST:
            return ROOM_MOST
        if seconds not in self._room:
            fixed_s, each_s = self._cost()
            self._room[seconds] = round(min(max((seconds - fixed_s) / each_s, ROOM_LEAST), ROOM_MOST))
        return self._room[seconds]

    def _cost(self) -> tuple[float, float]:
        """Return what a step costs in any case and for each report: the median slope between steps (Theil-Sen).

        Steps that are all of one size do not tell the two apart. Then half of the cost is laid on the reports.
        """
        reports, seconds = np.array(self._steps).T
        whole_s = float(np.median(seconds / reports))
        later, earlier = np.tril_indices(len(reports), -1)
        apart = reports[later] - reports[earlier]
        telling = np.abs(apart) >= 0.2 * np.median(reports)
        if np.count_nonzero(telling) < STEPS_LEAST:
            each_s = whole_s / 2.0
        else:
            slopes = (seconds[later] - seconds[earlier])[telling] / apart[telling]
            each_s = float(np.clip(np.median(slopes), whole_s / 5.0, whole_s))
        return max(0.0, float(np.median(seconds - each_s * reports))), max(each_s, 1e-9)

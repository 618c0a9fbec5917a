"""How long each stage of the loop takes, over the last minute."""

from __future__ import annotations

from collections import deque

import numpy as np

from dronewall.engine.clock import NS_PER_S
from dronewall.engine.latency import WINDOW_S, Delays
from dronewall.model.status import StageStatus

NS_PER_MS = 1_000_000


class Stages:
    """Delays by stage and second; what is older than a minute is forgotten."""

    def __init__(self) -> None:
        self._seconds: dict[str, deque[tuple[int, Delays]]] = {}
        self._told: tuple[int, tuple[StageStatus, ...]] = (-1, ())

    def took(self, stage: str, began_ns: int, ended_ns: int) -> None:
        """Note that a stage ran from one instant to another."""
        second = ended_ns // NS_PER_S
        seconds = self._seconds.setdefault(stage, deque())
        if not seconds or seconds[-1][0] != second:
            while seconds and seconds[0][0] <= second - WINDOW_S:
                seconds.popleft()
            seconds.append((second, Delays()))
        seconds[-1][1].add(np.array([(ended_ns - began_ns) / NS_PER_MS]))

    def statuses(self, now_ns: int) -> tuple[StageStatus, ...]:
        """Return each stage's delays, worked out anew each second."""
        second = now_ns // NS_PER_S
        if self._told[0] != second:
            self._told = (second, tuple(self._status(stage, second) for stage in sorted(self._seconds)))
        return self._told[1]

    def _status(self, stage: str, second: int) -> StageStatus:
        merged = Delays()
        for at, delays in self._seconds[stage]:
            if at > second - WINDOW_S:
                merged.merge(delays)
        return StageStatus(stage, merged.percentile_ms(50) or 0.0, merged.percentile_ms(99) or 0.0)

"""The clock: the only place of the house that reads the time of day."""

from __future__ import annotations

import asyncio
import heapq
import time
from typing import Protocol

NS_PER_S = 1_000_000_000


class Clock(Protocol):
    """Tells the time and waits. Its law: `now_ns` never goes backwards."""

    def now_ns(self) -> int:
        """Return the time now, nanoseconds UTC since the Unix epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` have passed on this clock."""
        ...


class WallClock:
    """The time of day. When the system's clock is set back, it stands still until the old time comes again."""

    __slots__ = ("_latest_ns",)

    def __init__(self) -> None:
        self._latest_ns = 0

    def now_ns(self) -> int:
        """Return the time now, nanoseconds UTC."""
        self._latest_ns = max(self._latest_ns, time.time_ns())  # noqa: TID251  the one place that may
        return self._latest_ns

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` have passed."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that somebody turns by hand: for replays and tests."""

    __slots__ = ("_now_ns", "_order", "_sleepers")

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns
        self._order = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ns(self) -> int:
        """Return what the clock was last turned to."""
        return self._now_ns

    async def sleep(self, seconds: float) -> None:
        """Wait until somebody has turned the clock by `seconds`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (self._now_ns + round(seconds * NS_PER_S), self._order, woken))
        await woken

    def turn_to(self, now_ns: int) -> None:
        """Set the clock to `now_ns`, never back, and wake whoever has slept long enough."""
        self._now_ns = max(self._now_ns, now_ns)
        while self._sleepers and self._sleepers[0][0] <= self._now_ns:
            *_, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)

    def advance(self, seconds: float) -> None:
        """Turn the clock on by `seconds`."""
        self.turn_to(self._now_ns + round(seconds * NS_PER_S))

    @property
    def sleepers(self) -> int:
        """How many are waiting."""
        return sum(1 for *_, woken in self._sleepers if not woken.done())

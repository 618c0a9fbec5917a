"""The night as a feed: its plots arrive when they would have arrived, as if the sensors were there."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np

from dronewall.feeds.feed import Batch, Decoded
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor
from dronewall.model.status import FeedState, FeedStatus
from dronewall.simulation.night import Night
from dronewall.simulation.source import NS

UNDER_WAY_S = 2_400.0
TICK_S = 0.04
RATE_OVER_NS = 10 * NS


class NightFeed:
    """Plays a night from the present instant on; implements `Feed`.

    At `speed` 1 the instants of the plots are those of the clock. At another speed the night's own instants run ahead
    of it, or fall behind: for looking at a night quickly, not for measuring latency.
    """

    def __init__(
        self,
        night: Night,
        *,
        clock: Callable[[], int],
        name: str = "simulated-night",
        speed: float = 1.0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._night, self._clock, self._name, self._speed, self._pause = night, clock, name, speed, pause
        self._state = FeedState.CONNECTING
        self._decoded = 0
        self._last_received_ns = 0
        self._recent: deque[tuple[int, int]] = deque()

    @classmethod
    def under_way(
        cls, seed: int = 1, *, clock: Callable[[], int], since_s: float = UNDER_WAY_S, speed: float = 1.0
    ) -> NightFeed:
        """Return a feed of a night that began `since_s` before the clock's present."""
        return cls(Night(seed, epoch_ns=clock() - round(since_s * NS)), clock=clock, speed=speed)

    @property
    def name(self) -> str:
        """What people call it."""
        return self._name

    @property
    def url(self) -> str:
        """The night it plays."""
        return f"night://{self._night.seed}"

    @property
    def night(self) -> Night:
        """The night, for its truth."""
        return self._night

    def assumed_sensors(self) -> tuple[Sensor, ...]:
        """Return the night's sensors: they are exactly what they declare."""
        return tuple(self._night.sensors)

    def status(self) -> FeedStatus:
        """Return its health."""
        counted = sum(count for _, count in self._recent)
        span_s = (self._recent[-1][0] - self._recent[0][0]) / NS if len(self._recent) > 1 else 0.0
        return FeedStatus(
            name=self.name,
            url=self.url,
            state=self._state,
            decoded=self._decoded,
            plots_per_s=counted / span_s if span_s > 0 else 0.0,
            last_received_ns=self._last_received_ns,
            detail="simulated",
        )

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what would have been received since the last batch, until the night is over."""
        self._state = self._state.moved_to(FeedState.CONNECTED)
        began_ns = self._clock()
        seconds = _Seconds(self._night, began_ns)
        told_ns = began_ns
        try:
            while told_ns < self._night.end_ns:
                await self._pause(TICK_S)
                now_ns = began_ns + round((self._clock() - began_ns) * self._speed)
                for plots in await seconds.until(now_ns):
                    self._count(plots)
                    yield Batch(Decoded(plots, frames=len(plots)))
                told_ns = now_ns
        finally:
            seconds.close()
        self._state = self._state.moved_to(FeedState.ENDED)

    def _count(self, plots: Plots) -> None:
        self._decoded += len(plots)
        self._last_received_ns = int(plots.received_ns[-1])
        self._recent.append((self._last_received_ns, len(plots)))
        while self._recent[0][0] < self._last_received_ns - RATE_OVER_NS:
            self._recent.popleft()


class _Seconds:
    """The night's plots, made a second ahead in another thread so that nobody waits for them."""

    def __init__(self, night: Night, began_ns: int) -> None:
        self._night = night
        self._from_ns = self._told_ns = began_ns
        self._plots = Plots.empty()
        self._next = self._made_ahead()

    def _made_ahead(self) -> asyncio.Task[Plots]:
        return asyncio.create_task(asyncio.to_thread(self._night.plots_between, self._from_ns, self._from_ns + NS))

    async def until(self, now_ns: int) -> list[Plots]:
        """Return what was received since the last call and before `now_ns`, in order; nothing empty."""
        pieces = [self._cut(now_ns)]
        while self._from_ns <= now_ns:
            self._plots = await self._next
            self._from_ns += NS
            self._next = self._made_ahead()
            pieces.append(self._cut(now_ns))
        self._told_ns = now_ns
        return [piece for piece in pieces if len(piece)]

    def close(self) -> None:
        """Forget the second that was being made."""
        self._next.cancel()

    def _cut(self, now_ns: int) -> Plots:
        a, b = np.searchsorted(self._plots.received_ns, [self._told_ns, now_ns])
        return known_by_their_own(self._plots.take(slice(a, b)))


def known_by_their_own(plots: Plots) -> Plots:
    """Return plots under a dictionary of only those sensors that reported: batches are journalled one by one."""
    used, sensor = np.unique(plots.sensor, return_inverse=True)
    columns = dict(plots.columns())
    columns["sensor"] = sensor.astype(np.int32)
    return Plots(**columns, sensor_ids=tuple(plots.sensor_ids[row] for row in used))

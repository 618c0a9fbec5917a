"""The clock: the only place of the house that reads the time of day."""

from __future__ import annotations

import asyncio
import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

NS_PER_S = 1_000_000_000
STAND_STILL_NS = 2 * NS_PER_S
"""How long a clock may stand still for one that was set back: as long as no track suffers from it."""
NOTICED_NS = 250_000_000
"""Less is no step: a loop that was held up between two readings looks the same."""
SLEWED_AT_MOST = 1_000
"""A clock that is slewed, for instance through a leap second, gains or loses up to 500 ppm; twice that is a step."""
READ_WITHIN_NS, READ_TRIES = 10_000_000, 5
"""Three clocks read within so long are read at one moment."""
EVENTS_KEPT = 64

Source = Callable[[], int]


class _Reading(NamedTuple):
    system_ns: int
    monotonic_ns: int
    boot_ns: int


class Clock(Protocol):
    """Tells the time and waits. Its law: `now_ns` never goes backwards."""

    def now_ns(self) -> int:
        """Return the time now, nanoseconds UTC since the Unix epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` have passed on this clock."""
        ...


class WallClockEventKind(Enum):
    """What can happen to a computer's clock besides time passing."""

    STEPPED_BACK = "stepped back"
    STEPPED_FORWARD = "stepped forward"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class WallClockEvent:
    """Something that happened to the clock: by how much, and when it was noticed, by the clock's own time."""

    kind: WallClockEventKind
    size_s: float
    at_ns: int


class WallClock:
    """The time of day, held against a clock that nobody can set.

    - The system's clock is set back by up to two seconds: this one stands still until the old time comes again.
    - It is set back by more: this one runs on by itself until the system's time has caught up, within two seconds, or
      until the next start, where `floor_ns`, the newest time in the journal, is what it may not fall behind.
    - It is set forward: this one follows, for the system may well have been wrong before; it says so.
    - The machine was suspended: this one goes on at the time it is now, and says so.
    - It is slewed, as a leap second is smeared: nobody need notice.

    On Linux CLOCK_BOOTTIME counts suspended time and CLOCK_MONOTONIC does not (clock_gettime(2)).
    Where there is no such clock, a suspension looks like a step forward. May be asked from any thread.
    """

    def __init__(
        self,
        *,
        floor_ns: int = 0,
        time_ns: Source | None = None,
        monotonic_ns: Source | None = None,
        boottime_ns: Source | None = None,
    ) -> None:
        self._time_ns = time_ns or time.time_ns  # noqa: TID251  the one place that may
        self._monotonic_ns = monotonic_ns or time.monotonic_ns
        self._boottime_ns = boottime_ns or (_boottime_ns if _has_boottime() else self._monotonic_ns)
        self._floor_ns = floor_ns
        self._latest_ns = 0
        self._seen: _Reading | None = None
        self._ahead_of_boot_ns: int | None = None
        self._behind_ns = 0
        self._noticed: list[tuple[WallClockEventKind, int]] = []
        self._events: deque[WallClockEvent] = deque(maxlen=EVENTS_KEPT)
        self._lock = threading.Lock()

    def now_ns(self) -> int:
        """Return the time now, nanoseconds UTC; never less than before."""
        with self._lock:
            seen = self._read()
            if self._seen is None:
                self._begin(seen)
            else:
                self._compare(self._seen, seen)
            self._seen = seen
            self._latest_ns = max(self._latest_ns, self._told(seen))
            self._events.extend(WallClockEvent(kind, ns / NS_PER_S, self._latest_ns) for kind, ns in self._noticed)
            self._noticed.clear()
            return self._latest_ns

    def not_before(self, floor_ns: int) -> None:
        """Let the clock never tell less than this: the newest time in the journal. Call it before the first step."""
        with self._lock:
            self._floor_ns = max(self._floor_ns, floor_ns)
            self._seen = None

    @property
    def events(self) -> tuple[WallClockEvent, ...]:
        """What happened to the clock lately, oldest first."""
        with self._lock:
            return tuple(self._events)

    @property
    def apart_s(self) -> float:
        """By how much this clock runs ahead of the system's, which was set back; 0 when it follows it."""
        with self._lock:
            return self._behind_ns / NS_PER_S

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` have passed."""
        await asyncio.sleep(seconds)

    def _read(self) -> _Reading:
        """Read the three clocks at one moment, as far as the system lets us."""
        for _ in range(READ_TRIES):
            boot_ns, monotonic_ns = self._boottime_ns(), self._monotonic_ns()
            system_ns, after_ns = self._time_ns(), self._boottime_ns()
            if after_ns - boot_ns < READ_WITHIN_NS:
                break
        return _Reading(system_ns, monotonic_ns, boot_ns)

    def _begin(self, seen: _Reading) -> None:
        """Begin no earlier than the floor: a clock that is before it was set back while nobody looked."""
        floor_ns = max(self._floor_ns, self._latest_ns)
        self._latest_ns = floor_ns
        if floor_ns - seen.system_ns > STAND_STILL_NS:
            self._happened(WallClockEventKind.STEPPED_BACK, floor_ns - seen.system_ns)
            self._ahead_of_boot_ns = floor_ns - seen.boot_ns

    def _compare(self, before: _Reading, seen: _Reading) -> None:
        passed_ns = seen.boot_ns - before.boot_ns
        asleep_ns = passed_ns - (seen.monotonic_ns - before.monotonic_ns)
        stepped_ns = seen.system_ns - before.system_ns - passed_ns
        if asleep_ns > NOTICED_NS:
            self._happened(WallClockEventKind.SUSPENDED, asleep_ns)
        if abs(stepped_ns) > NOTICED_NS + passed_ns // SLEWED_AT_MOST:
            kind = WallClockEventKind.STEPPED_FORWARD if stepped_ns > 0 else WallClockEventKind.STEPPED_BACK
            self._happened(kind, abs(stepped_ns))
        if self._ahead_of_boot_ns is None and self._latest_ns + passed_ns - seen.system_ns > STAND_STILL_NS:
            self._ahead_of_boot_ns = self._latest_ns + passed_ns - seen.boot_ns

    def _told(self, seen: _Reading) -> int:
        """Return the system's time, or our own while the system's is too far behind."""
        if self._ahead_of_boot_ns is not None:
            own_ns = seen.boot_ns + self._ahead_of_boot_ns
            if own_ns - seen.system_ns > STAND_STILL_NS:
                self._behind_ns = own_ns - seen.system_ns
                return own_ns
            self._ahead_of_boot_ns, self._behind_ns = None, 0
        return seen.system_ns

    def _happened(self, kind: WallClockEventKind, size_ns: int) -> None:
        self._noticed.append((kind, size_ns))


def _has_boottime() -> bool:
    return hasattr(time, "CLOCK_BOOTTIME")


def _boottime_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


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

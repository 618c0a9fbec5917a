"""How the wall itself is doing: its phase, its feeds, its delays. For people and outlets; never an input of a stage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dronewall.model.errors import IllegalMove
from dronewall.model.picture import TruthDomain


class FeedState(Enum):
    """The life of a feed's connection."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    LOST = "lost"
    ENDED = "ended"

    def may_become(self, other: FeedState) -> bool:
        """Whether the move to `other` is legal; staying is always legal."""
        return other is self or other in _FEED_MOVES[self]

    def moved_to(self, other: FeedState) -> FeedState:
        """Return `other` if the move is legal.

        Raises:
            IllegalMove: it is not.
        """
        if not self.may_become(other):
            raise IllegalMove(self.name, other.name)
        return other


_FEED_MOVES = {
    FeedState.CONNECTING: {FeedState.CONNECTED, FeedState.LOST, FeedState.ENDED},
    FeedState.CONNECTED: {FeedState.LOST, FeedState.ENDED},
    FeedState.LOST: {FeedState.CONNECTING, FeedState.ENDED},
    FeedState.ENDED: set[FeedState](),
}


DATAGRAM_LOST = "datagram lost, for the buffer was full"
"""The reason under which a feed counts what it never saw: refused not for what it was, but for want of room."""


class WallPhase(Enum):
    """What the wall is busy with."""

    COMPILING = "compiling"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """One feed's health. `refused` pairs a reason with its count; rates are over the last ten seconds."""

    name: str
    url: str
    state: FeedState
    decoded: int = 0
    refused: tuple[tuple[str, int], ...] = ()
    unplaceable: int = 0
    plots_per_s: float = 0.0
    last_received_ns: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """One bounded queue: how much waits in it (plots, or bytes where it says so), how much may, and for how long.

    `lag_ms` is the age of the oldest thing in it; `worst_lag_ms` the most since the last full minute.
    """

    name: str
    waiting: int
    most: int
    lag_ms: float
    worst_lag_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class StageStatus:
    """How long one stage of the loop takes per tick, ms, over the last minute."""

    name: str
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class SensorHealth:
    """What is wrong with one sensor, measured against what it declared: an empty `problems` is health.

    `plots_per_s` is over the last minute. `clock_offset_s` is how far its clock is ahead of ours (negative: behind),
    as well as one-way delays can tell; NaN before it is known.
    """

    sensor_id: str
    plots_per_s: float
    heard_ns: int
    clock_offset_s: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WallStatus:
    """The wall's health at one instant: `compiled` of `to_compile` kernels ready; latencies over the last minute.

    `heard_ns` is, by row of the register of sensors, the instant of a sensor's newest plot; 0 for never.
    `shed` counts plots left out before acknowledgement, by sensor, since the start; `repeated` counts reports that
    were sent again and stand in the journal already. `journal_bytes` counts the sealed segments too.
    `disk_full_ns` is when the disk will be full if it goes on like this, 0 when that is not in sight. `sealed_seq`
    is the newest entry that this process has sealed, 0 for none.
    """

    name: str
    version: str
    truth_domain: TruthDomain
    replay: bool
    phase: WallPhase
    compiled: int = 0
    to_compile: int = 0
    feeds: tuple[FeedStatus, ...] = ()
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    journal: str = ""
    detail: str = ""
    heard_ns: tuple[int, ...] = ()
    queues: tuple[QueueStatus, ...] = ()
    stages: tuple[StageStatus, ...] = ()
    sensors: tuple[SensorHealth, ...] = ()
    shed: tuple[tuple[str, int], ...] = ()
    repeated: int = 0
    journal_bytes: int = 0
    disk_free_bytes: int = 0
    disk_full_ns: int = 0
    started_ns: int = 0
    sealed_seq: int = 0

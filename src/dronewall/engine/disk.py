"""How much room the disk still has, how fast it goes, and when it will be gone: judged from samples, purely."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

NS_PER_S = 1_000_000_000
WATCHED_S = 300.0
RATE_FROM_S = 30.0
"""Rates of shorter times say more about one write than about the day."""
LOW_WITHIN_S = 24 * 3600.0
LOW_SHARE = 0.10
RESERVE_BYTES = 512 * 1024**2
EASED = 1.2
"""A state is left when there is this much more room than it was entered at, so that it does not flutter."""
OTHERS_SHARE = 0.1
"""Below this share of the whole rate, what others seem to write is taken for noise."""
OUT_OF_SIGHT_S = 10 * 365 * 86400.0


class RoomState(Enum):
    """How the room is: any may follow any other, for a person may free or fill a disk at once."""

    AMPLE = "ample"
    LOW = "low"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class DiskSample:
    """One look at the disk.

    `journal_bytes` is what the journal takes with its sealed segments, `journal_max_bytes` where its retention begins
    to remove the oldest of them; 0 if nothing limits it.
    """

    at_ns: int
    free_bytes: int
    total_bytes: int
    journal_bytes: int = 0
    journal_max_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """What is known: the state, the free bytes, how fast they go, and when they are gone (ns UTC; 0: not in sight)."""

    state: RoomState
    free_bytes: int
    bytes_per_s: float
    full_ns: int


class DiskRoom:
    """Judges the room from samples of the last five minutes.

    LOW: full within a day, or less than a tenth is free. What was watched for a short time foresees a shorter one, by
    the square: a minute one hour. CRITICAL: less is free than the reserve; what is left then belongs to what was
    promised, and bulk is shed before it is taken.
    """

    def __init__(self, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._reserve_bytes = reserve_bytes
        self._samples: deque[DiskSample] = deque()
        self._state = RoomState.AMPLE

    def take(self, sample: DiskSample) -> Room:
        """Take a sample and return the room as it is now. After a clock that went back, rates are measured anew."""
        if self._samples and sample.at_ns <= self._samples[-1].at_ns:
            self._samples.clear()
        self._samples.append(sample)
        while sample.at_ns - self._samples[0].at_ns > WATCHED_S * NS_PER_S:
            self._samples.popleft()
        rate, runs_s = self._rate(), self._runs_s()
        watched = min(1.0, float(self._times_s()[-1]) / WATCHED_S)
        self._state = _state(sample, runs_s, LOW_WITHIN_S * watched**2, self._state, self._reserve_bytes)
        full_ns = 0 if runs_s > OUT_OF_SIGHT_S else sample.at_ns + round(runs_s * NS_PER_S)
        return Room(self._state, sample.free_bytes, rate, full_ns)

    def _rate(self) -> float:
        """How fast the disk fills, bytes/s, never below 0."""
        return max(0.0, -_slope(self._column("free_bytes"), self._times_s()))

    def _runs_s(self) -> float:
        """How long the free room lasts, seconds. What the journal writes ends where its retention begins."""
        rate, last = self._rate(), self._samples[-1]
        if rate <= 0.0:
            return float("inf")
        runs_s = last.free_bytes / rate
        if not last.journal_max_bytes:
            return runs_s
        own = min(rate, max(0.0, _slope(self._column("journal_bytes"), self._times_s())))
        grows_s = max(0, last.journal_max_bytes - last.journal_bytes) / own if own > 0.0 else float("inf")
        if grows_s >= runs_s:
            return runs_s
        others = rate - own
        if others < OTHERS_SHARE * rate:
            return float("inf")
        return grows_s + (last.free_bytes - rate * grows_s) / others

    def _times_s(self) -> NDArray[np.float64]:
        at_ns = np.array([sample.at_ns for sample in self._samples], np.int64)
        return (at_ns - at_ns[0]) / NS_PER_S

    def _column(self, name: str) -> NDArray[np.float64]:
        return np.array([getattr(sample, name) for sample in self._samples], np.float64)


def _slope(values: NDArray[np.float64], times_s: NDArray[np.float64]) -> float:
    """Return the median of the slopes between all pairs (Theil-Sen), which one large file does not move."""
    if times_s[-1] < RATE_FROM_S:
        return 0.0
    later, earlier = np.tril_indices(len(values), -1)
    return float(np.median((values[later] - values[earlier]) / (times_s[later] - times_s[earlier])))


def _state(sample: DiskSample, runs_s: float, within_s: float, before: RoomState, reserve_bytes: int) -> RoomState:
    if sample.free_bytes < reserve_bytes * (EASED if before is RoomState.CRITICAL else 1.0):
        return RoomState.CRITICAL
    ease = 1.0 if before is RoomState.AMPLE else EASED
    if runs_s < within_s * ease or sample.free_bytes < LOW_SHARE * sample.total_bytes * ease:
        return RoomState.LOW
    return RoomState.AMPLE

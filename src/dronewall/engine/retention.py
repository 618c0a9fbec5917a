"""What is sealed together, and what may go: rules without a disk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from dronewall.engine.log import EntryKind

NS_PER_S = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_S
BYTES_PER_GB = 1e9
PAUSE_MOST_NS = 60 * NS_PER_S
"""What is added to an archive's age by the time between two entries: no more, for then nothing was recorded."""
PATIENCE = 1.5
"""A full stretch waits for the next checkpoint until it is this much larger than it should be."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a segment becomes (whichever comes first), how long segments are kept, how much all may take."""

    segment_s: float = 3600.0
    segment_bytes: int = 256 * 1024**2
    keep_days: float = 7.0
    max_gb: float = 50.0

    @property
    def max_bytes(self) -> int:
        """How much the journal and its segments may take together."""
        return round(self.max_gb * BYTES_PER_GB)


class Recorded:
    """How much time entries span in which something was recorded: what a clock leapt, or a wall stood still, is none.

    Ages are measured by it. A clock that is set forward, before a start or later, thus makes nothing older, and neither
    does a wall that was switched off for weeks.
    """

    def __init__(self) -> None:
        self.total_ns = 0
        self._latest_ns: int | None = None

    def take(self, at_ns: int) -> None:
        """Look at the next entry's instant."""
        if self._latest_ns is not None:
            self.total_ns += min(max(at_ns - self._latest_ns, 0), PAUSE_MOST_NS)
        self._latest_ns = at_ns


class Stretch:
    """Entries that are not sealed yet, looked at one by one, until it is clear where their segment ends.

    It ends right after a step, so that nothing is pending where the next one begins; if one comes in time, at a
    checkpoint, so that a replay can begin there.
    """

    def __init__(self, first_seq: int, limits: Limits) -> None:
        self.first_seq = first_seq
        self.seen_seq = first_seq - 1
        self.body_bytes = 0
        self._limits = limits
        self._first_at_ns: int | None = None
        self._full_seq: int | None = None
        self._overdue = False

    def take(self, seq: int, kind: EntryKind, at_ns: int, body_bytes: int) -> None:
        """Look at the next entry."""
        if self._first_at_ns is None:
            self._first_at_ns = at_ns
        self.seen_seq = seq
        self.body_bytes += body_bytes
        share = max(
            self.body_bytes / self._limits.segment_bytes,
            (at_ns - self._first_at_ns) / (self._limits.segment_s * NS_PER_S),
        )
        if self._full_seq is None and share >= 1.0 and kind is EntryKind.STEP:
            self._full_seq = seq
        self._overdue = self._overdue or share >= PATIENCE

    @property
    def looked_far_enough(self) -> bool:
        """Whether it must end somewhere in what was seen."""
        return self._overdue and self._full_seq is not None

    def end(self, checkpoint_seqs: Collection[int]) -> int | None:
        """Return the last entry of the segment, None while it is not full or a checkpoint may still come.

        Args:
            checkpoint_seqs: of the checkpoints that the journal keeps now.
        """
        full_seq = self._full_seq
        if full_seq is None:
            return None
        known = [seq for seq in checkpoint_seqs if full_seq <= seq <= self.seen_seq]
        if known:
            return min(known)
        return full_seq if self._overdue else None


@dataclass(frozen=True, slots=True)
class Kept:
    """What retention needs to know of a sealed segment; `held` while a person forbids its removal.

    `age_ns` is how much time was recorded since it ended.
    """

    last_seq: int
    age_ns: int
    total_bytes: int
    held: bool = False


class Why(Enum):
    """Why a segment goes."""

    OLD = "older than keep_days"
    ROOM = "more than max_gb"


def removals(
    segments: Sequence[Kept], *, live_bytes: int, live_first_seq: int, limits: Limits
) -> tuple[tuple[int, Why], ...]:
    """Return which segments go, oldest first, as places in `segments`, each with the reason.

    Never one that is held, never one whose entries still stand in the journal (they could not be pruned then), and
    never the newest, to which the next one is chained.

    Args:
        segments: sealed ones, the oldest first.
        live_bytes: what the journal itself takes.
        live_first_seq: the oldest entry that still stands in the journal.
        limits: the operator's.
    """
    removable = [
        place for place, segment in enumerate(segments[:-1]) if not segment.held and segment.last_seq < live_first_seq
    ]
    total = live_bytes + sum(segment.total_bytes for segment in segments)
    going: list[tuple[int, Why]] = []
    for place in removable:
        segment = segments[place]
        if segment.age_ns > limits.keep_days * NS_PER_DAY:
            going.append((place, Why.OLD))
        elif total > limits.max_bytes:
            going.append((place, Why.ROOM))
        else:
            continue
        total -= segment.total_bytes
    return tuple(going)

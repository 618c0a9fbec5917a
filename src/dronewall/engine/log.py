"""The seam of the journal: an ordered log with sequence numbers, and checkpoints beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol


class EntryKind(IntEnum):
    """What an entry of the log holds; the numbers stand in files and never change their meaning."""

    WALL = 1
    SENSORS = 2
    PLOTS = 3
    STEP = 4
    REFUSED = 5
    DECLARATION = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to be remembered: its kind, when it was written (ns UTC), and its body (see `engine.envelope`)."""

    kind: EntryKind
    at_ns: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry with the number the log gave it."""

    seq: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state as it was right after entry `seq`."""

    seq: int
    body: bytes


class Log(Protocol):
    """An ordered log; what follows are its laws.

    The first entry has number 1, each next one the number after; nothing is ever changed or taken out. What one call
    of `append` brings is there whole or not at all, and survives kill -9 and loss of power once the call has returned.
    There is one writer; readers may come at any time and from other processes. It is a `JournalError` when it cannot
    keep its word, and after a failed `append` it accepts nothing more.
    """

    @property
    def name(self) -> str:
        """What people call it: usually its path."""
        ...

    @property
    def last_seq(self) -> int:
        """The number of the newest entry, 0 when there is none."""
        ...

    @property
    def size_bytes(self) -> int:
        """How much room it takes."""
        ...

    def append(self, entries: Sequence[Entry]) -> int:
        """Add entries in one transaction and return the number of the last one; durable when it returns.

        Raises:
            JournalError: nothing of it was kept.
        """
        ...

    def read(self, from_seq: int = 1) -> Iterator[Stored]:
        """Yield what was there when the call was made, from entry `from_seq` on, in order and without a gap.

        Raises:
            JournalError: an entry is missing or cannot be read.
        """
        ...

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint; the two newest stay, older ones go.

        Raises:
            JournalError: it was not kept.
        """
        ...

    def checkpoints(self) -> Sequence[Checkpoint]:
        """Return the checkpoints that are kept, the newest first."""
        ...

    def close(self) -> None:
        """Let go of it; closing twice is fine."""
        ...


CHECKPOINTS_KEPT = 2

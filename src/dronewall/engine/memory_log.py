"""A log in memory: for demonstrations, tests and offline work. It keeps every law but survival."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dronewall.engine.log import CHECKPOINTS_KEPT, Checkpoint, Entry, Stored
from dronewall.model.errors import JournalError


class MemoryLog:
    """An ordered log that ends with its process."""

    __slots__ = ("_bytes", "_checkpoints", "_closed", "_entries")

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._checkpoints: list[Checkpoint] = []
        self._closed = False
        self._bytes = 0

    @property
    def name(self) -> str:
        """What people call it."""
        return "memory"

    @property
    def last_seq(self) -> int:
        """The number of the newest entry, 0 when there is none."""
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """How much room its entries take."""
        return self._bytes

    def append(self, entries: Sequence[Entry]) -> int:
        """Add entries and return the number of the last one."""
        self._refuse_when_closed()
        self._entries.extend(entries)
        self._bytes += sum(len(entry.body) for entry in entries)
        return self.last_seq

    def read(self, from_seq: int = 1) -> Iterator[Stored]:
        """Yield what is there now, from entry `from_seq` on."""
        self._refuse_when_closed()
        return iter([Stored(seq, self._entries[seq - 1]) for seq in range(max(from_seq, 1), self.last_seq + 1)])

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint and let the third newest go."""
        self._refuse_when_closed()
        older = [kept for kept in self._checkpoints if kept.seq != checkpoint.seq]
        self._checkpoints = sorted([checkpoint, *older], key=lambda kept: -kept.seq)[:CHECKPOINTS_KEPT]

    def checkpoints(self) -> Sequence[Checkpoint]:
        """Return the checkpoints, the newest first."""
        return tuple(self._checkpoints)

    def close(self) -> None:
        """Accept nothing more."""
        self._closed = True

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise JournalError(self.name, "the journal is closed")

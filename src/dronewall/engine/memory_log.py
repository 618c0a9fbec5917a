"""A log in memory: for demonstrations, tests and offline work. It keeps every law but survival."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dronewall.engine.log import (
    CHECKPOINTS_KEPT,
    PRUNED_AT_ONCE,
    Appended,
    Checkpoint,
    Entry,
    Stored,
    numbered,
    prunable,
    sifted,
    taken_out,
)
from dronewall.engine.messages import Windows
from dronewall.model.errors import JournalError


class MemoryLog:
    """An ordered log that ends with its process."""

    __slots__ = ("_bytes", "_checkpoints", "_closed", "_entries", "_pruned", "_windows")

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._checkpoints: list[Checkpoint] = []
        self._windows = Windows()
        self._closed = False
        self._pruned = 0
        self._bytes = 0

    @property
    def name(self) -> str:
        """What people call it."""
        return "memory"

    @property
    def first_seq(self) -> int:
        """The number of the oldest entry that is still held, 1 before there is any."""
        return self._pruned + 1

    @property
    def last_seq(self) -> int:
        """The number of the newest entry, 0 when there is none."""
        return self._pruned + len(self._entries)

    @property
    def size_bytes(self) -> int:
        """How much room its entries take."""
        return self._bytes

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Add entries whose messages are new."""
        self._refuse_when_closed()
        windows = self._windows.copy()
        new = sifted(entries, windows)
        appended = numbered(new, self.last_seq)
        added = [entry for entry, is_new in zip(entries, new, strict=True) if is_new]
        self._entries += added
        self._bytes += sum(len(entry.body) for entry in added)
        self._windows = windows
        return appended

    def windows(self) -> Windows:
        """Return what was taken of each source, as a copy."""
        return self._windows.copy()

    def read(self, from_seq: int = 1) -> Iterator[Stored]:
        """Yield what is there now, from entry `from_seq` on."""
        self._refuse_when_closed()
        first = max(from_seq, 1)
        if first < self.first_seq <= self.last_seq:
            raise taken_out(self.name, first, self.first_seq)
        held = enumerate(self._entries[first - self.first_seq :], start=first)
        return iter([Stored(seq, entry) for seq, entry in held])

    def prune(self, through_seq: int, *, most: int = PRUNED_AT_ONCE) -> int:
        """Take out the oldest entries, but none that a restart needs."""
        self._refuse_when_closed()
        seqs = [kept.seq for kept in self._checkpoints]
        through = prunable(through_seq, last_seq=self.last_seq, checkpoints=seqs)
        count = max(0, min(through - self._pruned, most))
        self._bytes -= sum(len(entry.body) for entry in self._entries[:count])
        del self._entries[:count]
        self._pruned += count
        return count

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

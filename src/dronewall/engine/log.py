"""The seam of the journal: an ordered log with sequence numbers, and checkpoints beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from dronewall.engine.messages import Message, Standing, Windows
from dronewall.model.errors import JournalError


class EntryKind(IntEnum):
    """What an entry of the log holds; the numbers stand in files and never change their meaning."""

    WALL = 1
    SENSORS = 2
    PLOTS = 3
    STEP = 4
    REFUSED = 5
    DECLARATION = 6
    WEATHER = 7


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to be remembered: its kind, when it was written (ns UTC), and its body (see `engine.envelope`).

    `message` names what of a source it holds, when that source numbers what it sends.
    """

    kind: EntryKind
    at_ns: int
    body: bytes
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry with the number the log gave it."""

    seq: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of entries: the number of the newest one, and each one's own, 0 for what had been appended before."""

    last_seq: int
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state as it was right after entry `seq`.

    Its body holds the register of sensors and the pipeline's arrays: tracks, biases, counters. What was taken from
    whom is not in it but in the log's windows, which change in the same transaction as the entries.
    """

    seq: int
    body: bytes


CHECKPOINTS_KEPT = 2
PRUNED_AT_ONCE = 2_000


class Log(Protocol):
    """An ordered log; what follows are its laws.

    The first entry has number 1, each next one the number after; nothing is ever changed, and only the oldest entries
    are ever taken out. What one call of `append` brings is there whole or not at all, and survives kill -9 and loss of
    power once the call has returned. An entry whose message was taken before is left out: sending twice counts once.
    There is one writer; readers may come at any time and from other processes. It is a `JournalError` when it cannot
    keep its word, and after a failed `append` it accepts nothing more.
    """

    @property
    def name(self) -> str:
        """What people call it: usually its path."""
        ...

    @property
    def first_seq(self) -> int:
        """The number of the oldest entry that is still held, 1 before there is any."""
        ...

    @property
    def last_seq(self) -> int:
        """The number of the newest entry, 0 when there is none. It is never taken out."""
        ...

    @property
    def size_bytes(self) -> int:
        """How much room it takes."""
        ...

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Add entries, and their messages to the windows, in one transaction; durable when it returns.

        Raises:
            ValueError: a message was taken in part; the caller cuts it first. Nothing was kept.
            JournalError: nothing of it was kept.
        """
        ...

    def windows(self) -> Windows:
        """Return what was taken of each source, as a copy."""
        ...

    def read(self, from_seq: int = 1) -> Iterator[Stored]:
        """Yield what was there when the call was made, from entry `from_seq` on, in order and without a gap.

        Raises:
            JournalError: an entry is missing, was taken out, is damaged, or cannot be read.
        """
        ...

    def prune(self, through_seq: int, *, most: int = PRUNED_AT_ONCE) -> int:
        """Take out up to `most` of the oldest entries, up to entry `through_seq`, and return how many went.

        Fewer go when they are large, so that no append waits long; 0 means that there is nothing left to take out.
        What a restart needs stays: the entries after the older of the checkpoints, all of them if there is none; and
        the newest entry.

        Raises:
            JournalError: nothing was taken out.
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


def sifted(entries: Sequence[Entry], windows: Windows) -> list[bool]:
    """Take the messages of entries into `windows`, in order, and return which entries are new.

    Raises:
        ValueError: a message was taken in part.
    """
    return [entry.message is None or _is_new(entry.message, windows) for entry in entries]


def _is_new(message: Message, windows: Windows) -> bool:
    standing = windows.standing(message)
    if standing is Standing.MIXED:
        raise ValueError(f"some of {message} was appended before: cut it with Windows.fresh first")
    windows.take(message)
    return standing is Standing.NEW


def numbered(new: Sequence[bool], last_seq: int) -> Appended:
    """Return the numbers that entries get after entry `last_seq`, as far as they are new."""
    seqs = []
    for is_new in new:
        last_seq += is_new
        seqs.append(last_seq if is_new else 0)
    return Appended(last_seq, tuple(seqs))


def prunable(through_seq: int, *, last_seq: int, checkpoints: Sequence[int]) -> int:
    """Return up to which entry may be taken out, with checkpoints after the entries `checkpoints`."""
    return min(through_seq, last_seq - 1, min(checkpoints, default=0))


def taken_out(name: str, seq: int, first_seq: int) -> JournalError:
    """Return the error about an entry that was asked for after it had been taken out."""
    return JournalError(
        name,
        f"entry {seq} is no longer in it: it begins with entry {first_seq}, what is older is sealed",
        "See the archive beside it, or read from that entry on.",
    )

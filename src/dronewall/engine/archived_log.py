"""The whole journal, read as one: sealed segments, and after them, without a gap, what still stands in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dronewall.engine.log import Checkpoint, Log, Stored
from dronewall.engine.segments import Segment, checkpoint_in, digest_of, entries_of, run_of, segments_in
from dronewall.model.errors import JournalError


class ArchivedLog:
    """The reading half of a log over sealed segments and the live one.

    Args:
        open_log: opens the journal for reading; it is closed with this.
        folder: of its sealed segments; there may be none.

    Raises:
        JournalError: the segments are of another journal, or entries between them and the journal are missing.
    """

    def __init__(self, open_log: Callable[[], Log], folder: Path) -> None:
        self._folder = folder
        self._live, segments = joined(open_log, folder)
        self.segments: tuple[Segment, ...] = run_of(segments)

    @property
    def live(self) -> Log:
        """The journal itself."""
        return self._live

    @property
    def name(self) -> str:
        """What people call it."""
        return self._live.name

    @property
    def first_seq(self) -> int:
        """The number of the oldest entry that can be read."""
        return self.segments[0].manifest.first_seq if self.segments else self._live.first_seq

    @property
    def last_seq(self) -> int:
        """The number of the newest entry."""
        return self._live.last_seq

    @property
    def size_bytes(self) -> int:
        """How much room all of it takes, segments beyond a gap too."""
        return self._live.size_bytes + sum(segment.total_bytes for segment in segments_in(self._folder))

    def read(self, from_seq: int | None = None) -> Iterator[Stored]:
        """Yield all there is from entry `from_seq` on, by default from the oldest, in order and without a gap.

        A wall may go on sealing and pruning meanwhile: what was pruned since is looked for in new segments.

        Raises:
            JournalError: an entry is missing or damaged, or is older than the oldest.
        """
        next_seq = self.first_seq if from_seq is None else max(from_seq, 1)
        if next_seq < self.first_seq:
            problem = f"entry {next_seq} is gone: the oldest that is kept is {self.first_seq}"
            raise JournalError(self.name, problem, f"Begin there, or restore older segments to {self._folder}.")
        while (segment := self._holding(next_seq)) is not None:
            for stored in entries_of(segment, next_seq):
                if stored.seq > self.last_seq:
                    return
                next_seq = stored.seq + 1
                yield stored
        yield from self._live.read(next_seq)

    def checkpoints(self) -> Sequence[Checkpoint]:
        """Return the states from which it can be read on, the newest first."""
        sealed = (checkpoint_in(segment) for segment in reversed(self.segments))
        kept = {checkpoint.seq: checkpoint for checkpoint in sealed if checkpoint is not None}
        kept |= {checkpoint.seq: checkpoint for checkpoint in self._live.checkpoints()}
        return tuple(kept[seq] for seq in sorted(kept, reverse=True))

    def beginning(self) -> Checkpoint | None:
        """Return the oldest state from which everything after it can be read; None if it can be read from entry 1."""
        if self.first_seq <= 1:
            return None
        known = [checkpoint for checkpoint in self.checkpoints() if checkpoint.seq >= self.first_seq - 1]
        return known[-1] if known else None

    def close(self) -> None:
        """Let go of the journal."""
        self._live.close()

    def _holding(self, seq: int) -> Segment | None:
        found = _holds(self.segments, seq)
        if found is None:  # what the journal held a moment ago may be sealed and pruned by now
            self.segments = run_of(segments_in(self._folder))
            found = _holds(self.segments, seq)
        return found


def _holds(segments: Sequence[Segment], seq: int) -> Segment | None:
    return next((s for s in segments if s.manifest.first_seq <= seq <= s.manifest.last_seq), None)


def joined(open_log: Callable[[], Log], folder: Path) -> tuple[Log, tuple[Segment, ...]]:
    """Return the opened journal and all its segments, so that the one goes on where the others end.

    Segments are listed before the journal is opened: it then knows at least all that was sealed.

    Raises:
        JournalError: they do not belong together, or one of them cannot be read.
    """
    segments = segments_in(folder)
    live = open_log()
    if segments and live.first_seq > segments[-1].manifest.last_seq + 1:  # sealed and pruned just in between
        live.close()
        segments = segments_in(folder)
        live = open_log()
    try:
        if segments:
            check_same_journal(live, segments[-1])
    except JournalError:
        live.close()
        raise
    return live, segments


def check_same_journal(live: Log, newest: Segment) -> None:
    """Make sure that the newest segment was sealed from this journal: its last entry stands in both.

    Raises:
        JournalError: it was not, or what lies between is missing.
    """
    seq = newest.manifest.last_seq
    if live.last_seq < seq or live.first_seq > seq + 1:
        raise _of_another(live, newest)
    if live.first_seq > seq:
        return
    held = next(live.read(seq), None)
    if held is None or digest_of(held) != newest.manifest.last_entry_sha256:
        raise _of_another(live, newest)


def _of_another(live: Log, newest: Segment) -> JournalError:
    return JournalError(
        str(newest.folder.parent),
        f"what is sealed there does not go on in {live.name}: it is another journal's, or entries are missing",
        "Move that folder aside together with the journal it belongs to.",
    )

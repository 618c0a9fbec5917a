"""The archivist: seals finished stretches of the journal, removes what is out of date, and says what may be pruned.

It works in a thread of its own, reads on connections of its own, and does one bounded piece of work per call. It never
writes to the journal: what is sealed and verified is pruned by whoever writes there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from dronewall import __version__
from dronewall.config import JournalSettings
from dronewall.engine.archived_log import check_same_journal
from dronewall.engine.entries import WallBegan, content_of
from dronewall.engine.log import Checkpoint, Log, Stored
from dronewall.engine.retention import NS_PER_S, Kept, Limits, Stretch, Why, removals
from dronewall.engine.sealing import Beginning, seal, stash
from dronewall.engine.segments import Segment, clean, remove, run_of, sealed_folder, segments_in, stashed, verify
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.errors import JournalError
from dronewall.model.picture import Alert, AlertPriority
from dronewall.run.archive_tables import ArchiveTables

BITE_BYTES = 1024**2
BITE_ENTRIES = 4096
LOOKED_BYTES = 64 * 1024**2
"""How much of the journal one call looks at when it seals nothing."""
TOLD_FOR_S = 3600.0
"""How long it is told that recordings went before their days were over."""
BREATH_S = 0.02
"""How long it rests between bites, so that the journal's own syncs come between its own."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A segment that retention removed, and why."""

    name: str
    why: Why
    total_bytes: int


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What one call did and what is known after it.

    `prune_through_seq` is the newest entry that may be pruned from the journal, 0 for none: everything up to it is
    sealed, and was verified since this process began. `more` asks to be called again at once. `sealed_bytes` is what
    all segments take, `live_bytes` what the journal itself takes.
    """

    sealed: Segment | None
    removed: tuple[Removed, ...]
    prune_through_seq: int
    sealed_bytes: int
    live_bytes: int
    more: bool
    alerts: tuple[Alert, ...]


class _Stopped(Exception):
    """The archivist was told to stop in the middle of a segment; nothing is lost, it is sealed next time."""


class Archivist:
    """Seals and removes.

    Args:
        open_log: opens the journal for reading; closed again after each call.
        folder: where the segments are.
        limits: how large segments become, how long they are kept.
        breath_s: how long it rests between two bites of a megabyte.
    """

    def __init__(
        self, open_log: Callable[[], Log], folder: Path, limits: Limits, *, breath_s: float = BREATH_S
    ) -> None:
        self._open_log = open_log
        self._folder = folder
        self._limits = limits
        self._breath_s = breath_s
        self._stopping = threading.Event()
        self._known: dict[Path, Segment] = {}
        self._verified: set[str] = set()
        self._made_room: Alert | None = None
        self._stretch: Stretch | None = None
        self._cleaned = False

    @property
    def folder(self) -> Path:
        """Where the segments are."""
        return self._folder

    def stop(self) -> None:
        """End the work in hand soon; it may be called from another thread."""
        self._stopping.set()

    def work(self, now_ns: int) -> ArchiveReport:
        """Do one piece of work: verify or seal one segment, and remove what is out of date.

        `now_ns` stands in what is told; how old a segment is, what was recorded since tells.

        Nothing is raised for what a disk or a damaged entry can do: the report's alerts say it, and nothing is pruned.
        """
        alerts: list[Alert] = []
        sealed: Segment | None = None
        removed: tuple[Removed, ...] = ()
        live_first_seq, live_bytes, more = 1, 0, False
        try:
            self._clean_once()
            log = self._open_log()
            try:
                live_first_seq, live_bytes = log.first_seq, log.size_bytes
                sealed, more = self._go_on(log)
            finally:
                log.close()
            removed = self._remove(live_first_seq, live_bytes, now_ns)
        except _Stopped:
            more = True
        except (JournalError, OSError, pa.ArrowException) as error:
            self._stretch = None
            alerts.append(_failed(error, now_ns))
        segments = self._segments(alerts, now_ns)
        sealed_bytes = sum(segment.total_bytes for segment in segments)
        if alert := self._too_large(removed, sealed_bytes, live_bytes, now_ns):
            alerts.append(alert)
        prune_through_seq = 0 if _in_doubt(alerts) else self._verified_through(segments, live_first_seq)
        return ArchiveReport(sealed, removed, prune_through_seq, sealed_bytes, live_bytes, more, tuple(alerts))

    def _clean_once(self) -> None:
        if not self._cleaned:
            clean(self._folder)
            self._cleaned = True

    def _go_on(self, log: Log) -> tuple[Segment | None, bool]:
        """Verify a segment that was sealed by another process, or else look for the next one; tell if there is more."""
        segments = run_of(segments_in(self._folder, self._known))
        if segments:
            check_same_journal(log, segments[-1])
        for segment in segments:
            if segment.folder.name not in self._verified and segment.manifest.last_seq >= log.first_seq:
                verify(segment)
                self._verified.add(segment.folder.name)
                return None, True
        return self._seal_next(log, segments[-1] if segments else None)

    def _seal_next(self, log: Log, previous: Segment | None) -> tuple[Segment | None, bool]:
        first_seq = previous.manifest.last_seq + 1 if previous else log.first_seq
        if self._stretch is None or self._stretch.first_seq != first_seq:
            self._stretch = Stretch(first_seq, self._limits)
        checkpoints = {checkpoint.seq: checkpoint for checkpoint in log.checkpoints()}
        whole = self._look(log, self._stretch)
        end = self._stretch.end(checkpoints)
        if end is None:
            return None, not whole
        segment = self._seal(log, first_seq, end, previous, checkpoints.get(end))
        self._stretch = None
        return segment, True

    def _look(self, log: Log, stretch: Stretch) -> bool:
        """Look at entries that were not looked at yet, a bounded number of bytes; return whether none is left."""
        looked = 0
        for stored in log.read(stretch.seen_seq + 1) if stretch.seen_seq < log.last_seq else ():
            entry = stored.entry
            stretch.take(stored.seq, entry.kind, entry.at_ns, len(entry.body))
            looked += len(entry.body)
            if stretch.looked_far_enough or looked >= LOOKED_BYTES:
                return stored.seq == log.last_seq
        return True

    def _seal(
        self, log: Log, first_seq: int, end: int, previous: Segment | None, closing: Checkpoint | None
    ) -> Segment:
        begins_in = stashed(self._folder, first_seq - 1)
        if closing is not None:
            stash(self._folder, closing)
        segment = seal(
            self._folder,
            bites(log, first_seq, end),
            ArchiveTables(log.name, begins_in),
            Beginning(previous, begins_in, __version__, _truth_domain(log, previous)),
            pause=self._breathe,
        )
        self._verified.add(segment.folder.name)
        clean(self._folder)
        return segment

    def _breathe(self) -> None:
        if self._stopping.wait(self._breath_s):
            raise _Stopped

    def _remove(self, live_first_seq: int, live_bytes: int, now_ns: int) -> tuple[Removed, ...]:
        segments = segments_in(self._folder, self._known)
        kept = _kept(segments)
        going = removals(kept, live_bytes=live_bytes, live_first_seq=live_first_seq, limits=self._limits)
        for place, why in going:
            remove(segments[place], why=why.value, at_ns=now_ns)
        return tuple(Removed(segments[place].folder.name, why, segments[place].total_bytes) for place, why in going)

    def _segments(self, alerts: list[Alert], now_ns: int) -> tuple[Segment, ...]:
        try:
            return segments_in(self._folder, self._known)
        except (JournalError, OSError) as error:
            alerts.append(_failed(error, now_ns))
            return ()

    def _verified_through(self, segments: Sequence[Segment], live_first_seq: int) -> int:
        """Return up to where everything the journal still holds is sealed and verified.

        The last entry of the newest segment stays in the journal as well: by it the two are known to belong together.
        """
        through = 0
        for segment in run_of(segments):
            if segment.manifest.last_seq < live_first_seq:
                continue
            if segment.folder.name not in self._verified:
                break
            through = segment.manifest.last_seq
        return max(0, through - 1)

    def _too_large(self, removed: Sequence[Removed], sealed_bytes: int, live_bytes: int, now_ns: int) -> Alert | None:
        """Return the alert about room: what went before its days were over, or that nothing more may go."""
        told = f"{(live_bytes + sealed_bytes) / 1e9:.1f} GB of {self._limits.max_gb:g} GB"
        if live_bytes + sealed_bytes > self._limits.max_bytes:
            detail = f"{told}, and nothing more may be removed: what is left is not sealed, is held, or is the newest"
            title = "The journal is larger than agreed"
            return Alert("journal-large", AlertPriority.WARNING, now_ns, title, detail)
        early = [one.name for one in removed if one.why is Why.ROOM]
        if early:
            detail = f"{told}; removed to make room: {', '.join(early)}"
            title = "Recordings went before their days were over"
            self._made_room = Alert("archive-removed", AlertPriority.WARNING, now_ns, title, detail)
        elif self._made_room is not None and now_ns - self._made_room.raised_at > TOLD_FOR_S * NS_PER_S:
            self._made_room = None
        return self._made_room


def archivist_of(journal: Path, settings: JournalSettings) -> Archivist:
    """Return the archivist of a journal's file, with the operator's settings."""
    limits = Limits(
        segment_s=settings.segment_hours * 3600.0,
        segment_bytes=round(settings.segment_mb * 1024**2),
        keep_days=settings.keep_days,
        max_gb=settings.max_gb,
    )
    return Archivist(lambda: SqliteLog(journal, read_only=True), sealed_folder(journal), limits)


def bites(log: Log, first_seq: int, last_seq: int) -> Iterator[list[Stored]]:
    """Yield entries a megabyte at a time, each read for itself: no reader stands long in the journal's way."""
    next_seq = first_seq
    while next_seq <= last_seq:
        bite = _bite(log, next_seq, last_seq)
        next_seq = bite[-1].seq + 1
        yield bite


def _bite(log: Log, first_seq: int, last_seq: int) -> list[Stored]:
    bite: list[Stored] = []
    size = 0
    for stored in log.read(first_seq):
        bite.append(stored)
        size += len(stored.entry.body)
        if stored.seq == last_seq or size >= BITE_BYTES or len(bite) == BITE_ENTRIES:
            break
    return bite


def _kept(segments: Sequence[Segment]) -> list[Kept]:
    """Return what retention asks of segments, the oldest first; what is not sealed yet makes none of them older."""
    kept: list[Kept] = []
    age_ns = 0
    for segment in reversed(segments):
        kept.append(Kept(segment.manifest.last_seq, age_ns, segment.total_bytes, segment.held))
        age_ns += segment.manifest.spans_ns
    return kept[::-1]


def _truth_domain(log: Log, previous: Segment | None) -> str:
    if previous is not None:
        return previous.manifest.truth_domain
    first = next(log.read(log.first_seq), None)
    began = None if first is None else content_of(first, journal=log.name)
    return began.truth_domain if isinstance(began, WallBegan) else ""


def _failed(error: Exception, now_ns: int) -> Alert:
    title = "The journal cannot be archived"
    return Alert("archive-failed", AlertPriority.CRITICAL, now_ns, title, f"{error}; nothing is pruned meanwhile")


def _in_doubt(alerts: Sequence[Alert]) -> bool:
    return any(alert.alert_id == "archive-failed" for alert in alerts)

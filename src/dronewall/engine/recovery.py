"""Recovery: what is whole in a damaged journal, up to the first entry that is not, becomes a new one.

The damaged file is only read. Entries keep their numbers. What follows a damaged entry is lost to the new journal, for
a log has no gaps; it stays in the old file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dronewall.engine.envelope import is_sound
from dronewall.engine.log import Checkpoint, Stored
from dronewall.engine.messages import NUMBERS_IN_WINDOW, Window, Windows
from dronewall.engine.sqlite_checkpoints import PIECES, steps_to_keep
from dronewall.engine.sqlite_file import connected, opened_for_writing, told, version
from dronewall.engine.sqlite_rows import INSERT, row_of, stored_rows, window_row
from dronewall.engine.writer_lock import WriterLock
from dronewall.model.errors import InputError, JournalError

COPIED_AT_ONCE_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was saved of a journal, and what was lost.

    Entries `first_seq` to `last_seq` were saved. `lost` counts those after them that are known to have been there; what
    the damage hides may be more. `problems` says what could not be read.
    """

    first_seq: int
    last_seq: int
    lost: int
    checkpoint_seq: int
    sources: int
    keys: int
    problems: tuple[str, ...]

    @property
    def entries(self) -> int:
        """How many entries were saved."""
        return self.last_seq - self.first_seq + 1

    @property
    def whole(self) -> bool:
        """Whether nothing was lost."""
        return not self.problems


def recover(path: Path, out: Path, *, on_entry: Callable[[int], None] = lambda seq: None) -> Recovered:
    """Copy what is whole in the journal at `path` into a new one at `out`; `on_entry` is told each number.

    Raises:
        InputError: there is no journal at `path`, or something is at `out` already.
        JournalError: somebody writes to the journal, nothing of it can be read, or the new one cannot be written.
    """
    if not path.is_file():
        raise InputError("there is no such journal", "Give the path of an existing one.", str(path))
    if out.exists():
        raise InputError("it exists already", "Give the path of a file that does not.", str(out))
    source_lock, lock = WriterLock(path), WriterLock(out)
    try:
        with closing(_opened_though_damaged(path)) as source:
            try:
                return _Copy(path, source, source_lock, out).made(on_entry)
            except JournalError:
                _remove(out)
                raise
    finally:
        source_lock.release()
        lock.release()
        out.with_name(out.name + ".lock").unlink(missing_ok=True)


class _Copy:
    """One recovery under way; every step that fails adds a problem, and what it could read stays."""

    def __init__(self, path: Path, source: sqlite3.Connection, lock: WriterLock, out: Path) -> None:
        self._path, self._source, self._lock, self._out = path, source, lock, out
        self._problems: list[str] = []
        self._windows, self._taken_at = Windows(), dict[str, int]()
        self._first_seq, self._last_seq = 0, 0
        self._cut_short = True

    def made(self, on_entry: Callable[[int], None]) -> Recovered:
        try:
            with closing(opened_for_writing(self._out)) as target:
                for stored in self._copied(target):
                    on_entry(stored.seq)
                if not self._last_seq:
                    self._problems = self._problems or ["it holds no entry"]
                    remedy = "Restore it from a copy, or start a new one."
                    raise JournalError(str(self._path), f"nothing can be saved: {self._problems[0]}", remedy)
                with target:
                    target.execute("BEGIN IMMEDIATE")
                    checkpoint_seq, sources, keys = self._beside(target)
                target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise told(self._out, error) from error
        lost = self._lost()
        return Recovered(self._first_seq, self._last_seq, lost, checkpoint_seq, sources, keys, tuple(self._problems))

    def _copied(self, target: sqlite3.Connection) -> Iterator[Stored]:
        """Copy entries in transactions of some megabytes, and yield each."""
        waiting: list[Stored] = []
        size = 0
        for stored in self._sound():
            waiting.append(stored)
            size += len(stored.entry.body)
            if size >= COPIED_AT_ONCE_BYTES:
                yield from self._insert(target, waiting)
                waiting, size = [], 0
        yield from self._insert(target, waiting)

    def _insert(self, target: sqlite3.Connection, entries: list[Stored]) -> Iterable[Stored]:
        with target:
            target.execute("BEGIN IMMEDIATE")
            target.executemany(INSERT, [row_of(stored.seq, stored.entry) for stored in entries])
        for stored in entries:
            self._first_seq = self._first_seq or stored.seq
            self._last_seq = stored.seq
            if (message := stored.entry.message) is not None:
                self._windows.take(message)
                self._taken_at[message.source] = stored.seq
        return entries

    def _sound(self) -> Iterator[Stored]:
        """Yield the entries up to the first that is damaged, missing or cannot be reached."""
        expected = 0
        try:
            for stored in stored_rows(self._source, self._path, 0, 2**63 - 1):
                if expected and stored.seq != expected:
                    self._problems.append(f"entry {expected} is missing")
                    return
                expected = stored.seq + 1
                yield stored
            self._cut_short = False
        except JournalError as error:
            self._problems.append(error.problem)
        except sqlite3.Error as error:
            where = f"entry {expected}" if expected else "the first entry"
            self._problems.append(f"{where} cannot be read ({error})")

    def _beside(self, target: sqlite3.Connection) -> tuple[int, int, int]:
        """Copy checkpoints, windows and state; return the newest checkpoint's entry and how many of the others."""
        usable = [kept for kept in self._checkpoints() if self._first_seq - 1 <= kept.seq <= self._last_seq]
        for kept in reversed(usable):
            for step in steps_to_keep(kept):
                for statement, arguments in step:
                    target.execute(statement, arguments)
        windows = self._known_windows()
        rows = [window_row(source, window, seq) for source, (window, seq) in windows.items()]
        target.executemany("INSERT INTO windows VALUES (?, ?, ?, ?, ?)", rows)
        state = list(self._rows("state", "SELECT key, revision, value FROM state"))
        target.executemany("INSERT INTO state VALUES (?, ?, ?)", state)
        keys = sum(value is not None for *_, value in state)
        return max((kept.seq for kept in usable), default=0), len(windows), keys

    def _checkpoints(self) -> Iterator[Checkpoint]:
        """Yield the checkpoints that are sound; one only saves time, so that its loss is none."""
        for (seq,) in self._rows("checkpoints", "SELECT seq FROM checkpoints"):
            for _, rest in self._rows("checkpoints", "SELECT seq, body FROM checkpoints WHERE seq = ?", seq):
                pieces = [*(piece for (piece,) in self._rows("checkpoint_pieces", PIECES, seq)), rest]
                if all(isinstance(piece, bytes) for piece in pieces) and is_sound(body := b"".join(pieces)):
                    yield Checkpoint(seq, body)

    def _known_windows(self) -> dict[str, tuple[Window, int]]:
        """Return the windows as they were after the last saved entry.

        One that a lost entry has moved on is made from the messages of the saved entries: what is lost comes again.
        """
        known = {source: (window, self._taken_at[source]) for source, window in self._windows}
        asked = "SELECT source, boot, high, seen, seq FROM windows WHERE seq <= ?"
        for source, boot, high, seen, seq in self._rows("windows", asked, self._last_seq):
            if not (isinstance(source, str) and all(isinstance(n, int) for n in (boot, high, seen, seq))):
                continue  # what stands in a damaged page may be anything
            known[source] = (Window(boot, high, seen % 2**NUMBERS_IN_WINDOW), seq)
        return known

    def _rows(self, table: str, asked: str, *arguments: int) -> Iterator[Any]:
        """Yield rows as far as they can be read."""
        if table in ("windows", "state", "about", "checkpoint_pieces") and version(self._source, self._path) < 2:
            return
        try:
            yield from self._source.execute(asked, arguments)
        except sqlite3.Error as error:
            self._problems.append(f"the {table} cannot be read whole ({error})")

    def _lost(self) -> int:
        """Return how many entries are known to have followed the last one that was saved."""
        newest = [seq or 0 for (seq,) in self._rows("newest entries", "SELECT max(seq) FROM log")]
        newest += [seq or 0 for (seq,) in self._rows("checkpoints", "SELECT max(seq) FROM checkpoints")]
        for (journal_id,) in self._rows("about", "SELECT value FROM about WHERE name = 'id'"):
            newest.append(self._lock.acknowledged(str(journal_id)))
        lost = max([*newest, self._last_seq]) - self._last_seq
        if lost and not self._problems:
            self._problems.append(f"the journal ends at entry {self._last_seq}, {lost} more had been acknowledged")
        return max(lost, int(self._cut_short))


def _opened_though_damaged(path: Path) -> sqlite3.Connection:
    """Return a connection for reading that also opens a file that is shorter than its header says."""
    connection = connected(path, "mode=ro")
    try:
        connection.execute("PRAGMA writable_schema=ON")
        if version(connection, path) == 0:
            raise JournalError(str(path), "it is empty", "Restore it from a copy, or start a new one.")
    except (sqlite3.Error, JournalError) as error:
        connection.close()
        raise told(path, error) if isinstance(error, sqlite3.Error) else error from None
    return connection


def _remove(out: Path) -> None:
    for end in ("", "-wal", "-shm"):
        out.with_name(out.name + end).unlink(missing_ok=True)

"""The journal of one machine: an SQLite file that anyone can open.

Write-ahead log, `synchronous=FULL`: a transaction is on the disk when `append` returns. One row per entry. A second
writer is kept out by a lock on the file beside it; readers of other processes see every finished transaction.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NoReturn, TypeVar

from dronewall.engine.log import (
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
from dronewall.engine.messages import SOURCES_MAX, Windows
from dronewall.engine.sqlite_checkpoints import Step, is_kept, next_to_drop, steps_to_keep, stored_checkpoints
from dronewall.engine.sqlite_file import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    damaged,
    is_journal,
    opened_for_reading,
    opened_for_writing,
    told,
)
from dronewall.engine.sqlite_rows import (
    INSERT,
    NEWEST,
    SELECT,
    row_of,
    stored_from,
    stored_rows,
    stored_windows,
    window_row,
)
from dronewall.engine.writer_lock import WriterLock
from dronewall.model.errors import JournalError

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "SqliteLog", "is_journal"]

R = TypeVar("R")
TURN_S = 0.002
"""How long a long piece of work rests between two transactions, so that whoever waits to append can."""
TAIL_ENTRIES, TAIL_BYTES = 64, 8 * 2**20
"""How much of the newest entries is looked at before a journal is written on."""
PRUNED_BYTES = 8 * 2**20
PAGES_GIVEN_BACK = 2_560
"""How much one pruning takes out and how many free pages it gives back to the disk, 10 MiB: no append waits long."""


class SqliteLog:
    """An ordered log in one SQLite file. One thread at a time writes; calls from others wait their turn.

    Args:
        path: the file; made when absent, unless `read_only`.
        read_only: read without a lock, for replays; whatever writes is refused.

    Raises:
        JournalError: the file is another program's, of a newer version, locked, missing, damaged or may not be written.
    """

    __slots__ = ("_broken", "_connection", "_id", "_lock", "_path", "_read_only", "_span", "_turn", "_windows")

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._broken: JournalError | None = None
        self._turn = threading.Lock()
        self._windows = Windows()
        self._id = ""
        if read_only and not path.is_file():
            raise JournalError(str(path), "there is no such journal", "Give the path of an existing one.")
        self._lock = None if read_only else WriterLock(path)
        try:
            self._connection = opened_for_reading(path) if read_only else opened_for_writing(path)
            self._look_at_it()
        except (sqlite3.Error, JournalError) as error:
            self._let_go()
            raise told(path, error) if isinstance(error, sqlite3.Error) else error from None

    @property
    def name(self) -> str:
        """The path of its file."""
        return str(self._path)

    @property
    def first_seq(self) -> int:
        """The number of the oldest entry that is still held, 1 before there is any."""
        return self._span[0]

    @property
    def last_seq(self) -> int:
        """The number of the newest entry, 0 when there is none."""
        return self._span[1]

    @property
    def size_bytes(self) -> int:
        """How large its file is, without the newest entries that still stand in the write-ahead log beside it."""
        try:
            return self._path.stat().st_size
        except OSError:  # somebody moved it away; the next append will find out
            return 0

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Add entries whose messages are new, in one transaction; durable when it returns."""
        with self._turn:
            self._refuse_when_broken()
            windows = self._windows.copy()
            new = sifted(entries, windows)
            appended = numbered(new, self.last_seq)
            rows = [row_of(seq, entry) for seq, entry in zip(appended.seqs, entries, strict=True) if seq]
            try:
                with self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    self._connection.executemany(INSERT, rows)
                    self._keep_windows(windows, {row[3]: row[0] for row in rows if row[3] is not None})
            except sqlite3.Error as error:
                self._break(error)
            self._windows = windows
            self._span = (self.first_seq, appended.last_seq)
            if self._lock is not None:
                self._lock.note(self._id, appended.last_seq)
            return appended

    def windows(self) -> Windows:
        """Return what was taken of each source, as a copy."""
        return self._windows.copy()

    def read(self, from_seq: int = 1) -> Iterator[Stored]:
        """Yield what was there when the call was made, from entry `from_seq` on, in order and without a gap."""
        return self._read(max(from_seq, 1), self.last_seq)

    def prune(self, through_seq: int, *, most: int = PRUNED_AT_ONCE) -> int:
        """Take out the oldest entries in one transaction, but none that a restart needs, and give room back."""
        with self._turn:
            self._refuse_when_broken()
            first, last = self._span
            try:
                seqs = [seq for (seq,) in self._connection.execute("SELECT seq FROM checkpoints")]
                through = min(prunable(through_seq, last_seq=last, checkpoints=seqs), first - 1 + most)
                through = self._short_of(first, through)
                if through >= first:
                    self._connection.execute("DELETE FROM log WHERE seq <= ?", (through,))
                # A script, for `execute` stops after the first page.
                self._connection.executescript(f"PRAGMA incremental_vacuum({PAGES_GIVEN_BACK});")
            except sqlite3.Error as error:
                self._break(error)
            self._span = (max(first, through + 1), last)
            return self.first_seq - first

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint; the two newest stay. In pieces, between which other threads append."""
        for step in steps_to_keep(checkpoint, replacing=self._asked(lambda: is_kept(self._connection, checkpoint.seq))):
            self._do(step)
        while (dropped := self._asked(lambda: next_to_drop(self._connection))) is not None:
            self._do(dropped)

    def checkpoints(self) -> Sequence[Checkpoint]:
        """Return the checkpoints that are kept, the newest first; no append waits for it."""
        try:
            with closing(opened_for_reading(self._path)) as connection:
                connection.execute("BEGIN")
                return tuple(stored_checkpoints(connection, self._path))
        except sqlite3.Error as error:
            raise told(self._path, error) from error

    def _do(self, step: Step) -> None:
        """Do one short transaction, and let those who wait have their turn."""
        with self._turn:
            self._refuse_when_broken()
            try:
                with self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    for statement, arguments in step:
                        self._connection.execute(statement, arguments)
            except sqlite3.Error as error:
                self._break(error)
        threading.Event().wait(TURN_S)

    def _asked(self, question: Callable[[], R]) -> R:
        with self._turn:
            self._refuse_when_broken()
            try:
                return question()
            except sqlite3.Error as error:
                self._break(error)

    def close(self) -> None:
        """Let go of the file and of its lock."""
        with self._turn:
            self._let_go()
            self._broken = self._broken or JournalError(self.name, "the journal is closed")

    def _look_at_it(self) -> None:
        """Find out what it holds; before it is written on, see that its end is whole."""
        # Two questions, for only one of min and max alone is answered without reading every page.
        span = "SELECT (SELECT min(seq) FROM log), (SELECT max(seq) FROM log)"
        first, last = self._connection.execute(span).fetchone()
        self._span = (first or 1, last or 0)
        self._windows = stored_windows(self._connection)
        if self._read_only:
            return
        self._id = str(self._connection.execute("SELECT value FROM about WHERE name = 'id'").fetchone()[0])
        acknowledged = self._lock.acknowledged(self._id) if self._lock is not None else 0
        if acknowledged > self.last_seq:
            problem = f"entries {self.last_seq + 1} to {acknowledged} were acknowledged and are missing"
            raise damaged(self._path, problem)
        self._look_at_the_tail()

    def _look_at_the_tail(self) -> None:
        expected, looked_at = self.last_seq, 0
        for row in self._connection.execute(SELECT[SCHEMA_VERSION] + NEWEST, (TAIL_ENTRIES,)):
            if row[0] != expected:
                raise damaged(self._path, f"entry {expected} is missing")
            stored_from(row, self._path)
            expected, looked_at = expected - 1, looked_at + len(row[-1])
            if looked_at >= TAIL_BYTES:
                return

    def _short_of(self, first: int, through: int) -> int:
        """Return how far entries may be taken out at once, so that no append waits long: at least one of them."""
        size = 0
        asked = "SELECT seq, length(body) FROM log WHERE seq BETWEEN ? AND ? ORDER BY seq"
        for seq, body_bytes in self._connection.execute(asked, (first, through)):
            size += body_bytes
            if size >= PRUNED_BYTES:
                return int(seq)
        return through

    def _keep_windows(self, windows: Windows, touched: dict[str, int]) -> None:
        """Store the windows that entries changed (source → entry), and drop the ones that had to go for them."""
        if not touched:
            return
        known = dict(windows)
        if len(known) >= SOURCES_MAX:
            gone = [(source,) for source, _ in self._windows if source not in known]
            self._connection.executemany("DELETE FROM windows WHERE source = ?", gone)
        self._connection.executemany(
            "INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, ?)",
            [window_row(source, known[source], seq) for source, seq in touched.items() if source in known],
        )

    def _read(self, from_seq: int, through: int) -> Iterator[Stored]:
        expected = from_seq
        try:
            with closing(opened_for_reading(self._path)) as connection:
                for stored in stored_rows(connection, self._path, from_seq, through):
                    if stored.seq != expected:
                        break
                    expected += 1
                    yield stored
                first = connection.execute("SELECT min(seq) FROM log").fetchone()[0] or 1
        except sqlite3.Error as error:
            raise told(self._path, error) from error
        if expected <= through and expected < first:
            raise taken_out(self.name, expected, first)
        if expected <= through:
            raise damaged(self._path, f"entry {expected} is missing")

    def _refuse_when_broken(self) -> None:
        if self._broken is not None:
            raise self._broken
        if self._read_only:
            raise JournalError(self.name, "the journal was opened for reading only")

    def _break(self, error: sqlite3.Error) -> NoReturn:
        self._broken = told(self._path, error)
        raise self._broken from error

    def _let_go(self) -> None:
        connection: sqlite3.Connection | None = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()
        if self._lock is not None:
            self._lock.release()

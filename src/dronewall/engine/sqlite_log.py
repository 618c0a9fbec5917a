"""The journal of one machine: an SQLite file that anyone can open.

Write-ahead log, `synchronous=FULL`: a transaction is on the disk when `append` returns. One row per entry. A second
writer is kept out by a lock on the file beside it; readers of other processes see every finished transaction.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NoReturn

from dronewall.engine.log import CHECKPOINTS_KEPT, Checkpoint, Entry, EntryKind, Stored
from dronewall.model.errors import JournalError

APPLICATION_ID = 0x44574A31
"""The four letters DWJ1 in the file's header: what tells a journal from any other SQLite file."""
SCHEMA_VERSION = 1
BUSY_S = 5.0
SCHEMA = """
CREATE TABLE log (
    seq INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);
"""
REMEDIES = {
    "SQLITE_FULL": ("the disk is full", "Free some space or set [journal] path to another disk, then start again."),
    "SQLITE_READONLY": ("it may not be written", "Give this user write permission to it and to its folder."),
    "SQLITE_CANTOPEN": ("it cannot be opened", "See that its folder exists and that this user may write there."),
    "SQLITE_IOERR": ("the disk refused to write or read", "See that the disk is sound and not full, then start again."),
    "SQLITE_BUSY": ("another program keeps it locked", "End the program that has it open, then start again."),
    "SQLITE_CORRUPT": ("the file is damaged", "Move it aside and start with a new one; keep it for recovery."),
    "SQLITE_NOTADB": ("it is not a journal", "Choose another path: this file belongs to something else."),
}


class SqliteLog:
    """An ordered log in one SQLite file.

    Args:
        path: the file; made when absent, unless `read_only`.
        read_only: read without a lock, for replays; `append` and `keep` are refused.

    Raises:
        JournalError: the file is another program's, of a newer version, locked, missing or may not be written.
    """

    __slots__ = ("_broken", "_connection", "_last_seq", "_lock", "_path", "_read_only")

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._broken: JournalError | None = None
        self._lock: int | None = None
        if read_only and not path.is_file():
            raise JournalError(str(path), "there is no such journal", "Give the path of an existing one.")
        if not read_only:
            self._lock = _locked(path)
        try:
            self._connection = self._opened()
            self._last_seq = int(self._connection.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()[0])
        except sqlite3.Error as error:
            self._unlock()
            raise _told(path, error) from error
        except JournalError:
            self._unlock()
            raise

    @property
    def name(self) -> str:
        """The path of its file."""
        return str(self._path)

    @property
    def last_seq(self) -> int:
        """The number of the newest entry, 0 when there is none."""
        return self._last_seq

    @property
    def size_bytes(self) -> int:
        """How large its file is, without the newest entries that still stand in the write-ahead log beside it."""
        try:
            return self._path.stat().st_size
        except OSError:  # somebody moved it away; the next append will find out
            return 0

    def append(self, entries: Sequence[Entry]) -> int:
        """Add entries in one transaction and return the number of the last one; durable when it returns."""
        self._refuse_when_broken()
        first = self._last_seq + 1
        rows = [(first + i, int(entry.kind), entry.at_ns, entry.body) for i, entry in enumerate(entries)]
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            self._break(error)
        self._last_seq += len(rows)
        return self._last_seq

    def read(self, from_seq: int = 1) -> Iterator[Stored]:
        """Yield what was there when the call was made, from entry `from_seq` on, in order and without a gap."""
        return self._read(max(from_seq, 1), self._last_seq)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint; the two newest stay."""
        self._refuse_when_broken()
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.execute(
                    "INSERT OR REPLACE INTO checkpoints VALUES (?, ?)", (checkpoint.seq, checkpoint.body)
                )
                self._connection.execute(
                    "DELETE FROM checkpoints WHERE seq NOT IN (SELECT seq FROM checkpoints ORDER BY seq DESC LIMIT ?)",
                    (CHECKPOINTS_KEPT,),
                )
        except sqlite3.Error as error:
            self._break(error)

    def checkpoints(self) -> Sequence[Checkpoint]:
        """Return the checkpoints that are kept, the newest first."""
        try:
            rows = self._connection.execute("SELECT seq, body FROM checkpoints ORDER BY seq DESC").fetchall()
        except sqlite3.Error as error:
            raise _told(self._path, error) from error
        return tuple(Checkpoint(seq, body) for seq, body in rows)

    def close(self) -> None:
        """Let go of the file and of its lock."""
        self._connection.close()
        self._unlock()
        self._broken = self._broken or JournalError(self.name, "the journal is closed")

    def _opened(self) -> sqlite3.Connection:
        connection = self._reading() if self._read_only else self._connected("mode=rwc")
        try:
            self._prepare(connection)
        except (sqlite3.Error, JournalError):
            connection.close()
            raise
        return connection

    def _reading(self) -> sqlite3.Connection:
        """Return a connection of its own for one reader, who then waits for nobody."""
        connection = self._connected("mode=ro")
        try:
            connection.execute("PRAGMA user_version")
        except sqlite3.OperationalError:
            connection.close()
            # In a folder that may not be written SQLite reads a file with no write-ahead log only as one that never
            # changes; with such a log beside it, that would hide its newest entries.
            if self._path.with_name(self._path.name + "-wal").exists():
                raise
            return self._connected("mode=ro&immutable=1")
        return connection

    def _connected(self, how: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self._path.absolute().as_uri()}?{how}",
            uri=True,
            timeout=BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )

    def _prepare(self, connection: sqlite3.Connection) -> None:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        fresh = (application, version, tables) == (0, 0, 0)
        if not fresh and application != APPLICATION_ID:
            raise JournalError(self.name, *REMEDIES["SQLITE_NOTADB"])
        if version > SCHEMA_VERSION:
            raise JournalError(
                self.name,
                f"it was written by a newer dronewall (journal version {version}, this one knows {SCHEMA_VERSION})",
                "Install that version, or choose another path.",
            )
        if self._read_only:
            if fresh:
                raise JournalError(self.name, *REMEDIES["SQLITE_NOTADB"])
            return
        connection.execute("PRAGMA synchronous=FULL")
        if fresh:
            # One transaction, and before the write-ahead log begins: a kill in the middle leaves an empty file, which
            # the next start takes for a fresh one, and a journal can be told by its first page.
            connection.executescript(
                f"BEGIN;{SCHEMA}PRAGMA application_id={APPLICATION_ID};PRAGMA user_version={SCHEMA_VERSION};COMMIT;"
            )
            _sync_folder(self._path)
        connection.execute("PRAGMA journal_mode=WAL")

    def _read(self, from_seq: int, through: int) -> Iterator[Stored]:
        expected = from_seq
        try:
            with closing(self._reading()) as connection:
                for seq, kind, at_ns, body in connection.execute(
                    "SELECT seq, kind, at_ns, body FROM log WHERE seq BETWEEN ? AND ? ORDER BY seq", (from_seq, through)
                ):
                    if seq != expected:
                        break
                    expected += 1
                    yield Stored(seq, Entry(self._kind(seq, kind), at_ns, body))
        except sqlite3.Error as error:
            raise _told(self._path, error) from error
        if expected <= through:
            raise JournalError(
                self.name, f"entry {expected} is missing", "Restore the journal from a copy, or start a new one."
            )

    def _kind(self, seq: int, kind: int) -> EntryKind:
        try:
            return EntryKind(kind)
        except ValueError as error:
            raise JournalError(
                self.name, f"entry {seq} is of an unknown kind ({kind})", "It may be of a newer dronewall: install it."
            ) from error

    def _refuse_when_broken(self) -> None:
        if self._broken is not None:
            raise self._broken
        if self._read_only:
            raise JournalError(self.name, "the journal was opened for reading only")

    def _break(self, error: sqlite3.Error) -> NoReturn:
        self._broken = _told(self._path, error)
        raise self._broken from error

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def is_journal(path: Path) -> bool:
    """Whether a file is a journal of ours, by its header."""
    try:
        with path.open("rb") as file:
            header = file.read(72)
    except OSError:
        return False
    return header.startswith(b"SQLite format 3\0") and int.from_bytes(header[68:72], "big") == APPLICATION_ID


def _locked(path: Path) -> int:
    """Return the open descriptor that holds the writer's lock; the system lets go of it when the process dies."""
    beside = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        problem, remedy = REMEDIES["SQLITE_CANTOPEN"]
        raise JournalError(str(path), f"{problem}: {(error.strerror or '').lower()}", remedy) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise JournalError(
            str(path),
            f"another dronewall (process {holder or 'unknown'}) is writing to it",
            "End that one first, or give this one another journal.",
        ) from error
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    except OSError:  # a full disk: the lock holds without the number, and the journal itself will say so
        return descriptor
    return descriptor


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(path: Path, error: sqlite3.Error) -> JournalError:
    name = getattr(error, "sqlite_errorname", "") or ""
    for prefix, (problem, remedy) in REMEDIES.items():
        if name.startswith(prefix):
            return JournalError(str(path), f"{problem} ({error})", remedy)
    return JournalError(str(path), f"SQLite says: {error}", "See that the file is a journal and the disk is sound.")

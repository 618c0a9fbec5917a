"""The file of a journal: how it is opened, locked and brought to this version, and what its errors mean.

    log          one row per entry; `crc` covers the whole row, NULL in rows of version 1
    windows      what was taken of each source, as of entry `seq`
    checkpoints  the two newest; `checkpoint_pieces` holds what of a large one comes before its `body`
    state        keys with their value (NULL: deleted) and the revision at which it was put
    about        `id`: what tells this journal from any other

Version 1 had `log` (seq, kind, at_ns, body) and `checkpoints`. It is brought to version 2 in one transaction when it is
opened for writing, which touches no entry and takes no time; a kill in the middle leaves version 1. Opened for reading
it stays as it is. Files begun in version 1 keep their size when entries are taken out, and use the room again.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from dronewall.model.errors import JournalError

APPLICATION_ID = 0x44574A31
"""The four letters DWJ1 in the file's header: what tells a journal from any other SQLite file."""
SCHEMA_VERSION = 2
BUSY_S = 5.0
WAL_BYTES_KEPT = 64 * 2**20
"""What the write-ahead log is cut back to after a large transaction."""
LOG = """CREATE TABLE log (
    seq INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    source TEXT,
    boot INTEGER,
    first INTEGER,
    last INTEGER,
    crc INTEGER,
    body BLOB NOT NULL
)"""
CHECKPOINTS = "CREATE TABLE checkpoints (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)"
SINCE_VERSION_2 = (
    "CREATE TABLE windows (source TEXT PRIMARY KEY, boot INTEGER NOT NULL, high INTEGER NOT NULL,"
    " seen INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE state (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, value BLOB) WITHOUT ROWID",
    "CREATE UNIQUE INDEX state_by_revision ON state (revision)",
    "CREATE TABLE checkpoint_pieces (seq INTEGER NOT NULL, piece INTEGER NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY (seq, piece))",
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "INSERT INTO about VALUES ('id', lower(hex(randomblob(16))))",
)
FRESH = (LOG, CHECKPOINTS, *SINCE_VERSION_2, f"PRAGMA application_id={APPLICATION_ID}")
FROM_VERSION_1 = (
    "ALTER TABLE log ADD COLUMN source TEXT",
    "ALTER TABLE log ADD COLUMN boot INTEGER",
    "ALTER TABLE log ADD COLUMN first INTEGER",
    "ALTER TABLE log ADD COLUMN last INTEGER",
    "ALTER TABLE log ADD COLUMN crc INTEGER",
    *SINCE_VERSION_2,
)
REMEDIES = {
    "SQLITE_FULL": ("the disk is full", "Free some space or set [journal] path to another disk, then start again."),
    "SQLITE_READONLY": ("it may not be written", "Give this user write permission to it and to its folder."),
    "SQLITE_CANTOPEN": ("it cannot be opened", "See that its folder exists and that this user may write there."),
    "SQLITE_IOERR": ("the disk refused to write or read", "See that the disk is sound and not full, then start again."),
    "SQLITE_BUSY": ("another program keeps it locked", "End the program that has it open, then start again."),
    "SQLITE_NOTADB": ("it is not a journal", "Choose another path: this file belongs to something else."),
}


def damaged(path: Path, problem: str) -> JournalError:
    """Return the error about a journal that is damaged; it names the way out."""
    remedy = f"`dronewall recover {path} --out NEW` saves what is whole into a new journal and leaves this one alone."
    return JournalError(str(path), problem, remedy)


def told(path: Path, error: sqlite3.Error) -> JournalError:
    """Return what an error of SQLite means for a journal."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_CORRUPT"):
        return damaged(path, f"the file is damaged ({error})")
    for prefix, (problem, remedy) in REMEDIES.items():
        if name.startswith(prefix):
            return JournalError(str(path), f"{problem} ({error})", remedy)
    return JournalError(str(path), f"SQLite says: {error}", "See that the file is a journal and the disk is sound.")


def is_journal(path: Path) -> bool:
    """Whether a file is a journal of ours, by its header."""
    try:
        with path.open("rb") as file:
            header = file.read(72)
    except OSError:
        return False
    return header.startswith(b"SQLite format 3\0") and int.from_bytes(header[68:72], "big") == APPLICATION_ID


def opened_for_reading(path: Path) -> sqlite3.Connection:
    """Return a connection of its own for one reader, who then waits for nobody.

    Raises:
        sqlite3.Error: it cannot be opened.
        JournalError: it is no journal, or of a newer version.
    """
    connection = _reading(path)
    try:
        if version(connection, path) == 0:
            raise JournalError(str(path), *REMEDIES["SQLITE_NOTADB"])
    except (sqlite3.Error, JournalError):
        connection.close()
        raise
    return connection


def opened_for_writing(path: Path) -> sqlite3.Connection:
    """Return a connection to a journal of this version, made or brought to it. The caller holds the writer's lock.

    Raises:
        sqlite3.Error: it cannot be opened or written.
        JournalError: it is no journal, or of a newer version.
    """
    connection = connected(path, "mode=rwc")
    try:
        connection.execute("PRAGMA synchronous=FULL")
        found = version(connection, path)
        if found == 0:
            # Before the write-ahead log begins: a kill in the middle leaves an empty file, which the next start takes
            # for a fresh one, and a journal can be told by its first page.
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            bring_to_this_version(connection, FRESH)
            _sync_folder(path)
        _begin_write_ahead(connection, path)
        connection.execute(f"PRAGMA journal_size_limit={WAL_BYTES_KEPT}")
        if found == 1:
            bring_to_this_version(connection, FROM_VERSION_1)
    except (sqlite3.Error, JournalError):
        connection.close()
        raise
    return connection


def _begin_write_ahead(connection: sqlite3.Connection, path: Path) -> None:
    """Write ahead from now on, and build on nothing that the disk may have given up.

    After a failed synchronisation the system takes for written what never reached the disk, and shows it to the next
    reader. So what the write-ahead log of an earlier process holds is written anew, into the file, before more follows.
    And where the change of mode fails SQLite stays as it was and says so only in its answer; in that mode the removal
    of its journal, which is what commits, is not synchronised.
    """
    if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        raise JournalError(str(path), *REMEDIES["SQLITE_IOERR"])
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def connected(path: Path, how: str) -> sqlite3.Connection:
    """Return a connection as SQLite opens it; transactions are begun by name."""
    uri = f"{path.absolute().as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


def version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of a journal, 0 for an empty file.

    Raises:
        JournalError: the file is another program's, or of a newer version.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if (application, found, tables) == (0, 0, 0):
        return 0
    if application != APPLICATION_ID:
        raise JournalError(str(path), *REMEDIES["SQLITE_NOTADB"])
    if found > SCHEMA_VERSION:
        raise JournalError(
            str(path),
            f"it was written by a newer dronewall (journal version {found}, this one knows {SCHEMA_VERSION})",
            "Install that version, or choose another path.",
        )
    return found


def bring_to_this_version(connection: sqlite3.Connection, statements: tuple[str, ...]) -> None:
    """Run statements and set the version, all in one transaction."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _reading(path: Path) -> sqlite3.Connection:
    connection = connected(path, "mode=ro")
    try:
        connection.execute("PRAGMA user_version")
    except sqlite3.OperationalError:
        connection.close()
        # In a folder that may not be written SQLite reads a file with no write-ahead log only as one that never
        # changes; with such a log beside it, that would hide its newest entries.
        if path.with_name(path.name + "-wal").exists():
            raise
        return connected(path, "mode=ro&immutable=1")
    return connection


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

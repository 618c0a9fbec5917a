"""The state of one machine, in the journal's file: processes change it by turns, and each sees what the others did."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from dronewall.engine.sqlite_file import SCHEMA_VERSION, opened_for_reading, opened_for_writing, told, version
from dronewall.engine.state import Change, Kept, watched
from dronewall.engine.writer_lock import WriterLock
from dronewall.model.errors import Conflict, JournalError


class SqliteState:
    """Keys with values in a journal's file, made or brought to this version if need be.

    Any number of processes may have it open, beside the one that writes the log. A deleted key keeps its row without a
    value, so that those who watch learn of it and no revision is given twice.

    Raises:
        JournalError: the file is another program's, of a newer version, damaged or may not be written; or of an older
            version while somebody writes to it.
    """

    __slots__ = ("_closed", "_connection", "_path", "_turn")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closed = False
        self._turn = threading.Lock()
        try:
            lock = None if _is_of_this_version(path) else WriterLock(path)
            try:
                self._connection = opened_for_writing(path)
            finally:
                if lock is not None:
                    lock.release()
        except sqlite3.Error as error:
            raise told(path, error) from error

    def get(self, key: str) -> Kept | None:
        """Return what a key holds."""
        with self._asking() as connection:
            row = connection.execute("SELECT value, revision FROM state WHERE key = ?", (key,)).fetchone()
        return None if row is None or row[0] is None else Kept(*row)

    def put(self, key: str, value: bytes, *, expected: int) -> int:
        """Let a key hold a value; durable when it returns."""
        return self._change(key, value, expected)

    def delete(self, key: str, *, expected: int) -> int:
        """Let a key exist no more; durable when it returns."""
        return self._change(key, None, expected)

    def keys(self, prefix: str = "") -> Sequence[str]:
        """Return the keys that begin with `prefix`, in order."""
        asked = (
            "SELECT key FROM state WHERE value IS NOT NULL AND substr(key, 1, length(:prefix)) = :prefix ORDER BY key"
        )
        with self._asking() as connection:
            return tuple(key for (key,) in connection.execute(asked, {"prefix": prefix}))

    def watch(self, prefix: str = "", *, after: int = 0) -> AsyncIterator[Change]:
        """Yield what keys become, whoever changes them."""
        return watched(lambda since: self._since(prefix, since), after=after)

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            self._closed = True
            self._connection.close()

    def _change(self, key: str, value: bytes | None, expected: int) -> int:
        with self._asking() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            row = connection.execute("SELECT revision, value FROM state WHERE key = ?", (key,)).fetchone()
            found = 0 if row is None or row[1] is None else int(row[0])
            if found != expected or (value is None and found == 0):
                raise Conflict(key, expected, found)
            revision = int(connection.execute("SELECT coalesce(max(revision), 0) + 1 FROM state").fetchone()[0])
            connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", (key, revision, value))
        return revision

    def _since(self, prefix: str, after: int) -> Sequence[Change] | None:
        asked = (
            "SELECT key, value, revision FROM state"
            " WHERE revision > :after AND substr(key, 1, length(:prefix)) = :prefix ORDER BY revision"
        )
        with self._turn:
            if self._closed:
                return None
            try:
                rows = self._connection.execute(asked, {"prefix": prefix, "after": after}).fetchall()
            except sqlite3.Error as error:
                raise told(self._path, error) from error
        return [Change(*row) for row in rows]

    @contextmanager
    def _asking(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to one thread at a time, and let errors speak of the journal."""
        with self._turn:
            if self._closed:
                raise JournalError(str(self._path), "the state is closed")
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise told(self._path, error) from error


def _is_of_this_version(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with closing(opened_for_reading(path)) as connection:
            return version(connection, path) == SCHEMA_VERSION
    except JournalError:  # opening it for writing will say what it is
        return False


def kept_in(path: Path, key: str) -> bytes | None:
    """Return what a key of a journal's state holds, without writing to the file; None if there is no such key.

    Raises:
        JournalError: the file cannot be read.
    """
    try:
        with closing(opened_for_reading(path)) as connection:
            if version(connection, path) < SCHEMA_VERSION:  # an older journal has no state
                return None
            row = connection.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
    except sqlite3.Error as error:
        raise told(path, error) from error
    return None if row is None else row[0]

"""The rows of a journal's file: how entries and windows become rows, and what was stored is checked when it is read."""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from dronewall.engine.envelope import MAGIC, is_sound
from dronewall.engine.log import Entry, EntryKind, Stored
from dronewall.engine.messages import NUMBERS_IN_WINDOW, Message, Window, Windows
from dronewall.engine.sqlite_file import damaged
from dronewall.model.errors import JournalError

INSERT = "INSERT INTO log (seq, kind, at_ns, source, boot, first, last, crc, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
SELECT = {
    1: "SELECT seq, kind, at_ns, NULL, NULL, NULL, NULL, NULL, body FROM log",
    2: "SELECT seq, kind, at_ns, source, boot, first, last, crc, body FROM log",
}
"""How entries are asked for, by the version of the journal."""
BETWEEN = " WHERE seq BETWEEN ? AND ? ORDER BY seq"
NEWEST = " ORDER BY seq DESC LIMIT ?"
Row = tuple[int, int, int, str | None, int | None, int | None, int | None, int | None, bytes]
"""seq, kind, at_ns, source, boot, first, last, crc, body."""


def stored_rows(connection: sqlite3.Connection, path: Path, from_seq: int, through: int) -> Iterator[Stored]:
    """Yield the entries of a journal in order, each checked by its checksum; gaps are for the caller to see.

    Raises:
        sqlite3.Error: a page cannot be read.
        JournalError: an entry is damaged or of an unknown kind.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for row in connection.execute(SELECT[version] + BETWEEN, (from_seq, through)):
        yield stored_from(row, path)


def stored_windows(connection: sqlite3.Connection, *, through: int = 2**63 - 1) -> Windows:
    """Return the windows that a journal holds, of sources that were last taken from up to entry `through`."""
    if connection.execute("PRAGMA user_version").fetchone()[0] < 2:
        return Windows()
    rows = connection.execute(
        "SELECT source, boot, high, seen FROM windows WHERE seq <= ? ORDER BY seq", (through,)
    ).fetchall()
    return Windows((source, Window(boot, high, seen % 2**NUMBERS_IN_WINDOW)) for source, boot, high, seen in rows)


def stored_from(row: Row, path: Path) -> Stored:
    """Return a row as what it stores.

    Raises:
        JournalError: it is not what was written, or of an unknown kind.
    """
    seq, kind, at_ns, source, boot, first, last, crc, body = row
    if not _is_row(row) or ((body.startswith(MAGIC) and not is_sound(body)) if crc is None else crc != _crc(row)):
        raise damaged(path, f"entry {seq} is damaged: its checksum does not match")
    message = None
    if source is not None and boot is not None and first is not None and last is not None:
        message = Message(source, boot, first, last)
    try:
        return Stored(seq, Entry(EntryKind(kind), at_ns, body, message))
    except ValueError as error:
        raise JournalError(
            str(path), f"entry {seq} is of an unknown kind ({kind})", "It may be of a newer dronewall: install it."
        ) from error


def _is_row(row: Row) -> bool:
    """Whether the values are of the types that were written; what stands in a damaged page may be anything."""
    seq, kind, at_ns, source, boot, first, last, crc, body = row
    numbers = all(isinstance(value, int) for value in (seq, kind, at_ns))
    perhaps = all(value is None or isinstance(value, int) for value in (boot, first, last, crc))
    return numbers and perhaps and isinstance(source, str | None) and isinstance(body, bytes)


def row_of(seq: int, entry: Entry) -> Row:
    """Return an entry as its row."""
    message = entry.message
    named = (None,) * 4 if message is None else (message.source, message.boot, message.first, message.last)
    row: Row = (seq, int(entry.kind), entry.at_ns, *named, None, entry.body)
    return (*row[:7], _crc(row), entry.body)


def _crc(row: Row) -> int:
    seq, kind, at_ns, source, boot, first, last, _, body = row
    head = struct.pack("<6q", seq, kind, at_ns, boot or 0, first or 0, last or 0)
    return zlib.crc32(body, zlib.crc32(head + (source or "").encode()))


def window_row(source: str, window: Window, seq: int) -> tuple[str, int, int, int, int]:
    """Return a window as its row; the 64 bits become the signed integer that SQLite keeps."""
    signed = window.seen - (window.seen >> (NUMBERS_IN_WINDOW - 1) << NUMBERS_IN_WINDOW)
    return source, window.boot, window.high, signed, seq

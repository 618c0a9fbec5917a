"""Checkpoints in a journal's file: a large one lies in pieces, so that it can be written between appends.

The pieces come first, each in a transaction of its own; the row in `checkpoints`, with what is left, makes them valid.
Pieces without such a row belong to nobody and go with the next checkpoint that is kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from dronewall.engine.log import CHECKPOINTS_KEPT, Checkpoint
from dronewall.engine.sqlite_file import version

PIECE_BYTES = 2**20
PIECES_SINCE = 2
PIECES = "SELECT body FROM checkpoint_pieces WHERE seq = ? ORDER BY piece"
ADD_PIECE = "INSERT OR REPLACE INTO checkpoint_pieces VALUES (?, ?, ?)"
ADD = "INSERT OR REPLACE INTO checkpoints VALUES (?, ?)"
LONGER = "DELETE FROM checkpoint_pieces WHERE seq = ? AND piece >= ?"
FORGET = "DELETE FROM checkpoints WHERE seq NOT IN (SELECT seq FROM checkpoints ORDER BY seq DESC LIMIT ?)"
NOBODYS = "SELECT seq, piece FROM checkpoint_pieces WHERE seq NOT IN (SELECT seq FROM checkpoints) LIMIT 1"

Step = tuple[tuple[str, tuple[object, ...]], ...]
"""Statements of one short transaction, with their arguments."""


def is_kept(connection: sqlite3.Connection, seq: int) -> bool:
    """Whether a checkpoint after entry `seq` is kept already."""
    return connection.execute("SELECT 1 FROM checkpoints WHERE seq = ?", (seq,)).fetchone() is not None


def steps_to_keep(checkpoint: Checkpoint, *, replacing: bool = False) -> Iterator[Step]:
    """Yield the transactions that keep a checkpoint and let the third newest go, but for its pieces.

    One that is `replacing` another after the same entry comes in one transaction, however long it takes: its pieces
    would stand among those of the other, which a kill in the middle would leave half overwritten.
    """
    steps = _steps_in_pieces(checkpoint)
    if replacing:
        yield tuple(statement for step in steps for statement in step)
    else:
        yield from steps


def _steps_in_pieces(checkpoint: Checkpoint) -> Iterator[Step]:
    body = memoryview(checkpoint.body)
    starts = range(0, max(len(body) - PIECE_BYTES, 0), PIECE_BYTES)
    for piece, start in enumerate(starts):
        yield ((ADD_PIECE, (checkpoint.seq, piece, body[start : start + PIECE_BYTES])),)
    rest = body[len(starts) * PIECE_BYTES :]
    longer = (LONGER, (checkpoint.seq, len(starts)))  # of one that was kept after the same entry before
    yield (longer, (ADD, (checkpoint.seq, rest)), (FORGET, (CHECKPOINTS_KEPT,)))


def next_to_drop(connection: sqlite3.Connection) -> Step | None:
    """Return the transaction that takes out one piece that belongs to nobody, None if there is none."""
    found = connection.execute(NOBODYS).fetchone()
    return None if found is None else (("DELETE FROM checkpoint_pieces WHERE seq = ? AND piece = ?", tuple(found)),)


def stored_checkpoints(connection: sqlite3.Connection, path: Path) -> list[Checkpoint]:
    """Return the checkpoints in a journal's file, the newest first; the caller holds them still by a transaction.

    Raises:
        sqlite3.Error: they cannot be read.
    """
    rows = connection.execute("SELECT seq, body FROM checkpoints ORDER BY seq DESC").fetchall()
    if version(connection, path) < PIECES_SINCE:
        return [Checkpoint(seq, body) for seq, body in rows]
    return [
        Checkpoint(seq, b"".join([*(piece for (piece,) in connection.execute(PIECES, (seq,))), rest]))
        for seq, rest in rows
    ]

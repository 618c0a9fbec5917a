"""Recordings on disk, read in pieces so that none is ever held whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from dronewall.feeds.feed import Decoded
from dronewall.model.errors import InputError

PIECE_BYTES = 64 * 1024
NS_PER_S = 1_000_000_000
HALF_SECOND_NS = NS_PER_S // 2


def check_readable(path: Path) -> None:
    """Make sure a recording can be opened.

    Raises:
        InputError: it is missing, not a file, or may not be read.
    """
    try:
        with path.open("rb"):
            return
    except FileNotFoundError as error:
        raise InputError("there is no such file", "Check the path.", file=str(path)) from error
    except IsADirectoryError as error:
        raise InputError("this is a folder, not a recording", "Name a file in it.", file=str(path)) from error
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        raise InputError(reason, "Check who may read it.", file=str(path)) from error


def pieces(path: Path, piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """Yield a file's bytes in order.

    Raises:
        InputError: reading fails half-way.
    """
    try:
        with path.open("rb") as file:
            while piece := file.read(piece_bytes):
                yield piece
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise InputError(reason, "Check the disk and who may read it.", file=str(path)) from error


def by_half_seconds(decoded: Decoded) -> Iterator[Decoded]:
    """Yield what was decoded at once in pieces of half a second of receipt; all counts go with the first."""
    plots = decoded.plots
    edges = np.flatnonzero(np.diff(plots.received_ns // HALF_SECOND_NS)) + 1
    if not len(edges):
        yield decoded
        return
    first, *others = (plots.take(slice(start, end)) for start, end in zip([0, *edges], [*edges, None], strict=True))
    yield Decoded(first, decoded.frames, decoded.refused, decoded.unplaceable)
    for piece in others:
        yield Decoded(piece)


def midnight_ns(day: date) -> int:
    """Return the instant a day begins, ns UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * NS_PER_S

"""Plots, steps and refusals of a journal as a file for other people's programs: MCAP, Parquet or lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec

from dronewall import __version__
from dronewall.engine.archived_log import ArchivedLog
from dronewall.engine.entries import Content, FramesRefused, PlotsCame, Stepped, content_of
from dronewall.engine.log import Entry, Stored
from dronewall.engine.segments import sealed_folder
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.errors import InputError
from dronewall.model.plots import Plots
from dronewall.wire.plots_jsonl import encoded
from dronewall.wire.schemas import file_schema

PARQUET_ROWS = 50_000
WHOLE = {"type": "integer"}
WORDS = {"type": "string"}
STEP_SCHEMA = {"type": "object", "properties": {"seq": WHOLE, "now_ns": WHOLE, "through_seq": WHOLE}}
REFUSED_SCHEMA = {
    "type": "object",
    "properties": {
        "seq": WHOLE,
        "feed": WORDS,
        "counts": {"type": "object", "additionalProperties": WHOLE, "description": "How many, by reason."},
    },
}

Counts = dict[str, int]


class Writer(Protocol):
    """Writes one kind of file."""

    def take(self, stored: Stored, content: Content) -> None:
        """Write what an entry holds, as far as it belongs into the file."""
        ...

    def finish(self) -> Counts:
        """End the file; return how many there are of what."""
        ...


def export(
    journal: Path, out: Path, *, from_ns: int | None = None, to_ns: int | None = None, tell: Callable[[str], None]
) -> Counts:
    """Write what was journalled from an instant until before another, and return how many there are of what.

    Args:
        journal: its file; sealed segments are found beside it.
        out: `.mcap` (plots, steps, refused), `.parquet` or `.jsonl` (plots). It is there whole or not at all.
        from_ns: the first instant; None for the oldest entry.
        to_ns: the first instant that is left out; None for the newest entry.
        tell: told how far it is.

    Raises:
        InputError: the ending is unknown, the file cannot be written, a package is missing, there is no journal.
        JournalError: the journal or a segment cannot be read.
    """
    if out.suffix not in _WRITERS:
        raise InputError(f"{out.name!r} has no known ending", f"Known are: {', '.join(_WRITERS)}.", field="--out")
    if not journal.is_file():
        raise InputError("there is no such journal", "Give its path with --journal.", str(journal))
    archive = ArchivedLog(lambda: SqliteLog(journal, read_only=True), sealed_folder(journal))
    half = out.with_name(out.name + ".part")
    try:
        with _WRITERS[out.suffix](half) as writer:
            for stored in _between(archive, from_ns, to_ns):
                writer.take(stored, content_of(stored, journal=archive.name))
                if stored.seq % 256 == 0:
                    tell(f"exporting {journal.name}: entry {stored.seq} of {archive.last_seq}")
            counts = writer.finish()
        half.rename(out)
    except OSError as error:
        raise InputError(f"it cannot be written: {error}", "Check the folder and its disk.", str(out)) from error
    finally:
        half.unlink(missing_ok=True)
        archive.close()
    return counts


def _between(archive: ArchivedLog, from_ns: int | None, to_ns: int | None) -> Iterator[Stored]:
    """Yield the entries written between two instants; segments that end before the first are not opened."""
    earlier = [s.manifest.last_seq for s in archive.segments if from_ns is not None and s.manifest.last_at_ns < from_ns]
    for stored in archive.read(max(earlier) + 1 if earlier else None):
        if _within(stored.entry, from_ns, to_ns):
            yield stored


def _within(entry: Entry, from_ns: int | None, to_ns: int | None) -> bool:
    return (from_ns is None or entry.at_ns >= from_ns) and (to_ns is None or entry.at_ns < to_ns)


class _Lines:
    def __init__(self, file: Any) -> None:
        self._file = file
        self._plots = 0

    def take(self, stored: Stored, content: Content) -> None:
        if isinstance(content, PlotsCame):
            self._file.write(encoded(content.plots))
            self._plots += len(content.plots)

    def finish(self) -> Counts:
        return {"plots": self._plots}


@contextmanager
def _lines(path: Path) -> Iterator[Writer]:
    with path.open("wb") as file:
        yield _Lines(file)


class _Columns:
    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._held: list[Plots] = []
        self._rows = 0
        self._plots = 0

    def take(self, stored: Stored, content: Content) -> None:
        if isinstance(content, PlotsCame) and len(content.plots):
            self._held.append(content.plots)
            self._rows += len(content.plots)
            if self._rows >= PARQUET_ROWS:
                self._write()

    def finish(self) -> Counts:
        self._write()
        return {"plots": self._plots}

    def _write(self) -> None:
        from dronewall.wire.plots_parquet import table_of

        if self._held:
            self._writer.write_table(table_of(Plots.concat(self._held)))
        self._plots += self._rows
        self._held, self._rows = [], 0


@contextmanager
def _columns(path: Path) -> Iterator[Writer]:
    import pyarrow.parquet as pq

    from dronewall.wire.plots_parquet import table_of

    with pq.ParquetWriter(path, table_of(Plots.empty()).schema, compression="zstd") as writer:
        yield _Columns(writer)


class _Channels:
    """Plots at the instant they were received, steps at their `now`, refusals when they were written."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._counts: Counter[str] = Counter(plots=0, steps=0, refused=0)
        schemas = {"plots": file_schema("plots"), "steps": STEP_SCHEMA, "refused": REFUSED_SCHEMA}
        self._channels = {name: self._channel(name, schema) for name, schema in schemas.items()}

    def take(self, stored: Stored, content: Content) -> None:
        if isinstance(content, PlotsCame):
            plots = content.plots
            instants = zip(plots.received_ns.tolist(), plots.at_ns.tolist(), strict=True)
            for line, (received_ns, at_ns) in zip(encoded(plots).splitlines(), instants, strict=True):
                self._add("plots", line, received_ns, at_ns, stored.seq)
        elif isinstance(content, Stepped):
            told = {"seq": stored.seq, "now_ns": content.now_ns, "through_seq": content.through_seq}
            self._add("steps", msgspec.json.encode(told), content.now_ns, content.now_ns, stored.seq)
        elif isinstance(content, FramesRefused):
            refused = {"seq": stored.seq, "feed": content.feed, "counts": dict(content.counts)}
            at_ns = stored.entry.at_ns
            self._add("refused", msgspec.json.encode(refused), at_ns, at_ns, stored.seq)

    def finish(self) -> Counts:
        self._writer.finish()
        return dict(self._counts)

    def _channel(self, name: str, schema: dict[str, Any]) -> int:
        schema_id = self._writer.register_schema(f"dronewall.{name}", "jsonschema", msgspec.json.encode(schema))
        return int(self._writer.register_channel(topic=name, message_encoding="json", schema_id=schema_id))

    def _add(self, name: str, data: bytes, log_ns: int, publish_ns: int, seq: int) -> None:
        self._counts[name] += 1
        self._writer.add_message(
            channel_id=self._channels[name],
            log_time=max(0, log_ns),
            publish_time=max(0, publish_ns),
            data=data,
            sequence=seq % 2**32,
        )


@contextmanager
def _channels(path: Path) -> Iterator[Writer]:
    try:
        from mcap.writer import CompressionType
        from mcap.writer import Writer as McapWriter
    except ImportError as error:
        raise InputError("MCAP needs mcap, which is not installed", "pip install 'dronewall[query]'") from error
    with path.open("wb") as file:
        writer = McapWriter(file, compression=CompressionType.ZSTD)
        writer.start(profile="", library=f"dronewall {__version__}")
        yield _Channels(writer)


_WRITERS = {".mcap": _channels, ".parquet": _columns, ".jsonl": _lines}

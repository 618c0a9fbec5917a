"""Sealing: entries of the journal become a segment, verified before it exists, in pieces that leave others room.

Everything is written in a folder whose name begins with a dot; the manifest last, when all else is on the disk and was
read again. One rename makes it a segment. A kill before it leaves the journal as it was and rubbish to clear away.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from dronewall.engine.log import Checkpoint, Stored
from dronewall.engine.retention import Recorded
from dronewall.engine.segments import (
    CHECKPOINT,
    ENTRIES,
    FORMAT,
    MANIFEST,
    EntriesDigest,
    FileFact,
    Manifest,
    Segment,
    digest_of,
    entries_in,
    segment_name,
    segments_in,
    sha256_of,
    stash_name,
    sync_folder,
)
from dronewall.model.errors import JournalError

ENTRIES_SCHEMA = pa.schema(
    [
        ("seq", pa.int64()),
        ("kind", pa.int8()),
        ("at_ns", pa.int64()),
        ("source", pa.string()),
        ("boot", pa.int64()),
        ("first", pa.int64()),
        ("last", pa.int64()),
        ("body", pa.binary()),
    ]
)
"""An entry as it stood; `source`, `boot`, `first` and `last` are its message, null where it has none."""
WHOLE_NUMBERS = "DELTA_BINARY_PACKED"
ZSTD_LEVEL = 3
GROUP_ROWS = 16_384
GROUP_BYTES = 8 * 1024**2
"""How many rows or bytes make a row group: what is held in memory, and written in one go."""
READ_BETWEEN_PAUSES_BYTES = 4 * 1024**2

Pause = Callable[[], None]


class Tables(Protocol):
    """Turns entries into the tables that people ask; see `run.archive_tables`."""

    def empty(self) -> Mapping[str, pa.Table]:
        """Return every table without rows."""
        ...

    def of(self, stored: Sequence[Stored]) -> Mapping[str, pa.Table]:
        """Return the rows that entries give, with the schemas of `empty`.

        Raises:
            JournalError: an entry is damaged.
        """
        ...


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a segment begins with: the one before it, the state it begins in, who seals it, of which truth domain."""

    previous: Segment | None
    checkpoint: Checkpoint | None
    version: str
    truth_domain: str


class TableFile:
    """A Parquet file that grows a row group at a time and is pushed to the disk as it grows.

    Rows are held until they are worth a group, so memory is bounded by one; syncing as it grows keeps the final sync,
    for which the journal's own would have to wait, short.
    """

    def __init__(self, path: Path, schema: pa.Schema, *, level: int = ZSTD_LEVEL, durable: bool = True) -> None:
        whole = [field.name for field in schema if pa.types.is_int64(field.type)]
        self.path = path
        self.rows = 0
        self._durable = durable
        self._held: list[pa.Table] = []
        self._file = path.open("wb")
        self._schema = schema
        self._writer = pq.ParquetWriter(
            self._file,
            schema,
            compression="zstd",
            compression_level=level,
            use_dictionary=[field.name for field in schema if field.name not in whole and field.name != "body"],
            column_encoding=dict.fromkeys(whole, WHOLE_NUMBERS),
        )

    def write(self, table: pa.Table) -> None:
        """Add rows."""
        if table.num_rows:
            self._held.append(table)
            self.rows += table.num_rows
            if sum(held.num_rows for held in self._held) >= GROUP_ROWS or self._held_bytes() >= GROUP_BYTES:
                self._write_group()

    def finish(self) -> None:
        """Write what is held and the footer, and make the file durable."""
        self._write_group()
        self._writer.close()
        self._file.flush()
        if self._durable:
            os.fsync(self._file.fileno())
        self._file.close()

    def _held_bytes(self) -> int:
        return int(sum(held.nbytes for held in self._held))

    def _write_group(self) -> None:
        if self._held:
            table = pa.concat_tables(self._held)
            self._held = []
            self._writer.write_table(table, row_group_size=table.num_rows)
            self._file.flush()
            if self._durable:
                os.fdatasync(self._file.fileno())

    def abandon(self) -> None:
        """Let go of a file that will not be used."""
        if not self._file.closed:
            self._writer.close()
            self._file.close()


class TableFiles:
    """The files of all tables of one stretch, in one folder; what is only asked and thrown away need not be durable."""

    def __init__(self, folder: Path, tables: Tables, *, level: int = ZSTD_LEVEL, durable: bool = True) -> None:
        self._tables = tables
        self.files: dict[str, TableFile] = {}
        for name, empty in tables.empty().items():
            path = folder / f"{name}.parquet"
            self.files[name] = TableFile(path, empty.schema, level=level, durable=durable)

    def write(self, bite: Sequence[Stored]) -> None:
        """Add the rows of a few entries."""
        for name, table in self._tables.of(bite).items():
            self.files[name].write(table)

    def finish(self) -> dict[str, int]:
        """Make all durable; return how many rows each has."""
        for file in self.files.values():
            file.finish()
        return {name: file.rows for name, file in self.files.items()}

    def abandon(self) -> None:
        """Let go of all."""
        for file in self.files.values():
            file.abandon()


def seal(
    folder: Path, bites: Iterable[Sequence[Stored]], tables: Tables, beginning: Beginning, *, pause: Pause
) -> Segment:
    """Write entries as the next segment of a folder and return it; it is verified and durable.

    Args:
        folder: of the sealed segments; made if absent.
        bites: entries in order and without a gap, a few megabytes at a time.
        tables: what people ask.
        beginning: what it begins with.
        pause: called between bites, to leave others the disk; whatever it raises ends the sealing.

    Raises:
        JournalError: an entry is damaged, or what was written cannot be read again as it was.
        OSError: the disk refuses. Whatever goes wrong, the journal and the other segments are as they were.
    """
    _make(folder)
    work = folder / ".sealing"
    if work.exists():
        shutil.rmtree(work)
    work.mkdir()
    try:
        manifest = _written(work, bites, tables, beginning, pause)
        _read_again(work, manifest, pause)
        durable(work / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        sync_folder(work)
        target = folder / segment_name(manifest.first_seq, manifest.last_seq)
        work.rename(target)
        sync_folder(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return next(segment for segment in segments_in(folder) if segment.folder == target)


def stash(folder: Path, checkpoint: Checkpoint) -> None:
    """Keep the state in which the next segment will begin; it has to be there before this segment is."""
    _make(folder)
    beside = folder / f".{stash_name(checkpoint.seq)}"
    durable(beside, checkpoint.body)
    beside.rename(folder / stash_name(checkpoint.seq))
    sync_folder(folder)


def _make(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        sync_folder(folder.parent)


def durable(path: Path, body: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with path.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _written(
    work: Path, bites: Iterable[Sequence[Stored]], tables: Tables, beginning: Beginning, pause: Pause
) -> Manifest:
    """Write every file but the manifest, and return that."""
    entries = TableFile(work / ENTRIES, ENTRIES_SCHEMA)
    asked = TableFiles(work, tables)
    digest, recorded, body_bytes = EntriesDigest(), Recorded(), 0
    first: Stored | None = None
    last: Stored | None = None
    try:
        for bite in bites:
            first, last = first or bite[0], bite[-1]
            for stored in bite:
                digest.take(stored)
                recorded.take(stored.entry.at_ns)
                body_bytes += len(stored.entry.body)
            entries.write(_entries_table(bite))
            asked.write(bite)
            pause()
        entries.finish()
        rows = asked.finish()
    finally:
        entries.abandon()
        asked.abandon()
    if first is None or last is None:
        raise JournalError(str(work), "there is nothing to seal")
    if beginning.checkpoint is not None:
        durable(work / CHECKPOINT, beginning.checkpoint.body)
    return Manifest(
        format=FORMAT,
        first_seq=first.seq,
        last_seq=last.seq,
        first_at_ns=first.entry.at_ns,
        last_at_ns=last.entry.at_ns,
        entries_sha256=digest.hex(),
        last_entry_sha256=digest_of(last),
        body_bytes=body_bytes,
        rows=rows,
        files=tuple(FileFact(path.name, path.stat().st_size, sha256_of(path)) for path in sorted(work.iterdir())),
        version=beginning.version,
        truth_domain=beginning.truth_domain,
        previous=beginning.previous.sha256 if beginning.previous else "",
        checkpoint_seq=beginning.checkpoint.seq if beginning.checkpoint else None,
        recorded_ns=recorded.total_ns,
    )


def _entries_table(bite: Sequence[Stored]) -> pa.Table:
    entries = [stored.entry for stored in bite]
    messages = [entry.message for entry in entries]
    columns: dict[str, Any] = {
        "seq": [stored.seq for stored in bite],
        "kind": [int(entry.kind) for entry in entries],
        "at_ns": [entry.at_ns for entry in entries],
        **{
            name: [None if message is None else getattr(message, name) for message in messages]
            for name in ("source", "boot", "first", "last")
        },
        "body": [entry.body for entry in entries],
    }
    return pa.table(columns, schema=ENTRIES_SCHEMA)


def _read_again(work: Path, manifest: Manifest, pause: Pause) -> None:
    """Make sure that what is on the disk gives back the very entries, and as many rows as were written.

    Raises:
        JournalError: it does not.
    """
    digest, count, unpaused = EntriesDigest(), 0, 0
    for stored in entries_in(work / ENTRIES, manifest.first_seq, manifest.last_seq):
        digest.take(stored)
        count += 1
        unpaused += len(stored.entry.body)
        if unpaused >= READ_BETWEEN_PAUSES_BYTES:
            unpaused = 0
            pause()
    rows = {name: pq.read_metadata(work / f"{name}.parquet").num_rows for name in manifest.rows}
    if digest.hex() != manifest.entries_sha256 or count != manifest.entries or rows != manifest.rows:
        raise JournalError(
            str(work), "what was sealed cannot be read again as it was written", "See that the disk is sound."
        )

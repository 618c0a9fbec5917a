"""Sealed segments: finished stretches of the journal in a folder beside it, each with a manifest that vouches for it.

    wall.journal.sealed/
        000000000001-000000048213/
            entries.parquet     every entry as it stood in the journal: a replay needs nothing else
            plots.parquet …     the same for questions: tables
            checkpoint.bin      the state right before the first entry, where there was one
            manifest.json       what is in it, digests, and the digest of the manifest before
            KEEP                made by a person: never removed
        checkpoint-000000048213.bin   the state in which the next segment begins
        removed.jsonl                 what retention removed, when and why

A folder without a manifest, or whose name begins with a dot, is no segment: the leftovers of a kill, cleared away.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from dronewall.engine.log import Checkpoint, Entry, EntryKind, Stored
from dronewall.engine.messages import Message
from dronewall.model.errors import JournalError

FORMAT = 1
MANIFEST, ENTRIES, CHECKPOINT, HOLD, REMOVED = (
    "manifest.json",
    "entries.parquet",
    "checkpoint.bin",
    "KEEP",
    "removed.jsonl",
)
READ_ROWS = 512
CHUNK_BYTES = 1024**2


class FileFact(msgspec.Struct, frozen=True):
    """One file of a segment: its name, how long it is, its SHA-256."""

    name: str
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a segment holds.

    `entries_sha256` is the digest of the entries themselves, however they are stored; `last_entry_sha256` that of the
    last one, by which the journal is known to be the one this was sealed from; `previous` the digest of the manifest
    before it, empty for the first; `checkpoint_seq` the entry whose state the segment begins in, None without one.
    `recorded_ns` is how much time its entries span without pauses and leaps, see `retention.Recorded`; None in segments
    that were sealed before it was counted.
    """

    format: int
    first_seq: int
    last_seq: int
    first_at_ns: int
    last_at_ns: int
    entries_sha256: str
    last_entry_sha256: str
    body_bytes: int
    rows: dict[str, int]
    files: tuple[FileFact, ...]
    version: str
    truth_domain: str
    previous: str
    checkpoint_seq: int | None = None
    recorded_ns: int | None = None

    @property
    def entries(self) -> int:
        """How many entries it holds."""
        return self.last_seq - self.first_seq + 1

    @property
    def spans_ns(self) -> int:
        """How much time was recorded in it, as far as is known."""
        return self.last_at_ns - self.first_at_ns if self.recorded_ns is None else self.recorded_ns


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed segment: its folder, its manifest and the manifest's own SHA-256."""

    folder: Path
    manifest: Manifest
    sha256: str
    total_bytes: int

    @property
    def held(self) -> bool:
        """Whether a person forbids its removal."""
        return (self.folder / HOLD).exists()

    def file(self, name: str) -> Path:
        """Return the path of one of its files."""
        return self.folder / name


class EntriesDigest:
    """The SHA-256 of entries, independent of how they are stored."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def take(self, stored: Stored) -> None:
        """Take the next entry."""
        self._sha256.update(_head(stored))
        self._sha256.update(stored.entry.body)

    def hex(self) -> str:
        """Return the digest of all taken so far."""
        return self._sha256.hexdigest()


def digest_of(stored: Stored) -> str:
    """Return the digest of one entry."""
    digest = EntriesDigest()
    digest.take(stored)
    return digest.hex()


def _head(stored: Stored) -> bytes:
    entry = stored.entry
    return msgspec.msgpack.encode((stored.seq, int(entry.kind), entry.at_ns, entry.message, len(entry.body)))


def sealed_folder(journal: Path) -> Path:
    """Return the folder of sealed segments that belongs to a journal."""
    return journal.with_name(journal.name + ".sealed")


def segment_name(first_seq: int, last_seq: int) -> str:
    """Return the name of a segment's folder."""
    return f"{first_seq:012d}-{last_seq:012d}"


def stash_name(seq: int) -> str:
    """Return the name of the file that keeps the state in which the next segment begins."""
    return f"checkpoint-{seq:012d}.bin"


def segments_in(folder: Path, known: dict[Path, Segment] | None = None) -> tuple[Segment, ...]:
    """Return the sealed segments of a folder, the oldest first; none if there is no such folder.

    Args:
        folder: where they are.
        known: those that were opened before, which need not be opened again: a segment never changes. It is brought
            up to date.

    Raises:
        JournalError: a manifest cannot be read.
    """
    if not folder.is_dir():
        return ()
    known = {} if known is None else known
    found = [
        known.get(path) or _opened(path)
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.is_dir() and (path / MANIFEST).is_file()
    ]
    known.clear()
    known.update((segment.folder, segment) for segment in found)
    return tuple(sorted(found, key=lambda segment: segment.manifest.first_seq))


def _opened(folder: Path) -> Segment:
    path = folder / MANIFEST
    remedy = "Move the segment aside; restore it from a copy."
    try:
        body = path.read_bytes()
        manifest = msgspec.json.decode(body, type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise JournalError(str(path), f"the manifest cannot be read ({error})", remedy) from error
    if manifest.format != FORMAT:
        problem = f"it was sealed by another dronewall (format {manifest.format}, this one knows {FORMAT})"
        raise JournalError(str(path), problem, "Install that version.")
    total = len(body) + sum(fact.size_bytes for fact in manifest.files)
    return Segment(folder, manifest, hashlib.sha256(body).hexdigest(), total)


def run_of(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Return the newest segments that follow one another without a gap; older ones may be held beyond a gap."""
    run: list[Segment] = []
    for segment in reversed(segments):
        if run and segment.manifest.last_seq + 1 != run[-1].manifest.first_seq:
            break
        run.append(segment)
    return tuple(reversed(run))


def verify(segment: Segment) -> None:
    """Make sure that every file of a segment is what its manifest says.

    Raises:
        JournalError: one is missing or is not what it was.
    """
    for fact in segment.manifest.files:
        path = segment.file(fact.name)
        try:
            same = path.stat().st_size == fact.size_bytes and sha256_of(path) == fact.sha256
        except OSError as error:
            raise _damaged(path, f"it cannot be read ({error.strerror})") from error
        if not same:
            raise _damaged(path, "it is not what its manifest says")


def entries_of(segment: Segment, from_seq: int = 1) -> Iterator[Stored]:
    """Yield the entries of a segment from `from_seq` on, a few at a time.

    Raises:
        JournalError: the file is damaged, or entries are missing in it.
    """
    manifest = segment.manifest
    yield from entries_in(segment.file(ENTRIES), manifest.first_seq, manifest.last_seq, from_seq=from_seq)


def entries_in(path: Path, first_seq: int, last_seq: int, *, from_seq: int = 1) -> Iterator[Stored]:
    """Yield the entries that a Parquet file must hold, in order and without a gap."""
    expected = max(first_seq, from_seq)
    try:
        with pq.ParquetFile(path) as file:
            groups = [i for i in range(file.num_row_groups) if _last_of(file, i) >= expected]
            for batch in file.iter_batches(READ_ROWS, row_groups=groups) if groups else ():
                for row in batch.to_pylist():
                    if row["seq"] >= expected:
                        if row["seq"] != expected:
                            raise _damaged(path, f"entry {expected} is missing")
                        expected += 1
                        yield _stored(row)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise _damaged(path, f"it cannot be read ({error})") from error
    if expected <= last_seq:
        raise _damaged(path, f"entry {expected} is missing")


def _stored(row: dict[str, Any]) -> Stored:
    source = row["source"]
    message = None if source is None else Message(source, row["boot"], row["first"], row["last"])
    return Stored(row["seq"], Entry(EntryKind(row["kind"]), row["at_ns"], row["body"], message))


def _last_of(file: pq.ParquetFile, group: int) -> int:
    statistics = file.metadata.row_group(group).column(0).statistics
    return int(statistics.max)


def checkpoint_in(segment: Segment) -> Checkpoint | None:
    """Return the state in which a segment begins, None if it was sealed without one.

    Raises:
        JournalError: it cannot be read.
    """
    seq = segment.manifest.checkpoint_seq
    if seq is None:
        return None
    path = segment.file(CHECKPOINT)
    try:
        return Checkpoint(seq, path.read_bytes())
    except OSError as error:
        raise _damaged(path, f"it cannot be read ({error.strerror})") from error


def stashed(folder: Path, seq: int) -> Checkpoint | None:
    """Return the state in which the segment after entry `seq` begins, if it was kept."""
    path = folder / stash_name(seq)
    return Checkpoint(seq, path.read_bytes()) if path.is_file() else None


def clean(folder: Path) -> None:
    """Clear away what a kill left half done: folders without a manifest, and states no segment begins in any more."""
    if not folder.is_dir():
        return
    segments = segments_in(folder)
    whole = {segment.folder for segment in segments}
    for path in list(folder.iterdir()):
        if path.is_dir() and path not in whole:
            shutil.rmtree(path)
        elif path.name.startswith(".") or (path.name.startswith("checkpoint-") and not _begins_next(path, segments)):
            path.unlink()


def _begins_next(path: Path, segments: Sequence[Segment]) -> bool:
    return not segments or path.name == stash_name(segments[-1].manifest.last_seq)


def remove(segment: Segment, *, why: str, at_ns: int) -> None:
    """Remove a segment, after a line in `removed.jsonl` that says so; a kill leaves it whole or gone."""
    folder = segment.folder.parent
    manifest = segment.manifest
    note = {
        "at_ns": at_ns,
        "segment": segment.folder.name,
        "why": why,
        "first_at_ns": manifest.first_at_ns,
        "last_at_ns": manifest.last_at_ns,
        "bytes": segment.total_bytes,
        "sha256": segment.sha256,
    }
    with (folder / REMOVED).open("ab") as file:
        file.write(msgspec.json.encode(note) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    going = folder / f".removing-{segment.folder.name}"
    segment.folder.rename(going)
    sync_folder(folder)
    shutil.rmtree(going)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            sha256.update(chunk)
    return sha256.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _damaged(path: Path, problem: str) -> JournalError:
    return JournalError(str(path), problem, "Restore the segment from a copy, or move its folder aside.")

"""A disk that fails on order and remembers everything done to it, and what is left of it when the power goes.

`shim/faulty_disk.c` is preloaded into a process and writes a trace; `Remains` reads the trace and says what a disk may
hold after a power cut. Its law is the one of POSIX, taken at its worst:

- what a file's completed synchronisation covered is there;
- of later writes and changes of size any subset is there, each write with any of its sectors of 512 bytes;
- of names made, moved or removed since the folder's completed synchronisation any subset is there;
- what a failed synchronisation was to cover may be lost, and no later one brings it back (as on Linux, which takes
  such pages for clean).
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

import numpy as np

SHIM = Path(__file__).parent / "shim" / "faulty_disk.c"
HEAD = struct.Struct("<BQqII")
SECTOR_BYTES = 512
HALF = 0.5


class Operation(IntEnum):
    """What a record of the trace tells; the numbers are those of the shim."""

    CREATED = 1
    WRITTEN = 2
    TRUNCATED = 3
    SYNC_BEGUN = 4
    SYNC_DONE = 5
    SYNC_FAILED = 6
    UNLINKED = 7
    RENAMED = 8
    FOLDER_MADE = 9
    FOLDER_SYNC_BEGUN = 10
    FOLDER_SYNC_DONE = 11


@dataclass(frozen=True, slots=True)
class Record:
    """One operation: `at` is an offset, a size or the number of a synchronisation; `end` is where its record ends."""

    operation: Operation
    inode: int
    at: int
    path: str
    data: bytes
    end: int


def records_in(trace: Path) -> Iterator[Record]:
    """Yield the operations of a trace in the order they happened."""
    raw, position = trace.read_bytes(), 0
    while position + HEAD.size <= len(raw):
        number, inode, at, path_bytes, data_bytes = HEAD.unpack_from(raw, position)
        start = position + HEAD.size
        position = start + path_bytes + data_bytes
        path = raw[start : start + path_bytes].decode()
        yield Record(Operation(number), inode, at, path, raw[start + path_bytes : position], position)


class Fate(IntEnum):
    """What a power cut does to a change: it is there for certain, or perhaps, and then a synchronisation may help."""

    CERTAIN = 1
    OPEN = 2
    GIVEN_UP = 3


@dataclass(eq=False, slots=True)
class Change:
    """Bytes written at an offset; without bytes, the size set to `at`."""

    at: int
    data: bytes | None
    fate: Fate = Fate.OPEN


@dataclass(eq=False)
class File:
    """One file's durable bytes, and what was done to it since, in order."""

    durable: bytearray = field(default_factory=bytearray)
    changes: list[Change] = field(default_factory=list)

    def settle(self, covered: Sequence[Change]) -> None:
        """Make certain what a synchronisation covered, but for what was given up."""
        for change in covered:
            if change.fate is Fate.OPEN:
                change.fate = Fate.CERTAIN
        while self.changes and self.changes[0].fate is Fate.CERTAIN:
            _apply(self.durable, self.changes[0])
            del self.changes[0]

    def give_up(self, covered: Sequence[Change]) -> None:
        """Give up what a failed synchronisation was to cover: no later one will help it."""
        for change in covered:
            if change.fate is Fate.OPEN:
                change.fate = Fate.GIVEN_UP

    def after_a_cut(self, chance: np.random.Generator) -> bytes:
        """Return what may be read of it when the power is back."""
        content = bytearray(self.durable)
        keep, tear = float(chance.choice([0.0, 0.1, 0.5, 0.9, 1.0])), float(chance.choice([0.0, 0.3]))
        for change in self.changes:
            if change.fate is not Fate.CERTAIN and chance.random() >= keep:
                continue
            if change.fate is Fate.CERTAIN or chance.random() >= tear:
                _apply(content, change)
            else:
                for sector in _sectors(change):
                    if chance.random() < HALF:
                        _apply(content, sector)
        return bytes(content)


@dataclass(frozen=True, slots=True)
class Naming:
    """A change of names: `path` names `file` from now on, nothing when None, once the folder `of` is synchronised."""

    path: str
    file: File | None
    of: str

    @classmethod
    def there(cls, path: str, file: File | None) -> Naming:
        """Return a change in the file's own folder."""
        return cls(path, file, str(Path(path).parent))


@dataclass(eq=False)
class Remains:
    """A disk under operations; at any of them the power may go."""

    inodes: dict[int, File] = field(default_factory=dict)
    names: dict[str, File] = field(default_factory=dict)
    durable_names: dict[str, File] = field(default_factory=dict)
    namings: list[list[Naming]] = field(default_factory=list)
    """What happened to names since the folder was synchronised; changes that go together stand together."""
    folders: set[str] = field(default_factory=set)
    _begun: dict[int, Sequence[Change]] = field(default_factory=dict)
    _names_begun: dict[int, Sequence[list[Naming]]] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        """Let one operation happen."""
        match record.operation:
            case Operation.CREATED:
                self.inodes[record.inode] = File()
                self._name([Naming.there(record.path, self.inodes[record.inode])])
            case Operation.WRITTEN:
                self.inodes[record.inode].changes.append(Change(record.at, record.data))
            case Operation.TRUNCATED:
                self.inodes[record.inode].changes.append(Change(record.at, None))
            case Operation.SYNC_BEGUN:
                self._begun[record.at] = list(self.inodes[record.inode].changes)
            case Operation.SYNC_DONE:
                self.inodes[record.inode].settle(self._begun.pop(record.at))
            case Operation.SYNC_FAILED:
                self.inodes[record.inode].give_up(self._begun.pop(record.at))
            case Operation.UNLINKED:
                self._name([Naming.there(record.path, None)])
            case Operation.RENAMED:
                self._rename(record.path, record.data.decode())
            case Operation.FOLDER_MADE:
                self.folders.add(record.path)
            case Operation.FOLDER_SYNC_BEGUN:
                self._names_begun[record.at] = list(self.namings)
            case Operation.FOLDER_SYNC_DONE:
                self._settle_names(self._names_begun.pop(record.at), record.path)

    def written_to(self, folder: Path, chance: np.random.Generator) -> None:
        """Write what is left of it into an empty folder."""
        names = dict(self.durable_names)
        kept = self._namings_that_stayed(chance)
        for naming in (naming for together in kept for naming in together):
            names.pop(naming.path, None)
            if naming.file is not None:
                names[naming.path] = naming.file
        for below in sorted(self.folders):
            (folder / below).mkdir(parents=True, exist_ok=True)
        for path, file in names.items():
            (folder / path).write_bytes(file.after_a_cut(chance))

    def _namings_that_stayed(self, chance: np.random.Generator) -> Sequence[list[Naming]]:
        if chance.random() < HALF:  # a file system with a journal of its own keeps their order
            return self.namings[: int(chance.integers(0, len(self.namings) + 1))]
        return [together for together in self.namings if chance.random() < HALF]

    def _rename(self, path: str, to: str) -> None:
        """Let a file or folder bear another name; a folder's files are to be durable by name, or nobody finds them."""
        if path not in self.folders:
            self._name([Naming.there(path, None), Naming.there(to, self.names[path])])
            return
        inside = [name for name in self.names if Path(name).parent == Path(path)]
        open_names = {naming.path for together in self.namings for naming in together}
        assert not open_names.intersection(inside), f"{path} was moved before it was synchronised"
        self.folders.add(to)
        above = str(Path(to).parent)
        gone = [Naming(name, None, above) for name in inside]
        self._name(gone + [Naming(f"{to}/{Path(name).name}", self.names[name], above) for name in inside])

    def _name(self, together: list[Naming]) -> None:
        for naming in together:
            self.names.pop(naming.path, None)
            if naming.file is not None:
                self.names[naming.path] = naming.file
        self.namings.append(together)

    def _settle_names(self, covered: Sequence[list[Naming]], folder: str) -> None:
        for together in covered:
            if not any(naming.of == (folder or ".") for naming in together):
                continue
            for naming in together:
                self.durable_names.pop(naming.path, None)
                if naming.file is not None:
                    self.durable_names[naming.path] = naming.file
            self.namings = [other for other in self.namings if other is not together]


def _apply(content: bytearray, change: Change) -> None:
    """Let a change happen; what lies before it and nobody wrote is zero."""
    end = change.at if change.data is None else change.at + len(change.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if change.data is None:
        del content[end:]
    else:
        content[change.at : end] = change.data


def _sectors(change: Change) -> Iterator[Change]:
    if change.data is None:
        yield change
        return
    start = 0
    while start < len(change.data):
        end = min(len(change.data), start + SECTOR_BYTES - (change.at + start) % SECTOR_BYTES)
        yield Change(change.at + start, change.data[start:end])
        start = end


class FaultyDisk:
    """A folder whose files are watched, for processes started with `command`."""

    def __init__(self, library: Path, beside: Path, folder: Path) -> None:
        self._library = library
        self.folder = folder.resolve()
        self.trace = beside.resolve() / "disk.trace"
        self._orders = beside.resolve() / "disk.orders"
        self.trace.touch()
        self.order()

    @property
    def command(self) -> tuple[str, ...]:
        """What stands before a command whose files are to be watched."""
        return (
            "env",
            f"LD_PRELOAD={self._library}",
            f"FAULTY_DISK_FOLDER={self.folder}",
            f"FAULTY_DISK_TRACE={self.trace}",
            f"FAULTY_DISK_ORDERS={self._orders}",
        )

    def order(self, *orders: str) -> None:
        """Let these orders stand from now on, and no others; see the shim for what can be ordered."""
        fresh = self._orders.with_suffix(".new")
        fresh.write_text("\n".join(orders) + "\n")
        fresh.replace(self._orders)

    def remains(self, *, through: int | None = None) -> Remains:
        """Return the disk as it was after `through` bytes of its trace, or after all of it."""
        remains = Remains()
        for record in records_in(self.trace):
            if through is not None and record.end > through:
                break
            remains.take(record)
        return remains


def built(folder: Path, *, without: Callable[[str], NoReturn]) -> Path:
    """Compile the shim into a folder; without a compiler the test ends."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        without("no C compiler: the faulty disk cannot be built; install gcc")
    library = folder / "faulty_disk.so"
    flags = ("-O1", "-Wall", "-shared", "-fPIC", "-U_FORTIFY_SOURCE")
    subprocess.run([compiler, *flags, "-o", str(library), str(SHIM), "-ldl", "-pthread"], check=True)
    return library

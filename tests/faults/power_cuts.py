"""Power cuts of a journal that was written on a faulty disk, and what must be true of it afterwards."""

from __future__ import annotations

import bisect
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from faulty_disk import FaultyDisk, Remains, records_in
from journal_writer import checkpoint_of, entry_of

from dronewall.engine.log import CHECKPOINTS_KEPT
from dronewall.engine.sqlite_log import SqliteLog

WRITER = Path(__file__).parent / "journal_writer.py"
JOURNAL = "wall.journal"
PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Promise:
    """`last` was acknowledged, or kept as a checkpoint, when the trace was `position` long."""

    last: int
    position: int


@dataclass(eq=False)
class Told:
    """What a writer said: calls it began, entries that were acknowledged, checkpoints that were kept."""

    tried: list[Promise] = field(default_factory=list)
    entries: list[Promise] = field(default_factory=list)
    checkpoints: list[Promise] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """Take one line of the writer."""
        what, *numbers = line.split()
        of = {"trying": self.tried, "entries": self.entries, "checkpoint": self.checkpoints}[what]
        of.append(Promise(int(numbers[-2]), int(numbers[-1])))

    def acknowledged(self, position: int) -> int:
        """Return the last entry that was acknowledged before the trace was longer than `position`."""
        return _newest(self.entries, position)

    def possible(self, position: int) -> set[int]:
        """Return the last entries a journal may have: what was acknowledged, or what was tried since."""
        acknowledged = self.acknowledged(position)
        tried = {promise.last for promise in self.tried if promise.position <= position}
        return {acknowledged, *(last for last in tried if last > acknowledged)}


def _newest(promises: list[Promise], position: int) -> int:
    before = bisect.bisect_right([promise.position for promise in promises], position)
    return promises[before - 1].last if before else 0


def written(
    disk: FaultyDisk, *, seed: int, appends: int, told: Told | None = None
) -> tuple[Told, subprocess.CompletedProcess[str]]:
    """Let a process write a journal on a disk, or go on with it; return what it said, after what was `told` before."""
    arguments = (str(disk.folder / JOURNAL), str(disk.trace), str(seed), str(appends))
    done = subprocess.run(
        [*disk.command, sys.executable, str(WRITER), *arguments],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    told = told or Told()
    for line in done.stdout.splitlines():
        told.hear(line)
    return told, done


def cuts(disk: FaultyDisk, chance: np.random.Generator, *, points: int) -> Iterator[tuple[int, Remains]]:
    """Yield the disk at random operations of its trace, with the length of the trace there."""
    records = list(records_in(disk.trace))
    chosen = set(chance.choice(len(records), size=min(points, len(records)), replace=False).tolist())
    remains = Remains()
    for number, record in enumerate(records):
        remains.take(record)
        if number in chosen:
            yield record.end, remains


def check_sound(folder: Path, told: Told, position: int, *, seed: int) -> None:
    """Open what is left of a journal after a cut, and see that it kept its word and goes on."""
    acknowledged, possible = told.acknowledged(position), told.possible(position)
    log = SqliteLog(folder / JOURNAL)
    try:
        last = log.last_seq
        assert last >= acknowledged, f"entries {last + 1} to {acknowledged} were acknowledged and are lost"
        assert last in possible, f"the last entry is {last}, which ends no call of append: {possible}"
        _entries_are_those_written(log, last, seed)
        for checkpoint in log.checkpoints():
            assert checkpoint == checkpoint_of(checkpoint.seq, seed)
            assert checkpoint.seq <= last
        kept = _newest(told.checkpoints, position)
        assert not kept or kept <= max(checkpoint.seq for checkpoint in log.checkpoints())
        assert len(log.checkpoints()) <= CHECKPOINTS_KEPT
        log.append([entry_of(last + 1, seed), entry_of(last + 2, seed)])
        assert log.last_seq == last + 2
        _entries_are_those_written(log, last + 2, seed)
    finally:
        log.close()
    with sqlite3.connect(folder / JOURNAL) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def _entries_are_those_written(log: SqliteLog, last: int, seed: int) -> None:
    stored = list(log.read())
    assert [one.seq for one in stored] == list(range(1, last + 1))
    assert [one.seq for one in stored if one.entry != entry_of(one.seq, seed)] == []


def check_cuts(disk: FaultyDisk, told: Told, folder: Path, *, seed: int, points: int, subsets: int) -> int:
    """Try so many random cuts, each with so many random remains; return how many were tried."""
    chance = np.random.default_rng(seed + 1)
    tried = 0
    for position, remains in cuts(disk, chance, points=points):
        for _ in range(subsets):
            folder.mkdir()
            remains.written_to(folder, chance)
            check_sound(folder, told, position, seed=seed)
            shutil.rmtree(folder)
            tried += 1
    return tried

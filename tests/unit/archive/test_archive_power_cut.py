"""The power goes at any operation of the disk while a journal is sealed and pruned: what was acknowledged is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from archive_scenes import archivist, worked_out
from faulty_disk import FaultyDisk, Operation, records_in
from power_cuts import cuts

from dronewall.engine.archived_log import ArchivedLog
from dronewall.engine.log import Stored
from dronewall.engine.segments import sealed_folder, segments_in, verify
from dronewall.engine.sqlite_log import SqliteLog

SEED, POINTS, SUBSETS, SEGMENTS_LEAST = 20_261, 60, 2, 3


@pytest.mark.slow
def test_a_power_cut_at_any_moment_of_sealing_and_pruning_loses_nothing(disk: FaultyDisk, tmp_path: Path) -> None:
    acknowledged = written(disk)
    everything = readable(disk.folder)
    sealed = segments_in(sealed_folder(disk.folder / "wall.journal"))
    assert len(sealed) >= SEGMENTS_LEAST
    assert live_from(disk.folder) > sealed[-2].manifest.last_seq  # it was pruned
    assert sum(record.operation is Operation.RENAMED for record in records_in(disk.trace)) >= SEGMENTS_LEAST
    chance, tried = np.random.default_rng(SEED), 0
    for position, remains in cuts(disk, chance, points=POINTS):
        promised = max((last for last, at in acknowledged if at <= position), default=0)
        for _ in range(SUBSETS):
            left = tmp_path / "left"
            left.mkdir()
            remains.written_to(left, chance)
            check(left, everything, promised)
            shutil.rmtree(left)
            tried += 1
    assert tried == POINTS * SUBSETS


def written(disk: FaultyDisk) -> list[tuple[int, int]]:
    """Let a process fill, seal and prune a journal; return which entry was acknowledged at which length of trace."""
    script = Path(__file__).with_name("archive_writer.py")
    command = [*disk.command, sys.executable, str(script), str(disk.folder / "wall.journal"), str(disk.trace)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stdout.splitlines()]
    return [(int(last), int(position)) for _, last, position in told]


def check(folder: Path, everything: list[Stored], promised: int) -> None:
    """See that what is left begins with entry 1, has all that was promised, and can be sealed further."""
    if not (folder / "wall.journal").exists():
        assert promised == 0
        return
    SqliteLog(folder / "wall.journal").close()  # a wall starts: what the disk holds half is cleared away
    entries = readable(folder)
    assert entries == everything[: len(entries)]
    assert len(entries) >= promised
    for segment in segments_in(sealed_folder(folder / "wall.journal")):
        verify(segment)
    assert not [alert for report in worked_out(archivist(folder / "wall.journal")) for alert in report.alerts]
    assert readable(folder) == entries


def readable(folder: Path) -> list[Stored]:
    """Return all that can be read of a journal, sealed or not."""
    journal = folder / "wall.journal"
    archived = ArchivedLog(lambda: SqliteLog(journal, read_only=True), sealed_folder(journal))
    entries = list(archived.read())
    archived.close()
    return entries


def live_from(folder: Path) -> int:
    """Return the oldest entry that still stands in the journal itself."""
    log = SqliteLog(folder / "wall.journal", read_only=True)
    first_seq = log.first_seq
    log.close()
    return first_seq

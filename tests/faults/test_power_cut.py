"""The power goes at any operation of the disk, with any part of what was not synchronised: nothing promised is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty_disk import FaultyDisk, Operation, records_in
from power_cuts import JOURNAL, check_cuts, check_sound, written

SEED = 20_261
POINTS = 150
SUBSETS = 2


def test_the_faulty_disk_sees_all_that_the_journal_does(disk: FaultyDisk) -> None:
    told, done = written(disk, seed=SEED, appends=30)
    assert done.returncode == 0, done.stderr
    seen = {record.operation for record in records_in(disk.trace)}
    assert {Operation.CREATED, Operation.WRITTEN, Operation.SYNC_DONE, Operation.FOLDER_SYNC_DONE} <= seen
    remains = disk.remains()
    durable = {path: bytes(file.durable) for path, file in remains.names.items()}
    for path in disk.folder.iterdir():  # the shared memory beside the journal is mapped, and made anew at each start
        if not path.name.endswith("-shm"):
            assert durable.get(path.name) == path.read_bytes() or path.name.endswith(".lock")
    assert told.acknowledged(disk.trace.stat().st_size) >= 30


@pytest.mark.slow
def test_a_power_cut_at_any_operation_loses_nothing_that_was_acknowledged(disk: FaultyDisk, tmp_path: Path) -> None:
    told, done = written(disk, seed=SEED, appends=250)
    assert done.returncode == 0, done.stderr
    tried = check_cuts(disk, told, tmp_path / "left", seed=SEED, points=POINTS, subsets=SUBSETS)
    print(f"seed {SEED}, {tried} power cuts")  # noqa: T201  whoever sees it fail needs it
    assert tried == POINTS * SUBSETS

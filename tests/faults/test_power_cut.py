"""The power goes at any operation of the disk, with any part of what was not synchronised: nothing promised is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty_disk import FaultyDisk, Operation, records_in
from power_cuts import check_cuts, written

SEED = 20_261
POINTS = 100
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


@pytest.mark.slow
@pytest.mark.parametrize("which", [13, 14, 21, 34, 89])
def test_after_a_failed_synchronisation_the_journal_takes_nothing_more_and_names_the_remedy(
    disk: FaultyDisk, tmp_path: Path, which: int
) -> None:
    disk.order(f"fail_sync {which}")
    told, done = written(disk, seed=which, appends=90)
    assert done.returncode == 1
    assert "the disk refused to write or read" in done.stderr
    assert "See that the disk is sound" in done.stderr
    failed_at = [record.end for record in records_in(disk.trace) if record.operation is Operation.SYNC_FAILED]
    assert len(failed_at) == 1
    assert all(promise.position < failed_at[0] for promise in (*told.entries, *told.checkpoints))
    check_cuts(disk, told, tmp_path / "left", seed=which, points=12, subsets=2)


@pytest.mark.slow
@pytest.mark.parametrize("which", range(1, 13))
def test_a_synchronisation_that_fails_while_a_journal_is_made_leaves_it_sound_or_ends_it(
    disk: FaultyDisk, tmp_path: Path, which: int
) -> None:
    disk.order(f"fail_sync {which}")
    told, done = written(disk, seed=which, appends=6)
    assert done.returncode == 0 or "the disk refused to write or read" in done.stderr
    check_cuts(disk, told, tmp_path / "left", seed=which, points=25, subsets=1)


@pytest.mark.slow
@pytest.mark.parametrize("which", [13, 21, 34, 89])
def test_a_writer_that_goes_on_after_a_failed_synchronisation_builds_on_nothing_the_disk_gave_up(
    disk: FaultyDisk, tmp_path: Path, which: int
) -> None:
    disk.order(f"fail_sync {which}")
    told, done = written(disk, seed=which, appends=90)
    assert done.returncode == 1
    disk.order()
    told, done = written(disk, seed=which, appends=40, told=told)
    assert done.returncode == 0, done.stderr
    check_cuts(disk, told, tmp_path / "left", seed=which, points=60, subsets=3)

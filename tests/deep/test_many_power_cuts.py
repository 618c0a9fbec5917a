"""Thousands of power cuts of a journal, each with other remains of what was not synchronised."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty_disk import FaultyDisk
from power_cuts import check_cuts, written

from dronewall.engine.clock import WallClock

JOURNALS = 5
POINTS = 400
SUBSETS = 3


@pytest.mark.deep
@pytest.mark.parametrize("which", range(JOURNALS))
def test_thousands_of_power_cuts_lose_nothing_that_was_acknowledged(
    disk: FaultyDisk, tmp_path: Path, which: int
) -> None:
    seed = WallClock().now_ns() % 2**32
    print(f"seed {seed}, journal {which}")  # noqa: T201  whoever sees it fail needs it
    told, done = written(disk, seed=seed, appends=250)
    assert done.returncode == 0, done.stderr
    assert check_cuts(disk, told, tmp_path / "left", seed=seed, points=POINTS, subsets=SUBSETS) == POINTS * SUBSETS

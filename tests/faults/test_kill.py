"""kill -9 of the running wall, five times at random under load; `make deep` does it two hundred times."""

from __future__ import annotations

from pathlib import Path

import pytest
from kills import killed_again_and_again

from dronewall.engine.clock import WallClock

KILLS = 5


@pytest.mark.slow
async def test_kill_minus_nine_loses_nothing_acknowledged_and_the_replay_is_what_was_shown(tmp_path: Path) -> None:
    seed = WallClock().now_ns() % 2**32
    print(f"seed {seed}")  # noqa: T201  whoever sees it fail needs it
    toll = await killed_again_and_again(
        tmp_path, kills=KILLS, seed=seed, burst=20, every_s=0.05, objects=40, lives_s=(1.0, 4.0)
    )
    assert toll.acknowledged > 1_000

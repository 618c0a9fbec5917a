"""Two hundred times kill -9 at random moments, a sensor reporting two thousand plots a second."""

from __future__ import annotations

from pathlib import Path

import pytest
from kills import killed_again_and_again

from dronewall.engine.clock import WallClock

KILLS = 200


@pytest.mark.deep
async def test_two_hundred_kills_under_load_lose_nothing_and_use_no_number_twice(tmp_path: Path) -> None:
    seed = WallClock().now_ns() % 2**32
    print(f"seed {seed}")  # noqa: T201  whoever sees it fail needs it
    toll = await killed_again_and_again(
        tmp_path, kills=KILLS, seed=seed, burst=100, every_s=0.05, objects=100, lives_s=(0.2, 3.0)
    )
    print(toll)  # noqa: T201
    assert toll.kills == KILLS

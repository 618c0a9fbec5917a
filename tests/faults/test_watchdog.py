"""A loop that stands still is told of, with the place where it stands."""

from __future__ import annotations

import threading
from pathlib import Path

from dronewall.engine.watchdog import ARMED_EVERY_ROUNDS, LoopWatchdog


def stand_still(seconds: float) -> None:
    threading.Event().wait(seconds)


def test_a_loop_that_stands_still_is_told_with_the_place_it_stands_at(tmp_path: Path) -> None:
    with (tmp_path / "said").open("w+") as file:
        watchdog = LoopWatchdog(file, stuck_s=0.2)
        watchdog.alive()
        stand_still(1.0)
        watchdog.close()
        file.seek(0)
        said = file.read()
    assert "Timeout" in said
    assert "stand_still" in said


def test_a_loop_that_goes_round_or_has_ended_is_left_in_peace(tmp_path: Path) -> None:
    with (tmp_path / "said").open("w+") as file:
        watchdog = LoopWatchdog(file, stuck_s=1.0)
        for _ in range(4 * ARMED_EVERY_ROUNDS):
            watchdog.alive()
            stand_still(0.05)
        watchdog.close()
        stand_still(1.2)
        assert (tmp_path / "said").read_text() == ""

"""Swarms under radars that merge what is in one cell: one group throughout, and an honest count of its objects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dronewall.bench.tracking.grouping import group_values
from dronewall.bench.tracking.play import Played, play
from dronewall.bench.tracking_scenes.catalogue import staged

SECONDS = 100.0


def played(name: str, seed: int) -> Played:
    return play(replace(staged(name, seed), seconds=SECONDS))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_swarm_that_is_resolved_is_counted_within_a_tenth(seed: int) -> None:
    told = group_values(50, played("swarm-1000", seed).groups)
    assert told["group_count_off"] is not None
    assert told["group_count_off"] <= 0.1
    assert told["group_unbroken"] == 1.0


@pytest.mark.parametrize("name", ["swarm-100", "swarm-200"])
def test_of_a_swarm_that_is_not_resolved_the_interval_holds_the_number(name: str) -> None:
    told = group_values(50, played(name, 1).groups)
    assert told["group_covers"] is not None
    assert told["group_covers"] >= 0.9
    assert told["group_unbroken"] == 1.0


@pytest.mark.parametrize("name", ["dense", "crossing", "radar-50"])
def test_where_everybody_flies_alone_there_is_no_group(name: str) -> None:
    assert group_values(0, played(name, 1).groups)["groups_false"] == 0.0

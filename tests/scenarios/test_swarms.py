"""Swarms under radars that merge what is in one cell: one group throughout, and an honest count of its objects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dronewall.bench.tracking.grouping import group_values
from dronewall.bench.tracking.play import Played, play
from dronewall.bench.tracking_scenes.catalogue import staged
from dronewall.engine.clock import NS_PER_S
from dronewall.model.picture import TruthDomain
from dronewall.pipeline import Pipeline

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


def test_groups_go_on_after_a_restart_as_if_nothing_had_happened() -> None:
    stage = staged("swarm-300", 1)
    begin_ns = stage.scene.epoch_ns

    def groups(pipeline: Pipeline, from_s: int, to_s: int) -> list[list[object]]:
        told = []
        for second in range(from_s, to_s):
            since_ns, until_ns = begin_ns + second * NS_PER_S, begin_ns + (second + 1) * NS_PER_S
            plots = stage.scene.plots_between(since_ns, until_ns)
            picture = pipeline.step(plots, now_ns=until_ns, seq=second)
            told.append([values.tolist() for _, values in picture.groups.columns()])
        return told

    first, second = (Pipeline(stage.scene.sensors, truth_domain=TruthDomain.SIMULATION, reorder_ns=0) for _ in range(2))
    groups(first, 0, 45)
    second.restore(first.checkpoint())
    told = groups(first, 45, 60)
    assert told[-1][0], "there is a group"
    assert groups(second, 45, 60) == told


@pytest.mark.parametrize("name", ["dense", "crossing", "radar-50"])
def test_where_everybody_flies_alone_there_is_no_group(name: str) -> None:
    assert group_values(0, played(name, 1).groups)["groups_false"] == 0.0

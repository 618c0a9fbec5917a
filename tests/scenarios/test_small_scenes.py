"""Small simulated scenes through the whole pipeline: a change that worsens a score must say so and why.

Noise is simulated. The bounds stand well outside what was measured, and well inside what would be a fault.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dronewall.model.identity import Affiliation
from dronewall.simulation import scenes

SEEDS = (1, pytest.param(2, marks=pytest.mark.slow))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lone_drone_in_clutter_is_one_track_from_start_to_end(judge: Callable, seed: int) -> None:
    judged = judge(scenes.lone_drone(seed))
    assert judged.score["completeness"] >= 0.98
    assert judged.score["spuriousness"] <= 0.02
    assert judged.score["id_changes_per_truth"] == 0
    assert judged.score["rmse_m"] < 50.0
    assert 0.3 < judged.score["anees"] < 1.6


@pytest.mark.parametrize("seed", SEEDS)
def test_drones_that_cross_keep_their_numbers(judge: Callable, seed: int) -> None:
    judged = judge(scenes.crossing(seed))
    assert judged.score["completeness"] >= 0.98
    assert judged.score["id_changes_per_truth"] == 0
    assert len(np.unique(judged.tracks.track_id)) == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_drone_that_turns_is_followed_round_every_corner(judge: Callable, seed: int) -> None:
    judged = judge(scenes.turning(seed))
    assert judged.score["completeness"] >= 0.98
    assert judged.score["id_changes_per_truth"] == 0
    assert judged.score["rmse_m"] < 60.0


@pytest.mark.parametrize("seed", SEEDS)
def test_an_airliner_seen_and_heard_is_one_neutral_track_with_its_address(judge: Callable, seed: int) -> None:
    judged = judge(scenes.airliner(seed))
    assert judged.score["completeness"] == 1.0
    assert judged.score["spuriousness"] <= 0.02
    assert len(np.unique(judged.tracks.track_id)) == 1
    row = judged.picture.tracks.track_id.tolist().index(judged.tracks.track_id[-1])
    assert judged.picture.tracks.icao24[row] == scenes.AIRLINER["icao24"]
    assert judged.picture.identities.affiliation[row] in (Affiliation.NEUTRAL, Affiliation.ASSUMED_FRIEND)


@pytest.mark.parametrize("seed", SEEDS)
def test_drones_begun_by_radar_are_followed_by_sound_alone(judge: Callable, seed: int) -> None:
    judged = judge(scenes.drone_wall(seed), horizontal=True)
    assert judged.score["completeness"] >= 0.9
    assert judged.score["spuriousness"] <= 0.1
    assert judged.score["id_changes_per_truth"] <= 0.2
    assert judged.score["rmse_m"] < 300.0

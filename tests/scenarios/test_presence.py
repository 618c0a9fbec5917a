"""Microphones without direction under a poor radar: tracks are believed sooner, and none is false."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from dronewall.model.sensors import Sensor, SensorKind
from dronewall.simulation.night import Scene
from dronewall.simulation.partial import Microphones
from dronewall.simulation.radar import Radar
from dronewall.simulation.scenes import DRONE, Played, at, drone_radar, flying, play
from dronewall.simulation.sky import Sky

SPACING_KM, HALF_KM = 4.0, 16.0
FAINT = {**DRONE, "rcs_m2": 0.0005}


@cache
def over_a_poor_radar(seed: int, *, ears: bool) -> Played:
    """Five faint but loud drones under a radar that also shows 300 plots a scan of what is not there."""
    rng = np.random.default_rng(700 + seed)
    objects = []
    for i in range(5):
        course = rng.uniform(0.0, 2 * np.pi)
        ahead = np.array([np.sin(course), np.cos(course)])
        begin = rng.uniform(-9.0, 9.0, 2) - ahead * 5.0
        objects.append(
            flying(f"obj-{i}", [tuple(begin), tuple(begin + 15.0 * ahead)], hae_m=400.0, speed_mps=45.0, **FAINT)
        )
    sky = Sky.concat(objects)
    radar = Radar(
        drone_radar("radar", *at(0.0, -3.0), 30.0, range_max_m=20_000.0, clutter_per_scan=300.0, period_s=4.0),
        sky,
        seed=seed,
    )
    places = np.arange(-HALF_KM, HALF_KM + 0.1, SPACING_KM)
    nodes = [
        Sensor(
            f"ear-{n}", SensorKind.ACOUSTIC_PRESENCE, *at(east, north), 10.0, period_s=1.0, range_max_m=4_000.0, pd=0.7
        )
        for n, (east, north) in enumerate((e, n) for e in places for n in places)
    ]
    beside = [Microphones(nodes, sky, seed=seed, tells_silence=True)] if ears else []
    return play(Scene(sky, [radar, *beside]), 200.0, sample_s=1)


@pytest.mark.slow
def test_microphones_that_hear_no_direction_let_tracks_be_believed_sooner(judge: Callable) -> None:
    # Five drones each: one alone may be found by luck, so that no seed by itself tells.
    pairs = [[judge(over_a_poor_radar(seed, ears=ears), from_s=0.0) for ears in (False, True)] for seed in range(1, 5)]
    deaf, beside = ([pair[side] for pair in pairs] for side in (0, 1))

    def mean(name: str, judged: list) -> float:
        return float(np.mean([one.score[name] for one in judged]))

    assert mean("confirm_s", beside) < mean("confirm_s", deaf) - 1.0
    assert mean("gospa_m", beside) < 0.98 * mean("gospa_m", deaf)
    assert mean("completeness", beside) > mean("completeness", deaf) + 0.005
    for with_ears, without in zip(beside, deaf, strict=True):
        assert with_ears.score["spuriousness"] <= without.score["spuriousness"] + 0.005
        assert with_ears.picture.confirmed_total <= without.picture.confirmed_total
        shown = with_ears.picture.bearings
        assert np.isnan(shown.azimuth_rad[shown.kind == SensorKind.ACOUSTIC_PRESENCE]).all()

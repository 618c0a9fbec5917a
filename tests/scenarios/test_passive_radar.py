"""Passive radar alone and beside others: tracks that are as good as they say, in the plane; heights nobody measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dronewall.model.sensors import Sensor, SensorKind, Sigma
from dronewall.simulation.night import Scene
from dronewall.simulation.passive_radar import PassiveRadar, Transmitter
from dronewall.simulation.scenes import DRONE, Played, at, flying, play
from dronewall.simulation.sky import Sky

PLACES_KM = ((-40.0, 20.0), (25.0, -30.0), (30.0, 35.0))


def seen(seed: int, *, transmitters: int) -> Played:
    """Six objects on straight paths, a receiver at the edge, and transmitters around."""
    rng = np.random.default_rng(2_000 + seed)
    objects = []
    for i in range(6):
        course, speed = rng.uniform(0.0, 2 * np.pi), rng.uniform(40.0, 70.0)
        ahead = np.array([np.sin(course), np.cos(course)])
        begin = rng.uniform(-12.0, 12.0, 2) - ahead * speed * 0.12
        places = [tuple(begin), tuple(begin + ahead * speed * 0.3)]
        objects.append(flying(f"obj-{i}", places, hae_m=rng.uniform(300.0, 2_500.0), speed_mps=speed, **DRONE))
    sky = Sky.concat(objects)
    lat, lon = at(-15.0, -10.0)
    receiver = Sensor(
        "passive",
        SensorKind.PASSIVE_RADAR,
        lat,
        lon,
        100.0,
        sigma=Sigma(range_m=60.0, azimuth_deg=1.5, range_rate_mps=1.5),
        period_s=2.0,
        range_max_m=80_000.0,
        pd=0.8,
        clutter_per_scan=3.0,
    )
    lit = [Transmitter(*at(*place), 300.0) for place in PLACES_KM[:transmitters]]
    return play(Scene(sky, [PassiveRadar(receiver, lit, sky, seed=seed)]), 240.0)


@pytest.mark.parametrize("transmitters", [1, 3])
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_range_sums_and_bearings_make_tracks_that_are_as_good_as_they_say(
    judge: Callable, seed: int, transmitters: int
) -> None:
    score = judge(seen(seed, transmitters=transmitters), from_s=90.0, horizontal=True).score
    assert score["completeness"] >= 0.9
    assert score["anees"] <= 2.0
    assert score["rmse_m"] <= 350.0
    assert score["id_changes_per_truth"] <= 0.2

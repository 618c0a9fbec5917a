"""A maker's tracks beside our own radar: as good as having its plots, and honest whatever it tells of its errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dronewall.model.sensors import Sensor, SensorKind, Sigma
from dronewall.simulation.filtering_tracker import FilteringTracker, Tells
from dronewall.simulation.laydown import drone_radar
from dronewall.simulation.night import Scene
from dronewall.simulation.radar import Radar
from dronewall.simulation.scenes import DRONE, Played, at, flying, play
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import Source
from dronewall.simulation.vendor_tracker import VendorTracker

SEEDS = (1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow))


def sky_of(seed: int, *, turning: bool = False) -> Sky:
    """Eight objects on straight paths through the middle, or with a turn half-way."""
    rng = np.random.default_rng(1_000 + seed)
    objects = []
    for i in range(8):
        course, speed = rng.uniform(0.0, 2 * np.pi), rng.uniform(40.0, 70.0)
        ahead = np.array([np.sin(course), np.cos(course)])
        turned = course + turning * rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 1.5)
        begin = rng.uniform(-12.0, 12.0, 2) - ahead * speed * 0.15
        bend = begin + ahead * speed * 0.15
        end = bend + np.array([np.sin(turned), np.cos(turned)]) * speed * 0.3
        places = [tuple(begin), tuple(bend), tuple(end)]
        signature = {**DRONE, "rcs_m2": 1.0}
        objects.append(flying(f"obj-{i}", places, hae_m=rng.uniform(300.0, 2_500.0), speed_mps=speed, **signature))
    return Sky.concat(objects)


def our_radar(sky: Sky, seed: int) -> Radar:
    model = drone_radar("ours", *at(-15.0, -10.0), 30.0, period_s=5.0, clutter_per_scan=5.0, range_max_m=80_000.0)
    return Radar(replace(model, range_90_m=150_000.0, doppler=False), sky, seed=seed)


def theirs(sky: Sky, seed: int, *, tracks: bool, tells: Tells | None = None, **declared: float) -> FilteringTracker:
    lat, lon = at(14.0, 12.0)
    sensor = Sensor(
        "theirs",
        SensorKind.VENDOR_TRACKER if tracks else SensorKind.RADAR_3D,
        lat,
        lon,
        40.0,
        sigma=Sigma(range_m=25.0, azimuth_deg=0.4, elevation_deg=0.5, **declared),
        period_s=1.0,
        range_max_m=80_000.0,
        pd=0.9,
        delivers_tracks=tracks,
    )
    return FilteringTracker(sensor, sky, seed=seed, tells=tells)


def played(sky: Sky, *sources: Source, seconds: float = 240.0) -> Played:
    return play(Scene(sky, sources), seconds)


@pytest.mark.parametrize("turning", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_tracks_are_worth_what_their_plots_would_be(judge: Callable, seed: int, turning: bool) -> None:
    sky = sky_of(seed, turning=turning)
    central = judge(played(sky, our_radar(sky, seed), theirs(sky, seed, tracks=False)), from_s=60.0).score
    fused = judge(played(sky, our_radar(sky, seed), theirs(sky, seed, tracks=True)), from_s=60.0).score
    assert fused["rmse_m"] <= 1.05 * central["rmse_m"]
    assert fused["anees"] <= 1.2
    assert fused["completeness"] == 1.0
    assert fused["id_changes_per_truth"] == 0


@pytest.mark.parametrize(
    "tells",
    [Tells(velocity_covariance=False), Tells(covariance=False), Tells(boast=4.0)],
    ids=["position only", "no covariance", "covariance four times too small"],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_source_leaves_out_or_boasts_of_makes_no_track_too_sure(
    judge: Callable, seed: int, tells: Tells
) -> None:
    sky = sky_of(seed)
    ours = judge(played(sky, our_radar(sky, seed)), from_s=90.0).score
    vendor = theirs(sky, seed, tracks=True, tells=tells, position_m=20.0, altitude_m=20.0, velocity_mps=2.0)
    fused = judge(played(sky, our_radar(sky, seed), vendor), from_s=90.0).score
    assert fused["anees"] <= 1.2
    assert fused["rmse_m"] < ours["rmse_m"]


@pytest.mark.parametrize("seed", SEEDS)
def test_errors_that_drift_slowly_are_not_averaged_away(judge: Callable, seed: int) -> None:
    sky = sky_of(seed)
    sensor = replace(
        theirs(sky, seed, tracks=True).sensors[0], sigma=Sigma(position_m=50.0, altitude_m=50.0, velocity_mps=2.0)
    )
    alone = judge(played(sky, VendorTracker(sensor, sky, seed=seed)), from_s=60.0).score
    assert alone["anees"] <= 1.2
    assert alone["completeness"] >= 0.99

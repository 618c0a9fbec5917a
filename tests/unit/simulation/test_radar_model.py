"""Radars: horizon, chance of detection, clutter, order of delivery, honest sigmas."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import enu_axes, enu_from_ecef, geodetic_from_ecef, spherical_from_enu
from dronewall.simulation import scenes
from dronewall.simulation.laydown import drone_radar, long_range_radar
from dronewall.simulation.night import EPOCH_NS, Scene
from dronewall.simulation.radar import Radar, RadarModel
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import EFFECTIVE_EARTH_M, NS


def scans(model: RadarModel, sky: Sky, count: int, *, seed: int = 1) -> list:  # type: ignore[type-arg]
    radar = Radar(model, sky, seed=seed)
    return [radar.plots(n) for n in range(count)]


def crossing_object(north_km: float, hae_m: float, *, rcs_m2: float = 1e4) -> Sky:
    return scenes.flying("thing", [(-30.0, north_km), (30.0, north_km)], hae_m=hae_m, speed_mps=50.0, rcs_m2=rcs_m2)


def test_what_is_below_the_horizon_is_never_seen_and_what_is_above_it_is() -> None:
    mast_m, hae_m = 30.0, 100.0
    horizon_km = (np.sqrt(2 * EFFECTIVE_EARTH_M * mast_m) + np.sqrt(2 * EFFECTIVE_EARTH_M * hae_m)) / 1e3
    model = long_range_radar("radar", *scenes.at(0.0, 0.0), mast_m, clutter_per_scan=0.0)
    beyond = scans(model, crossing_object(horizon_km + 1.0, hae_m), 100)
    assert all(len(scan) == 1 and scan.empty_scan[0] and scan.scan_end[0] for scan in beyond)
    within = scans(model, scenes.flying("thing", [(0.0, horizon_km - 6.0), (5.0, horizon_km - 6.0)],
                                        hae_m=hae_m, speed_mps=10.0, rcs_m2=1e4), 40)  # fmt: skip
    assert np.mean([not scan.empty_scan[0] for scan in within[1:]]) > 0.9


def test_nothing_behind_the_earth_is_seen_however_large() -> None:
    model = long_range_radar("radar", *scenes.at(0.0, 0.0), 100.0, range_max_m=2e7, clutter_per_scan=0.0)
    low = scans(model, crossing_object(600.0, 10_000.0, rcs_m2=1e9), 30)
    assert all(scan.empty_scan[0] for scan in low)


@pytest.mark.parametrize(("range_km", "expected"), [(33.0, 0.90), (45.0, 0.70), (60.0, 0.34)])
def test_the_chance_of_detection_falls_with_range_as_swerlings_first_case_says(
    range_km: float, expected: float
) -> None:
    # 0.05 m² is detected with 0.9 at 70 km x 0.05^(1/4) = 33.1 km.
    model = drone_radar("radar", *scenes.at(0.0, 0.0), 45.0, range_max_m=90_000.0, clutter_per_scan=0.0)
    ring = [scenes.flying(f"d{i}", [scenes_on_circle(range_km, i), scenes_on_circle(range_km + 0.05, i)], hae_m=1_500.0,
                          speed_mps=0.5, rcs_m2=0.05) for i in range(1, 60)]  # fmt: skip
    seen = scans(model, Sky.concat(ring), 20)[1:]
    shown = sum(int((~scan.empty_scan).sum()) for scan in seen)
    trials = 59 * 19
    snr = 130.1 * 0.05 * (70.0 / range_km) ** 4
    assert abs(1e-6 ** (1 / (1 + snr)) - expected) < 0.02
    assert abs(shown / trials - expected) < 0.02 + 4 * np.sqrt(expected * (1 - expected) / trials)


def scenes_on_circle(range_km: float, i: int) -> tuple[float, float]:
    angle = 2 * np.pi * i / 61.0
    return range_km * np.sin(angle), range_km * np.cos(angle)


def test_clutter_comes_in_the_declared_number() -> None:
    model = drone_radar("radar", *scenes.at(0.0, 0.0), 30.0, clutter_per_scan=17.0)
    far = crossing_object(500.0, 100.0)
    counts = [len(scan) for scan in scans(model, far, 300)]
    assert abs(np.mean(counts) - 17.0) < 4 * np.sqrt(17.0 / 300)
    assert 0.7 < np.var(counts) / 17.0 < 1.35


def test_a_scan_arrives_sector_by_sector_numbered_and_closed() -> None:
    model = drone_radar("radar", *scenes.at(0.0, 0.0), 30.0, clutter_per_scan=40.0, phase=0.4)
    for number, scan in enumerate(scans(model, crossing_object(10.0, 300.0), 20)):
        start_ns = (number - 0.4) * 3.0 * NS
        assert (np.diff(scan.received_ns) >= 0).all()
        assert (scan.scan == number).all()
        assert scan.scan_end.tolist() == [False] * (len(scan) - 1) + [True]
        assert len(np.unique(scan.received_ns)) <= 8
        turned = (scan.at_ns - start_ns) / (3.0 * NS) * 2 * np.pi
        off = np.angle(np.exp(1j * (scan.azimuth_rad - turned)))
        assert np.abs(off).max() < 5 * np.radians(0.4), "a plot's instant is when the antenna pointed there"
        late_s = (scan.received_ns - scan.at_ns) / 1e9
        assert late_s.min() >= 0.05
        assert late_s.max() <= 3.0 / 8 + 0.3


def test_residuals_are_as_large_as_declared() -> None:
    sky = crossing_object(12.0, 700.0)
    model = drone_radar("radar", *scenes.at(0.0, 0.0), 30.0, clutter_per_scan=0.0)
    scene = Scene(sky, [Radar(model, sky, seed=4)])
    plots = scene.plots_between(scene.epoch_ns, scene.epoch_ns + 1_200 * NS)
    plots = plots.take(~plots.empty_scan)
    position, velocity = sky.movers.state(np.zeros(len(plots), np.int64), (plots.at_ns - scene.epoch_ns) / NS)
    site = (model.sensor.lat_deg, model.sensor.lon_deg, model.sensor.hae_m)
    enu = enu_from_ecef(position, *site)
    range_m, azimuth, elevation = spherical_from_enu(enu)
    enu_velocity = velocity @ enu_axes(site[0], site[1]).T
    rate = np.sum(enu * enu_velocity, axis=1) / range_m
    squares = (
        np.stack(
            [
                (plots.range_m - range_m) / 20.0,
                np.angle(np.exp(1j * (plots.azimuth_rad - azimuth))) / np.radians(0.4),
                (plots.elevation_rad - elevation) / np.radians(0.6),
                (plots.range_rate_mps - rate) / 1.0,
            ]
        )
        ** 2
    )
    n = len(plots)
    assert n > 300
    # Each mean square of n is chi-squared over n: within five of its own sigmas.
    assert np.abs(squares.mean(axis=1) - 1.0).max() < 5 * np.sqrt(2 / n)


def test_a_radar_that_measures_no_range_rate_says_none() -> None:
    model = long_range_radar("radar", *scenes.at(0.0, 0.0), 100.0)
    assert np.isnan(scans(model, crossing_object(50.0, 3_000.0), 3)[2].range_rate_mps).all()


def test_truth_scores_what_a_radar_can_reach_and_not_what_the_earth_hides() -> None:
    model = drone_radar("radar", *scenes.at(0.0, 0.0), 30.0, range_max_m=60_000.0)
    near = scenes.flying("near", [(-20.0, 10.0), (20.0, 10.0)], hae_m=300.0, speed_mps=50.0, rcs_m2=0.05)
    hidden = scenes.flying("hidden", [(-20.0, 55.0), (20.0, 55.0)], hae_m=40.0, speed_mps=50.0, rcs_m2=1e4)
    sky = Sky.concat([near, hidden])
    truth = Scene(sky, [Radar(model, sky, seed=1)]).truth_at(EPOCH_NS + 60 * NS)
    assert truth.object_id.tolist() == [b"near", b"hidden"]
    assert truth.scored.tolist() == [True, False]
    assert np.allclose(geodetic_from_ecef(truth.ecef())[2], [300.0, 40.0], atol=0.5)

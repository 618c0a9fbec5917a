"""Acoustic arrays: they point at where the object was."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import enu_from_ecef, spherical_from_enu
from dronewall.simulation import scenes
from dronewall.simulation.acoustic import FALSE_PER_S, SPEED_OF_SOUND_MPS, AcousticArrays, emission
from dronewall.simulation.laydown_passive import acoustic_array
from dronewall.simulation.night import Scene
from dronewall.simulation.sites import Sites
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import NS


def passing_drone(speed_mps: float = 50.0) -> Sky:
    return scenes.flying("drone-001", [(-12.0, 2.0), (40.0, 2.0)], hae_m=300.0, speed_mps=speed_mps, **scenes.DRONE)


def test_sound_heard_left_the_object_its_distance_over_the_speed_of_sound_ago() -> None:
    for speed_mps in (50.0, 220.0):
        sky = passing_drone(speed_mps)
        site = Sites.of([acoustic_array("ears", *scenes.at(0.0, 0.0))])
        heard_s = np.linspace(40.0, 200.0, 60)
        rows, ears = np.zeros(60, np.int64), np.repeat(site.ecef, 60, axis=0)
        left_s, apparent = emission(sky.movers, rows, heard_s, ears, np.zeros((60, 3)))
        was, _ = sky.movers.state(rows, left_s)
        assert np.allclose(apparent, was)
        delay = np.linalg.norm(was - ears, axis=1) / SPEED_OF_SOUND_MPS
        assert np.abs(heard_s - left_s - delay).max() < 1e-6


def test_in_cold_air_sound_takes_longer() -> None:
    sky = passing_drone()
    site = Sites.of([acoustic_array("ears", *scenes.at(0.0, 0.0))])
    row, heard_s = np.zeros(1, np.int64), np.array([90.0])
    left_s, apparent = emission(sky.movers, row, heard_s, site.ecef, np.zeros((1, 3)), sound_mps=320.0)
    assert np.linalg.norm(apparent - site.ecef) / (heard_s - left_s)[0] == pytest.approx(320.0, abs=1e-3)


def test_wind_carries_the_sound_and_turns_the_bearing() -> None:
    sky = passing_drone()
    sites = Sites.of([acoustic_array("ears", *scenes.at(0.0, 0.0))])
    heard_s = np.linspace(60.0, 400.0, 50)
    rows, ears = np.zeros(50, np.int64), np.repeat(sites.ecef, 50, axis=0)
    wind = np.repeat(sites.axes[0, 0][None] * 10.0, 50, axis=0)
    left_s, apparent = emission(sky.movers, rows, heard_s, ears, wind)
    was, _ = sky.movers.state(rows, left_s)
    delay = heard_s - left_s
    assert np.allclose(apparent, was + wind * delay[:, None])
    assert np.abs(np.linalg.norm(apparent - ears, axis=1) - SPEED_OF_SOUND_MPS * delay).max() < 1e-3
    _, true_azimuth, _ = sites.look(rows, was)
    _, azimuth, _ = sites.look(rows, apparent)
    assert 0.5 < np.degrees(np.abs(np.angle(np.exp(1j * (azimuth - true_azimuth))))).max() < 2.0


def test_bearings_point_at_where_the_drone_was_and_not_at_where_it_is() -> None:
    sky = passing_drone()
    array = acoustic_array("ears", *scenes.at(0.0, 0.0), period_s=1.0)
    scene = Scene(sky, [AcousticArrays([array], sky, seed=5)])
    plots = scene.plots_between(scene.epoch_ns, scene.epoch_ns + 420 * NS)
    plots = plots.take(plots.classes.sum(axis=1) > 0)
    heard_s = (plots.at_ns - scene.epoch_ns) / NS
    rows = np.zeros(len(plots), np.int64)

    def residual_deg(at_s: np.ndarray) -> np.ndarray:
        position, _ = sky.movers.state(rows, at_s)
        _, azimuth, _ = spherical_from_enu(enu_from_ecef(position, array.lat_deg, array.lon_deg, array.hae_m))
        return np.degrees(np.angle(np.exp(1j * (plots.azimuth_rad - azimuth))))

    left_s = heard_s.copy()
    for _ in range(60):
        position, _ = sky.movers.state(rows, left_s)
        range_m = np.linalg.norm(enu_from_ecef(position, array.lat_deg, array.lon_deg, array.hae_m), axis=1)
        left_s = heard_s - range_m / SPEED_OF_SOUND_MPS
    assert len(plots) > 150
    assert 1.7 < residual_deg(left_s).std() < 2.3
    assert abs(residual_deg(left_s).mean()) < 0.5
    assert np.sqrt(np.mean(residual_deg(heard_s) ** 2)) > 3.0
    assert (plots.received_ns > plots.at_ns).all()


def test_an_array_misses_one_report_in_five_of_what_it_hears_well() -> None:
    sky = passing_drone()
    arrays = [acoustic_array(f"ears-{i}", *scenes.at(0.5 * i - 4.0, 0.0), period_s=1.0) for i in range(20)]
    source = AcousticArrays(arrays, sky, seed=6)
    # Between 200 s and 300 s the drone is within 8 km of all of them, sound included.
    plots = [source.plots(second) for second in range(200, 300)]
    true = sum(int((p.classes.sum(axis=1) > 0).sum()) for p in plots)
    reports = 100 * len(arrays)
    assert abs(true / reports - 0.8) < 4 * np.sqrt(0.8 * 0.2 / reports)


def test_false_bearings_come_as_often_as_said_from_everywhere() -> None:
    silent = scenes.flying("glider", [(0.0, 0.0), (90.0, 0.0)], hae_m=300.0, speed_mps=50.0)
    arrays = [acoustic_array(f"ears-{i}", *scenes.at(6.0 * i, 0.0)) for i in range(100)]
    source = AcousticArrays(arrays, silent, seed=7)
    azimuth = np.concatenate([source.plots(second).azimuth_rad for second in range(200)])
    expected = FALSE_PER_S * 100 * 200
    assert abs(len(azimuth) - expected) < 4 * np.sqrt(expected)
    assert np.abs(np.histogram(azimuth, bins=8, range=(0, 2 * np.pi))[0] - len(azimuth) / 8).max() < 5 * np.sqrt(
        expected / 8
    )


def test_sound_is_still_heard_after_its_source_is_gone_and_never_before_it_began() -> None:
    sky = scenes.flying(
        "drone-001", [(-4.0, 6.8), (4.0, 6.8)], hae_m=300.0, speed_mps=50.0, start_s=20.0, **scenes.DRONE
    )
    arrays = [acoustic_array(f"ears-{i}", *scenes.at(0.1 * i, 0.0), period_s=1.0) for i in range(10)]
    source = AcousticArrays(arrays, sky, seed=8)
    heard = [second for second in range(400) if (source.plots(second).classes.sum(axis=1) > 0).any()]
    assert heard[0] >= 20.0 + 6_800.0 / SPEED_OF_SOUND_MPS
    assert 15.0 < heard[-1] - sky.movers.end_s[0] < 25.0


def test_only_arrays_that_declare_it_measure_elevation() -> None:
    sky = passing_drone()
    arrays = [
        acoustic_array("flat", *scenes.at(0.0, 0.0), period_s=1.0),
        acoustic_array("tall", *scenes.at(0.0, 1.0), period_s=1.0, elevation_deg=5.0),
    ]
    source = AcousticArrays(arrays, sky, seed=9)
    for second in range(200, 240):
        plots = source.plots(second)
        assert np.array_equal(np.isfinite(plots.elevation_rad), plots.sensor == 1)

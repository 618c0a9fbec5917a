"""The textbook radar measures what it says, merges what one cell holds, and its faults are the ones asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dronewall.bench.tracking_scenes.radars import COARSE
from dronewall.bench.tracking_scenes.staging import Flown, drones, radar_sensor, sky_of
from dronewall.geodesy.wgs84 import ecef_from_geodetic
from dronewall.model.sensors import SensorKind, Sigma
from dronewall.simulation.faults import Bias, Biased, Late
from dronewall.simulation.plain_radar import Cell, Habits, Patch, PlainRadar, Platform
from dronewall.simulation.sky import Sky

SENSOR = radar_sensor("radar", 52.0, 22.0, sigma=COARSE, range_max_m=80_000.0, pd=1.0, clutter_per_scan=0.0)


def sky_at(east_m: np.ndarray, north_m: np.ndarray, **columns: object) -> Sky:
    n = len(east_m)
    flown = Flown.straight(east_m, north_m, np.full(n, 800.0), np.full(n, 50.0), np.zeros(n), 1_000.0)
    return sky_of(flown, drones(n, **columns), np.random.default_rng(1), q_level=0.0, q_upright=0.0)


def scattered(n: int = 400) -> Sky:
    rng = np.random.default_rng(3)
    return sky_at(rng.uniform(-40e3, 40e3, n), rng.uniform(-40e3, 40e3, n))


def true_spherical(position: np.ndarray, lat_deg: float, lon_deg: float, hae_m: float) -> np.ndarray:
    """Range, azimuth, elevation, written out again so that the sensor's own formula is not its judge."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    d = position - ecef_from_geodetic(lat_deg, lon_deg, hae_m)
    east = -np.sin(lon) * d[:, 0] + np.cos(lon) * d[:, 1]
    north = -np.sin(lat) * (np.cos(lon) * d[:, 0] + np.sin(lon) * d[:, 1]) + np.cos(lat) * d[:, 2]
    up = np.cos(lat) * (np.cos(lon) * d[:, 0] + np.sin(lon) * d[:, 1]) + np.sin(lat) * d[:, 2]
    r = np.sqrt(east**2 + north**2 + up**2)
    return np.stack([r, np.mod(np.arctan2(east, north), 2 * np.pi), np.arcsin(up / r)], axis=1)


def test_errors_are_as_declared_on_every_axis() -> None:
    sky = scattered()
    plots = PlainRadar(SENSOR, sky, seed=1, habits=Habits(doppler=True)).plots(2)
    position, velocity = sky.movers.state(np.arange(len(sky)), 10.0)
    true = true_spherical(position, 52.0, 22.0, 10.0)
    measured = np.stack([plots.range_m, plots.azimuth_rad, plots.elevation_rad], axis=1)
    assert len(plots) == len(sky)
    nearest = np.argmin(np.abs(measured[:, None, 0] - true[None, :, 0]) / 50.0
                        + np.abs(measured[:, None, 1] - true[None, :, 1]) / 0.005, axis=1)  # fmt: skip
    off = (measured - true[nearest]) / np.array([50.0, np.radians(0.3), np.radians(0.5)])
    assert np.mean(off**2, axis=0) == pytest.approx([1.0, 1.0, 1.0], abs=0.3)
    sight = (position - ecef_from_geodetic(52.0, 22.0, 10.0)) / true[:, :1]
    rate = np.sum(sight * velocity, axis=1)[nearest]
    assert np.std(plots.range_rate_mps - rate) == pytest.approx(1.0, abs=0.2)


def test_two_objects_in_one_cell_are_one_plot_and_two_cells_apart_are_two() -> None:
    cell = Cell(range_m=150.0, azimuth_rad=np.radians(1.5), elevation_rad=np.radians(3.0))
    for apart_m, expected in ((50.0, 1), (1_000.0, 2)):
        sky = sky_at(np.array([0.0, 0.0]), np.array([20e3, 20e3 + apart_m]))
        assert len(PlainRadar(SENSOR, sky, seed=1, habits=Habits(cell=cell)).plots(1)) == expected


def test_scans_are_numbered_and_end_unless_they_are_not() -> None:
    sky = scattered(20)
    numbered = PlainRadar(SENSOR, sky, seed=1).plots(3)
    assert set(numbered.scan.tolist()) == {3}
    assert numbered.scan_end.tolist() == [False] * 19 + [True]
    bare = PlainRadar(SENSOR, sky, seed=1, habits=Habits(numbered=False)).plots(3)
    assert set(bare.scan.tolist()) == {-1}
    assert not bare.scan_end.any()


def test_a_scan_that_saw_nothing_says_so() -> None:
    far = sky_at(np.array([300e3]), np.array([0.0]))
    plots = PlainRadar(SENSOR, far, seed=1).plots(0)
    assert plots.empty_scan.tolist() == plots.scan_end.tolist() == [True]


def test_clutter_is_as_many_as_declared_and_lies_in_range() -> None:
    noisy = replace(SENSOR, clutter_per_scan=50.0)
    radar = PlainRadar(noisy, sky_at(np.array([300e3]), np.array([0.0])), seed=1)
    counts = [int((~radar.plots(window).empty_scan).sum()) for window in range(60)]
    assert np.mean(counts) == pytest.approx(50.0, rel=0.1)
    assert max(float(np.nanmax(radar.plots(window).range_m)) for window in range(5)) < 81_000.0


def test_a_wind_farm_answers_from_the_same_places() -> None:
    farm = Patch(52.2, 22.1, 3_000.0, 100.0, 200.0, mean=20.0, places=5)
    quiet = sky_at(np.array([300e3]), np.array([0.0]))
    sharp = replace(SENSOR, sigma=Sigma(range_m=0.1, azimuth_deg=0.001, elevation_deg=0.001))
    radar = PlainRadar(sharp, quiet, seed=1, habits=Habits(patches=(farm,)))
    ranges = np.concatenate([radar.plots(window).range_m for window in range(20)])
    assert len(np.unique(np.round(ranges / 10.0))) <= 10


def test_a_radar_on_an_aircraft_tells_its_pose_with_every_plot() -> None:
    path = sky_at(np.array([-20e3]), np.array([0.0])).movers
    moving = replace(SENSOR, lat_deg=None, lon_deg=None, hae_m=None)
    plots = PlainRadar(moving, scattered(30), seed=1, habits=Habits(platform=Platform(path))).plots(4)
    position, _ = path.state(np.zeros(1, np.int64), 20.0)
    told = ecef_from_geodetic(plots.pose_lat_deg, plots.pose_lon_deg, plots.pose_hae_m)
    assert np.linalg.norm(told - position, axis=1).max() < 60.0
    assert np.all(plots.pose_sigma_m == 8.0)


def test_a_two_dimensional_radar_measures_no_height() -> None:
    level = replace(SENSOR, kind=SensorKind.RADAR_2D)
    assert np.isnan(PlainRadar(level, scattered(10), seed=1).plots(1).elevation_rad).all()


def test_a_biased_radar_is_wrong_by_just_its_bias() -> None:
    right = PlainRadar(SENSOR, scattered(50), seed=1)
    bias = Bias(range_m=80.0, azimuth_rad=np.radians(0.3), time_s=0.3)
    plots, true = Biased(right, (bias,)).plots(2), right.plots(2)
    assert plots.range_m - true.range_m == pytest.approx(80.0)
    turned = np.mod(plots.azimuth_rad - true.azimuth_rad + np.pi, 2 * np.pi) - np.pi
    assert np.degrees(turned) == pytest.approx(0.3)
    assert set((plots.at_ns - true.at_ns).tolist()) == {300_000_000}


def test_late_plots_are_the_same_plots_and_none_is_older_than_thirty_seconds() -> None:
    right = PlainRadar(SENSOR, scattered(300), seed=1)
    plots, true = Late(right, seed=1, share=0.5).plots(2), right.plots(2)
    assert np.all(np.diff(plots.received_ns) >= 0)
    age_s = (plots.received_ns - plots.at_ns) / 1e9
    assert age_s.max() <= 30.0 + 1e-6
    assert 0.35 < np.mean(age_s > 1.0) < 0.6
    assert sorted(plots.range_m.tolist()) == sorted(true.range_m.tolist())

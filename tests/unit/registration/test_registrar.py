"""Registration: plots placed in one frame with honest errors, or counted with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dronewall.geodesy.altitude import geoid_undulation_m
from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes, enu_from_ecef, geodetic_from_ecef, spherical_from_enu
from dronewall.model.observations import ObservationKind
from dronewall.model.plots import COVARIANCE_CELLS, Datum, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.registration.registrar import REPEATED_GUESS, UNKNOWN_HEIGHT_SIGMA_M, Registered, Registrar

NOW = 1_800_000_000_000_000_000
RADAR = Sensor("radar", SensorKind.RADAR_3D, 54.0, 24.0, 200.0, Sigma(range_m=50.0, azimuth_deg=0.2, elevation_deg=0.3))
EARS = Sensor("ears", SensorKind.ACOUSTIC_ARRAY, 54.1, 24.1, 150.0)
RECEIVER = Sensor("receiver", SensorKind.ADSB)
PLATFORM = Sensor("platform", SensorKind.RADAR_3D)
VENDOR = Sensor("vendor", SensorKind.VENDOR_TRACKER, delivers_tracks=True)
ALL = Sensors([RADAR, EARS, RECEIVER, PLATFORM, VENDOR])


def registered(sensor_id: str, *, sensors: Sensors = ALL, **columns: Any) -> Registered:
    given = {"at_ns": NOW, "received_ns": NOW, **columns}
    return Registrar(sensors).register(Plots.of(1, sensor_ids=(sensor_id,), **given), now_ns=NOW)


def test_a_radar_plot_lands_where_the_radar_pointed() -> None:
    target = ecef_from_geodetic(54.2, 24.3, 1_000.0)
    r, azimuth, elevation = spherical_from_enu(enu_from_ecef(target, 54.0, 24.0, 200.0))
    o = registered("radar", range_m=r, azimuth_rad=azimuth, elevation_rad=elevation).observations
    assert o.kind.tolist() == [ObservationKind.RANGE_AZIMUTH_ELEVATION]
    np.testing.assert_allclose(o.place[0], target, atol=1e-6)
    along = enu_axes(54.0, 24.0).T @ enu_from_ecef(target, 54.0, 24.0, 200.0) / r
    assert np.sqrt(along @ o.spread[0] @ along) == pytest.approx(50.0, rel=1e-6)


def test_mode_c_beside_a_range_gives_the_height() -> None:
    o = registered("radar", range_m=80_000.0, azimuth_rad=1.0, altitude_m=9_000.0, altitude_datum=Datum.PRESSURE)
    _, _, hae = geodetic_from_ecef(o.observations.place[0])
    assert o.observations.kind.tolist() == [ObservationKind.RANGE_AZIMUTH_ALTITUDE]
    assert float(hae) == pytest.approx(9_000.0 + float(geoid_undulation_m(54.0, 24.0)), abs=30.0)
    assert o.observations.floor_m[0] == 100.0


def test_a_radar_that_measures_no_height_says_so() -> None:
    o = registered("radar", range_m=80_000.0, azimuth_rad=1.0).observations
    up = enu_axes(54.0, 24.0)[2]
    assert o.kind.tolist() == [ObservationKind.RANGE_AZIMUTH_ALTITUDE]
    assert o.noise[0, 2, 2] == (REPEATED_GUESS * UNKNOWN_HEIGHT_SIGMA_M) ** 2
    assert np.sqrt(up @ o.spread[0] @ up) == pytest.approx(UNKNOWN_HEIGHT_SIGMA_M, rel=0.01)


def test_a_position_without_altitude_is_as_wide_as_it_is_unknown() -> None:
    o = registered("receiver", lat_deg=54.0, lon_deg=24.0).observations
    up = enu_axes(54.0, 24.0)[2]
    assert np.sqrt(up @ o.noise[0] @ up) == pytest.approx(UNKNOWN_HEIGHT_SIGMA_M)


def test_a_stated_covariance_is_used_and_an_impossible_one_is_not() -> None:
    stated = np.full(COVARIANCE_CELLS, np.nan)
    stated[[0, 1, 2, 6, 7, 11]] = [400.0, 0.0, 0.0, 900.0, 0.0, 2500.0]
    axes = enu_axes(54.0, 24.0)
    position = {"lat_deg": 54.0, "lon_deg": 24.0, "altitude_m": 500.0, "altitude_datum": Datum.WGS84_HAE}
    o = registered("receiver", covariance=stated, **position).observations
    np.testing.assert_allclose(axes @ o.noise[0] @ axes.T, np.diag([400.0, 900.0, 2500.0]), atol=1e-6)
    stated[1] = 9_000.0
    o = registered("receiver", covariance=stated, **position).observations
    np.testing.assert_allclose(np.diag(axes @ o.noise[0] @ axes.T)[:2], [3600.0, 3600.0])


def test_sound_and_light_give_different_kinds_of_direction() -> None:
    assert registered("ears", azimuth_rad=1.0).observations.kind.tolist() == [ObservationKind.SOUND_DIRECTION]
    assert registered("radar", azimuth_rad=1.0).observations.kind.tolist() == [ObservationKind.DIRECTION]


def test_a_moving_platform_sees_from_its_pose_and_doubts_it() -> None:
    pose = {"pose_lat_deg": 55.0, "pose_lon_deg": 20.0, "pose_hae_m": 8_000.0, "pose_sigma_m": 30.0}
    o = registered("platform", range_m=50_000.0, azimuth_rad=0.5, elevation_rad=-0.1, **pose).observations
    np.testing.assert_allclose(o.site[0], ecef_from_geodetic(55.0, 20.0, 8_000.0))
    assert o.noise[0, 0, 0] == pytest.approx(100.0**2 + 30.0**2)


def test_an_empty_scan_is_an_observation_of_nothing() -> None:
    o = registered("radar", empty_scan=True, scan=4).observations
    assert o.kind.tolist() == [ObservationKind.NOTHING]
    assert o.scan_end.tolist() == [True]


def test_tracks_of_others_never_become_observations() -> None:
    given = {"lat_deg": 54.0, "lon_deg": 24.0, "altitude_m": 300.0, "altitude_datum": Datum.WGS84_HAE}
    out = registered("vendor", track_ref=b"V-7", velocity_east_mps=50.0, velocity_north_mps=0.0, **given)
    assert len(out.observations) == 0
    assert out.remote_tracks.track_ref.tolist() == [b"V-7"]
    assert np.linalg.norm(out.remote_tracks.mean[0, 3:]) == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("sensor_id", "columns", "reason"),
    [
        ("nobody", {"range_m": 1.0, "azimuth_rad": 0.0}, "sensor unknown"),
        ("platform", {"range_m": 1_000.0, "azimuth_rad": 0.0}, "site unknown"),
        ("radar", {}, "nothing measured"),
        ("radar", {"range_sum_m": 40_000.0}, "bistatic"),
        ("radar", {"range_m": -5.0, "azimuth_rad": 0.0}, "out of bounds"),
        ("radar", {"range_m": 1e9, "azimuth_rad": 0.0}, "out of bounds"),
        ("receiver", {"lat_deg": 91.0, "lon_deg": 0.0}, "out of bounds"),
        ("receiver", {"lat_deg": 50.0, "lon_deg": 0.0, "altitude_m": 1e7, "altitude_datum": 1}, "out of bounds"),
        ("receiver", {"lat_deg": 50.0, "lon_deg": 0.0, "at_ns": NOW + 60 * 10**9}, "in the future"),
        ("receiver", {"lat_deg": 50.0, "lon_deg": 0.0, "at_ns": 0}, "too old"),
    ],
)
def test_what_cannot_be_placed_is_counted_with_its_reason(sensor_id: str, columns: dict[str, Any], reason: str) -> None:
    out = registered(sensor_id, **columns)
    assert len(out.observations) == 0
    ((counted_for, why, count),) = out.unplaceable
    assert (counted_for, count) == (sensor_id, 1)
    assert reason in why

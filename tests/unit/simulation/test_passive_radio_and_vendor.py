"""Radio direction finders hear only what transmits; a maker's tracker delivers tracks whose errors drift."""

from __future__ import annotations

import numpy as np

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes, enu_from_ecef, spherical_from_enu
from dronewall.model.plots import Datum
from dronewall.model.sensors import Sensor, SensorKind, Sigma
from dronewall.simulation import scenes
from dronewall.simulation.direction_finders import DirectionFinders
from dronewall.simulation.night import Scene
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import NS
from dronewall.simulation.vendor_tracker import VendorTracker


def finder() -> Sensor:
    lat, lon = scenes.at(0.0, 0.0)
    return Sensor(
        "df", SensorKind.RF_DF, lat, lon, 30.0, Sigma(azimuth_deg=3.0), period_s=2.0, range_max_m=60e3, pd=0.7
    )


def tracker() -> Sensor:
    lat, lon = scenes.at(0.0, 0.0)
    sigma = Sigma(position_m=50.0, altitude_m=80.0, velocity_mps=2.5)
    return Sensor(
        "tracker",
        SensorKind.VENDOR_TRACKER,
        lat,
        lon,
        25.0,
        sigma,
        period_s=2.0,
        range_max_m=35e3,
        delivers_tracks=True,
    )


def drone(*, emits: bool) -> Sky:
    return scenes.flying(
        "drone-001", [(-20.0, 8.0), (20.0, 8.0)], hae_m=400.0, speed_mps=50.0, **scenes.DRONE, emits=emits
    )


def test_what_does_not_transmit_is_not_found() -> None:
    source = DirectionFinders([finder()] * 20, drone(emits=False), seed=1)
    found = sum(len(source.plots(second)) for second in range(300))
    assert found < 0.01 * 20 * 300 * 1.4, "only false bearings"


def test_bearings_on_a_transmitter_have_the_declared_error_and_rate() -> None:
    sky = drone(emits=True)
    scene = Scene(sky, [DirectionFinders([finder()], sky, seed=1)])
    plots = scene.plots_between(scene.epoch_ns, scene.epoch_ns + 600 * NS)
    position, _ = sky.movers.state(np.zeros(len(plots), np.int64), (plots.at_ns - scene.epoch_ns) / NS)
    _, azimuth, _ = spherical_from_enu(enu_from_ecef(position, *scenes.at(0.0, 0.0), 30.0))
    off_deg = np.degrees(np.angle(np.exp(1j * (plots.azimuth_rad - azimuth))))
    near = np.abs(off_deg) < 15.0
    assert abs(near.sum() - 0.7 * 300) < 4 * np.sqrt(0.21 * 300)
    assert 2.5 < off_deg[near].std() < 3.5
    assert np.isnan(plots.elevation_rad).all()


def test_a_tracker_delivers_numbered_tracks_whose_errors_hang_together() -> None:
    sky = drone(emits=False)
    scene = Scene(sky, [VendorTracker(tracker(), sky, seed=1)])
    plots = scene.plots_between(scene.epoch_ns, scene.epoch_ns + 600 * NS)
    assert scene.sensors[0].delivers_tracks
    assert len(plots) > 250
    assert len(set(plots.track_ref.tolist())) == 1
    assert (plots.altitude_datum == Datum.WGS84_HAE).all()
    at_s = (plots.at_ns - scene.epoch_ns) / NS
    assert at_s.min() >= 20.0
    position, _ = sky.movers.state(np.zeros(len(plots), np.int64), at_s)
    axes = enu_axes(*scenes.at(0.0, 0.0))
    off = (ecef_from_geodetic(plots.lat_deg, plots.lon_deg, plots.altitude_m) - position) @ axes.T
    assert np.abs(off[:, :2]).max() < 50.0 * np.sqrt(6.0) * 1.02
    assert 20.0 < off[:, 0].std() < 80.0
    assert np.corrcoef(off[:-1, 0], off[1:, 0])[0, 1] > 0.9

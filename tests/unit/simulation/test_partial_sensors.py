"""Sensors that tell a part: sums of ranges, hearing without direction, a filter's tracks."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.bench.tracking_scenes.staging import Flown, drones, sky_of
from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes, geodetic_from_ecef
from dronewall.model.plots import ObjectClass
from dronewall.model.sensors import Sensor, SensorKind, Sigma
from dronewall.simulation.partial import Cameras, Microphones, PassiveRadars
from dronewall.simulation.sky import Sky
from dronewall.simulation.tracking_radar import TrackingRadar


def sky(n: int = 30, *, within_m: float = 6_000.0, **columns: object) -> Sky:
    rng = np.random.default_rng(2)
    flown = Flown.straight(
        rng.uniform(-within_m, within_m, n),
        rng.uniform(-within_m, within_m, n),
        np.full(n, 600.0),
        np.full(n, 50.0),
        rng.uniform(0.0, 2 * np.pi, n),
        500.0,
    )
    return sky_of(flown, drones(n, **columns), rng)


def sensor(kind: SensorKind, **given: object) -> Sensor:
    return Sensor("s", kind, 52.0, 22.0, 20.0, period_s=1.0, pd=1.0, **given)


def test_a_passive_radar_tells_the_sum_of_both_ranges() -> None:
    objects = sky(1)
    receiver = sensor(SensorKind.PASSIVE_RADAR, range_max_m=40e3, sigma=Sigma(range_m=0.01, azimuth_deg=4.0))
    place = (52.2, 22.3, 250.0)
    source = PassiveRadars([receiver], [place], objects, seed=1)
    plots = next(p for p in (source.plots(window) for window in range(5)) if len(p) == 1)
    position, _ = objects.movers.state(np.zeros(1, np.int64), plots.at_ns[0] / 1e9)
    both = sum(np.linalg.norm(position[0] - ecef_from_geodetic(*site)) for site in (place, (52.0, 22.0, 20.0)))
    assert plots.range_sum_m[0] == pytest.approx(both, abs=0.1)
    assert plots.transmitter_lat_deg[0] == 52.2


def test_a_microphone_says_that_it_hears_and_nothing_of_where() -> None:
    near, far = sky(3, within_m=500.0, hearing_m=9e3), sky(3, within_m=500.0, hearing_m=0.0)
    ear = sensor(SensorKind.ACOUSTIC_PRESENCE, range_max_m=5_000.0)
    heard = [Microphones([ear], objects, seed=1).plots(10) for objects in (near, far)]
    assert len(heard[0]) == 1
    assert heard[0].classes[0].argmax() == ObjectClass.LOITERING
    assert np.isnan(heard[0].azimuth_rad).all()
    assert len(heard[1]) == 0


def test_a_camera_sees_direction_only() -> None:
    camera = sensor(SensorKind.CAMERA, range_max_m=9e3, sigma=Sigma(azimuth_deg=0.1, elevation_deg=0.1))
    plots = Cameras([camera], sky(10), seed=1).plots(3)
    assert len(plots) >= 9
    assert np.isnan(plots.range_m).all()
    assert np.isfinite(plots.azimuth_rad).all() and np.isfinite(plots.elevation_rad).all()


def test_a_filtering_tracker_is_honest_and_its_errors_last() -> None:
    objects = sky(60, within_m=20e3)
    maker = Sensor(
        "t", SensorKind.VENDOR_TRACKER, 52.0, 22.0, 20.0, period_s=4.0, range_max_m=60e3, delivers_tracks=True
    )
    source = TrackingRadar(maker, objects, seed=1, seconds=300.0)
    squares, errors = [], []
    for window in range(30, 70):
        plots = source.plots(window)
        rows = np.array([int(ref[1:]) for ref in plots.track_ref.tolist()])
        true, _ = objects.movers.state(rows, window * 4.0)
        lat, lon, _ = geodetic_from_ecef(true)
        said = ecef_from_geodetic(plots.lat_deg, plots.lon_deg, plots.altitude_m)
        off = np.einsum("nij,nj->ni", enu_axes(lat, lon), said - true)
        cov = np.array([[c[[0, 1, 2]], c[[1, 6, 7]], c[[2, 7, 11]]] for c in plots.covariance.astype(float)])
        squares.append(np.einsum("ni,nij,nj->n", off, np.linalg.inv(cov), off) / 3.0)
        errors.append(dict(zip(rows.tolist(), off[:, 0].tolist(), strict=True)))
    assert np.mean(np.concatenate(squares)) == pytest.approx(1.0, abs=0.25)
    pairs = [(errors[i][row], errors[i + 1][row]) for i in range(39) for row in errors[i] if row in errors[i + 1]]
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.5


def test_without_covariance_a_filtering_tracker_states_none() -> None:
    maker = Sensor(
        "t", SensorKind.VENDOR_TRACKER, 52.0, 22.0, 20.0, period_s=4.0, range_max_m=60e3, delivers_tracks=True
    )
    plots = TrackingRadar(maker, sky(5), seed=1, seconds=60.0, with_covariance=False).plots(10)
    assert len(plots) and np.isnan(plots.covariance).all()

"""One scene, turned about the earth: across the antimeridian and over a pole tracks are as good as anywhere."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes, geodetic_from_ecef
from dronewall.model.picture import TruthDomain
from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.model.tracks import TrackStatus
from dronewall.pipeline import Pipeline

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
SECONDS = 120
FloatArray = NDArray[np.float64]
SITES = {  # metres east, north of the middle
    "radar-1": (SensorKind.RADAR_3D, -15_000.0, -8_000.0),
    "radar-2": (SensorKind.RADAR_2D, 12_000.0, -14_000.0),
    "finder": (SensorKind.RF_DF, 2_000.0, 11_000.0),
}
SIGMA = {"range_m": 40.0, "azimuth_rad": np.radians(0.2), "elevation_rad": np.radians(0.3)}


class Followed(NamedTuple):
    """Errors of the one track, m by second; the numbers it had; how many tracks there were at most."""

    error_m: FloatArray
    numbers: set[int]
    most: int


def place(middle: tuple[float, float], east: float, north: float, up: float) -> FloatArray:
    lat, lon = (np.array([each]) for each in middle)
    return np.asarray(ecef_from_geodetic(lat, lon, np.zeros(1))[0] + enu_axes(lat, lon)[0].T @ [east, north, up], float)


def seen(site: FloatArray, target: FloatArray) -> tuple[float, float, float]:
    """Return range, azimuth, elevation."""
    lat, lon, _ = geodetic_from_ecef(site[None])
    east, north, up = enu_axes(lat, lon)[0] @ (target - site)
    return (
        float(np.linalg.norm(target - site)),
        float(np.arctan2(east, north)),
        float(np.arctan2(up, np.hypot(east, north))),
    )


@cache
def followed(middle: tuple[float, float], course_deg: float, *, address: int) -> Followed:
    """Let an aircraft fly over the middle at 70 m/s and 1,200 m, and return how it was followed."""
    rng = np.random.default_rng(5)
    sites = {name: place(middle, east, north, 50.0) for name, (_, east, north) in SITES.items()}
    geodetic = {name: [float(v[0]) for v in geodetic_from_ecef(site[None])] for name, site in sites.items()}
    radars = Sigma(range_m=40.0, azimuth_deg=0.2, elevation_deg=0.3)
    sensors = Sensors(
        [Sensor(n, SITES[n][0], *geodetic[n], radars, period_s=2.0, clutter_per_scan=1.0) for n in sites]
        + [Sensor("receiver", SensorKind.ADSB, sigma=Sigma(position_m=30.0, altitude_m=30.0))]
    )
    pipeline = Pipeline(sensors, truth_domain=TruthDomain.SIMULATION, reorder_ns=0)
    along = np.array([np.sin(np.radians(course_deg)), np.cos(np.radians(course_deg))])
    turn = enu_axes(*(np.array([each]) for each in middle))[0]
    errors: list[float] = []
    numbers: set[int] = set()
    most = 0
    for second in range(SECONDS):
        at = along * 70.0 * (second - SECONDS / 2)
        truth, at_ns = place(middle, at[0], at[1], 1_200.0), T0 + second * NS
        plots = Plots.concat(reports(rng, sites, truth, turn, second, at_ns, address))
        tracks = pipeline.step(plots, now_ns=at_ns, seq=second).tracks
        tracks = tracks.take(tracks.status != TrackStatus.TENTATIVE)
        most = max(most, len(tracks))
        numbers |= set(tracks.track_id.tolist())
        if second >= 20:
            errors.append(float(np.linalg.norm(tracks.mean[:, :3] - truth, axis=1).min()) if len(tracks) else np.inf)
    return Followed(np.array(errors), numbers, most)


def reports(
    rng: np.random.Generator,
    sites: dict[str, FloatArray],
    truth: FloatArray,
    turn: FloatArray,
    second: int,
    at_ns: int,
    address: int,
) -> list[Plots]:
    out: list[Plots] = []
    for n, name in enumerate(sites):
        range_m, azimuth, elevation = seen(sites[name], truth)
        noise = rng.normal(size=3)
        told: dict[str, Any] = {"azimuth_rad": azimuth + SIGMA["azimuth_rad"] * noise[1]}
        if name != "finder":
            told["range_m"] = range_m + SIGMA["range_m"] * noise[0]
        if name == "radar-1":
            told["elevation_rad"] = elevation + SIGMA["elevation_rad"] * noise[2]
        if name == "finder" or second % 2 == n:
            out.append(Plots.of(1, sensor_ids=(name,), at_ns=at_ns, received_ns=at_ns, scan=second // 2, **told))
    lat, lon, hae = geodetic_from_ecef((truth + turn.T @ (30.0 * rng.normal(size=3)))[None])
    if address and second % 5 == 0:
        heard = {"lat_deg": lat, "lon_deg": lon, "altitude_m": hae, "altitude_datum": Datum.WGS84_HAE}
        out.append(Plots.of(1, sensor_ids=("receiver",), at_ns=at_ns, received_ns=at_ns, icao24=address, **heard))
    return out


@pytest.mark.parametrize("address", [0, 0xABCDEF], ids=["mute", "with ADS-B"])
@pytest.mark.parametrize("course_deg", [90.0, 215.0])
@pytest.mark.parametrize("lon_deg", [180.0, -180.0, 179.99, 0.0])
def test_a_turn_about_the_axis_changes_nothing(lon_deg: float, course_deg: float, address: int) -> None:
    here, there = (
        followed((54.0, 24.0), course_deg, address=address),
        followed((54.0, lon_deg), course_deg, address=address),
    )
    assert len(here.numbers) == len(there.numbers) == here.most == there.most == 1
    np.testing.assert_allclose(there.error_m, here.error_m, atol=0.05)
    assert np.median(here.error_m) < 60.0


@pytest.mark.parametrize("address", [0, 0xABCDEF], ids=["mute", "with ADS-B"])
@pytest.mark.parametrize("middle", [(90.0, 0.0), (-90.0, 0.0), (89.95, 180.0), (-89.99, -45.0), (0.0, 180.0)])
def test_over_a_pole_a_track_is_as_good_as_elsewhere(middle: tuple[float, float], address: int) -> None:
    here, there = followed((54.0, 24.0), 90.0, address=address), followed(middle, 90.0, address=address)
    assert len(there.numbers) == there.most == 1
    np.testing.assert_allclose(there.error_m, here.error_m, atol=2.0)

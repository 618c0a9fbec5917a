"""Movers and flight: paths are smooth, at the promised speed, on the ellipsoid."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import geodetic_from_ecef
from dronewall.simulation.flight import FlightPlans, drift, fly, wind_enu
from dronewall.simulation.geography import BORDER, Belt, course_and_distance, destination
from dronewall.simulation.movers import Movers


def plans(n: int, *, speed_mps: float, seed: int = 0) -> FlightPlans:
    rng = np.random.default_rng(seed)
    lat, lon = [np.full(n, 52.0)], [np.full(n, 22.0)]
    for _ in range(4):
        there = destination(lat[-1], lon[-1], rng.uniform(0, 2 * np.pi, n), rng.uniform(20.0, 40.0, n))
        lat.append(there[0])
        lon.append(there[1])
    return FlightPlans(
        start_s=rng.uniform(0.0, 100.0, n),
        lat_deg=np.stack(lat, axis=1),
        lon_deg=np.stack(lon, axis=1),
        hae_m=rng.uniform(100.0, 900.0, (n, 5)),
        speed_mps=np.full(n, speed_mps),
        speed_low_mps=np.full(n, speed_mps),
        climb_mps=np.full(n, 3.0),
        turn_radps=np.full(n, np.radians(3.0)),
    )


@pytest.fixture(scope="module")
def flown() -> Movers:
    return fly(plans(12, speed_mps=55.0), longest_s=4_000.0)


def instants(movers: Movers, per_object: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.repeat(np.arange(len(movers)), per_object)
    share = np.tile(np.linspace(0.001, 0.999, per_object), len(movers))
    return rows, movers.start_s[rows] + share * (movers.end_s - movers.start_s)[rows]


def test_velocity_is_the_derivative_of_position(flown: Movers) -> None:
    rows, at_s = instants(flown, 200)
    before, _ = flown.state(rows, at_s - 0.01)
    after, _ = flown.state(rows, at_s + 0.01)
    _, velocity = flown.state(rows, at_s)
    # Second differences across a knot may jump with the acceleration, never more than a turn's 0.3 g over 10 ms.
    assert np.abs((after - before) / 0.02 - velocity).max() < 0.05


def test_ground_speed_and_height_are_those_of_the_plan_in_turns_too(flown: Movers) -> None:
    rows, at_s = instants(flown, 300)
    position, velocity = flown.state(rows, at_s)
    speed = np.linalg.norm(velocity, axis=1)
    assert speed.min() > 54.9
    assert speed.max() < 55.2
    hae = geodetic_from_ecef(position)[2]
    assert hae.min() > 60.0
    assert hae.max() < 940.0


def test_turns_keep_to_the_promised_rate(flown: Movers) -> None:
    rows, at_s = instants(flown, 400)
    _, a = flown.state(rows, at_s)
    _, b = flown.state(rows, at_s + 1.0)
    cosine = np.sum(a * b, axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    rate_deg = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    assert rate_deg.max() < 4.0
    assert rate_deg.max() > 1.5


def test_every_flight_passes_its_waypoints(flown: Movers) -> None:
    plan = plans(12, speed_mps=55.0)
    for row in range(len(flown)):
        at_s = np.arange(flown.start_s[row], flown.end_s[row], 2.0)
        position, _ = flown.state(np.full(len(at_s), row), at_s)
        lat, lon, _ = geodetic_from_ecef(position)
        for k in range(1, 5):
            _, km = course_and_distance(lat, lon, plan.lat_deg[row, k], plan.lon_deg[row, k])
            assert km.min() < 1.5


def test_who_is_gone_goes_straight_on_and_lingers_only_as_long_as_asked(flown: Movers) -> None:
    end_s = float(flown.end_s[0])
    assert 0 in flown.alive(end_s - 1.0)
    assert 0 not in flown.alive(end_s + 1.0)
    assert 0 in flown.alive(end_s + 29.0, linger_s=30.0)
    assert 0 not in flown.alive(end_s + 31.0, linger_s=30.0)
    row = np.array([0])
    last, velocity = flown.state(row, end_s)
    later, same = flown.state(row, end_s + 20.0)
    assert np.allclose(later, last + 20.0 * velocity, atol=1e-6)
    assert np.array_equal(same, velocity)


def test_balloons_go_with_the_wind_of_their_height() -> None:
    movers = drift(
        np.zeros(3), np.full(3, 50.0), np.full(3, 24.0), np.array([3e3, 6e3, 9e3]), np.zeros(3), lasts_s=3600.0
    )
    position, velocity = movers.state(np.arange(3), 1800.0)
    hae = geodetic_from_ecef(position)[2]
    assert np.allclose(hae, [3e3, 6e3, 9e3], atol=2.0)
    assert np.allclose(np.linalg.norm(velocity, axis=1), np.hypot(*wind_enu(hae)), atol=0.05)


def test_the_belt_measures_in_kilometres_along_the_border_and_inland() -> None:
    belt = Belt()
    lat, lon = belt.place(np.array([1_400.0, 2_300.0]), np.array([50.0, 50.0]))
    on_lat, on_lon = belt.line(np.array([1_400.0, 2_300.0]))
    assert np.allclose(course_and_distance(lat, lon, on_lat, on_lon)[1], 50.0, atol=0.1)
    assert (lon < on_lon).all(), "inland is to the west"
    assert BORDER[0][0] > 69.0
    assert BORDER[-1][0] < 45.0, "from the Barents Sea to the Black Sea"

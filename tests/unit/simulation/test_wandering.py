"""Wanderers: straight means straight on the ellipsoid, and noise has the density that is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import enu_axes, geodetic_from_ecef
from dronewall.simulation.wandering import Wanderers, wander


def flown(n: int, *, seconds: float, q: float = 0.0, turn_degps: float = 0.0, speed: float = 200.0):
    one = np.ones(n)
    plan = Wanderers(
        lat_deg=60.0 * one,
        lon_deg=22.0 * one,
        hae_m=1_000.0 * one,
        speed_mps=speed * one,
        course_rad=1.0 * one,
        start_s=0.0 * one,
        end_s=seconds * one,
        turn_from_s=20.0 * one,
        turn_until_s=50.0 * one,
        turn_radps=np.radians(turn_degps) * one,
        q_level=q,
        q_upright=0.0,
    )
    return wander(plan, np.random.default_rng(1))


def test_without_noise_height_and_speed_stay_and_the_course_is_a_great_circle() -> None:
    movers = flown(1, seconds=1_000.0)
    at_s = np.linspace(0.0, 1_000.0, 40)
    position, velocity = movers.state(np.zeros(40, np.int64), at_s)
    _, _, hae = geodetic_from_ecef(position)
    assert np.abs(hae - 1_000.0).max() < 0.02
    assert np.linalg.norm(velocity, axis=1) == pytest.approx(200.0, abs=0.02)
    # A great circle of an ellipsoid stays within metres of one plane through points near the earth's centre.
    normal = np.linalg.svd(position - position.mean(axis=0))[2][2]
    assert np.abs((position - position.mean(axis=0)) @ normal).max() < 100.0


def test_noise_has_the_density_that_is_asked_for() -> None:
    movers = flown(3_000, seconds=100.0, q=0.5)
    _, velocity = movers.state(np.arange(3_000), 100.0 - 1e-6)
    _, quiet = flown(1, seconds=100.0).state(np.zeros(1, np.int64), 100.0 - 1e-6)
    off = (velocity - quiet) @ enu_axes(60.0, 22.0).T
    assert off[:, 0].var() == pytest.approx(0.5 * 100.0, rel=0.1)
    assert off[:, 1].var() == pytest.approx(0.5 * 100.0, rel=0.1)


def test_a_turn_turns_right_by_rate_times_time_and_keeps_the_speed() -> None:
    movers = flown(1, seconds=100.0, turn_degps=2.0)
    position, velocity = movers.state(np.zeros(1, np.int64), 60.0)
    lat, lon, _ = geodetic_from_ecef(position)
    east, north, up = enu_axes(lat, lon)[0] @ velocity[0]
    assert np.degrees(np.arctan2(east, north)) == pytest.approx(np.degrees(1.0) + 60.0, abs=0.3)
    assert np.hypot(east, north) == pytest.approx(200.0, abs=0.05)
    assert abs(up) < 0.05

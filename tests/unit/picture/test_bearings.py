"""Bearings on the picture: the latest of each, while it says something."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import ecef_from_geodetic
from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.picture.bearings import SHOWN_S, BearingBoard

NS = 1_000_000_000
SENSORS = Sensors([Sensor("ears", SensorKind.ACOUSTIC_ARRAY, 54.0, 24.0, 100.0, range_max_m=9_000.0)])


def direction(at_ns: int, azimuth_rad: float) -> Observations:
    return Observations.of(
        1,
        kind=ObservationKind.SOUND_DIRECTION,
        at_ns=at_ns,
        site=ecef_from_geodetic(54.0, 24.0, 100.0),
        z=np.array([[azimuth_rad, np.nan, np.nan]]),
        noise=np.eye(3) * 0.05**2,
    )


def test_a_bearing_starts_at_its_sensor_and_reaches_as_far_as_it_hears() -> None:
    shown = BearingBoard().step(direction(0, 1.2), np.array([5]), SENSORS, now_ns=0)
    assert shown.lat_deg[0] == pytest.approx(54.0)
    assert shown.lon_deg[0] == pytest.approx(24.0)
    assert (shown.azimuth_rad[0], shown.reach_m[0], shown.track_id[0]) == (1.2, 9_000.0, 5)
    assert shown.sigma_azimuth_rad[0] == pytest.approx(0.05)


def test_a_newer_bearing_on_the_same_track_replaces_the_older() -> None:
    board = BearingBoard()
    board.step(direction(0, 1.0), np.array([5]), SENSORS, now_ns=0)
    shown = board.step(direction(NS, 1.1), np.array([5]), SENSORS, now_ns=NS)
    assert shown.azimuth_rad.tolist() == [1.1]


def test_bearings_on_nothing_known_stand_beside_each_other_and_age_away() -> None:
    board = BearingBoard()
    board.step(direction(0, 1.0), np.array([-1]), SENSORS, now_ns=0)
    assert len(board.step(direction(NS, 2.0), np.array([-1]), SENSORS, now_ns=NS)) == 2
    gone = board.step(Observations.empty(), np.empty(0, np.int64), SENSORS, now_ns=int((SHOWN_S + 2) * NS))
    assert len(gone) == 0

"""Which reports go first, and how many a tick may take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import ecef_from_geodetic
from dronewall.model.identity import Affiliation, Identities
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.plots import ObjectClass, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.model.tracks import Tracks, TrackStatus
from dronewall.run.lanes import Lane, Lanes
from dronewall.run.pace import ROOM_LEAST, ROOM_MOST, WORK_BEHIND_S, WORK_S, Pace
from dronewall.run.reader import nothing_yet

RADAR = Sensor("radar-1", SensorKind.RADAR_3D, 54.0, 25.0, 100.0)
SENSORS = Sensors([RADAR])


def picture(*tracks: tuple[float, float, TrackStatus, bool]) -> Picture:
    """Return a picture of tracks at places, each threatening or not."""
    count = len(tracks)
    mean, classes = np.zeros((count, 6)), np.zeros((count, len(ObjectClass)), np.float32)
    for row, (lat_deg, lon_deg, _, threatening) in enumerate(tracks):
        mean[row, :3] = ecef_from_geodetic(lat_deg, lon_deg, 1_000.0)
        classes[row, ObjectClass.LOITERING if threatening else ObjectClass.AEROPLANE] = 0.9
    made = Tracks.of(count, status=[status for _, _, status, _ in tracks], mean=mean, classes=classes)
    return replace(nothing_yet(TruthDomain.LIVE), tracks=made, identities=Identities.of(count))


def at(*places: tuple[float, float]) -> Plots:
    return Plots.of(
        len(places), lat_deg=[p[0] for p in places], lon_deg=[p[1] for p in places], altitude_m=1_000.0,
        sensor_ids=("radar-1",),
    )  # fmt: skip


def test_a_report_near_a_threat_goes_before_one_near_a_flight_before_bulk() -> None:
    seen = picture((54.0, 25.0, TrackStatus.CONFIRMED, True), (55.0, 25.0, TrackStatus.CONFIRMED, False))
    lanes = Lanes(SENSORS, seen).of(at((54.01, 25.0), (55.01, 25.0), (56.0, 27.0)))
    assert lanes.tolist() == [Lane.THREAT, Lane.TRACK, Lane.BULK]


def test_a_suspect_is_a_threat_whatever_its_class() -> None:
    seen = picture((54.0, 25.0, TrackStatus.COASTING, False))
    suspected = replace(seen, identities=Identities.of(1, affiliation=Affiliation.SUSPECT))
    assert Lanes(SENSORS, suspected).of(at((54.0, 25.0))).tolist() == [Lane.THREAT]


def test_a_track_that_is_not_confirmed_draws_nobody_to_it() -> None:
    seen = picture((54.0, 25.0, TrackStatus.TENTATIVE, True))
    assert Lanes(SENSORS, seen).of(at((54.0, 25.0))).tolist() == [Lane.BULK]


def test_a_radars_report_is_placed_by_its_site_and_a_bearing_counts_as_near_a_track() -> None:
    north_of_the_radar = picture((54.9, 25.0, TrackStatus.CONFIRMED, True))
    plots = Plots.of(
        2, range_m=[100_000.0, np.nan], azimuth_rad=[0.0, 1.0], elevation_rad=[0.01, np.nan], sensor_ids=("radar-1",)
    )
    lanes = Lanes(SENSORS, north_of_the_radar).of(plots)
    assert lanes.tolist() == [Lane.THREAT, Lane.TRACK]


def test_a_report_of_an_undeclared_sensor_has_a_lane_too() -> None:
    plots = Plots.of(1, range_m=100.0, azimuth_rad=0.0, sensor_ids=("nobody",))
    assert Lanes(SENSORS, picture()).of(plots).tolist() == [Lane.TRACK]


def paced(fixed_s: float, each_s: float, *steps: int) -> Pace:
    pace = Pace()
    for reports in steps:
        pace.took(reports, fixed_s + each_s * reports)
    return pace


def test_the_room_is_what_fits_into_a_tick_beside_what_it_costs_in_any_case() -> None:
    assert Pace().room == ROOM_MOST
    pace = paced(0.02, 10e-6, *(1_000, 2_500) * 8)
    fits = round((WORK_S - 0.02) / 10e-6)
    assert pace.room == pytest.approx(fits, rel=0.01)
    assert pace.room_behind == pytest.approx((WORK_BEHIND_S - 0.02) / 10e-6, rel=0.01)


def test_one_hiccup_of_the_machine_changes_nothing() -> None:
    pace = paced(0.02, 10e-6, *(1_000, 2_500) * 8)
    before = pace.room
    pace.took(1_000, 5.0)
    assert pace.room == pytest.approx(before, rel=0.02)


def test_steps_of_one_size_do_not_pin_the_room_to_that_size() -> None:
    pace = paced(0.12, 1e-9, *[2_500] * 20)
    assert pace.room_behind > 3_000


def test_the_room_follows_a_machine_that_became_slow_but_has_a_least() -> None:
    pace = paced(0.0, 0.01, *[1_000] * 64)
    assert pace.room == ROOM_LEAST
    pace.took(10, 0.0001)
    assert pace.room == ROOM_LEAST, "steps with a few reports say nothing of what one costs"

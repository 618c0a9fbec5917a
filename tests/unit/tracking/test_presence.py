"""What hears without direction supports tracks within earshot and begins none; its silence counts mildly."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.picture import TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.model.tracks import TrackStatus
from dronewall.pipeline import Pipeline
from dronewall.tracking.presence import SILENCED_LEAST, Presence
from dronewall.tracking.store import TrackStore

NS = 1_000_000_000
NOW = 1_800_000_000 * NS
EARS = Sensors([Sensor("ear", SensorKind.ACOUSTIC_PRESENCE, 54.0, 24.0, 100.0, range_max_m=5_000.0, pd=0.7)])
SITE = ecef_from_geodetic(54.0, 24.0, 100.0)
AXES = enu_axes(np.array([54.0]), np.array([24.0]))[0]


class Sky:
    """Tracks at places east, north, up of the node, flying east; and what becomes of their existence."""

    def __init__(self, *places_m: tuple[float, float, float], speed_mps: float = 50.0, existence: float = 0.5) -> None:
        n = len(places_m)
        self.store = TrackStore(capacity=8)
        self.store.count = n
        self.store.columns.existence[:n] = existence
        self.x = np.zeros((n, 6))
        self.x[:, :3] = SITE + np.array(places_m) @ AXES
        self.x[:, 3:] = np.array([speed_mps, 0.0, 0.0]) @ AXES
        self.cov = np.tile(np.diag([50.0**2] * 3 + [5.0**2] * 3), (n, 1, 1))
        self.presence = Presence(EARS)

    def after(
        self, kind: ObservationKind, *, ago_s: float = 0.0, status: TrackStatus = TrackStatus.TENTATIVE
    ) -> list[float]:
        n, at_ns = self.store.count, NOW - round(ago_s * NS)
        self.store.columns.status[:n] = status
        told = Observations.of(1, sensor=[0], kind=kind, at_ns=at_ns, site=SITE)
        self.presence.weigh(told, self.store, self.x, self.cov, now_ns=NOW)
        return self.store.columns.existence[:n].tolist()


def test_what_is_heard_makes_a_track_within_earshot_likelier_and_says_so() -> None:
    sky = Sky((1_000.0, 0.0, 300.0), (40_000.0, 0.0, 300.0))
    near, far = sky.after(ObservationKind.PRESENCE)
    assert 0.65 < near < 0.8
    assert far == 0.5
    assert sky.store.columns.heard_ns[:2, SensorKind.ACOUSTIC_PRESENCE].tolist() == [NOW, 0]


def test_what_something_surer_explains_says_little_of_the_rest() -> None:
    alone = Sky((1_000.0, 0.0, 300.0)).after(ObservationKind.PRESENCE)[0]
    sky = Sky((1_000.0, 0.0, 300.0), (0.0, 900.0, 300.0))
    sky.store.columns.existence[1] = 0.999
    beside = sky.after(ObservationKind.PRESENCE)[0]
    assert 0.5 < beside < 0.6 < alone


def test_silence_counts_mildly_and_ends_nothing_that_is_established() -> None:
    assert 0.2 < Sky((1_000.0, 0.0, 300.0)).after(ObservationKind.NOTHING)[0] < 0.4
    sky = Sky((1_000.0, 0.0, 300.0), existence=0.9)
    for second in range(20):
        left = sky.after(ObservationKind.NOTHING, ago_s=190.0 - 10 * second, status=TrackStatus.CONFIRMED)[0]
    assert left == pytest.approx(SILENCED_LEAST)


def test_reports_in_a_row_are_worth_one() -> None:
    row, single = Sky((1_000.0, 0.0, 300.0)), Sky((1_000.0, 0.0, 300.0))
    for second in range(11):
        often = row.after(ObservationKind.NOTHING, ago_s=10.0 - second)[0]
    single.after(ObservationKind.NOTHING, ago_s=10.0)
    twice = single.after(ObservationKind.NOTHING)[0]
    assert often == pytest.approx(twice, rel=0.05)


def test_silence_says_nothing_of_what_hangs_in_the_air_or_answers_as_an_aircraft() -> None:
    assert Sky((1_000.0, 0.0, 300.0), speed_mps=5.0).after(ObservationKind.NOTHING) == [0.5]
    sky = Sky((1_000.0, 0.0, 300.0))
    sky.store.columns.icao24[0] = 0xABC
    assert sky.after(ObservationKind.NOTHING) == [0.5]


def test_sound_is_heard_from_where_it_left() -> None:
    """At 200 m/s, now 6.5 km away: what is heard left 13 s ago, 2.6 km nearer."""
    assert Sky((6_500.0, 0.0, 100.0), speed_mps=200.0).after(ObservationKind.PRESENCE)[0] > 0.7
    assert Sky((6_500.0, 0.0, 100.0), speed_mps=-200.0).after(ObservationKind.PRESENCE)[0] == 0.5
    assert Sky((500.0, 0.0, 100.0), speed_mps=400.0).after(ObservationKind.PRESENCE)[0] == 0.5  # it comes after itself


def test_what_is_heard_begins_no_track_is_shown_as_a_presence_and_is_no_waste() -> None:
    pipeline = Pipeline(EARS, truth_domain=TruthDomain.SIMULATION, reorder_ns=0)
    for second in range(5):
        at_ns = NOW + second * NS
        plots = Plots.of(1, sensor_ids=("ear",), at_ns=at_ns, received_ns=at_ns)
        picture = pipeline.step(plots, now_ns=at_ns, seq=second)
    assert len(picture.tracks) == 0
    assert picture.unplaceable == ()
    shown = picture.bearings
    assert (len(shown), shown.kind[0], shown.reach_m[0]) == (1, SensorKind.ACOUSTIC_PRESENCE, 5_000.0)
    assert np.isnan(shown.azimuth_rad[0])


def test_a_node_without_a_site_is_told_so() -> None:
    lost = Sensors([Sensor("ear", SensorKind.ACOUSTIC_PRESENCE)])
    pipeline = Pipeline(lost, truth_domain=TruthDomain.SIMULATION, reorder_ns=0)
    picture = pipeline.step(Plots.of(1, sensor_ids=("ear",), at_ns=NOW, received_ns=NOW), now_ns=NOW, seq=1)
    assert "site unknown" in picture.unplaceable[0][1]

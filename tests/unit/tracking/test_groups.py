"""Groups: who is one, who is none, and one number through everything that happens to its members."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.groups import Groups, shown_group_id
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.model.tracks import TrackStatus
from dronewall.tracking.groups import LOST_AFTER_NS, GroupBook, keep_pace
from dronewall.tracking.parameters import Parameters
from dronewall.tracking.sensing import Sensing
from dronewall.tracking.store import TrackStore

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
ORIGIN, AXES = ecef_from_geodetic(52.0, 22.0, 500.0), enu_axes(52.0, 22.0)
RADAR = Sensor(
    "radar", SensorKind.RADAR_3D, 52.1, 22.0, 100.0, sigma=Sigma(range_m=50.0, azimuth_deg=0.3), period_s=4.0, pd=0.9
)


class Sky:
    """Tracks that are put where a test wants them, reviewed once a second."""

    def __init__(self) -> None:
        self.store, self.book = TrackStore(capacity=128), GroupBook()
        self.sensing = Sensing(Sensors([RADAR]), Parameters())
        self.now_ns = T0

    def show(self, level_m: np.ndarray, velocity: object, ids: object, *, icao24: object = 0) -> Groups:
        """Review tracks at east, north (n, 2) with velocities east, north (n, 2) a second after the last ones."""
        n = len(level_m)
        before = dict(zip(self.store.columns.track_id.tolist(), self.store.columns.group.tolist(), strict=True))
        c = self.store.columns
        self.store.count = n
        c.track_id[:n], c.icao24[:n], c.status[:n] = ids, icao24, TrackStatus.CONFIRMED
        c.group[:n] = [before.get(int(track_id), 0) for track_id in c.track_id[:n]]
        c.hit[:n, 0] = self.sensing.antennas[0].stamp
        x = np.zeros((n, 6))
        x[:, :3] = ORIGIN + level_m @ AXES[:2]
        x[:, 3:] = np.broadcast_to(np.asarray(velocity, float), (n, 2)) @ AXES[:2]
        self.now_ns += NS
        cov = np.tile(np.diag([900.0] * 3 + [4.0] * 3), (n, 1, 1))
        return self.book.review(self.store, x, cov, self.sensing, now_ns=self.now_ns)

    @property
    def group(self) -> list[int]:
        return self.store.columns.group[: self.store.count].tolist()


def grid(n: int, apart_m: float) -> np.ndarray:
    across = int(np.ceil(np.sqrt(n)))
    return np.stack([np.arange(n) % across, np.arange(n) // across], axis=1) * apart_m


def test_tracks_that_fly_near_and_alike_are_one_group() -> None:
    sky = Sky()
    groups = sky.show(grid(9, 300.0), (40.0, 10.0), range(1, 10))
    assert groups.group_id.tolist() == [1]
    assert groups.members.tolist() == [9]
    assert sky.group == [1] * 9


def test_three_are_no_group() -> None:
    sky = Sky()
    assert len(sky.show(grid(3, 300.0), (40.0, 10.0), range(1, 4))) == 0


@pytest.mark.parametrize("apart_m", [9_000.0, 5_000.0])
def test_aircraft_in_trail_on_an_airway_are_no_group_even_if_none_says_who_it_is(apart_m: float) -> None:
    sky = Sky()
    trail = np.stack([np.arange(20) * apart_m, np.zeros(20)], axis=1)
    assert len(sky.show(trail, (230.0, 0.0), range(1, 21))) == 0


def test_an_aircraft_that_says_who_it_is_is_never_in_a_group() -> None:
    sky = Sky()
    icao24 = np.zeros(9, int)
    icao24[4] = 0x4841A2
    groups = sky.show(grid(9, 300.0), (40.0, 10.0), range(1, 10), icao24=icao24)
    assert groups.members.tolist() == [8]
    assert sky.group[4] == 0
    assert len(Sky().show(grid(9, 300.0), (40.0, 10.0), range(1, 10), icao24=np.arange(1, 10))) == 0


def test_those_that_cross_are_no_group() -> None:
    sky = Sky()
    course = np.arange(9) * 0.7
    velocity = 40.0 * np.stack([np.sin(course), np.cos(course)], axis=1)
    assert len(sky.show(grid(9, 300.0), velocity, range(1, 10))) == 0


def test_a_fan_of_which_neighbours_alone_fly_alike_is_no_group() -> None:
    sky = Sky()
    course = np.arange(5) * 0.12
    velocity = 55.0 * np.stack([np.sin(course), np.cos(course)], axis=1)
    assert len(sky.show(np.stack([np.arange(5) * 400.0, np.zeros(5)], axis=1), velocity, range(1, 6))) == 0


def test_a_group_keeps_its_number_while_its_members_come_and_go() -> None:
    sky, numbers = Sky(), set()
    for second in range(40):
        ids = np.arange(9) + second // 3
        groups = sky.show(grid(9, 300.0) + np.array([40.0 * second, 0.0]), (40.0, 0.0), ids)
        numbers |= set(groups.group_id.tolist())
    assert numbers == {1}


def test_a_group_keeps_its_number_when_all_its_members_change_at_once() -> None:
    sky = Sky()
    sky.show(grid(9, 300.0), (40.0, 0.0), range(1, 10))
    groups = sky.show(grid(8, 300.0) + np.array([40.0, 0.0]), (40.0, 0.0), range(101, 109))
    assert groups.group_id.tolist() == [1]


def test_a_group_waits_a_while_for_its_members_and_then_is_gone() -> None:
    sky = Sky()
    sky.show(grid(9, 300.0), (40.0, 0.0), range(1, 10))
    nobody = np.empty((0, 2))
    for _ in range(10):
        groups = sky.show(nobody, np.empty((0, 2)), [])
        assert groups.group_id.tolist() == [1]
    east = AXES @ (groups.mean[0, :3] - ORIGIN)
    assert east[0] == pytest.approx(300.0 + 10 * 40.0, abs=1.0)
    for _ in range(LOST_AFTER_NS // NS):
        groups = sky.show(nobody, np.empty((0, 2)), [])
    assert len(groups) == 0
    assert sky.show(grid(9, 300.0), (40.0, 0.0), range(1, 10)).group_id.tolist() == [2]


def test_a_group_that_parts_leaves_its_number_to_the_larger_part() -> None:
    sky, places = Sky(), grid(12, 300.0)
    sky.show(places, (0.0, 0.0), range(1, 13))
    south = np.arange(12) < 8
    velocity = np.where(south[:, None], [40.0, 0.0], [-40.0, 0.0])
    for second in range(80):
        groups = sky.show(places + second * velocity, velocity, range(1, 13))
    assert groups.group_id.tolist() == [1, 2]
    assert groups.members.tolist() == [8, 4]
    assert sky.group == [1] * 8 + [2] * 4


def test_two_groups_that_become_one_keep_the_older_number() -> None:
    sky = Sky()
    places = np.concatenate([grid(4, 300.0), grid(9, 300.0) + np.array([3_000.0, 0.0])])
    velocity = np.concatenate([np.tile([44.0, 0.0], (4, 1)), np.tile([40.0, 0.0], (9, 1))])
    sky.show(places[:4], velocity[:4], range(1, 5))
    for second in range(1, 700):
        groups = sky.show(places + second * velocity, velocity, range(1, 14))
    assert groups.group_id.tolist() == [1]
    assert groups.members.tolist() == [13]


def test_two_groups_that_pass_each_other_stay_two() -> None:
    sky = Sky()
    one, other = grid(9, 300.0), grid(6, 300.0) + np.array([4_000.0, 0.0])
    velocity = np.concatenate([np.tile([40.0, 0.0], (9, 1)), np.tile([-40.0, 0.0], (6, 1))])
    places = np.concatenate([one, other])
    for second in range(100):
        sky.show(places + second * velocity, velocity, range(1, 16))
    assert sky.group == [1] * 9 + [2] * 6


def test_a_restored_book_goes_on_as_if_nothing_had_happened() -> None:
    sky = Sky()
    for second in range(5):
        sky.show(grid(9, 300.0) + np.array([40.0 * second, 0.0]), (40.0, 0.0), range(1, 10))
    other = Sky()
    other.book.restore(sky.book.checkpoint())
    other.now_ns = sky.now_ns
    told = [each.show(grid(8, 300.0) + np.array([200.0, 0.0]), (40.0, 0.0), range(101, 109)) for each in (sky, other)]
    for (_, mine), (_, its) in zip(told[0].columns(), told[1].columns(), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_who_is_not_heard_flies_as_the_group_does_and_stays_in_its_place() -> None:
    store = TrackStore(capacity=4)
    store.count = 2
    store.columns.mean[:2, :, 3] = 30.0
    store.columns.cov[:2] = np.diag([1e4] * 3 + [400.0] * 3)
    for _ in range(5):
        keep_pace(store, np.array([0]), np.array([40.0, 0.0, 0.0]))
    np.testing.assert_allclose(store.columns.mean[0, :, 3], 40.0, atol=0.6)
    np.testing.assert_array_equal(store.columns.mean[0, :, :3], 0.0)
    np.testing.assert_array_equal(store.columns.mean[1, :, 3], 30.0)
    assert (np.linalg.eigvalsh(store.columns.cov[0]) > 0.0).all()
    assert (store.columns.cov[0, :, 3, 3] < 25.0).all()


def test_people_see_a_groups_number_with_its_shard() -> None:
    assert shown_group_id(7) == "G-0007"
    assert shown_group_id((3 << 48) + 12) == "G-3-0012"

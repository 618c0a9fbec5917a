"""One object, one track: which of two tracks is the double, and when two are two."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dronewall.tracking.store import TrackStore
from dronewall.tracking.twins import _distance_sq, find_twins


class Pair:
    """Two tracks, the second given later, 40 m apart with 50 m of doubt each."""

    def __init__(self) -> None:
        self.store = TrackStore(capacity=4, radars=2)
        self.store.count = 2
        self.store.columns.track_id[:2] = [5, 9]
        self.x = np.zeros((2, 6))
        self.x[1, 0] = 40.0
        self.cov = np.stack([np.diag([2500.0] * 3 + [25.0] * 3)] * 2)

        self.apart = np.empty((0, 2), np.int64)

    def doubles(self) -> list[bool]:
        elder = np.full(2, -1, np.int64)
        order = np.argsort(self.x[:, 0], kind="stable")
        find_twins(self.x, self.cov, np.arange(2), order, self.store.columns, 1_500.0, 6.0, self.apart, elder)
        return (elder >= 0).tolist()


def test_the_younger_of_two_alike_is_the_double() -> None:
    assert Pair().doubles() == [False, True]


def test_an_address_counts_for_more_than_age() -> None:
    pair = Pair()
    pair.store.columns.icao24[1] = 0xABC
    assert pair.doubles() == [True, False]


def test_two_addresses_are_two_objects() -> None:
    pair = Pair()
    pair.store.columns.icao24[:2] = [0xABC, 0xDEF]
    assert pair.doubles() == [False, False]


def test_what_one_radar_saw_twice_in_one_scan_is_two_objects() -> None:
    pair = Pair()
    pair.store.columns.hit[:2, 1] = 7
    assert pair.doubles() == [False, False]
    pair.store.columns.hit[1, 1] = 6
    assert pair.doubles() == [False, True]


@pytest.mark.parametrize("pair_of", [(5, 9), (9, 5)])
def test_what_a_person_called_two_is_not_one(pair_of: tuple[int, int]) -> None:
    pair = Pair()
    pair.apart = np.array([[1, 2], pair_of])
    assert pair.doubles() == [False, False]


def test_neighbours_in_one_group_are_two_objects() -> None:
    pair = Pair()
    pair.store.columns.group[:2] = 3
    assert pair.doubles() == [False, False]
    pair.store.columns.group[1] = 4
    assert pair.doubles() == [False, True]


@pytest.mark.parametrize(("axis", "apart"), [(0, 400.0), (4, 60.0)], ids=["elsewhere", "going elsewhere"])
def test_tracks_that_differ_by_more_than_their_doubt_are_two(axis: int, apart: float) -> None:
    pair = Pair()
    pair.x[1, axis] += apart
    assert pair.doubles() == [False, False]


@given(st.integers(0, 2**32 - 1))
def test_the_distance_is_that_of_the_inverse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(6, 6)) * 10.0 ** rng.uniform(-1, 3, size=6)
    cov, apart = root @ root.T + np.eye(6), rng.normal(size=6) * 100.0
    expected = apart @ np.linalg.inv(cov) @ apart
    assert _distance_sq(apart.copy(), cov.copy()) == pytest.approx(expected, rel=1e-5)

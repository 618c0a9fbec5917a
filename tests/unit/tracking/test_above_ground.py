"""Tracks that settled on the mirror image of a height are brought back above the ground."""

from __future__ import annotations

import numpy as np

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes, geodetic_from_ecef
from dronewall.tracking.above_ground import lift_mirrored
from dronewall.tracking.store import TrackStore


def holding(*heights_m: float) -> TrackStore:
    """A store of tracks at these heights, all climbing at 3 m/s."""
    store = TrackStore(capacity=8)
    store.count = len(heights_m)
    for row, height_m in enumerate(heights_m):
        place = ecef_from_geodetic(52.0, 22.0, height_m)
        store.columns.mean[row] = np.r_[place, enu_axes(52.0, 22.0).T @ np.array([50.0, 0.0, 3.0])]
    return store


def test_a_track_under_the_ground_is_reflected_and_the_others_stay() -> None:
    store = holding(-1_100.0, 20.0, -60.0, 900.0)
    before = store.columns.mean.copy()
    assert lift_mirrored(store) == store.columns.mean.shape[1]
    height_m = geodetic_from_ecef(store.columns.mean[0, 0, :3])[2]
    assert abs(height_m - 1_100.0) < 60.0
    climb = enu_axes(52.0, 22.0) @ store.columns.mean[0, 0, 3:]
    assert abs(climb[2] + 3.0) < 0.5
    assert np.array_equal(store.columns.mean[1:4], before[1:4])


def test_an_empty_store_is_left_alone() -> None:
    assert lift_mirrored(TrackStore(capacity=4)) == 0

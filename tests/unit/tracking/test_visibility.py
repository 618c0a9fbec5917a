"""Of whom a radar's silence says something: of those that it could see, by what it declares and over the horizon."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import ecef_from_enu, ecef_from_geodetic
from dronewall.model.sensors import Sensor, SensorKind
from dronewall.tracking.look import close_scan
from dronewall.tracking.store import TrackStore
from dronewall.tracking.visibility import may_see, visibility_of

RADAR = Sensor(
    "radar",
    SensorKind.RADAR_3D,
    52.0,
    22.0,
    100.0,
    range_min_m=1_000.0,
    range_max_m=80_000.0,
    height_max_m=8_000.0,
    azimuth_from_deg=300.0,
    azimuth_to_deg=60.0,
    elevation_min_deg=-1.0,
    pd=0.85,
)


@pytest.mark.parametrize(
    ("enu", "seen"),
    [
        ((0.0, 20_000.0, 1_000.0), True),
        ((-15_000.0, 15_000.0, 1_000.0), True),
        ((0.0, -20_000.0, 1_000.0), False),
        ((0.0, 500.0, 100.0), False),
        ((0.0, 90_000.0, 5_000.0), False),
        ((0.0, 20_000.0, 9_000.0), False),
        ((0.0, 5_000.0, -120.0), False),
    ],
    ids=["ahead", "in the sector", "behind", "too near", "too far", "too high", "too low"],
)
def test_a_radar_sees_what_it_declares(enu: tuple[float, float, float], seen: bool) -> None:
    assert sees(RADAR, ecef_from_enu(np.array([enu]), 52.0, 22.0, 100.0)) is seen


@pytest.mark.parametrize(("height_m", "seen"), [(250.0, False), (350.0, False), (900.0, True)])
def test_nothing_is_seen_below_the_horizon(height_m: float, seen: bool) -> None:
    radar = Sensor("radar", SensorKind.RADAR_3D, 52.0, 22.0, 30.0)
    far = ecef_from_geodetic(np.array([52.0 + 120.0 / 111.2]), np.array([22.0]), np.array([height_m]))
    assert sees(radar, far) is seen


@pytest.mark.parametrize("azimuth_deg", [0.0, 90.0, 180.0, 270.0])
def test_what_is_not_declared_limits_nothing(azimuth_deg: float) -> None:
    around = Sensor("radar", SensorKind.RADAR_3D, 52.0, 22.0, 30.0, azimuth_from_deg=0.0, azimuth_to_deg=360.0)
    east, north = np.sin(np.radians(azimuth_deg)), np.cos(np.radians(azimuth_deg))
    place = ecef_from_enu(np.array([[3e4 * east, 3e4 * north, 2e3]]), 52.0, 22.0, 30.0)
    for radar in (around, Sensor("radar", SensorKind.RADAR_3D, 52.0, 22.0, 30.0), Sensor("aloft", SensorKind.RADAR_3D)):
        assert sees(radar, place)


def sees(radar: Sensor, place: NDArray[np.float64]) -> bool:
    return bool(may_see(visibility_of([radar], [4.0]), 0, np.r_[place[0], np.zeros(3)], 0.0, 0.0))


@pytest.mark.parametrize(("north_m", "counts"), [(20_000.0, True), (79_000.0, False), (90_000.0, True)])
def test_silence_counts_where_the_radar_could_see_the_track_by_now(north_m: float, counts: bool) -> None:
    """At 250 m/s north, seen a scan ago: from 79 km it has left the range since; at 90 km it was seen beyond it."""
    store = TrackStore(capacity=4)
    store.count, c = 1, store.columns
    c.mean[0, :, :3] = ecef_from_enu(np.array([[0.0, north_m, 3_000.0]]), 52.0, 22.0, 100.0)
    c.mean[0, :, 3:] = 250.0 * (
        c.mean[0, 0, :3] - ecef_from_enu(np.array([[0.0, north_m - 1.0, 3_000.0]]), 52.0, 22.0, 100.0)[0]
    )
    c.existence[0], c.hit[0, 0] = 0.9, 4
    close_scan(c, 1, 0, 5, 0.85, 5_000_000_000, visibility_of([RADAR], [5.0]))
    assert bool(c.existence[0] < 0.9) is counts

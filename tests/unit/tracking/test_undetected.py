"""Undetected objects are expected at the rim of what radars see and out of their shadow, few where they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import ecef_from_geodetic
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.tracking.earth_cells import CELLS_MOST, cells_within
from dronewall.tracking.parameters import Parameters
from dronewall.tracking.sensing import Sensing

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
REACH_M, PERIOD_S = 40_000.0, 5.0
RADAR = Sensor(
    "a", SensorKind.RADAR_3D, 52.0, 22.0, 10.0, period_s=PERIOD_S, range_max_m=REACH_M, pd=0.9, clutter_per_scan=1.0
)
BESIDE = [replace(RADAR, sensor_id=name, lat_deg=lat, lon_deg=22.0) for name, lat in (("b", 52.1), ("c", 51.9))]
EVEN = Parameters().expected_births / (np.pi * REACH_M**2)
"""Density of new objects in a scan, per m², if they were spread over all that a radar sees."""


def watched(sensors: Sequence[Sensor], *, scans: int, sensing: Sensing | None = None, from_scan: int = 0) -> Sensing:
    """Let all radars look in turn, so many times each."""
    sensing = sensing or Sensing(Sensors(sensors), Parameters())
    for turn in range(from_scan * len(sensors), (from_scan + scans) * len(sensors)):
        sensing.undetected.advance(now_ns=T0 + round(turn * PERIOD_S / len(sensors) * NS))
        sensing.close(list(sensing.antennas.values())[turn % len(sensors)])
        sensing.look_around()
    sensing.undetected.advance(now_ns=T0 + round((from_scan + scans) * PERIOD_S * NS))
    return sensing


def found(sensing: Sensing, range_m: float, *, azimuth_rad: float | None = None, slot: int = 0) -> float:
    """What a scan should find at a range, all round or at one azimuth, in parts of `EVEN`."""
    azimuth = np.linspace(0.0, 2 * np.pi, 360, endpoint=False) if azimuth_rad is None else np.array([azimuth_rad])
    n = len(azimuth)
    new, _ = sensing.undetected.density(np.full(n, slot, np.intp), np.full(n, range_m), azimuth)
    return float(new.mean() / EVEN)


def expected_in_all(sensing: Sensing, slot: int = 0) -> float:
    """How many new objects the next scan of a radar should hold."""
    range_m = (np.arange(160) + 0.5) / 160 * REACH_M
    width_m = REACH_M / 160
    return sum(found(sensing, r, slot=slot) * EVEN * 2 * np.pi * r * width_m for r in range_m.tolist())


def test_after_minutes_new_objects_come_over_the_rim() -> None:
    sensing = watched([RADAR], scans=60)
    assert found(sensing, 0.98 * REACH_M) > 3.0 * found(sensing, 0.5 * REACH_M)
    assert found(sensing, 0.5 * REACH_M) > 0.4, "launches are expected anywhere"


def test_as_many_are_expected_in_all_as_parameters_say() -> None:
    assert expected_in_all(watched([RADAR], scans=60)) == pytest.approx(Parameters().expected_births, rel=0.25)


def test_a_rim_that_others_watch_is_none() -> None:
    sensing = watched([RADAR, *BESIDE], scans=60)
    east, north = (found(sensing, 0.98 * REACH_M, azimuth_rad=azimuth) for azimuth in (np.pi / 2, 0.0))
    assert east > 5.0 * north


def test_the_first_scan_finds_most_of_what_flies_already() -> None:
    before, after = (expected_in_all(watched([RADAR], scans=scans)) for scans in (0, 1))
    assert before > 5.0 * after
    assert before == pytest.approx(0.5 * Parameters().expected_births_at_first, rel=0.5)


def test_what_nobody_looks_at_any_more_fills_again() -> None:
    sensing = watched([RADAR], scans=60)
    watched_now = found(sensing, 0.9 * REACH_M)
    sensing.undetected.advance(now_ns=T0 + 2_000 * NS)
    assert found(sensing, 0.9 * REACH_M) > 10.0 * watched_now


def test_low_ones_come_out_of_the_shadow() -> None:
    """From 10 m above the ellipsoid what flies at 40 m comes over the horizon at 39 km, and the radar sees 100 km."""
    sensing = watched([replace(RADAR, range_max_m=100_000.0)], scans=60)
    assert found(sensing, 39_000.0) > 1.2 * found(sensing, 25_000.0)
    assert found(sensing, 39_000.0) > 2.0 * found(sensing, 80_000.0)


@pytest.mark.parametrize(
    "unknown",
    [
        replace(RADAR, range_max_m=None),
        replace(RADAR, lat_deg=None, lon_deg=None, hae_m=None),
        replace(RADAR, kind=SensorKind.SSR),
        replace(RADAR, kind=SensorKind.PASSIVE_RADAR),
    ],
    ids=["no range", "moving", "asks transponders", "passive"],
)
def test_where_the_coverage_is_not_known_nothing_is_claimed(unknown: Sensor) -> None:
    sensing = watched([RADAR, replace(unknown, sensor_id="other")], scans=20)
    new, left = sensing.undetected.density(np.array([1, 1]), np.array([1e4, 3.9e4]), np.zeros(2))
    assert not new.any()
    assert (left == 1.0).all()
    alone = watched([RADAR], scans=20)
    assert found(sensing, 0.5 * REACH_M) == pytest.approx(found(alone, 0.5 * REACH_M), rel=0.1)


def test_beyond_its_declared_range_a_radar_sees_by_other_rules() -> None:
    _, left = watched([RADAR], scans=1).undetected.density(np.zeros(1, np.intp), np.array([1.2 * REACH_M]), np.zeros(1))
    assert left[0] == 1.0


def test_a_new_radar_changes_nothing_where_others_look() -> None:
    sensing = watched([RADAR], scans=60)
    before = found(sensing, 0.5 * REACH_M)
    far = replace(RADAR, sensor_id="far", lat_deg=54.0)
    sensing.learn(Sensors([RADAR, far]))
    assert found(sensing, 0.5 * REACH_M) == pytest.approx(before, rel=0.05)
    assert found(sensing, 0.5 * REACH_M, slot=1) > 5.0 * before


def test_a_restored_field_goes_on_to_the_byte() -> None:
    sensors = [RADAR, *BESIDE]
    whole = watched(sensors, scans=7)
    copy = Sensing(Sensors(sensors), Parameters())
    copy.restore(whole.checkpoint())
    for sensing in (whole, copy):
        watched(sensors, scans=5, sensing=sensing, from_scan=7)
    one, other = whole.checkpoint(), copy.checkpoint()
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


@pytest.mark.parametrize("reach_m", [10_000.0, 60_000.0, 450_000.0])
@pytest.mark.parametrize("lat_deg", [0.0, 52.0, -89.9])
def test_cells_cover_what_is_within_range_and_are_few(reach_m: float, lat_deg: float) -> None:
    site = ecef_from_geodetic(np.array([lat_deg]), np.array([179.95]), np.array([0.0]))
    cells = cells_within(site, [reach_m])
    assert 10 < len(cells) <= CELLS_MOST
    assert len(cells) * cells.size_m**2 == pytest.approx(np.pi * reach_m**2, rel=1.5)
    middles = cells.places(np.zeros(1), np.zeros(1), np.zeros(len(cells)))
    assert np.array_equal(cells.find(middles), np.arange(len(cells)))
    inner = np.flatnonzero(np.linalg.norm(middles - site, axis=1) < 0.8 * reach_m)
    assert (cells.beside[inner] < len(cells)).all()

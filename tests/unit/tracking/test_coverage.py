"""What a radar sees that is not there."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.tracking.coverage import SPELL_SCANS, ClutterMaps


class OneMap:
    """The second of two radars' maps; the first sees nothing, and must stay as it was."""

    def __init__(self) -> None:
        self.maps = ClutterMaps()
        self.maps.grow(np.array([80_000.0, 80_000.0]))

    def add(self, range_m: np.ndarray, azimuth: np.ndarray, unclaimed: np.ndarray, elevation: float = 0.0) -> None:
        radar = np.ones(len(range_m), np.intp)
        self.maps.add(radar, range_m, azimuth, unclaimed, np.full(len(range_m), elevation))

    def close(self) -> None:
        self.maps.close(1)
        assert self.maps.scans[0] == 0
        assert not self.maps.mean[0].any()

    def density(self, range_m: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        return self.maps.density(np.ones(len(range_m), np.intp), range_m, azimuth, np.full(len(range_m), 8.0))

    def rising(self, elevation: np.ndarray) -> np.ndarray:
        return self.maps.rising(np.ones(len(elevation), np.intp), elevation)


def learned(scans: int) -> OneMap:
    """A map of a radar with even clutter of eight plots a scan, and a wind farm of three at 20 km east."""
    rng = np.random.default_rng(1)
    clutter = OneMap()
    for _ in range(scans):
        n = rng.poisson(8.0)
        clutter.add(80_000.0 * np.sqrt(rng.random(n)), rng.uniform(0, 2 * np.pi, n), np.ones(n))
        clutter.add(rng.normal(20_500.0, 200.0, 3), rng.normal(1.61, 0.005, 3), np.ones(3))
        clutter.close()
    return clutter


def test_a_wind_farm_stands_out_and_the_rest_stays_as_it_is() -> None:
    clutter = learned(300)
    farm = clutter.density(np.array([20_500.0]), np.array([1.61]))[0]
    rng = np.random.default_rng(2)
    range_m, azimuth = 80_000.0 * np.sqrt(rng.random(4_000)), rng.uniform(3.0, 6.0, 4_000)
    elsewhere = np.median(clutter.density(range_m, azimuth))
    assert farm > 100.0 * elsewhere
    even = 8.0 * 2.0 * np.median(range_m) / 80_000.0**2 / (2 * np.pi)
    assert 0.3 * even < elsewhere < 3.0 * even


def test_a_new_map_spreads_what_is_expected_over_the_ground() -> None:
    clutter = OneMap()
    range_m = (np.arange(800) + 0.5) * 100.0
    total = clutter.density(range_m, np.full(800, 1.0)).sum() * 100.0 * 2 * np.pi
    assert total == pytest.approx(8.0, rel=1e-6)


def test_what_has_gone_is_forgotten() -> None:
    clutter = learned(300)
    before = clutter.density(np.array([20_500.0]), np.array([1.61]))[0]
    for _ in range(300):
        clutter.close()
    assert clutter.density(np.array([20_500.0]), np.array([1.61]))[0] < 0.02 * before


def test_a_checkpoint_brings_a_map_back() -> None:
    clutter, other = learned(30), OneMap()
    clutter.add(np.array([5e3]), np.array([1.0]), np.array([0.5]))
    other.maps.restore(clutter.maps.checkpoint())
    for one in (clutter, other):
        one.close()
    assert np.array_equal(clutter.maps.mean, other.maps.mean)


def test_clutter_that_lies_low_is_expected_low() -> None:
    clutter = OneMap()
    low = np.full(50, 0.01)
    assert np.allclose(clutter.rising(np.array([0.01, 0.4])), clutter.rising(np.array([0.2, 0.3])))
    for _ in range(40):
        clutter.add(np.full(50, 30_000.0), np.full(50, 1.0), np.ones(50), 0.01)
        clutter.close()
    assert clutter.rising(np.array([0.01]))[0] > 20.0 * clutter.rising(np.array([0.4]))[0]
    other = OneMap()
    other.maps.restore(clutter.maps.checkpoint())
    assert other.rising(low).tolist() == clutter.rising(low).tolist()


def test_rain_that_has_just_come_is_clutter_in_the_very_next_scan_and_two_drones_are_not() -> None:
    here, away, azimuth = np.array([30_000.0]), np.array([70_000.0]), np.array([0.5])
    clutter, rng = learned(50), np.random.default_rng(5)
    before, elsewhere = (clutter.density(r, azimuth)[0] for r in (here, away))
    clutter.add(np.array([30_000.0, 31_000.0]), np.array([0.5, 0.52]), np.ones(2))
    clutter.close()
    two = clutter.density(here, azimuth)[0]
    clutter.add(rng.normal(30_000.0, 1_500.0, 40), rng.normal(0.5, 0.05, 40), np.ones(40))
    clutter.close()
    rain = clutter.density(here, azimuth)[0]
    assert rain > 100.0 * before
    assert rain > 10.0 * two
    assert clutter.density(away, azimuth)[0] == pytest.approx(elsewhere, rel=0.1)
    clutter.close()
    assert clutter.density(here, azimuth)[0] < 0.5 * rain


def answering(scans: int, *, out_of: int) -> OneMap:
    """A map after so many scans, of which the first of each `out_of` held a plot at 20 km east."""
    clutter = OneMap()
    for scan in range(scans):
        if scan % out_of == 0:
            clutter.add(np.array([20_000.0]), np.array([1.57]), np.ones(1))
        clutter.close()
    return clutter


@pytest.mark.parametrize(
    ("scans", "out_of", "always"),
    [(SPELL_SCANS - 1, 1, False), (SPELL_SCANS, 1, True), (120, 4, True), (120, 12, False)],
)
def test_a_place_always_answers_that_did_in_spells_before(scans: int, out_of: int, *, always: bool) -> None:
    one, here, east = np.ones(2, np.intp), np.array([20_000.0, 30_000.0]), np.array([1.57, 1.57])
    assert answering(scans, out_of=out_of).maps.always_answer(one, here, east).tolist() == [always, False]


def test_a_place_that_fell_silent_is_forgotten_within_hours() -> None:
    clutter = answering(SPELL_SCANS, out_of=1)
    here = (np.ones(1, np.intp), np.array([20_000.0]), np.array([1.57]))
    for _ in range(5 * SPELL_SCANS):
        clutter.close()
    assert clutter.maps.always_answer(*here).all()
    for _ in range(40 * SPELL_SCANS):
        clutter.close()
    assert not clutter.maps.always_answer(*here).any()

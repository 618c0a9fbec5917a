from __future__ import annotations

import math

import pytest

from dronewall.wire.mode_s.cpr import Encoded, Place, encoded_place, longitude_zones, place_from_pair, place_near

AIR = [Place(52.2572, 3.91937), Place(-33.9, 151.2), Place(0.0001, -0.0001), Place(69.65, 18.95), Place(48.2, 179.99)]
GROUND = [Place(43.6293, 1.3638), Place(-33.94, 18.6), Place(40.64, -73.78), Place(51.47, -0.46)]


@pytest.mark.parametrize("place", AIR)
@pytest.mark.parametrize("odd_last", [False, True])
def test_an_even_and_an_odd_half_give_the_position_back(place: Place, odd_last: bool) -> None:
    halves = [encoded_place(place, odd=odd, surface=False) for odd in (not odd_last, odd_last)]
    found = place_from_pair(halves[1], halves[0])
    assert found is not None
    assert found.distance_m(place) < 6.0


@pytest.mark.parametrize("place", GROUND)
def test_a_pair_from_the_ground_needs_a_place_in_the_same_quarter_of_the_earth(place: Place) -> None:
    even, odd = (encoded_place(place, odd=odd, surface=True) for odd in (False, True))
    assert place_from_pair(odd, even) is None
    found = place_from_pair(odd, even, near=Place(place.lat_deg + 9.0, place.lon_deg - 20.0))
    assert found is not None
    assert found.distance_m(place) < 2.0


@pytest.mark.parametrize("surface", [False, True])
@pytest.mark.parametrize("place", AIR + GROUND)
def test_one_half_and_a_place_near_by_give_the_position_back(place: Place, surface: bool) -> None:
    reference = Place(place.lat_deg + 0.3, place.lon_deg - 0.3)
    for odd in (False, True):
        found = place_near(encoded_place(place, odd=odd, surface=surface), reference)
        assert found is not None
        assert found.distance_m(place) < 6.0


def test_the_published_example_comes_out_at_its_published_position() -> None:
    """The pair of messages 8D40621D58C382D690C8AC2863A7 and ...C386435CC412692AD6, known from textbooks."""
    even = Encoded(93000 / 131072, 51372 / 131072, odd=False, surface=False, at_ns=1)
    odd = Encoded(74158 / 131072, 50194 / 131072, odd=True, surface=False, at_ns=0)
    found = place_from_pair(even, odd)
    assert found is not None
    assert found.lat_deg == pytest.approx(52.2572, abs=1e-4)
    assert found.lon_deg == pytest.approx(3.91937, abs=1e-4)


def test_halves_of_different_zones_do_not_fit_together() -> None:
    border_deg = next(lat / 1000 for lat in range(10_000, 11_000) if longitude_zones(lat / 1000) == 58)
    south = encoded_place(Place(border_deg - 0.01, 10.0), odd=False, surface=False)
    north = encoded_place(Place(border_deg + 0.01, 10.0), odd=True, surface=False)
    assert place_from_pair(north, south) is None


def test_zones_of_longitude_fall_from_59_at_the_equator_to_one_at_the_poles() -> None:
    counts = [longitude_zones(tenth / 10.0) for tenth in range(901)]
    assert (counts[0], counts[-1]) == (59, 1)
    assert counts == sorted(counts, reverse=True)
    assert set(counts) == set(range(1, 60))
    assert longitude_zones(-52.0) == longitude_zones(52.0)
    assert math.isclose(Place(0.0, 0.0).distance_m(Place(0.0, 1.0)), 111_195, rel_tol=1e-4)

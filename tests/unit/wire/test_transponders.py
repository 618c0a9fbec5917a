from __future__ import annotations

import pytest

from dronewall.wire.mode_s import transponders as module
from dronewall.wire.mode_s.cpr import Encoded, Place, encoded_place
from dronewall.wire.mode_s.transponders import Transponders, Unlocated

S = 1_000_000_000
A, B = 0x3C6444, 0x400F99
HERE = Place(48.0, 11.0)


def half(place: Place, at_s: float, *, odd: bool, surface: bool = False) -> Encoded:
    return encoded_place(place, odd=odd, surface=surface, at_ns=round(at_s * S))


def settled(place: Place = HERE) -> Transponders:
    """A receiver that has located aircraft A at 0.5 s."""
    heard = Transponders()
    assert heard.located(A, half(place, 0.0, odd=False)) is Unlocated.WAITS
    assert isinstance(heard.located(A, half(place, 0.5, odd=True)), Place)
    return heard


def test_a_position_waits_for_its_other_half() -> None:
    settled()


def test_halves_more_than_ten_seconds_apart_are_not_put_together() -> None:
    heard = Transponders()
    heard.located(A, half(HERE, 0.0, odd=False))
    assert heard.located(A, half(HERE, 10.5, odd=True)) is Unlocated.WAITS
    assert isinstance(heard.located(A, half(HERE, 11.0, odd=False)), Place)


def test_halves_of_two_aircraft_are_never_put_together() -> None:
    heard = Transponders()
    heard.located(A, half(HERE, 0.0, odd=False))
    assert heard.located(B, half(HERE, 0.5, odd=True)) is Unlocated.WAITS


def test_a_jump_faster_than_a_kilometre_a_second_is_refused_until_confirmed() -> None:
    heard = settled()
    far = Place(48.4, 11.0)
    assert heard.located(A, half(far, 20.0, odd=False)) is Unlocated.JUMP
    assert isinstance(heard.located(A, half(far, 20.5, odd=True)), Place)


def test_one_jumping_position_does_not_move_the_aircraft() -> None:
    heard = settled()
    assert heard.located(A, half(Place(48.4, 11.0), 20.0, odd=False)) is Unlocated.JUMP
    back = heard.located(A, half(HERE, 31.0, odd=True))
    assert isinstance(back, Place)
    assert back.distance_m(HERE) < 10.0


def test_an_aircraft_on_the_ground_needs_a_reference() -> None:
    heard = Transponders()
    heard.located(A, half(HERE, 0.0, odd=False, surface=True))
    assert heard.located(A, half(HERE, 0.5, odd=True, surface=True)) is Unlocated.NO_REFERENCE


def test_a_declared_site_places_an_aircraft_on_the_ground_with_one_message() -> None:
    heard = Transponders(site=Place(48.1, 11.1))
    found = heard.located(A, half(HERE, 0.0, odd=False, surface=True))
    assert isinstance(found, Place)
    assert found.distance_m(HERE) < 3.0


def test_an_aircraft_in_the_air_gives_the_reference_for_those_on_the_ground() -> None:
    heard = settled()
    assert heard.located(B, half(HERE, 0.6, odd=False, surface=True)) is Unlocated.NO_REFERENCE
    heard.located(A, half(HERE, 0.9, odd=False))
    heard.located(B, half(HERE, 1.0, odd=False, surface=True))
    assert isinstance(heard.located(B, half(HERE, 1.5, odd=True, surface=True)), Place)


def test_a_single_position_in_the_air_is_not_enough_to_be_a_reference() -> None:
    assert settled().surroundings is None


def test_ground_traffic_far_from_everything_heard_is_refused() -> None:
    heard = settled()
    heard.located(A, half(HERE, 0.9, odd=False))
    far = Place(-20.0, 31.0)
    heard.located(B, half(far, 1.0, odd=False, surface=True))
    assert heard.located(B, half(far, 1.5, odd=True, surface=True)) is Unlocated.FAR_OFF


def test_one_transmission_heard_by_two_antennas_counts_once() -> None:
    heard = settled()
    assert heard.located(A, half(HERE, 0.52, odd=True)) is Unlocated.REPEATED
    assert isinstance(heard.located(A, half(HERE, 1.0, odd=True)), Place)


def test_the_longest_silent_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ADDRESSES_MAX", 3)
    heard = Transponders()
    for address in (1, 2, 3, 1, 4):
        heard.heard(address)
    assert len(heard) == 3
    assert heard.known(2) is None
    assert heard.known(1) is not None

"""Windows: what was taken of a source, told from the last 64 numbers."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.engine.messages import NUMBERS_IN_WINDOW, Message, Standing, Window, Windows


def test_a_message_is_a_range_of_numbers_from_one_on() -> None:
    for first, last, boot in ((0, 1, 0), (3, 2, 0), (1, 2**63, 0), (1, 1, -1)):
        with pytest.raises(ValueError, match="cannot number"):
            Message("a", boot, first, last)


@pytest.mark.parametrize("seed", range(20))
def test_a_window_knows_of_the_last_64_numbers_exactly_what_was_taken(seed: int) -> None:
    rng, window, taken = np.random.default_rng(seed), Window(0), set[int]()
    for _ in range(60):
        first = max(1, window.high + int(rng.integers(-80, 21)))
        last = first + int(rng.choice([0, 0, 1, 5, 70, 130]))
        known = {n in taken or n <= window.high - NUMBERS_IN_WINDOW for n in range(first, last + 1)}
        expected = {frozenset({True}): Standing.REPEATED, frozenset({False}): Standing.NEW}
        assert window.standing(first, last) is expected.get(frozenset(known), Standing.MIXED)
        if known == {False}:
            window = window.with_taken(first, last)
            taken |= set(range(first, last + 1))
            assert window.high == max(taken)
            assert 0 <= window.seen < 2**64


def test_of_an_ordered_source_only_what_is_past_the_highest_number_is_fresh() -> None:
    windows = Windows()
    windows.take(Message("a", 1, 1, 10))
    assert windows.fresh(Message("a", 1, 3, 10)) is None
    assert windows.fresh(Message("a", 1, 8, 12)) == Message("a", 1, 11, 12)
    assert windows.fresh(Message("a", 1, 15, 16)) == Message("a", 1, 15, 16)
    assert windows.fresh(Message("b", 1, 1, 10)) == Message("b", 1, 1, 10)


def test_datagrams_that_overtake_each_other_are_each_taken_once() -> None:
    windows = Windows()
    for number in (1, 3, 5):
        windows.take(Message("a", 1, number, number))
    assert [windows.has("a", 1, number) for number in range(1, 7)] == [True, False, True, False, True, False]


def test_a_source_that_begins_again_is_fresh_and_its_former_life_is_stale() -> None:
    windows = Windows()
    windows.take(Message("a", 1, 1, 10))
    windows.take(Message("a", 2, 1, 1))
    assert windows.of("a") == Window(2, 1, 1)
    assert windows.fresh(Message("a", 1, 11, 12)) is None
    assert windows.has("a", 1, 99)
    assert windows.fresh(Message("a", 3, 1, 1)) == Message("a", 3, 1, 1)


def test_taking_what_was_taken_changes_nothing_not_even_the_order() -> None:
    windows = Windows()
    for source in ("a", "b"):
        windows.take(Message(source, 1, 1, 3))
    windows.take(Message("a", 1, 2, 2))
    assert [source for source, _ in windows] == ["a", "b"]


def test_the_source_longest_not_taken_from_is_forgotten_for_one_too_many() -> None:
    windows = Windows(most=2)
    assert windows.take(Message("a", 1, 1, 1)) is None
    assert windows.take(Message("b", 1, 1, 1)) is None
    assert windows.take(Message("a", 1, 2, 2)) is None
    assert windows.take(Message("c", 1, 1, 1)) == "b"
    assert [source for source, _ in windows] == ["a", "c"]


def test_a_number_far_ahead_costs_no_more_than_the_next_one() -> None:
    assert Window(0, 1, 1).with_taken(2**62, 2**62) == Window(0, 2**62, 1)

"""What the benchmark says of swarms, held against groups that are made up."""

from __future__ import annotations

import pytest

from dronewall.bench.tracking.grouping import group_values
from dronewall.model.groups import Groups

NS = 1_000_000_000


def told(*each: tuple[int, int, int, int]) -> Groups:
    """Groups of number, low, count, high."""
    ids, low, count, high = zip(*each, strict=True)
    return Groups.of(len(each), group_id=ids, count_low=low, count=count, count_high=high)


def over(seconds: int, groups: Groups, *, begin: int = 0) -> list[tuple[int, Groups]]:
    return [((begin + k) * NS, groups) for k in range(seconds)]


def test_a_swarm_that_is_told_well_is_told_so() -> None:
    values = group_values(50, over(5, Groups.empty()) + over(95, told((1, 44, 52, 57), (2, 3, 4, 5)), begin=5))
    assert values == {
        "group_count_off": pytest.approx(0.04),
        "group_covers": 1.0,
        "group_width": pytest.approx(0.26),
        "group_unbroken": 1.0,
        "group_numbers": 2.0,
    }


def test_another_number_and_no_group_at_all_are_breaks() -> None:
    first, second, none = told((1, 44, 50, 57)), told((2, 44, 50, 57)), Groups.empty()
    values = group_values(50, over(50, first) + over(25, second, begin=50) + over(25, none, begin=75))
    assert values["group_unbroken"] == pytest.approx(20 / 70)
    assert values["group_numbers"] == 2.0
    assert values["group_covers"] == pytest.approx(45 / 70)


def test_what_is_never_a_group_is_no_success() -> None:
    values = group_values(50, over(100, Groups.empty()))
    assert values["group_covers"] == values["group_unbroken"] == 0.0
    assert values["group_count_off"] is None


def test_groups_where_nobody_flies_as_one_are_counted_once_each() -> None:
    some = over(10, told((1, 3, 4, 9))) + over(10, told((1, 3, 4, 9), (3, 3, 4, 9)), begin=10)
    assert group_values(0, some) == {"groups_false": 2.0}

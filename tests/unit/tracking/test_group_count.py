"""How many objects: the formula's limits, and an interval that holds the number as often as it says.

Formations, radars, cells and the way in which echoes merge are drawn anew for each seed; no scene of the benchmark is
among them.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dronewall.tracking.group_count import NUMBERS, Seen, count_of, plots_expected, posterior
from dronewall.tracking.group_scans import extent

SIGMA_RANGE_M, SIGMA_AZIMUTH_RAD, PD, SCANS = 50.0, np.radians(0.3), 0.9, 10
FloatArray = np.ndarray


def formation(rng: np.random.Generator, n: int, size_m: float) -> FloatArray:
    """Places (n, 2): scattered over a square, a loose grid, a blob, or a line, turned by any angle."""
    kind = rng.integers(4)
    across = int(np.ceil(np.sqrt(n)))
    if kind == 0:
        p = rng.uniform(-0.5, 0.5, (n, 2)) * size_m * [1.0, rng.uniform(0.3, 1.0)]
    elif kind == 1:
        p = np.stack([np.arange(n) % across, np.arange(n) // across], axis=1) / across * size_m
        p = p + rng.normal(0.0, 0.1 * size_m / across, (n, 2))
    elif kind == 2:
        p = rng.normal(0.0, size_m / 3.5, (n, 2))
    else:
        p = np.stack([np.linspace(-size_m, size_m, n), np.zeros(n)], axis=1) + rng.normal(0.0, 0.02 * size_m, (n, 2))
    return turned(p - p.mean(axis=0), rng.uniform(0.0, 2.0 * np.pi))


def turned(p: FloatArray, angle: float) -> FloatArray:
    return p @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def merged_by_turns(rng: np.random.Generator, p: FloatArray, cell_m: FloatArray) -> FloatArray:
    """One plot for an echo and all within one cell of it that no other plot has taken."""
    taken, out = np.zeros(len(p), bool), []
    for i in rng.permutation(len(p)):
        if not taken[i]:
            near = (np.abs(p - p[i]) < cell_m).all(axis=1) & ~taken
            taken |= near
            out.append(p[near].mean(axis=0))
    return np.array(out)


def merged_by_bins(rng: np.random.Generator, p: FloatArray, cell_m: FloatArray) -> FloatArray:
    """One plot for what is in one bin of a fixed grid."""
    bins, which = np.unique(np.floor(p / cell_m + rng.random(2)), axis=0, return_inverse=True)
    sums = np.zeros((len(bins), 2))
    np.add.at(sums, which.ravel(), p)
    return sums / np.bincount(which.ravel())[:, None]


def seen_of(rng: np.random.Generator, places: FloatArray, ranges_m: FloatArray, cell_sigmas: FloatArray) -> Seen:
    """What radars at such ranges, all round, make of objects in ten scans."""
    merged = (merged_by_turns, merged_by_bins)[int(rng.integers(2))]
    plots, reach = [], []
    for range_m in ranges_m:
        sigma = np.array([SIGMA_RANGE_M, SIGMA_AZIMUTH_RAD * range_m])
        p = turned(places, rng.uniform(0.0, 2.0 * np.pi))
        count, products, freedom = 0, np.zeros((2, 2)), 0
        for _ in range(SCANS):
            found = p[rng.random(len(p)) < PD]
            if len(found):
                told = merged(rng, found, cell_sigmas * sigma) / sigma
                told = told + rng.standard_normal(told.shape)
                off = told - told.mean(axis=0)
                count, products, freedom = count + len(told), products + off.T @ off, freedom + len(told) - 1
        whole = np.eye(3)
        whole[:2, :2] = products / max(freedom, 1)
        plots.append(count / SCANS)
        reach.append(extent(whole))
    k = len(ranges_m)
    return Seen(np.full(k, float(SCANS)), np.array(plots), np.zeros(k), np.full(k, PD), np.array(reach))


def test_the_interval_holds_the_number_as_often_as_it_says() -> None:
    held, narrow = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        n = int(np.exp(rng.uniform(np.log(5), np.log(150))))
        places = formation(rng, n, float(np.exp(rng.uniform(np.log(300.0), np.log(4_000.0)))))
        seen = seen_of(rng, places, rng.uniform(5e3, 35e3, rng.integers(1, 4)), rng.uniform(2.5, 7.0, 2))
        count = count_of(posterior(seen, 0))
        held.append(count.low <= n <= count.high)
        narrow.append(count.high - count.low < n)
    assert np.mean(held) >= 0.9
    assert np.mean(narrow) > 0.1, "an interval that says nothing holds everything"


@pytest.mark.parametrize("n", [5, 20, 50, 120])
@pytest.mark.parametrize("cell_sigmas", [3.0, 5.0])
def test_objects_two_cells_apart_are_counted_within_a_tenth(n: int, cell_sigmas: float) -> None:
    within = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        ranges_m = np.array([20e3, 30e3])
        apart_m = 2.0 * cell_sigmas * SIGMA_AZIMUTH_RAD * ranges_m.max()
        across = int(np.ceil(np.sqrt(n)))
        places = np.stack([np.arange(n) % across, np.arange(n) // across], axis=1) * apart_m
        places = places + rng.normal(0.0, 0.1 * apart_m, places.shape)
        seen = seen_of(rng, places - places.mean(axis=0), ranges_m, np.full(2, cell_sigmas))
        within.append(abs(count_of(posterior(seen, 0)).middle - n) <= max(0.1 * n, 1.0))
    assert np.mean(within) >= 0.9


def test_established_tracks_are_objects_even_if_plots_are_few() -> None:
    seen = Seen(np.array([8.0]), np.array([3.0]), np.zeros(1), np.array([PD]), np.full((1, 3), 1.0))
    assert count_of(posterior(seen, 12)).low >= 11


def test_of_what_no_radar_has_seen_only_the_tracks_are_known() -> None:
    nothing = np.empty(0)
    count = count_of(posterior(Seen(nothing, nothing, nothing, nothing, np.empty((0, 3))), 6))
    assert count.low >= 5
    assert count.high > 20


def test_false_plots_are_no_objects() -> None:
    def told(clutter: float) -> int:
        far = np.full((1, 3), 400.0)
        seen = Seen(np.array([8.0]), np.array([20.0]), np.array([clutter]), np.array([PD]), far)
        return count_of(posterior(seen, 0)).middle

    assert told(0.0) == pytest.approx(22, abs=2)
    assert told(6.0) == pytest.approx(15.5, abs=2)


@given(
    reach=st.lists(st.floats(0.0, 500.0), min_size=3, max_size=3),
    pd=st.floats(0.05, 1.0),
)
def test_more_objects_never_give_fewer_plots_nor_more_than_are_detected(reach: list[float], pd: float) -> None:
    expected = plots_expected(NUMBERS * pd, NUMBERS, np.array(reach))
    assert np.isfinite(expected).all()
    assert (expected <= NUMBERS * pd + 1e-9).all()
    assert (np.diff(expected[: len(expected) // 4], axis=1) >= -1e-9).all(), "of scattered objects"


def test_what_lies_in_one_cell_is_one_plot() -> None:
    np.testing.assert_allclose(plots_expected(np.array([30.0]), np.array([30]), np.full(3, 0.5)), 1.0)

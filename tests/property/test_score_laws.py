"""Laws of the scores: what any metric on trajectories must obey, and T-GOSPA against every assignment tried in turn."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dronewall.bench.gospa import Pairs, assigned_pairs, near_pairs
from dronewall.bench.tgospa import trajectory_cost

CUTOFF_M = 500.0
HALF = CUTOFF_M**2 / 2


def trajectories(rng: np.random.Generator, count: int, steps: int) -> np.ndarray:
    return rng.uniform(0.0, 900.0, (count, 1, 3)) * (1.0, 0.2, 0.0) + rng.normal(0.0, 150.0, (count, steps, 3))


def cost_of(x: np.ndarray, y: np.ndarray) -> tuple[float, str]:
    """The T-GOSPA cost of full-length trajectories (objects, steps, 3)."""
    rows = [(k, i, j) for k in range(x.shape[1]) for i in range(len(x)) for j in range(len(y))]
    away = np.array([np.linalg.norm(x[i, k] - y[j, k]) for k, i, j in rows])
    k, i, j = np.array(rows).T
    near = away < CUTOFF_M
    found = trajectory_cost(
        Pairs(i[near], j[near], away[near]), i[near], j[near], k[near], rows=x[..., 0].size + y[..., 0].size,
        cutoff_m=CUTOFF_M,
    )  # fmt: skip
    return found.cost_m2, found.method


def every_assignment(x: np.ndarray, y: np.ndarray) -> float:
    """The same by dynamic programming over all partial assignments: exact, for small numbers only."""
    states = [
        s for s in product(range(-1, len(y)), repeat=len(x)) if len({j for j in s if j >= 0}) == sum(j >= 0 for j in s)
    ]

    def base(s: tuple[int, ...], k: int) -> float:
        paired = [(i, j) for i, j in enumerate(s) if j >= 0]
        alone = len(x) + len(y) - 2 * len(paired)
        return alone * HALF + sum(min(np.linalg.norm(x[i, k] - y[j, k]), CUTOFF_M) ** 2 for i, j in paired)

    def move(a: tuple[int, ...], b: tuple[int, ...]) -> float:
        return HALF * sum(0.0 if p == q else 0.5 if -1 in (p, q) else 1.0 for p, q in zip(a, b, strict=True))

    cost = {s: base(s, 0) for s in states}
    for k in range(1, x.shape[1]):
        cost = {s: base(s, k) + min(cost[r] + move(r, s) for r in states) for s in states}
    return min(cost.values())


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 3), st.integers(1, 5))
def test_trajectory_cost_is_that_of_the_best_of_all_assignments(seed: int, m: int, n: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = trajectories(rng, m, steps), trajectories(rng, n, steps)
    cost, method = cost_of(x, y)
    best = every_assignment(x, y)
    assert cost <= best + 1e-3
    if method == "exact":
        assert cost == pytest.approx(best, rel=1e-9, abs=1e-3)


def test_a_tangle_too_large_for_the_programme_gives_an_upper_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    x = trajectories(rng, 3, 5)
    y = x[::-1] + rng.normal(0.0, 60.0, x.shape)
    exact = every_assignment(x, y)
    monkeypatch.setattr("dronewall.bench.tgospa.LARGEST_PROGRAMME", 0)
    bound, method = cost_of(x, y)
    assert method == "bound"
    assert exact - 1e-3 <= bound <= 1.5 * exact + 1e-3


@given(st.integers(0, 2**32 - 1))
def test_the_cost_is_symmetric_and_nothing_from_oneself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = trajectories(rng, 3, 4), trajectories(rng, 2, 4)
    assert cost_of(x, y)[0] == pytest.approx(cost_of(y, x)[0], rel=1e-6, abs=1e-3)
    assert cost_of(x, x)[0] == pytest.approx(0.0, abs=1e-3)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12))
def test_assigned_pairs_are_one_to_one_and_the_best_there_are(seed: int, m: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = trajectories(rng, m, 1)[:, 0], trajectories(rng, n, 1)[:, 0]
    zeros = np.zeros(m, np.intp), np.zeros(n, np.intp)
    near = near_pairs(x, zeros[0], y, zeros[1], cutoff_m=CUTOFF_M)
    chosen = assigned_pairs(near, cutoff_m=CUTOFF_M)
    assert len(set(chosen.truth)) == len(set(chosen.track)) == len(chosen.truth)
    away = np.linalg.norm(x[:, None] - y[None], axis=2)
    from scipy.optimize import linear_sum_assignment

    matrix = np.minimum(away, CUTOFF_M) ** 2 - CUTOFF_M**2
    assert (chosen.distance_m**2 - CUTOFF_M**2).sum() == pytest.approx(matrix[linear_sum_assignment(matrix)].sum())

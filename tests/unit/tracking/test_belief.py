"""Association probabilities: exact where exactness is possible, near it elsewhere, finite always."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dronewall.tracking.belief import associate


def by_propagation(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return marginals of a full graph (tracks, plots) of likelihood ratios."""
    tracks, plots = weights.shape
    taken, missed, unclaimed = np.empty(tracks * plots), np.empty(tracks), np.empty(plots)
    first = np.arange(0, tracks * plots + 1, plots, dtype=np.int32)
    plot_of = np.tile(np.arange(plots, dtype=np.int32), tracks)
    associate(weights.ravel(), first, plot_of, plots, taken, missed, unclaimed)
    return taken.reshape(tracks, plots), missed, unclaimed


def by_enumeration(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return exact marginals: every way to give each track one plot or none, no plot twice."""
    tracks, plots = weights.shape
    taken, missed, total = np.zeros((tracks, plots)), np.zeros(tracks), 0.0
    for choice in itertools.product(range(-1, plots), repeat=tracks):
        used = [j for j in choice if j >= 0]
        if len(used) != len(set(used)):
            continue
        p = float(np.prod([weights[i, j] for i, j in enumerate(choice) if j >= 0]))
        total += p
        for i, j in enumerate(choice):
            if j < 0:
                missed[i] += p
            else:
                taken[i, j] += p
    return taken / total, missed / total


def test_one_track_is_exact() -> None:
    weights = np.array([[3.0, 0.5, 10.0]])
    taken, missed, _ = by_propagation(weights)
    exact_taken, exact_missed = by_enumeration(weights)
    np.testing.assert_allclose(taken, exact_taken, rtol=1e-9)
    np.testing.assert_allclose(missed, exact_missed, rtol=1e-9)


def test_one_plot_is_exact() -> None:
    weights = np.array([[3.0], [0.5], [10.0]])
    taken, missed, unclaimed = by_propagation(weights)
    exact_taken, exact_missed = by_enumeration(weights)
    np.testing.assert_allclose(taken, exact_taken, atol=1e-4)
    np.testing.assert_allclose(missed, exact_missed, atol=1e-4)
    np.testing.assert_allclose(unclaimed, 1.0 - exact_taken.sum(), atol=1e-4)


@settings(max_examples=200)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 10_000))
def test_loops_stay_near_the_truth(tracks: int, plots: int, seed: int) -> None:
    weights = np.exp(np.random.default_rng(seed).normal(0.0, 2.0, (tracks, plots)))
    taken, missed, _ = by_propagation(weights)
    exact_taken, exact_missed = by_enumeration(weights)
    assert np.abs(taken - exact_taken).max() < 0.15
    np.testing.assert_allclose(taken.sum(axis=1) + missed, 1.0, rtol=1e-9)
    assert np.abs(missed - exact_missed).max() < 0.15


def test_overwhelming_evidence_stays_finite() -> None:
    taken, missed, unclaimed = by_propagation(np.full((3, 3), 1e9))
    assert np.isfinite(taken).all()
    assert np.isfinite(missed).all()
    assert np.isfinite(unclaimed).all()

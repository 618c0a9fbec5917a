"""The reference, the best assignment of each cluster, agrees with belief propagation where nothing is ambiguous."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from dronewall.bench.score import score
from dronewall.bench.tables import TrackTable
from dronewall.bench.tracking.clustered import ClusteredTracker, assign
from dronewall.bench.tracking.play import play, truth_of
from dronewall.bench.tracking_scenes.radars import crossing_scene, dense_scene
from dronewall.bench.tracking_scenes.staging import Staged
from dronewall.tracking.belief import associate

Graph = tuple[np.ndarray, np.ndarray, np.ndarray]


def marginals(by: object, weights: np.ndarray) -> Graph:
    """Marginals of a graph (tracks, plots) of likelihood ratios; 0 is no candidate."""
    tracks, plots = weights.shape
    rows, plot_of = np.nonzero(weights)
    first = np.searchsorted(rows, np.arange(tracks + 1)).astype(np.int32)
    taken, missed, unclaimed = np.empty(len(rows)), np.empty(tracks), np.empty(plots)
    by(weights[rows, plot_of], first, plot_of.astype(np.int32), plots, taken, missed, unclaimed)  # type: ignore[operator]
    whole = np.zeros_like(weights)
    whole[rows, plot_of] = taken
    return whole, missed, unclaimed


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10_000))
def test_both_agree_where_each_plot_has_one_track(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = np.zeros((count, count + 2))
    weights[np.arange(count), rng.permutation(count + 2)[:count]] = np.exp(rng.uniform(-6.0, 9.0, count))
    for one, other in zip(marginals(assign, weights), marginals(associate, weights), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10_000))
def test_no_other_set_of_as_many_pairs_is_likelier(tracks: int, plots: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = np.exp(rng.normal(0.0, 2.0, (tracks, plots))) * (rng.random((tracks, plots)) < 0.5)
    taken, missed, unclaimed = marginals(assign, weights)
    cost = np.where(weights > 0.0, -np.log(np.maximum(weights, 1e-9)), 1e6)
    best = linear_sum_assignment(np.c_[cost, np.full((tracks, tracks), 1e3)])
    wanted = np.c_[weights, np.zeros((tracks, tracks))][best]
    assert np.count_nonzero(taken) == np.count_nonzero(wanted)
    assert np.log(weights[taken > 0.0]).sum() == pytest.approx(np.log(wanted[wanted > 0.0]).sum())
    assert (np.count_nonzero(taken, axis=0) <= 1).all()
    assert (np.count_nonzero(taken, axis=1) <= 1).all()
    np.testing.assert_allclose(missed, 1.0 - taken.sum(axis=1))
    np.testing.assert_allclose(unclaimed, 1.0 - taken.sum(axis=0))


def gospa_m(staged: Staged, tracks: TrackTable) -> float:
    return float(score(truth_of(staged), tracks, from_s=30.0)["gospa_m"])


@pytest.mark.slow
@pytest.mark.parametrize("scene", [crossing_scene, dense_scene])
def test_belief_propagation_is_no_worse_where_objects_pass_each_other(scene: object) -> None:
    staged = scene("small", 1, objects=16, seconds=120.0)  # type: ignore[operator]
    ours, reference = play(staged), play(staged, ClusteredTracker)
    assert len(reference.tracks) > 0
    assert gospa_m(staged, ours.tracks) <= 1.02 * gospa_m(staged, reference.tracks)

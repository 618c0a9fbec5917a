"""Bounds and referees of the tracker are themselves held against what is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dronewall.bench.tracking.bound import bound, heard_by_four_s, innovations, looks_of, told_mode, told_rate
from dronewall.bench.tracking.pairs import pair_of
from dronewall.bench.tracking.play import instants, truth_of
from dronewall.bench.tracking.targets import target_of
from dronewall.bench.tracking_scenes.catalogue import staged
from dronewall.bench.tracking_scenes.staging import Staged


def short(name: str, seconds: float = 150.0) -> Staged:
    return replace(staged(name), seconds=seconds)


def test_a_filter_that_is_told_everything_reaches_the_bound_in_straight_flight() -> None:
    stage = short("radar-200-36")
    looks = looks_of(stage)
    assert looks is not None
    best, own = bound(stage, looks), told_rate(stage, looks, np.random.default_rng(1))
    old = (best.at_s[None, :] - stage.scene.sky.movers.start_s[:, None] > 60.0) & np.isfinite(best.position_m2)
    assert np.sqrt(own.position_m2[old].mean() / best.position_m2[old].mean()) == pytest.approx(1.0, abs=0.12)
    assert np.sqrt(own.velocity_m2[old].mean() / best.velocity_m2[old].mean()) == pytest.approx(1.0, abs=0.15)


def test_being_told_of_turns_is_worth_something() -> None:
    stage = short("radar-50-36-turns", 200.0)
    looks = looks_of(stage)
    assert looks is not None and stage.plan is not None
    own = told_rate(stage, looks, np.random.default_rng(1))
    blind = told_rate(replace(stage, plan=None), looks, np.random.default_rng(1))
    turned = stage.plan.turn_radps != 0
    late = own.at_s > 100.0
    seen = turned[:, None] & late[None, :] & np.isfinite(own.position_m2)
    assert own.position_m2[seen].mean() < 0.7 * blind.position_m2[seen].mean()


def test_being_told_that_it_turns_is_worth_less_than_how_and_more_than_nothing() -> None:
    stage = short("radar-50-fine-turns", 200.0)
    looks = looks_of(stage)
    assert looks is not None and stage.plan is not None
    plan, rng = stage.plan, np.random.default_rng
    rate, mode = told_rate(stage, looks, rng(1)), told_mode(stage, looks, rng(1))
    blind = told_rate(replace(stage, plan=None), looks, rng(1))
    turns = (rate.at_s > plan.turn_from_s[:, None]) & (rate.at_s < plan.turn_until_s[:, None] + 20.0)
    turns &= (plan.turn_radps != 0)[:, None] & np.isfinite(rate.position_m2)
    how, that, nothing = (best.position_m2[turns].mean() for best in (rate, mode, blind))
    assert how < that < 0.1 * nothing


def test_the_bound_of_sound_is_finite_and_nears_what_the_geometry_allows() -> None:
    stage = short("wall-straight", 120.0)
    looks = looks_of(stage)
    assert looks is not None
    best = bound(stage, looks)
    last = best.position_m2[:, -1]
    assert np.isfinite(last[:5]).all() and np.all(last[:5] > 0.0)
    assert 20.0 < np.sqrt(np.median(last[:5])) < 200.0


def test_sound_reaches_the_fourth_array_after_the_first() -> None:
    stage = short("wall-straight", 60.0)
    looks = looks_of(stage)
    assert looks is not None
    heard = heard_by_four_s(looks, len(stage.scene.sky))
    row = int(np.flatnonzero(np.isfinite(heard))[0])
    mine = looks.take(looks.row == row)
    assert len(np.unique(mine.sensor[mine.at_s <= heard[row]])) == 4
    assert len(np.unique(mine.sensor[mine.at_s < heard[row]])) == 3


def test_innovations_are_one_per_axis_where_claims_are_honest_and_more_where_they_boast() -> None:
    stage = short("radar-200-36", 60.0)
    looks = looks_of(stage)
    assert looks is not None
    rng = np.random.default_rng(1)
    true = np.concatenate(stage.scene.sky.movers.state(looks.row, looks.at_s), axis=1)
    cov = np.broadcast_to(np.diag([80.0**2] * 3 + [4.0**2] * 3), (len(looks), 6, 6))
    x = true + rng.standard_normal(true.shape) * np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
    for scale, low, high in ((1.0, 0.9, 1.1), (0.25, 1.2, 4.0)):
        off, spread = innovations(rng, looks, true, x, cov * scale)
        squares = np.einsum("ki,kij,kj->k", off, np.linalg.inv(spread), off).sum()
        assert low < squares / np.count_nonzero(np.isfinite(looks.sigma)) < high


def test_truth_is_told_at_multiples_of_the_sample_time() -> None:
    stage = short("radar-10", 30.0)
    assert [at_ns % 5_000_000_000 for at_ns in instants(stage)] == [0] * 6
    truth = truth_of(stage)
    assert set(np.unique(truth.at_ns).tolist()) == set(instants(stage))
    assert truth.object_ids[0].startswith("object")


def test_targets_know_their_scenes() -> None:
    wall = target_of("wall-wind", "old_median_m")
    assert wall is not None and wall.most == 85.0
    anees = target_of("radar-10", "anees")
    assert anees is not None and anees.holds(1.0) and not anees.holds(0.7) and not anees.holds(1.4)
    assert target_of("radar-10", "gospa_m") is None
    pair = pair_of("late-radar-200-36")
    assert pair is not None and pair.other == "radar-200-36" and pair.most == 1.25

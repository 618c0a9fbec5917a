"""Plots that come late: settled, they change nothing; live, what they began amiss is put right by a rerun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dronewall.feeds.feed import Decoded
from dronewall.model.picture import TruthDomain
from dronewall.model.plots import Plots
from dronewall.pipeline import Pipeline
from dronewall.run.settling import settled
from dronewall.simulation import scenes
from dronewall.simulation.scenes import Played
from dronewall.simulation.source import NS


def mixed(plots: Plots, delay_s: np.ndarray) -> Plots:
    """Return plots received so long after their time, in the order received."""
    received_ns = plots.at_ns + (delay_s * NS).astype(np.int64)
    order = np.argsort(received_ns, kind="stable")
    return replace(plots, received_ns=received_ns).take(order)


def settled_tracks(scene: Played, plots: Plots) -> list[tuple[bytes, bytes]]:
    pipeline = Pipeline(scene.sensors, truth_domain=TruthDomain.SIMULATION, reorder_ns=0)
    told = []
    for seq, piece in enumerate(settled(iter([Decoded(plots, len(plots))]))):
        if len(piece.plots):
            second = int(piece.plots.at_ns[-1]) // NS + 1
            tracks = pipeline.step(piece.plots, now_ns=second * NS, seq=seq).tracks
            told.append((tracks.track_id.tobytes(), tracks.mean.tobytes()))
    return told


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_settled_tracks_are_the_same_to_the_bit_however_late_plots_within_the_window_came(seed: int) -> None:
    scene = scenes.crossing(seed, seconds=120.0)
    rng = np.random.default_rng(seed)
    in_order = settled_tracks(scene, mixed(scene.plots, np.zeros(len(scene.plots))))
    late = settled_tracks(scene, mixed(scene.plots, rng.uniform(0.0, 30.0, len(scene.plots))))
    assert len(in_order) > 100
    assert late == in_order


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_stragglers_end_no_scan_and_begin_no_track(judge: Callable, seed: int) -> None:
    scene = scenes.crossing(seed)
    rng = np.random.default_rng(seed)
    delay_s = np.where(rng.random(len(scene.plots)) < 0.2, rng.uniform(0.0, 30.0, len(scene.plots)), 0.1)
    judged = judge(Played(scene.sensors, mixed(scene.plots, delay_s), scene.truth))
    assert judged.score["completeness"] >= 0.97
    assert judged.score["id_changes_per_truth"] == 0
    assert len(np.unique(judged.tracks.track_id)) == 2

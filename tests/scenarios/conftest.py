"""Plays simulated scenes through the whole pipeline and scores the tracks by the scene's truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dronewall.bench.files import read_truth
from dronewall.bench.score import Result, score
from dronewall.bench.tables import TrackTable, sampled
from dronewall.model.picture import Picture, TruthDomain
from dronewall.pipeline import Pipeline
from dronewall.simulation.scenes import Played
from dronewall.simulation.source import NS
from dronewall.simulation.truth import write_truth

STEP_NS = NS // 2


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the pipeline made of a scene: the last picture, every sampled track, and the score."""

    picture: Picture
    tracks: TrackTable
    score: Result


Judge = Callable[..., Judgement]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Return a function that plays a scene in steps of half a second and scores it at truth's own instants."""

    def judged(played: Played, *, from_s: float = 30.0, horizontal: bool = False) -> Judgement:
        instants = np.unique(played.truth.at_ns)
        wanted = set(instants.tolist())
        pipeline = Pipeline(played.sensors, truth_domain=TruthDomain.SIMULATION)
        samples = []
        taken = 0
        for seq, now_ns in enumerate(range(int(instants[0]), int(instants[-1]) + 1, STEP_NS)):
            due = int(np.searchsorted(played.plots.received_ns, now_ns))
            picture = pipeline.step(played.plots.take(slice(taken, due)), now_ns=now_ns, seq=seq)
            taken = due
            if now_ns in wanted:
                samples.append(sampled(now_ns, picture.tracks))
        write_truth(tmp_path / "truth.csv", [played.truth])
        tracks = TrackTable.concat(samples)
        truth = read_truth(tmp_path / "truth.csv")
        cutoff_m = 1_000.0 if horizontal else 500.0
        return Judgement(picture, tracks, score(truth, tracks, cutoff_m=cutoff_m, horizontal=horizontal, from_s=from_s))

    return judged

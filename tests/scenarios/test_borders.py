"""Objects that come over the rim of what radars see, out of their shadow, and up in the middle of it.

In the middle four radars look where one does at the rim, so that what is counted is not seconds but looks: scans in
which a radar could see the object.
"""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.bench.tracking_scenes.borders import KINDS, PERIOD_S, WATCHED_S, border_scene
from dronewall.model.picture import TruthDomain
from dronewall.model.tracks import TrackStatus
from dronewall.pipeline import Pipeline
from dronewall.simulation.source import NS

NEAR_M, FALSE_M = 500.0, 700.0


def looks_until_confirmed(seed: int, *, each: int, seconds: float) -> tuple[dict[str, np.ndarray], int]:
    """Play the scene; return the looks that each object needed, by kind, and how many tracks were mostly on nothing."""
    scene = border_scene("borders", seed, each=each, seconds=seconds).scene
    row_of = {word: row for row, word in enumerate(scene.sky.signatures.object_id.tolist())}
    pipeline = Pipeline(scene.sensors, truth_domain=TruthDomain.SIMULATION, reorder_ns=0)
    looks: dict[bytes, float] = {}
    first_s: dict[bytes, float] = {}
    needed: dict[bytes, float] = {}
    astray: dict[int, list[bool]] = {}
    for second in range(int(seconds)):
        at_ns = scene.epoch_ns + (second + 1) * NS
        tracks = pipeline.step(scene.plots_between(at_ns - NS, at_ns), now_ns=at_ns, seq=second).tracks
        shown = tracks.mean[tracks.status != TrackStatus.TENTATIVE, :3]
        numbers = tracks.track_id[tracks.status != TrackStatus.TENTATIVE].tolist()
        truth = scene.truth_at(at_ns)
        ids, place = truth.object_id.tolist(), truth.ecef()
        rows = np.array([row_of[word] for word in ids], np.int64)
        seen = sum(source.reaches(scene.sky, rows, place).astype(float) for source in scene.sources)
        away = np.linalg.norm(place[:, None] - shown[None], axis=2)
        for word, radars, distance in zip(ids, seen.tolist(), away, strict=True):
            if radars and word not in needed:
                first_s.setdefault(word, second)
                looks[word] = looks.get(word, 0.0) + radars / PERIOD_S
                if (distance < NEAR_M).any():
                    needed[word] = looks[word]
        for number, distance in zip(numbers, away.T, strict=True):
            astray.setdefault(number, []).append(bool((distance > FALSE_M).all()))
    asked = [word for word, at_s in first_s.items() if WATCHED_S < at_s < seconds - 60.0]
    by_kind = {
        kind: np.array([needed.get(word, looks[word]) for word in asked if word.startswith(kind.encode())])
        for kind in KINDS
    }
    return by_kind, sum(np.mean(told) > 0.5 for told in astray.values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_who_crosses_the_rim_is_confirmed_after_as_many_looks_as_who_starts_in_the_middle(seed: int) -> None:
    looks, false = looks_until_confirmed(seed, each=40, seconds=700.0)
    assert min(len(kind) for kind in looks.values()) >= 20
    assert looks["rim"].mean() < 1.2 * looks["inside"].mean()
    assert looks["shadow"].mean() < 1.2 * looks["inside"].mean()
    assert false <= 1

"""Our scores and an independent referee's agree, over random scenes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from dronewall.bench.score import TrackTable, TruthTable, judge, score
from dronewall.bench.score import write_referee as exported
from dronewall.geodesy.wgs84 import ecef_from_enu


@pytest.fixture(scope="module")
def referee(recordings: Path) -> ModuleType:
    """The referee's pure functions, which need NumPy and SciPy alone."""
    path = recordings.parent / "bench" / "referee.py"
    spec = importlib.util.spec_from_file_location("referee", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scene(seed: int) -> tuple[TruthTable, TrackTable]:
    """Objects that cross, tracks that miss, wander, change their numbers and are false; some objects unscored."""
    rng = np.random.default_rng(seed)
    objects, instants, width_m = int(rng.integers(2, 60)), int(rng.integers(2, 20)), float(rng.uniform(3e3, 40e3))
    t = np.arange(instants) * 5.0
    enu = rng.uniform(-width_m, width_m, (objects, 1, 3)) * (1.0, 1.0, 0.05)
    enu = (enu + rng.normal(0.0, 80.0, (objects, 1, 3)) * t[None, :, None] * (1.0, 1.0, 0.02)).reshape(-1, 3)
    who, at_ns = np.repeat(np.arange(objects), instants), np.tile((t * 1e9).astype(np.int64), objects)
    at_ns = at_ns + 1_717_632_000_000_000_000
    alive = rng.random(len(who)) < 0.95
    position = ecef_from_enu(enu, 50.0, 30.0, 500.0)
    velocity = rng.normal(0.0, 50.0, (len(who), 3))
    scored = np.repeat(rng.random(objects) < 0.9, instants)[alive]
    truth = TruthTable.of(
        int(alive.sum()),
        at_ns=at_ns[alive],
        object=who[alive],
        position=position[alive],
        velocity=velocity[alive],
        scored=scored,
        object_ids=tuple(str(row) for row in range(objects)),
    )
    kept = np.flatnonzero(rng.random(len(who)) < 0.85)
    false = rng.integers(0, len(who), len(who) // 10 + 1)
    rows = np.concatenate([kept, false])
    off = np.concatenate([rng.normal(0.0, 150.0, (len(kept), 3)), rng.normal(0.0, 3000.0, (len(false), 3))])
    number = np.concatenate([who[kept] * 2 + (rng.random(len(kept)) < 0.05), 10**6 + np.arange(len(false))])
    tracks = TrackTable.of(
        len(rows), at_ns=at_ns[rows], track_id=number, position=position[rows] + off, velocity=velocity[rows]
    )
    return truth, tracks


@pytest.mark.parametrize("seed", range(40))
def test_scores_agree_with_the_referee(referee: ModuleType, tmp_path: Path, seed: int) -> None:
    truth, tracks = scene(seed)
    result = score(truth, tracks)
    exported(judge(truth, tracks, cutoff_m=500.0).scene, tmp_path)
    true, said = referee.load(tmp_path / "truth.csv"), referee.load(tmp_path / "tracks.csv")
    told = referee.fast_gospa(true, said, 500.0)
    assert result["gospa_m"] == pytest.approx(told[:, 0].mean(), abs=1e-6)
    for column, name in ((1, "localisation"), (2, "missed"), (3, "false")):
        assert result[f"gospa_{name}_m2"] == pytest.approx(told[:, column].mean(), rel=1e-9, abs=1e-3)
    siap = referee.fast_siap(true, said, 500.0)
    assert result["completeness"] == pytest.approx(siap["completeness"], abs=0.01)
    assert result["spuriousness"] == pytest.approx(siap["spuriousness"], abs=0.01)

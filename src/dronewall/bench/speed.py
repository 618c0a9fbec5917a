"""How fast scores are made: a made-up scene of many objects, their tracks with changes of number, and false tracks."""

from __future__ import annotations

from typing import Any

import numpy as np

from dronewall.bench.score import score
from dronewall.bench.tables import TrackTable, TruthTable
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.geodesy.wgs84 import ecef_from_enu

TARGET_S = 30.0


def score_speed(*, quick: bool, seed: int = 1) -> list[dict[str, Any]]:
    """Return the seconds that scoring 10,000 objects at 100 instants takes, or at 10 when quick."""
    instants = 10 if quick else 100
    truth, tracks = made_up(10_000, instants, np.random.default_rng(seed))
    clock = WallClock()
    began = clock.now_ns()
    score(truth, tracks)
    seconds = (clock.now_ns() - began) / NS_PER_S
    case = f"10000 objects, {instants} instants"
    figure = {"bench": "score", "case": case, "seed": seed, "value": seconds, "unit": "s"}
    return [{**figure, "target": TARGET_S, "met": seconds <= TARGET_S}]


def made_up(objects: int, instants: int, rng: np.random.Generator) -> tuple[TruthTable, TrackTable]:
    """Return straight flights over 600 km and their tracks: a tenth missed, one in a hundred renamed, a few false."""
    t = np.arange(instants) * 5.0
    place = rng.uniform(-300e3, 300e3, (objects, 3)) * (1.0, 1.0, 0.02)
    speed = rng.normal(0.0, 60.0, (objects, 3)) * (1.0, 1.0, 0.01)
    enu = place[:, None] + speed[:, None] * t[None, :, None]
    position = ecef_from_enu(enu.reshape(-1, 3), 50.0, 30.0, 5000.0)
    who, at_ns = np.repeat(np.arange(objects), instants), np.tile((t * NS_PER_S).astype(np.int64), objects)
    truth = TruthTable.of(
        len(who), at_ns=at_ns, object=who, position=position, object_ids=tuple(str(row) for row in range(objects))
    )
    kept = np.flatnonzero(rng.random(len(who)) < 0.9)
    false = rng.integers(0, len(who), len(who) // 50)
    away = np.concatenate([rng.normal(0.0, 80.0, (len(kept), 3)), rng.normal(0.0, 3e4, (len(false), 3))])
    number = np.concatenate([who[kept] * 4 + (rng.random(len(kept)) < 0.01), 10**9 + np.arange(len(false))])
    rows = np.concatenate([kept, false])
    sigma = np.full((len(rows), 3), 80.0)
    tracks = TrackTable.of(
        len(rows), at_ns=at_ns[rows], track_id=number, position=position[rows] + away, sigma_enu_m=sigma
    )
    return truth, tracks

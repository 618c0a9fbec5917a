"""Innovations that a file of tracks cannot tell: how well tracks predict measurements that they were never given.

Each established track meets a fresh simulated measurement of its object, made at the sample instant by every sensor
that looks at it about then. Its squared innovation, over the covariance that track and sensor claim together, is 1 per
axis where both are honest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dronewall.bench.score import Judged
from dronewall.bench.tracking.bound import innovations
from dronewall.bench.tracking_scenes.staging import Staged
from dronewall.engine.clock import NS_PER_S
from dronewall.geodesy.wgs84 import FloatArray
from dronewall.model.tracks import Tracks
from dronewall.simulation.looks import Looks
from dronewall.simulation.streams import stream

NEAR_S = 2.5


def nis_per_axis(
    staged: Staged,
    judged: Judged,
    kept: Sequence[tuple[int, Tracks]],
    looks: Looks,
    established: NDArray[np.bool_],
) -> float | None:
    """Return the mean normalised innovation squared per measured axis, None where there is nothing to measure."""
    rng = stream(staged.seed, "nis")
    pairs = judged.assigned.take(np.flatnonzero(established))
    truth, tracks = judged.scene.truth, judged.scene.tracks
    total = axes = 0.0
    for at_ns, full in kept:
        here = pairs.take(np.flatnonzero(truth.at_ns[pairs.truth] == at_ns))
        row_of = {int(track_id): row for row, track_id in enumerate(full.track_id.tolist())}
        held = np.array([row_of[int(track_id)] for track_id in tracks.track_id[here.track].tolist()], np.int64)
        at_s = (at_ns - staged.scene.epoch_ns) / NS_PER_S
        now = looks.take(np.arange(*np.searchsorted(looks.at_s, (at_s - NEAR_S, at_s + NEAR_S))))
        track_of = np.full(len(staged.scene.sky), -1)
        track_of[truth.object[here.truth]] = held
        now = now.take(track_of[now.row] >= 0)
        if not len(now):
            continue
        part, count = _squares(staged, rng, now, full, track_of[now.row], at_s)
        total, axes = total + part, axes + count
    return total / axes if axes else None


def _squares(
    staged: Staged, rng: np.random.Generator, looks: Looks, tracks: Tracks, held: NDArray[np.int64], at_s: float
) -> tuple[float, float]:
    """Return the sum of squared innovations and how many axes they have."""
    true = np.concatenate(staged.scene.sky.movers.state(looks.row, np.full(len(looks), at_s)), axis=1)
    off, spread = innovations(rng, looks, true, tracks.mean[held], tracks.covariance[held])
    measured = np.isfinite(looks.sigma)
    squared: FloatArray = np.einsum("ki,kij,kj->k", off, np.linalg.inv(spread), off)
    return float(squared.sum()), float(np.count_nonzero(measured))

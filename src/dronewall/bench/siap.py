"""SIAP: the attributes of a single integrated air picture, from one-to-one pairs of objects and tracks.

Accuracies are means of errors, not root mean squares. A track beside an object that has its own counts as ambiguity.

Source:
    Votruba, Nisley, Rothrock, Zombro, "Single Integrated Air Picture (SIAP) Metrics Implementation" (2001), with the
    attributes as Stone Soup's documentation of its `SIAPMetrics` defines them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dronewall.bench.align import Scene
from dronewall.bench.gospa import Pairs
from dronewall.engine.clock import NS_PER_S

Siap = dict[str, float | None]
NAMES = (
    "completeness",
    "ambiguity",
    "spuriousness",
    "position_accuracy_m",
    "velocity_accuracy_mps",
    "number_changes_per_s",
    "longest_segment",
)


def siap(scene: Scene, near: Pairs, assigned: Pairs) -> Siap:
    """Return the attributes; None where there is nothing to measure.

    Args:
        near: all pairs of one instant that are closer than the cutoff.
        assigned: of those, the ones assigned to each other.
    """
    objects, tracks, held = len(scene.truth), len(scene.tracks), len(assigned.truth)
    off = scene.truth.velocity[assigned.truth] - scene.tracks.velocity[assigned.track]
    speed = np.linalg.norm(off, axis=1)
    speed = speed[np.isfinite(speed)]
    beside = np.setdiff1d(near.track, assigned.track)
    changes, tracked_s, longest = _continuity(scene, assigned)
    values = (
        held / objects if objects else None,
        (held + len(beside)) / held if held else None,
        1.0 - held / tracks if tracks else None,
        float(assigned.distance_m.mean()) if held else None,
        float(speed.mean()) if len(speed) else None,
        changes / tracked_s if tracked_s > 0 else None,
        longest,
    )
    return dict(zip(NAMES, values, strict=True))


def _continuity(scene: Scene, assigned: Pairs) -> tuple[int, float, float | None]:
    """Return how often numbers changed, how long objects were tracked, and the mean share of the longest segment.

    A segment is a stretch of successive instants with one number.
    """
    period_s = _period_s(scene.instants)
    who, instant = scene.truth.object[assigned.truth], scene.truth_instant[assigned.truth]
    order = np.lexsort((instant, who))
    who, instant, number = who[order], instant[order], scene.tracks.track_id[assigned.track][order]
    same = np.diff(who) == 0
    changes = int(np.count_nonzero(same & (np.diff(number) != 0)))
    whole = same & (np.diff(number) == 0) & (np.diff(instant) == 1)
    segment = np.concatenate([[0], np.cumsum(~whole)]) if len(who) else np.empty(0, np.int64)
    lengths = np.bincount(segment)
    lived = np.unique(scene.truth.object, return_counts=True)
    longest = dict.fromkeys(lived[0].tolist(), 0)
    for first, length in zip(*_firsts(segment), strict=True):
        key = int(who[first])
        longest[key] = max(longest[key], int(lengths[length]))
    shares = [longest[key] / count for key, count in zip(lived[0].tolist(), lived[1].tolist(), strict=True)]
    return changes, len(who) * period_s, float(np.mean(shares)) if shares else None


def _firsts(segment: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Return the first row of each segment, and its number."""
    numbers, first = np.unique(segment, return_index=True)
    return first.tolist(), numbers.tolist()


def _period_s(instants: NDArray[np.int64]) -> float:
    return float(np.median(np.diff(instants))) / NS_PER_S if len(instants) > 1 else 0.0

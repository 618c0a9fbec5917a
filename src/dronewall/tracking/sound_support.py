"""Whether a track is still heard: by how many arrays, and by how large a share of those that should hear it."""

from __future__ import annotations

import numpy as np

from dronewall.geodesy.jit import inner, kernel

LEAST_HITS = 2.0
"""An array has heard a track once its bearings' shares add up to this."""


@kernel
def support(edge, first, x, ears, now_ns, lately_s, arrays, heard_share):
    """Write how many arrays heard each track lately, and the share of reports due from arrays no farther that came.

    Args:
        edge: bearings by track, as in `rerun`; `first` (tracks + 1,) where each track's begin.
        x: (tracks, 8) newest states.
        lately_s: how far back arrivals count, s.
        arrays: (tracks,) out.
        heard_share: (tracks,) out; silence of arrays farther away than all that heard it means nothing.
    """
    hits = np.zeros(len(ears.reach_m))
    for i in range(len(first) - 1):
        nearest, nearest_sq = -1, np.inf
        for e in range(first[i], first[i + 1]):
            j = edge.sensor[e]
            if (now_ns - edge.at_ns[e]) / 1e9 < lately_s:
                hits[j] += edge.share[e]
                sq = _apart_sq(x[i], ears.site[j])
                if sq < nearest_sq:
                    nearest, nearest_sq = j, sq
        arrays[i], heard_share[i] = 0, 0.0
        if nearest < 0:
            continue
        farthest_sq, total = 0.0, 0.0
        for near in range(ears.first[nearest], ears.first[nearest + 1]):
            j = ears.near[near]
            if hits[j] >= LEAST_HITS:
                arrays[i] += 1
                total += hits[j]
                farthest_sq = max(farthest_sq, _apart_sq(x[i], ears.site[j]))
        due = 0.0
        for near in range(ears.first[nearest], ears.first[nearest + 1]):
            j = ears.near[near]
            if _apart_sq(x[i], ears.site[j]) <= farthest_sq:
                due += ears.pd[j] * lately_s / ears.period_s[j]
        heard_share[i] = total / due if due > 0.0 else 0.0
        for e in range(first[i], first[i + 1]):
            hits[edge.sensor[e]] = 0.0


@inner
def _apart_sq(x, site):
    return (x[0] - site[0]) ** 2 + (x[1] - site[1]) ** 2 + (x[2] - site[2]) ** 2

"""One object, one track: finding two tracks that describe the same thing."""

from __future__ import annotations

from math import sqrt

import numpy as np

from dronewall.geodesy.jit import inner, kernel


@kernel
def find_twins(x, cov, rows, order, tracks, near_m, twin_sq, apart, elder):
    """Write into `elder` (n,), by track, the row of the older track that describes the same object, or leave it at -1.

    Two tracks are twins if position and velocity agree within their covariances and no radar ever saw both in one scan,
    unless a person said that they are two: `apart` (k, 2) holds the numbers of such pairs. Members of one group are
    near and alike and share plots: nothing tells a twin from a neighbour there. `order` lists `rows` by their first
    coordinate.
    """
    c, d = np.empty((6, 6)), np.empty(6)
    for n in range(len(order)):
        a = rows[order[n]]
        for m in range(n + 1, len(order)):
            b = rows[order[m]]
            if x[b, 0] - x[a, 0] > near_m:
                break
            if elder[a] >= 0 or elder[b] >= 0 or not _may_be_twins(x, tracks, a, b, near_m):
                continue
            for i in range(6):
                d[i] = x[a, i] - x[b, i]
                for j in range(6):
                    c[i, j] = cov[a, i, j] + cov[b, i, j]
            if _distance_sq(d, c) < twin_sq and not _are_apart(tracks.track_id[a], tracks.track_id[b], apart):
                younger = b if tracks.track_id[b] > tracks.track_id[a] else a
                if tracks.icao24[younger] != 0 and tracks.icao24[a + b - younger] == 0:
                    younger = a + b - younger
                elder[younger] = a + b - younger


@inner
def _distance_sq(d, c):
    """Return `d` (n,) squared in units of the covariance `c` (n, n), by Cholesky; both are overwritten."""
    total = 0.0
    for i in range(len(d)):
        for k in range(i):
            d[i] -= c[i, k] * d[k]
            c[i, i] -= c[i, k] * c[i, k]
        root = sqrt(c[i, i])
        d[i] /= root
        total += d[i] * d[i]
        for j in range(i + 1, len(d)):
            for k in range(i):
                c[j, i] -= c[j, k] * c[i, k]
            c[j, i] /= root
    return total


@inner
def _may_be_twins(x, tracks, a, b, near_m):
    apart = 0.0
    for i in range(3):
        apart += (x[a, i] - x[b, i]) ** 2
    if sqrt(apart) > near_m:
        return False
    if tracks.icao24[a] != 0 and tracks.icao24[b] != 0 and tracks.icao24[a] != tracks.icao24[b]:
        return False
    if tracks.group[a] != 0 and tracks.group[a] == tracks.group[b]:
        return False
    for radar in range(tracks.hit.shape[1]):
        if tracks.hit[a, radar] > 0 and tracks.hit[a, radar] == tracks.hit[b, radar]:
            return False
    return True


@inner
def _are_apart(one, other, apart):
    """Whether two numbers are a pair in `apart` (k, 2)."""
    for k in range(len(apart)):
        if (apart[k, 0] == one and apart[k, 1] == other) or (apart[k, 0] == other and apart[k, 1] == one):
            return True
    return False

"""Which tracks heard bearings belong to: all tracks near an array against all bearings it reports at one instant."""

from __future__ import annotations

from math import exp, floor, pi, sqrt

import numpy as np

from dronewall.geodesy.jit import inner, kernel
from dronewall.tracking.belief import associate
from dronewall.tracking.classes import agreement
from dronewall.tracking.neighbours import FAR_CELL_M, bucket_of
from dronewall.tracking.sound_filter import STATE, STRAIGHT, folded, heard_from, variance_of

GATE_SQ = 20.0
LEAST_SHARE = 0.02
HEAD_BITS = 12


@inner
def cell_of(coordinate):
    """Return the index of the cube's layer that holds a coordinate."""
    return floor(coordinate / FAR_CELL_M)


@kernel
def places_index(x, heads, links):
    """Chain tracks (n, 8) by the cube they are in: `heads` of each bucket, -1 ends, and `links` (n,)."""
    heads[:] = -1
    for i in range(len(x)):
        b = bucket_of(cell_of(x[i, 0]), cell_of(x[i, 1]), cell_of(x[i, 2]), len(heads))
        links[i] = heads[b]
        heads[b] = i


@kernel
def _tracks_near(site, reach_m, x, heads, links, near):
    """Write the rows of tracks within reach of a site into `near`; return how many."""
    count = 0
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for a in range(3):
        low[a], high[a] = cell_of(site[a] - reach_m), cell_of(site[a] + reach_m)
    for ix in range(low[0], high[0] + 1):
        for iy in range(low[1], high[1] + 1):
            for iz in range(low[2], high[2] + 1):
                i = heads[bucket_of(ix, iy, iz, len(heads))]
                while i >= 0:
                    inside = cell_of(x[i, 0]) == ix and cell_of(x[i, 1]) == iy
                    inside &= cell_of(x[i, 2]) == iz
                    sq = (x[i, 0] - site[0]) ** 2 + (x[i, 1] - site[1]) ** 2 + (x[i, 2] - site[2]) ** 2
                    if inside and sq < reach_m * reach_m and count < len(near):
                        near[count] = i
                        count += 1
                    i = links[i]
    near[:count] = np.sort(near[:count])
    return count


@kernel
def explain(heard, held, x, c, known, heads, links, ears, p, explained, edges):
    """Share bearings out among tracks.

    Args:
        heard: new bearings, ordered by array and instant.
        held: tracks; `x` (n, 8), `c` (n, 8, 8) their newest states merged over modes; `known` (n, classes)
            their classes. A bearing that is told to be of another class is less probably theirs.
        explained: (bearings,) out, how probable it is that a track caused each.
        edges: (room, 4) out: bearing, track, share, seconds from the track's newest state to the emission.

    Returns:
        How many edges there are; if more than `room`, the rest was left out.
    """
    near, count, first = np.empty(256, np.int64), 0, 0
    while first < len(heard.at_ns):
        last = first
        while last < len(heard.at_ns) and (
            heard.sensor[last] == heard.sensor[first] and heard.at_ns[last] == heard.at_ns[first]
        ):
            last += 1
        j = heard.sensor[first]
        found = _tracks_near(ears.site[j], 1.3 * ears.reach_m[j], x, heads, links, near)
        if found > 0:
            count = _share(heard, first, last, held, x, c, known, near[:found], ears, p, explained, edges, count)
        first = last
    return count


@kernel
def _share(heard, first, last, held, x, c, known, near, ears, p, explained, edges, count):
    """Share the bearings [first, last) of one array and instant among the tracks `near`; return the edges so far."""
    most = len(near) * (last - first)
    psi, plot, lag = np.empty(most), np.empty(most, np.int32), np.empty(most)
    starts = np.zeros(len(near) + 1, np.int32)
    h, jac = np.empty(2), np.empty((2, STATE))
    j, n = heard.sensor[first], 0
    for t in range(len(near)):
        i = near[t]
        ahead_s = (heard.at_ns[first] - held.new_at_ns[i]) / 1e9
        tau = heard_from(x[i], ahead_s, ears.site[j], ears.axes[j], ears.sound_mps[j], h, jac)
        since_s = ahead_s - tau
        if tau >= 0.0 and since_s > (held.at_ns[i] - held.new_at_ns[i]) / 1e9 - 1.0:
            q = p.q_straight + (1.0 - held.new_weight[i, STRAIGHT]) * p.q_swerving
            swerve = q * max(since_s, 0.0) ** 3 / 3.0
            swerve *= jac[0, 0] ** 2 + jac[0, 1] ** 2 + jac[0, 2] ** 2
            for b in range(first, last):
                variance = heard.var_azimuth[b] + ears.north_var[j] + swerve
                s = variance_of(c[i], jac[0], variance)
                nu = folded(heard.azimuth[b] - ears.north[j] - h[0])
                if nu * nu < GATE_SQ * s:
                    psi[n] = ears.pd[j] * exp(-0.5 * nu * nu / s) / sqrt(2.0 * pi * s) / p.stray_per_rad
                    psi[n] *= agreement(heard.classes[b], known[i])
                    plot[n], lag[n] = b - first, since_s
                    n += 1
        starts[t + 1] = n
    taken, missed, unclaimed = np.empty(n), np.empty(len(near)), np.empty(last - first)
    associate(psi[:n], starts, plot[:n], last - first, taken, missed, unclaimed)
    for b in range(first, last):
        explained[b] = 1.0 - unclaimed[b - first]
    for t in range(len(near)):
        for e in range(starts[t], starts[t + 1]):
            if taken[e] > LEAST_SHARE and count < len(edges):
                edges[count, 0], edges[count, 1] = first + plot[e], near[t]
                edges[count, 2], edges[count, 3] = taken[e], lag[e]
                count += 1
    return count

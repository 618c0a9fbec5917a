"""Which tracks could have caused which plots: near in space, near in the plot's own terms, and allowed by claims."""

from __future__ import annotations

from math import sqrt

import numpy as np

from dronewall.geodesy.jit import kernel
from dronewall.tracking.motion import predict
from dronewall.tracking.neighbours import bucket_of, cell_of, claim_bucket
from dronewall.tracking.update import distance_sq, innovate, likelihood

_POSITION = 2
HEARD_EXISTENCE = 0.3
"""A track less likely to exist than this is not offered to sensors that measure directions only."""
OWN_BLUNDER_SQ, OWN_BLUNDER_M, OWN_SPEED_MPS = 6.0, 2_000.0, 300.0
"""How far a plot with the track's own address may be off: made to look this many squared sigmas away, if it lies no
farther than this plus what an airliner flies meanwhile."""


@kernel
def candidates(tracks, index, look, first, last, now_ns, p, out, w, seen):
    """Return all pairs of a track and a plot [first, last) in its gate: rows, plots, likelihoods by mode, doubts."""
    room = 4 * (last - first) + 16
    edge_row, edge_plot = np.empty(room, np.int32), np.empty(room, np.int32)
    edge_like, edge_doubt = np.empty((room, 2)), np.empty(room)
    edges = 0
    like = np.empty(2)
    for j in range(first, last):
        found = _rows_near(tracks, index, look, j, p, seen)
        for row in found:
            if not _allowed(tracks, row, look, j):
                continue
            dt = (now_ns - tracks.at_ns[row]) / 1e9
            if dt > 0.0:
                predict(tracks.mean[row], tracks.cov[row], tracks.weight[row], dt, p)
                tracks.at_ns[row] = now_ns
            if (tracks.at_ns[row] - look.at_ns[j]) / 1e9 > p.late_s:
                out.late[j] = True
                continue
            doubt = _gated(tracks, row, look, j, p, w, like)
            if doubt == 0.0:
                continue
            if edges == room:
                room *= 2
                edge_row = _longer(edge_row, room)
                edge_plot = _longer(edge_plot, room)
                edge_doubt = _longer(edge_doubt, room)
                more = np.empty((room, 2))
                more[:edges] = edge_like
                edge_like = more
            edge_row[edges], edge_plot[edges], edge_doubt[edges] = row, j, doubt
            edge_like[edges, 0], edge_like[edges, 1] = like[0], like[1]
            edges += 1
    return edge_row[:edges], edge_plot[:edges], edge_like[:edges], edge_doubt[:edges]


@kernel
def _longer(column, room):
    longer = np.empty(room, column.dtype)
    longer[: len(column)] = column
    return longer


@kernel
def _rows_near(tracks, index, look, j, p, seen):
    """Return the rows that plot `j` could belong to by place or by claimed address, each once."""
    found = np.empty(64, np.int32)
    count = 0
    ranged = look.kind[j] <= _POSITION
    origin = look.place[j] if ranged else look.site[j]
    radius = p.gate_m if ranged else look.reach_m[j]
    slack = 1.0 + 1.0 / 8.0  # tracks have moved a little since they were put into their cubes
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for a in range(3):
        low[a], high[a] = cell_of(origin[a] - slack * radius), cell_of(origin[a] + slack * radius)
    for ix in range(low[0], high[0] + 1):
        for iy in range(low[1], high[1] + 1):
            for iz in range(low[2], high[2] + 1):
                row = index.cell_head[bucket_of(ix, iy, iz, len(index.cell_head))]
                while row >= 0:
                    if seen[row] != j and _worth_a_look(tracks, row, look, j, origin, radius, ranged, p):
                        seen[row] = j
                        if count == len(found):
                            found = _longer(found, 2 * count)
                        found[count] = row
                        count += 1
                    row = index.cell_next[row]
    address = look.icao24[j]
    if address != 0:
        row = index.claim_head[claim_bucket(address, len(index.claim_head))]
        while row >= 0:
            if tracks.icao24[row] == address and seen[row] != j:
                seen[row] = j
                if count == len(found):
                    found = _longer(found, 2 * count)
                found[count] = row
                count += 1
            row = index.claim_next[row]
    return found[:count]


@kernel
def _worth_a_look(tracks, row, look, j, origin, radius, ranged, p):
    """Whether a track is near enough, by its own and the plot's spread, to be compared exactly."""
    dt = (look.at_ns[j] - tracks.at_ns[row]) / 1e9
    apart = 0.0
    for a in range(3):
        gap = tracks.mean[row, 0, a] + dt * tracks.mean[row, 0, 3 + a] - origin[a]
        apart += gap * gap
    if not ranged:
        return tracks.existence[row] > HEARD_EXISTENCE and apart < radius * radius
    if apart > radius * radius:
        return False
    spread = 0.0
    for a in range(3):
        spread += tracks.cov[row, 1, a, a] + dt * dt * tracks.cov[row, 1, 3 + a, 3 + a] + look.spread[j, a, a]
    spread += p.q_level_turn * abs(dt) * dt * dt
    return apart < 1.5 * p.gate_sq * spread


@kernel
def _allowed(tracks, row, look, j):
    """Whether claims let plot and track be one object: two different addresses are two objects."""
    mine, its = tracks.icao24[row], look.icao24[j]
    return mine == 0 or its == 0 or mine == its


@kernel
def _gated(tracks, row, look, j, p, w, like):
    """Write the likelihood of plot `j` under each mode; return how far the plot is to be doubted, 0 outside the gate.

    A plot that claims the track's own address but lies outside the gate is a blunder of its sensor rather than another
    object, as long as the object could have got there: it is taken with its noise widened until it fits.
    """
    own = look.icao24[j] != 0 and tracks.icao24[row] == look.icao24[j]
    nearest = _likelihoods(tracks, row, look, j, 1.0, p, w, like)
    if nearest < p.gate_sq:
        return 1.0
    if not own or not _could_be_there(tracks, row, look, j):
        return 0.0
    doubt = nearest / OWN_BLUNDER_SQ
    return doubt if _likelihoods(tracks, row, look, j, doubt, p, w, like) < p.gate_sq else 0.0


@kernel
def _likelihoods(tracks, row, look, j, doubt, p, w, like):
    """Write the likelihood of plot `j` under each mode; return the least squared distance from the track."""
    nearest = np.inf
    for k in range(2):
        like[k] = 0.0
        dim, det = innovate(tracks, row, k, look, j, p.q_level_cruise if k == 0 else p.q_level_turn, doubt, w)
        if dim == 0 or not det > 0.0:
            continue
        d_sq = distance_sq(w)
        nearest = min(nearest, d_sq)
        like[k] = likelihood(min(d_sq, 600.0), dim, det)
    return nearest


@kernel
def _could_be_there(tracks, row, look, j):
    """Whether an aircraft could have got from the track to the plot since it was last heard, allowing for a blunder."""
    if look.kind[j] > _POSITION:
        return False
    silent_s = abs(look.at_ns[j] - tracks.heard_at_ns[row]) / 1e9
    apart = 0.0
    for a in range(3):
        apart += (look.place[j, a] - tracks.mean[row, 0, a]) ** 2
    return sqrt(apart) < OWN_BLUNDER_M + OWN_SPEED_MPS * silent_s

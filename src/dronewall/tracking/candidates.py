"""Which tracks could have caused which plots of one look: near in space, or claiming the same address."""

from __future__ import annotations

from math import sqrt

import numpy as np

from dronewall.geodesy.jit import inner, kernel
from dronewall.tracking.neighbours import claim_bucket, longer, rows_near, rows_within

_POSITION = 2


@kernel
def pairs_near(tracks, index, look, first, last, p, scratch):
    """Return the tracks that plots [first, last) may belong to, and each one's plots.

    Args:
        tracks, index, look, p: as in `look.replay_events`.
        first, last: the plots of one look.
        scratch: a `Scratch`; `seen` holds no value from `first` to `last` before, `slot` -1 before and after.

    Returns:
        rows (n,), where each one's plots begin (n + 1,), and the plots (e,), all tracks in the order found.
    """
    room = 4 * (last - first) + 16
    edge_row, edge_plot, edges, j = np.empty(room, np.int32), np.empty(room, np.int32), 0, first
    while True:
        j, edges = _gather(tracks, index, look, j, last, p, scratch, edge_row, edge_plot, edges)
        if j == last:
            break
        room = 2 * room + len(scratch.found)
        edge_row, edge_plot = longer(edge_row, room), longer(edge_plot, room)
    rows, starts = np.empty(edges, np.int32), np.zeros(edges + 1, np.int32)
    plots, following = np.empty(edges, np.int32), np.empty(edges + 1, np.int32)
    count = _by_track(edge_row, edge_plot, edges, scratch.slot, rows, starts, plots, following)
    return rows[:count], starts[: count + 1], plots


@inner
def _gather(tracks, index, look, j, last, p, scratch, edge_row, edge_plot, edges):
    """Add the pairs of plots `j` to `last`; return the plot before which room ran out, and how many pairs there are."""
    while j < last:
        found = _rows_for(tracks, index, look, j, p, scratch.found, scratch.seen)
        if edges + found > len(edge_row):
            for at in range(found):
                scratch.seen[scratch.found[at]] = -1
            break
        for at in range(found):
            row = scratch.found[at]
            if _allowed(tracks.icao24[row], look.icao24[j]):
                edge_row[edges], edge_plot[edges] = row, j
                edges += 1
        j += 1
    return j, edges


@inner
def _by_track(edge_row, edge_plot, edges, slot, rows, starts, plots, following):
    """Order pairs by track: write the tracks, where each one's plots begin, and the plots; return how many tracks."""
    count = 0
    for e in range(edges):
        row = edge_row[e]
        if slot[row] < 0:
            slot[row] = count
            rows[count] = row
            count += 1
        starts[slot[row] + 1] += 1
    following[0] = 0
    for i in range(count):
        starts[i + 1] += starts[i]
        following[i + 1] = starts[i + 1]
    for e in range(edges):
        i = slot[edge_row[e]]
        plots[following[i]] = edge_plot[e]
        following[i] += 1
    for i in range(count):
        slot[rows[i]] = -1
    return count


@inner
def _rows_for(tracks, index, look, j, p, found, seen):
    """Write into `found` the rows that plot `j` could belong to by place or by claimed address, each once."""
    if look.kind[j] <= _POSITION:
        sigma_m = sqrt(look.spread[j, 0, 0] + look.spread[j, 1, 1] + look.spread[j, 2, 2])
        count = rows_near(index, look.place[j], look.at_ns[j], sigma_m, p, found, seen, j)
    else:
        count = rows_within(index, look.site[j], look.at_ns[j], look.reach_m[j], found, seen, j)
    address = look.icao24[j]
    if address != 0:
        row = index.claim_head[claim_bucket(address, len(index.claim_head))]
        while row >= 0:
            if tracks.icao24[row] == address and seen[row] != j:
                seen[row] = j
                found[count] = row
                count += 1
            row = index.claim_next[row]
    return count


@inner
def _allowed(mine, its):
    """Whether claims let plot and track be one object: two different addresses are two objects."""
    return mine == 0 or its == 0 or mine == its

"""Which tracks could have caused which plots of one look: near in space, or claiming the same address."""

from __future__ import annotations

from math import sqrt

import numpy as np

from dronewall.geodesy.jit import kernel
from dronewall.tracking.neighbours import claim_bucket, longer, rows_near, rows_within

_POSITION = 2


@kernel
def pairs_near(tracks, index, look, first, last, p, seen, slot):
    """Return the tracks that plots [first, last) may belong to, and each one's plots.

    Args:
        tracks, index, look, p: as in `look.replay_events`.
        first, last: the plots of one look.
        seen: (capacity,) scratch; holds no value from `first` to `last` before.
        slot: (capacity,) scratch, all -1 before and after.

    Returns:
        rows (n,), where each one's plots begin (n + 1,), and the plots (e,), all tracks in the order found.
    """
    near, room, edges, count = np.empty(64, np.int32), 4 * (last - first) + 16, 0, 0
    edge_row, edge_plot = np.empty(room, np.int32), np.empty(room, np.int32)
    for j in range(first, last):
        found, near = _rows_for(tracks, index, look, j, p, near, seen)
        for at in range(found):
            row = near[at]
            if not _allowed(tracks.icao24[row], look.icao24[j]):
                continue
            if edges == room:
                room *= 2
                edge_row, edge_plot = longer(edge_row, room), longer(edge_plot, room)
            edge_row[edges], edge_plot[edges] = row, j
            edges += 1
    rows, starts = np.empty(edges, np.int32), np.zeros(edges + 1, np.int32)
    for e in range(edges):
        row = edge_row[e]
        if slot[row] < 0:
            slot[row] = count
            rows[count] = row
            count += 1
        starts[slot[row] + 1] += 1
    for i in range(count):
        starts[i + 1] += starts[i]
    plots, following = np.empty(edges, np.int32), starts.copy()
    for e in range(edges):
        i = slot[edge_row[e]]
        plots[following[i]] = edge_plot[e]
        following[i] += 1
    for i in range(count):
        slot[rows[i]] = -1
    return rows[:count], starts[: count + 1], plots


@kernel
def _rows_for(tracks, index, look, j, p, found, seen):
    """Write into `found` the rows that plot `j` could belong to by place or by claimed address, each once."""
    if look.kind[j] <= _POSITION:
        sigma_m = sqrt(look.spread[j, 0, 0] + look.spread[j, 1, 1] + look.spread[j, 2, 2])
        count, found = rows_near(index, look.place[j], look.at_ns[j], sigma_m, p, found, seen, j)
    else:
        count, found = rows_within(index, look.site[j], look.at_ns[j], look.reach_m[j], found, seen, j)
    address = look.icao24[j]
    if address != 0:
        row = index.claim_head[claim_bucket(address, len(index.claim_head))]
        while row >= 0:
            if tracks.icao24[row] == address and seen[row] != j:
                seen[row] = j
                if count == len(found):
                    found = longer(found, 2 * count)
                found[count] = row
                count += 1
            row = index.claim_next[row]
    return count, found


@kernel
def _allowed(mine, its):
    """Whether claims let plot and track be one object: two different addresses are two objects."""
    return mine == 0 or its == 0 or mine == its

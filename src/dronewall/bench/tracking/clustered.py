"""The tracker with another association, as a reference: one plot to one track, the best set of pairs in each cluster.

Global nearest neighbour: tracks and plots that any candidate links are a cluster, and in each cluster as many pairs as
can be are taken, of all such sets the one whose likelihood ratios have the greatest product, as if no other were
possible. A pair is then worth what it would be if it stood alone, so that a plot that fits badly tells little. Where
each track has one candidate, and each plot, that is what belief propagation gives.

Source:
    Blackman and Popoli, Design and Analysis of Modern Tracking Systems (1999), 6.4 (assignment by clusters); Jonker and
    Volgenant, A shortest augmenting path algorithm for dense and sparse linear assignment problems, Computing 38, 1987.
"""

from __future__ import annotations

from math import inf, log

import numpy as np

from dronewall.geodesy.jit import inner, kernel
from dronewall.tracking.candidates import pairs_near
from dronewall.tracking.columns import LOOK
from dronewall.tracking.comparison import compared
from dronewall.tracking.look import (
    _begin_all,
    _credit_all,
    _take_own,
    _update_all,
    _weigh,
    _write_back,
    close_scan,
)
from dronewall.tracking.scratch import scratch_for
from dronewall.tracking.tracker import Tracker

NEVER, MISSED = 1e9, 1e3
"""The costs of a pair that is no candidate, and of a track that gets no plot: more than any candidate's."""


@kernel
def assign(psi, first, plot_of, plots, taken, missed, unclaimed):
    """Write what `belief.associate` writes, for the best assignment of each cluster alone."""
    tracks = len(first) - 1
    missed[:], unclaimed[:], taken[:] = 1.0, 1.0, 0.0
    cluster, owner, place = np.arange(tracks), np.full(plots, -1), np.full(plots, -1)
    for i in range(tracks):
        _link(psi, first, plot_of, i, cluster, owner)
    members, held = np.empty(tracks, np.int64), np.empty(plots, np.int64)
    for root in range(tracks):
        if cluster[root] != root:
            continue
        count, columns = _gathered(psi, first, plot_of, root, cluster, members, held, place)
        cost = np.full((count, columns + count), NEVER)
        for n in range(count):
            cost[n, columns + n] = MISSED
            for e in range(first[members[n]], first[members[n] + 1]):
                if psi[e] > 0.0:
                    cost[n, place[plot_of[e]]] = -log(psi[e])
        chosen = _cheapest(cost)
        for n in range(count):
            if chosen[n] < columns:
                _give(psi, first, plot_of, members[n], held[chosen[n]], taken, missed, unclaimed)


@inner
def _link(psi, first, plot_of, i, cluster, owner):
    """Make one cluster of a track and of those that share a plot with it."""
    for e in range(first[i], first[i + 1]):
        if psi[e] > 0.0:
            j = plot_of[e]
            if owner[j] < 0:
                owner[j] = i
            _join(cluster, i, owner[j])


@inner
def _gathered(psi, first, plot_of, root, cluster, members, held, place):
    """Write a cluster's tracks and plots, and each plot's `place` among these; return how many there are of both."""
    count, columns = 0, 0
    for i in range(root, len(cluster)):
        if _root(cluster, i) != root:
            continue
        members[count] = i
        count += 1
        for e in range(first[i], first[i + 1]):
            if psi[e] > 0.0 and place[plot_of[e]] < 0:
                place[plot_of[e]] = columns
                held[columns] = plot_of[e]
                columns += 1
    return count, columns


@inner
def _give(psi, first, plot_of, i, j, taken, missed, unclaimed):
    """Write down that plot `j` is track `i`'s, as surely as if there were no others."""
    for e in range(first[i], first[i + 1]):
        if plot_of[e] == j:
            taken[e] = psi[e] / (1.0 + psi[e])
            missed[i] = unclaimed[j] = 1.0 / (1.0 + psi[e])


@inner
def _root(cluster, i):
    while cluster[i] != i:
        i = cluster[i]
    return i


@inner
def _join(cluster, i, j):
    """Make two tracks one cluster, named by its first track."""
    i, j = _root(cluster, i), _root(cluster, j)
    cluster[max(i, j)] = min(i, j)


@kernel
def _cheapest(cost):
    """Return for each row (n,) of costs (n, m), m ≥ n, its column, each used once, so that the sum is least."""
    n, m = cost.shape
    u, v = np.zeros(n + 1), np.zeros(m + 1)
    row_of, way = np.zeros(m + 1, np.int64), np.zeros(m + 1, np.int64)
    for i in range(1, n + 1):
        row_of[0], j = i, 0
        least, used = np.full(m + 1, inf), np.zeros(m + 1, np.bool_)
        while row_of[j] != 0:
            used[j] = True
            row, step, nearest = row_of[j], inf, 0
            for k in range(1, m + 1):
                if used[k]:
                    continue
                reduced = cost[row - 1, k - 1] - u[row] - v[k]
                if reduced < least[k]:
                    least[k], way[k] = reduced, j
                if least[k] < step:
                    step, nearest = least[k], k
            for k in range(m + 1):
                if used[k]:
                    u[row_of[k]] += step
                    v[k] -= step
                else:
                    least[k] -= step
            j = nearest
        while j != 0:
            row_of[j] = row_of[way[j]]
            j = way[j]
    chosen = np.zeros(n, np.int64)
    for k in range(1, m + 1):
        if row_of[k] > 0:
            chosen[row_of[k] - 1] = k - 1
    return chosen


@kernel
def replay_assigned(tracks, count, next_id, index, look, events, visibility, p, out):
    """Take all events in order, as `look.replay_events` does, with the other association."""
    scratch = scratch_for(len(tracks.track_id))
    for n in range(len(events.what)):
        if events.what[n] == LOOK:
            extent = (events.first[n], events.last[n], events.stamp[n])
            count, next_id = _look(tracks, count, next_id, index, look, extent, p, out, scratch)
        else:
            close_scan(tracks, count, events.radar[n], events.stamp[n], events.pd[n], events.at_ns[n], visibility)
    return count, next_id


@kernel
def _look(tracks, count, next_id, index, look, extent, p, out, scratch):
    first, last, stamp = extent
    rows, starts, plots = pairs_near(tracks, index, look, first, last, p, scratch)
    copies, edges = compared(tracks, look, rows, starts, plots, p, out, scratch)
    _weigh(tracks, copies, edges, look, stamp, scratch.lines[0])
    kept = starts[len(rows)]
    taken, missed, unclaimed = np.empty(kept), np.empty(len(rows)), out.unclaimed[first:last]
    assign(edges.psi[:kept], starts, plots[:kept] - first, last - first, taken, missed, unclaimed)
    _update_all(tracks, copies, edges, look, taken, missed, stamp, np.empty(kept), scratch)
    _take_own(copies, edges, look, first, last, taken, out, np.full(last - first, -1, np.int32), scratch.lines)
    _write_back(tracks, copies)
    _credit_all(tracks, index, look, first, last, stamp, out, scratch)
    return _begin_all(tracks, count, next_id, index, look, first, last, stamp, p, out, scratch)


class ClusteredTracker(Tracker):
    """The tracker with the best assignment of each cluster instead of belief propagation; sound keeps the latter."""

    replay = staticmethod(replay_assigned)

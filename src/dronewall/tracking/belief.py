"""Association: how probable it is that each plot belongs to each track, by loopy belief propagation.

Source:
    Williams and Lau, Approximate Evaluation of Marginal Association Probabilities with Belief Propagation, IEEE
    Transactions on Aerospace and Electronic Systems 50(4), 2014: messages (19)-(21); converges for every input.
"""

from __future__ import annotations

import numpy as np

from dronewall.geodesy.jit import kernel

ROUNDS_MAX = 200
SETTLED = 1e-5


@kernel
def associate(psi, first, plot_of, plots, taken, missed, unclaimed):
    """Write marginal probabilities of an association graph.

    Args:
        psi: (e,) likelihood ratio of each edge against its track missing and its plot being new or clutter.
        first: (tracks + 1,) where each track's edges begin; edges are ordered by track.
        plot_of: (e,) each edge's plot.
        plots: how many plots there are.
        taken: out (e,) probability that the edge's plot is its track's.
        missed: out (tracks,) probability that the track has no plot.
        unclaimed: out (plots,) probability that the plot belongs to no track.
    """
    tracks, edges = len(first) - 1, len(psi)
    to_plot, to_track = np.empty(edges), np.ones(edges)
    total = np.empty(plots)
    for _ in range(ROUNDS_MAX):
        total[:] = 1.0
        for i in range(tracks):
            s = 1.0
            for e in range(first[i], first[i + 1]):
                s += psi[e] * to_track[e]
            for e in range(first[i], first[i + 1]):
                to_plot[e] = psi[e] / (s - psi[e] * to_track[e])
                total[plot_of[e]] += to_plot[e]
        change = 0.0
        for e in range(edges):
            message = 1.0 / (total[plot_of[e]] - to_plot[e])
            change = max(change, abs(message - to_track[e]))
            to_track[e] = message
        if change < SETTLED:
            break
    for j in range(plots):
        unclaimed[j] = 1.0 / total[j]
    for i in range(tracks):
        s = 1.0
        for e in range(first[i], first[i + 1]):
            s += psi[e] * to_track[e]
        missed[i] = 1.0 / s
        for e in range(first[i], first[i + 1]):
            taken[e] = psi[e] * to_track[e] / s

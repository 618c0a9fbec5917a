"""T-GOSPA: GOSPA over whole trajectories, where a change of track number costs as well.

A change from one track to another costs γ², a beginning or an end of an assignment half of that. Here γ² = c²/2: a
change of number weighs as much as an object missed at one instant.

Source:
    García-Fernández, Rahmathullah, Svensson, "A metric on the space of finite sets of trajectories for evaluation of
    multi-target tracking algorithms", IEEE Trans. Signal Processing 68 (2020), with α = 2 and p = 2. Its linear
    programme is a metric of its own; it equals the multi-dimensional assignment wherever its solution is integral.

An assigned pair that is far apart costs what an unassigned object and an unassigned track cost together. So only pairs
that come closer than the cutoff at some instant matter, the problem falls apart into groups of them, and an assignment
may rest on a pair through instants at which it gains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, vstack

from dronewall.bench.gospa import Pairs, best_assignment, groups

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]

LARGEST_PROGRAMME = 6_000
"""Cells (edges × instants) up to which a tangled group is solved as a linear programme; above, see `_bound`."""


@dataclass(frozen=True, slots=True)
class Trajectories:
    """The total cost in m² of the best assignment over time, and how it was had.

    `method` is `exact` where every group was solved exactly, `lp` where some needed the linear programme (never above
    the exact cost), `bound` where some were too large for it (never below the exact cost).
    """

    cost_m2: float
    method: str


def trajectory_cost(
    near: Pairs, objects: IntArray, tracks: IntArray, instants: IntArray, *, rows: int, cutoff_m: float
) -> Trajectories:
    """Return the T-GOSPA cost, to the power of two and summed over all instants.

    Args:
        near: all pairs closer than the cutoff.
        objects: for each pair, a number of the object; `tracks` of the track; `instants` of the instant.
        rows: how many samples of objects and tracks there are in all.
    """
    half = cutoff_m**2 / 2.0
    gain = near.distance_m**2 - cutoff_m**2
    total, methods = 0.0, {"exact"}
    for group in groups(objects, tracks):
        part, method = _group_cost(objects[group], tracks[group], instants[group], gain[group], half)
        total += part
        methods.add(method)
    worst = max(methods, key=("exact", "lp", "bound").index)
    return Trajectories(rows * half + total, worst)


def _group_cost(i: IntArray, j: IntArray, k: IntArray, gain: FloatArray, switch: float) -> tuple[float, str]:
    """Return the least sum of gains (negative) and switching costs of one group, and how it was had."""
    objects, i = np.unique(i, return_inverse=True)
    tracks, j = np.unique(j, return_inverse=True)
    instants, k = np.unique(k, return_inverse=True)
    if len(objects) == 1 and len(tracks) == 1:
        return float(gain.sum()), "exact"
    if len(objects) == 1 or len(tracks) == 1:
        return _one_to_many(np.maximum(i, j), k, gain, switch), "exact"
    edges, e = np.unique(i * len(tracks) + j, return_inverse=True)
    ends = edges // len(tracks), edges % len(tracks)
    if len(instants) * len(edges) > LARGEST_PROGRAMME:
        return _bound(*ends, e, k, gain, switch), "bound"
    gains = np.zeros((len(instants), len(edges)))
    gains[k, e] = gain
    return _programme(gains, *ends, switch)


def _one_to_many(other: IntArray, k: IntArray, gain: FloatArray, switch: float) -> float:
    """One object and many tracks, or the reverse: Viterbi over which of the many holds the one."""
    gains = np.zeros((int(k.max()) + 1, int(other.max()) + 1))
    gains[k, other] = gain
    cost = np.zeros(gains.shape[1])
    for step in gains:
        cost = np.minimum(cost, cost.min() + switch) + step
    return float(cost.min())


def _bound(i: IntArray, j: IntArray, e: IntArray, k: IntArray, gain: FloatArray, switch: float) -> float:
    """Assign instant by instant, each time with what a change would cost: legal, so its cost is an upper bound."""
    held = np.empty(0, np.intp)
    total = 0.0
    order = np.argsort(k, kind="stable")
    for step, rows in enumerate(np.split(order, np.flatnonzero(np.diff(k[order])) + 1)):
        taken, worth = _taken(i, j, e[rows], gain[rows], held, switch)
        total += worth + (switch / 2.0 * len(np.setxor1d(taken, held)) if step else 0.0)
        held = taken
    return total


def _taken(
    i: IntArray, j: IntArray, e: IntArray, gain: FloatArray, held: IntArray, switch: float
) -> tuple[IntArray, float]:
    """Return the edges to take at one instant and the sum of their gains, given the edges held before it."""
    edges = np.union1d(e, held)
    gains = np.zeros(len(edges))
    gains[np.searchsorted(edges, e)] = gain
    # Keeping an edge saves the cost of ending it; taking a new one costs its beginning.
    worth = gains + np.where(np.isin(edges, held), -switch / 2.0, switch / 2.0)
    useful = np.flatnonzero(worth < 0)
    taken = useful[best_assignment(i[edges[useful]], j[edges[useful]], worth[useful])]
    return edges[taken], float(gains[taken].sum())


def _programme(gains: FloatArray, i: IntArray, j: IntArray, switch: float) -> tuple[float, str]:
    """Solve the linear programme of the source, over the weights W of edges at instants and their changes H.

    Where every weight comes out as none or all, the solution is the exact one.
    """
    steps, edges = gains.shape
    weights, changes = steps * edges, (steps - 1) * edges
    cell = np.arange(weights).reshape(steps, edges)
    once = [_once(cell, side) for side in (i, j)]
    before, after, change = cell[:-1].ravel(), cell[1:].ravel(), weights + np.arange(changes)
    row = np.arange(changes)
    ones = np.ones(changes)
    moves = [
        coo_matrix(
            (np.concatenate([sign * ones, -sign * ones, -ones]), (np.tile(row, 3), np.r_[after, before, change])),
            shape=(changes, weights + changes),
        )
        for sign in (1.0, -1.0)
    ]
    rows = [coo_matrix((m.data, (m.row, m.col)), shape=(m.shape[0], weights + changes)) for m in once]
    limits = np.concatenate([np.ones(sum(m.shape[0] for m in once)), np.zeros(2 * changes)])
    cost = np.concatenate([gains.ravel(), np.full(changes, switch / 2.0)])
    solved = linprog(cost, A_ub=vstack([*rows, *moves]).tocsr(), b_ub=limits, bounds=(0, None), method="highs")
    whole = np.abs(solved.x - np.round(solved.x)).max() < 1e-6
    return float(solved.fun), "exact" if whole else "lp"


def _once(cell: IntArray, side: IntArray) -> coo_matrix:
    """Rows that say: at each instant the weights of all edges of one object (or track) sum to at most one."""
    steps, edges = cell.shape
    groups = int(side.max()) + 1
    rows = (np.arange(steps)[:, None] * groups + side[None, :]).ravel()
    return coo_matrix((np.ones(steps * edges), (rows, cell.ravel())), shape=(steps * groups, steps * edges))

"""GOSPA: how far a set of tracks is from a set of objects, at one instant after the other.

Source:
    Rahmathullah, García-Fernández, Svensson, "Generalized optimal sub-pattern assignment metric", FUSION 2017, with
    α = 2 and p = 2: the assignment that costs least, c²/2 for each object without a track and each track without one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of truth and tracks that belong together, and how far apart they are in m."""

    truth: IntArray
    track: IntArray
    distance_m: FloatArray

    def take(self, chosen: NDArray[np.bool_] | IntArray) -> Pairs:
        """Return the pairs picked by a mask or an index array."""
        return Pairs(self.truth[chosen], self.track[chosen], self.distance_m[chosen])


@dataclass(frozen=True, slots=True)
class Gospa:
    """GOSPA per instant, in m, and its parts in m²: `distance_m ** 2` is their sum."""

    localisation_m2: FloatArray
    missed_m2: FloatArray
    false_m2: FloatArray

    @property
    def distance_m(self) -> FloatArray:
        """The metric itself, per instant."""
        return np.sqrt(self.localisation_m2 + self.missed_m2 + self.false_m2)


def near_pairs(
    truth: FloatArray, truth_instant: IntArray, tracks: FloatArray, tracks_instant: IntArray, *, cutoff_m: float
) -> Pairs:
    """Return every truth row and track row of one instant that lie closer than the cutoff.

    Args:
        truth: (n, 3) positions in m, ordered by `truth_instant`; `tracks` (m, 3) likewise, in the same frame.
    """
    found: list[tuple[IntArray, IntArray, FloatArray]] = []
    for instant in np.intersect1d(truth_instant, tracks_instant):
        a, b = np.searchsorted(truth_instant, (instant, instant + 1))
        c, d = np.searchsorted(tracks_instant, (instant, instant + 1))
        near = cKDTree(truth[a:b]).sparse_distance_matrix(cKDTree(tracks[c:d]), cutoff_m, output_type="ndarray")
        found.append((near["i"] + a, near["j"] + c, near["v"]))
    if not found:
        return Pairs(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0))
    truth_row, track_row, distance_m = (np.concatenate(part) for part in zip(*found, strict=True))
    kept = distance_m < cutoff_m
    return Pairs(truth_row[kept], track_row[kept], distance_m[kept])


def assigned_pairs(near: Pairs, *, cutoff_m: float) -> Pairs:
    """Return the one-to-one pairs that make GOSPA least: exact, for only pairs closer than the cutoff can help."""
    return near.take(best_assignment(near.truth, near.track, near.distance_m**2 - cutoff_m**2))


def best_assignment(i: IntArray, j: IntArray, gain: FloatArray) -> IntArray:
    """Return which edges between rows `i` and `j` to take, none sharing an end, so that their gains sum to the least.

    Gains are negative. Edges that nobody else wants are taken as they are; the rest falls apart into small groups, each
    solved alone.
    """
    if not len(i):
        return np.empty(0, np.intp)
    _, i = np.unique(i, return_inverse=True)
    _, j = np.unique(j, return_inverse=True)
    alone = (np.bincount(i)[i] == 1) & (np.bincount(j)[j] == 1)
    chosen, crowd = [np.flatnonzero(alone)], np.flatnonzero(~alone)
    for group in groups(i[crowd], j[crowd]):
        edges = crowd[group]
        chosen.append(edges[_best_of(i[edges], j[edges], gain[edges])])
    return np.sort(np.concatenate(chosen))


def groups(i: IntArray, j: IntArray) -> list[IntArray]:
    """Return the edges' indices, one array per connected group of ends."""
    if not len(i):
        return []
    left, i = np.unique(i, return_inverse=True)
    right, j = np.unique(j, return_inverse=True)
    size = len(left) + len(right)
    links = coo_matrix((np.ones(len(i), np.int8), (i, j + len(left))), shape=(size, size))
    label = connected_components(links.tocsr(), directed=False)[1][i]
    order = np.argsort(label, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(label[order])) + 1)


def _best_of(i: IntArray, j: IntArray, gain: FloatArray) -> IntArray:
    """Return which edges of one group to take."""
    rows, i = np.unique(i, return_inverse=True)
    columns, j = np.unique(j, return_inverse=True)
    matrix = np.zeros((len(rows), len(columns)))
    matrix[i, j] = gain
    which = np.full(matrix.shape, -1)
    which[i, j] = np.arange(len(i))
    taken = which[linear_sum_assignment(matrix)]
    return taken[taken >= 0]


def gospa(pairs: Pairs, truth_instant: IntArray, tracks_instant: IntArray, *, cutoff_m: float, count: int) -> Gospa:
    """Return GOSPA at each instant at which there is an object or a track; the others say nothing and are left out.

    Args:
        pairs: assigned; rows of `truth_instant` and `tracks_instant`, which hold values below `count`.
    """
    objects = np.bincount(truth_instant, minlength=count).astype(np.float64)
    tracks = np.bincount(tracks_instant, minlength=count).astype(np.float64)
    at = truth_instant[pairs.truth]
    both = np.bincount(at, minlength=count)
    localisation: FloatArray = np.bincount(at, weights=pairs.distance_m**2, minlength=count).astype(np.float64)
    told = (objects + tracks) > 0
    half = cutoff_m**2 / 2.0
    return Gospa(localisation[told], half * (objects - both)[told], half * (tracks - both)[told])

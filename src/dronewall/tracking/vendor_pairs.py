"""Which remote track is which of ours: nearest in position and velocity, one to one for each source, and lasting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from dronewall.tracking.parameters import Motion
from dronewall.tracking.store import TrackStore
from dronewall.tracking.vendor_kernels import states_at
from dronewall.tracking.vendor_words import Words

FloatArray = NDArray[np.float64]
Rows = NDArray[np.intp]

GATE_SQ = 30.0
"""Squared distance of six dimensions within which a remote track may be one of ours. Errors that both share make the
distance smaller than it would be between strangers, never larger."""
STAY_SQ = 60.0
"""A pair that has proved itself stays together up to this distance."""
NEAR_SQ = 12.0
"""A remote track that lies so near one of ours begins no other, whichever remote track ours is paired with."""
NEAREST_M, FARTHEST_M = 2_000.0, 15_000.0
UNLIKELY_EXISTENCE = 0.02


class Pairing:
    """Compares words with the tracks of a store, as they are now."""

    def __init__(self, store: TrackStore, motion: Motion) -> None:
        self._store, self._p = store, motion

    def ours(self, rows: Rows, at_ns: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Return means (n, 6) and covariances (n, 6, 6) of tracks at `at_ns` (n,), leaving the tracks as they are."""
        x, cov = np.empty((len(rows), 6)), np.empty((len(rows), 6, 6))
        states_at(self._store.columns, rows, at_ns, self._p, x, cov)
        return x, cov

    def fits(self, words: Words, which: Rows, row: Rows, most_sq: float) -> NDArray[np.bool_]:
        """Whether the words `which` (k,) may be of tracks `row` (k,): near enough, and not of different addresses."""
        d_sq = distances_sq(*self.ours(row, words.at_ns[which]), words, which)
        return (d_sq < most_sq) & ~_differ(self._store.columns.icao24[row], words.icao24[which])

    def found(self, words: Words, asking: Rows, taken: Rows) -> Rows:
        """Return the track row (n,) that each of the words `asking` is paired with, -1 for none and for the others.

        `taken` are rows that other words of the source have.
        """
        free = self._store.columns.existence[: self._store.count] > UNLIKELY_EXISTENCE
        free[taken] = False
        return one_to_one(*self._near(words, asking, np.flatnonzero(free), GATE_SQ), len(words.at_ns))

    def near_any(self, words: Words, asking: Rows, most_sq: float) -> Rows:
        """Return the words of `asking` that lie within a squared distance of any track."""
        word, _, _ = self._near(words, asking, np.arange(self._store.count), most_sq)
        return np.unique(word)

    def _near(self, words: Words, asking: Rows, among: Rows, most_sq: float) -> tuple[Rows, Rows, FloatArray]:
        """Return the pairs of a word of `asking` and a track of `among` that fit, and their squared distances."""
        none = np.empty(0, np.intp)
        if not len(asking) or not len(among):
            return none, none, np.empty(0)
        c = self._store.columns
        dt = (int(np.median(words.at_ns[asking])) - c.at_ns[among]) / 1e9
        place = c.mean[among, 0, :3] + dt[:, None] * c.mean[among, 0, 3:]
        own_m = np.sqrt(np.trace(words.covariance[asking, :3, :3], axis1=1, axis2=2))
        reach_m = np.minimum(NEAREST_M + 6.0 * own_m, FARTHEST_M)
        within = cKDTree(place).query_ball_point(words.mean[asking, :3], reach_m, return_sorted=True)
        word = np.repeat(asking, [len(rows) for rows in within])
        row = among[np.array([row for rows in within for row in rows], np.intp)]
        d_sq = distances_sq(*self.ours(row, words.at_ns[word]), words, word)
        inside = (d_sq < most_sq) & ~_differ(c.icao24[row], words.icao24[word])
        return word[inside], row[inside], d_sq[inside]


def distances_sq(x: FloatArray, cov: FloatArray, words: Words, which: Rows) -> FloatArray:
    """Return how far our states (k, 6) lie from the words `which` (k,), in squared sigmas of six dimensions."""
    apart = words.mean[which] - x
    solved = np.linalg.solve(words.covariance[which] + cov, apart[:, :, None])[:, :, 0]
    return np.asarray(np.einsum("ni,ni->n", apart, solved))


def one_to_one(word: Rows, row: Rows, d_sq: FloatArray, words: int) -> Rows:
    """Return for each of `words` words the track row it is paired with, -1 for none, of the given pairs.

    The pairing is the one of least total distance, no pair being worth `GATE_SQ`; each cluster is solved apart.
    """
    row_of = np.full(words, -1, np.intp)
    if not len(word):
        return row_of
    _, column = np.unique(row, return_inverse=True)
    size = words + int(column.max()) + 1
    links = coo_matrix((np.ones(len(word)), (word, words + column)), shape=(size, size))
    _, cluster = connected_components(links, directed=False)
    order = np.argsort(cluster[word], kind="stable")
    for edges in np.split(order, np.flatnonzero(np.diff(cluster[word][order])) + 1):
        mine, i = np.unique(word[edges], return_inverse=True)
        theirs, j = np.unique(row[edges], return_inverse=True)
        cost = np.full((len(mine), len(theirs) + len(mine)), GATE_SQ)
        cost[:, : len(theirs)] = 2.0 * GATE_SQ
        cost[i, j] = d_sq[edges]
        for a, b in zip(*linear_sum_assignment(cost), strict=True):
            if b < len(theirs) and cost[a, b] < GATE_SQ:
                row_of[mine[a]] = theirs[b]
    return row_of


def _differ(mine: NDArray[np.uint32], theirs: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return where both claim an address and these are different: then they are two objects."""
    return (mine != 0) & (theirs != 0) & (mine != theirs)

"""Which tracks fly together: near to each other, as fast, the same way, and without an aircraft's identity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

LINK_CELLS = 3.0
"""Two tracks belong together up to so many resolution cells of the sensors that see them, of the median one."""
LINK_LEAST_M, LINK_MOST_M = 500.0, 4_000.0
"""Never farther than this: air traffic control keeps aircraft on one radar at least 4,600 m (2.5 NM) apart."""
ALIKE_MPS, ALIKE_SIGMAS, SIGMA_MOST_MPS = 4.0, 2.0, 10.0
"""Velocities may differ by this, and by so many sigmas of what is not known of both; no more doubt than that counts."""
HELD_FARTHER = 1.6
"""Tracks of one group stay together up to this many times the distance and the difference that would bring them in."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Flying:
    """Tracks that may belong to groups: ECEF place (n, 3) m, velocity (n, 3) m/s and its 1-σ per axis (n,).

    `before` (n,) is the group that each belonged to, 0 for none; `cell_m` (n,) how near to another object it may be
    and still be told apart.
    """

    place: FloatArray
    velocity: FloatArray
    sigma_mps: FloatArray
    before: IntArray
    cell_m: FloatArray


def near_pairs(x: FloatArray) -> IntArray:
    """Return the pairs (k, 2) of tracks `x` (n, 6) that could be linked at all."""
    if len(x) < 2:
        return np.empty((0, 2), np.int64)
    pairs = cKDTree(x[:, :3]).query_pairs(LINK_MOST_M, output_type="ndarray")
    unlike_mps = np.linalg.norm(x[pairs[:, 0], 3:] - x[pairs[:, 1], 3:], axis=1)
    most_mps = HELD_FARTHER * (ALIKE_MPS + ALIKE_SIGMAS * np.sqrt(2.0) * SIGMA_MOST_MPS)
    pairs = pairs[unlike_mps <= most_mps]
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].astype(np.int64)


def components(flying: Flying, pairs: IntArray) -> IntArray:
    """Return for each track (n,) the number of the cluster it belongs to; one that is alone is a cluster too."""
    a, b = pairs[:, 0], pairs[:, 1]
    held = (flying.before[a] == flying.before[b]) & (flying.before[a] > 0)
    slack = np.where(held, HELD_FARTHER, 1.0)
    apart_m = np.linalg.norm(flying.place[a] - flying.place[b], axis=1)
    reach_m = slack * np.maximum(LINK_CELLS * np.maximum(flying.cell_m[a], flying.cell_m[b]), LINK_LEAST_M)
    sigma = np.minimum(flying.sigma_mps, SIGMA_MOST_MPS)
    unlike_mps = np.linalg.norm(flying.velocity[a] - flying.velocity[b], axis=1)
    alike = unlike_mps <= slack * (ALIKE_MPS + ALIKE_SIGMAS * np.hypot(sigma[a], sigma[b]))
    linked = (apart_m <= np.minimum(reach_m, LINK_MOST_M)) & alike
    return _labels(len(flying.place), a[linked], b[linked])


def _labels(n: int, a: IntArray, b: IntArray) -> IntArray:
    """Return for each of `n` things the number of its cluster, where things `a` (k,) and `b` (k,) are linked.

    Every thing takes over the lowest label beside it, and that label's own, till nothing changes. For the few links
    there are, a tenth of what it costs to build a sparse matrix first.
    """
    label = np.arange(n, dtype=np.int64)
    while True:
        least = np.minimum(label[a], label[b])
        new = label.copy()
        np.minimum.at(new, np.concatenate([label[a], label[b]]), np.concatenate([least, least]))
        new = new[new]
        if np.array_equal(new, label):
            return np.unique(label, return_inverse=True)[1].astype(np.int64)
        label = new


def of_one_pace(flying: Flying, rows: IntArray) -> NDArray[np.bool_]:
    """Return which tracks of a cluster, `rows` (k,), fly as most of it do: links alone would make a chain of a fan."""
    middle = np.median(flying.velocity[rows], axis=0)
    unlike_mps = np.linalg.norm(flying.velocity[rows] - middle, axis=1)
    slack = np.where(flying.before[rows] > 0, HELD_FARTHER, 1.0)
    sigma = np.minimum(flying.sigma_mps[rows], SIGMA_MOST_MPS)
    return np.asarray(unlike_mps <= slack * (ALIKE_MPS + ALIKE_SIGMAS * sigma))

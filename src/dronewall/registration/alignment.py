"""Aligning sensors with each other: what is known of each, and what their common objects tell of each two, together.

All errors of a group of sensors are one Gaussian in information form. What no comparison shows, such as a time by which
all of them are late, keeps the uncertainty of the priors: nobody's estimate claims it, yet what two of them differ by
is known. Sensors known from references bring that in as their prior, and so anchor the others.

Source:
    Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), for the information
    form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.registration.bias_model import (
    AZIMUTH,
    ELEVATION,
    GAIN,
    RANGE,
    SITE_EAST,
    SITE_NORTH,
    TILT_EAST,
    TILT_NORTH,
    TIME,
)

FloatArray = NDArray[np.float64]
NOBODY = np.empty(0, np.intp)

TOGETHER_MOST = 40
"""More sensors than this are not solved together: the work grows with the third power."""
ALIKE = ((SITE_EAST, SITE_NORTH), (TIME,), (ELEVATION, TILT_EAST, TILT_NORTH), (RANGE, GAIN), (AZIMUTH,))
"""Errors of one sort. Where no sensor of a group shows any, none is corrected: estimates of nothing are noise."""
SHOWN_SIGMAS = 4.0
"""A sort of errors shows when its squared sigmas exceed what chance gives, their number, by so many deviations."""


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Estimates (n, u) of each sensor's errors, their covariance (n, u, u), and the same if the others' were known.

    Sorts of errors that nobody shows are held to be nothing in the estimates; the covariances still admit them. The
    first covariance is how far the sensor may be off; the second, `apart`, how far it may be off from the others,
    which is what a track sees that takes plots of several.
    """

    estimate: FloatArray
    covariance: FloatArray
    apart: FloatArray


def align(
    priors: tuple[FloatArray, FloatArray],
    free: NDArray[np.bool_],
    slots: NDArray[np.int32],
    info: FloatArray,
    score: FloatArray,
) -> Aligned:
    """Return what priors and comparisons say together.

    Args:
        priors: information (n, u, u) and score (n, u) of each sensor from elsewhere.
        free: (n,) of which nothing is known from elsewhere.
        slots: (k, 2) sensors of each pair.
        info: (k, 2u, 2u) what each pair gathered about both.
        score: (k, 2u) the same, times readings.
    """
    n, u = priors[1].shape
    whole, told = np.zeros((n, u, n, u)), priors[1].copy()
    whole[np.arange(n), :, np.arange(n), :] = priors[0]
    for (one, two), pair_info, pair_score in zip(slots.tolist(), info, score, strict=True):
        whole[one, :, one] += pair_info[:u, :u]
        whole[two, :, two] += pair_info[u:, u:]
        whole[one, :, two] += pair_info[:u, u:]
        whole[two, :, one] += pair_info[u:, :u]
        told[one] += pair_score[:u]
        told[two] += pair_score[u:]
    each = np.arange(n)
    apart = np.linalg.inv(whole[each, :, each])
    inverse = _inverse(whole.reshape(n * u, n * u), u).reshape(n, u, n, u)
    estimate = np.einsum("iajb,jb->ia", inverse, told)
    shown = _shown(estimate.ravel(), inverse.reshape(n * u, n * u), np.flatnonzero(free), u).reshape(n, u)
    return Aligned(shown, _even(inverse[each, :, each]), _even(apart))


def _shown(estimate: FloatArray, covariance: FloatArray, free: NDArray[np.intp], u: int) -> FloatArray:
    """Return an estimate (n u,) without those sorts of errors that none of the `free` sensors shows.

    The least shown goes first; the others are then judged as if it were nothing.
    """
    sorts = [(free[:, None] * u + np.array(sort)).ravel() for sort in ALIKE] if len(free) else []
    dropped: list[NDArray[np.intp]] = []
    while sorts:
        told = [(_squared(estimate, covariance, sort) - len(sort)) / np.sqrt(2.0 * len(sort)) for sort in sorts]
        least = int(np.argmin(told))
        if told[least] > SHOWN_SIGMAS:
            break
        sort = sorts.pop(least)
        gain = np.linalg.solve(covariance[np.ix_(sort, sort)], covariance[sort]).T
        estimate = estimate - gain @ estimate[sort]
        covariance = covariance - gain @ covariance[sort]
        estimate[sort] = 0.0
        dropped.append(sort)
    estimate[np.concatenate([*dropped, NOBODY])] = 0.0
    return estimate


def _squared(estimate: FloatArray, covariance: FloatArray, of: NDArray[np.intp]) -> float:
    return float(estimate[of] @ np.linalg.solve(covariance[np.ix_(of, of)], estimate[of]))


def _inverse(matrix: FloatArray, u: int) -> FloatArray:
    """Return the inverse of a positive definite matrix, sensor by sensor (Gauss and Jordan).

    Every product sums over one sensor's unknowns, so that its last bit does not depend on how many threads share it.
    """
    a = matrix.copy()
    for first in range(0, len(a), u):
        mine = slice(first, first + u)
        pivot, column = np.linalg.inv(a[mine, mine]), a[:, mine].copy()
        row = pivot @ a[mine]
        a -= column @ row
        a[mine], a[:, mine], a[mine, mine] = row, -(column @ pivot), pivot
    return a


def _even(matrices: NDArray[Any]) -> FloatArray:
    return np.asarray(0.5 * (matrices + matrices.transpose(0, 2, 1)), float)


def groups(sensors: int, slots: NDArray[np.int32], weight: FloatArray) -> list[list[int]]:
    """Return groups of sensors that are linked by pairs `slots` (k, 2), of at most `TOGETHER_MOST` each.

    Where more hang together, those with the most `weight` (k,) between them come first.
    """
    links = np.zeros((sensors, sensors))
    links[slots[:, 0], slots[:, 1]] = links[slots[:, 1], slots[:, 0]] = weight
    left = set(np.unique(slots).tolist())
    found = []
    while left:
        first = max(left, key=lambda slot: (links[slot, sorted(left)].sum(), -slot))
        group, pull = [first], links[first].copy()
        left.discard(first)
        while left and len(group) < TOGETHER_MOST:
            following = max(left, key=lambda slot: (pull[slot], -slot))
            if pull[following] <= 0.0:
                break
            group.append(following)
            pull += links[following]
            left.discard(following)
        if len(group) > 1:
            found.append(sorted(group))
    return found

"""Consensus: what several references say together, each no more than its own steady error allows, without the odd ones.

Every reference k sees the unknowns plus errors n_k of its own that do not average out: b + n_k, n_k ~ N(0, Q). With
information L gathered about b + n_k it tells of b only (I + L Q)^-1 L, however long it is watched: that bounds its
share. One that contradicts all others together is left out, the worst first.

Source:
    The first is the marginal of a random-effects model. The second compares g = y_k - L_k b, b from the others with
    covariance P, with its covariance L_k + L_k P L_k: the innovation test in information form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CONTRADICTS_SQ = 36.0
"""Squared sigmas; of at most eleven unknowns one in 6,000 exceeds it by chance."""


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """The estimate (u,) and its covariance (u, u); which references are `kept`, and whether history is.

    `info` and `score` are what each reference adds, its own steady error allowed for.
    """

    estimate: FloatArray
    covariance: FloatArray
    kept: NDArray[np.bool_]
    history_kept: bool
    info: FloatArray
    score: FloatArray


def consensus(
    prior: FloatArray,
    history: tuple[FloatArray, FloatArray],
    info: FloatArray,
    score: FloatArray,
    own: FloatArray,
    *,
    enough: int,
) -> Consensus:
    """Return what references agree on.

    Args:
        prior: (u, u) information before anything was known, about an estimate of zero.
        history: information (u, u) and score (u,) from references that are gone.
        info: (k, u, u) what each present reference gathered, about itself and the unknowns together.
        score: (k, u) the same, times readings.
        own: (k, u) variances of the references' own steady errors.
        enough: history is believed against fewer present references than this.
    """
    spread = np.eye(info.shape[-1]) + info * own[:, None, :]
    bounded = np.linalg.solve(spread, info)
    bounded = 0.5 * (bounded + bounded.transpose(0, 2, 1))
    told = np.linalg.solve(spread, score[:, :, None])[:, :, 0]
    voices = np.concatenate([history[0][None], bounded]), np.concatenate([history[1][None], told])
    kept = np.ones(len(voices[0]), np.bool_)
    while kept.sum() > 1:
        off_sq = _contradictions(prior, voices[0][kept], voices[1][kept])
        if kept[0] and kept.sum() <= enough:
            off_sq[0] = 0.0
        worst = int(np.argmax(off_sq))
        if off_sq[worst] <= CONTRADICTS_SQ:
            break
        kept[np.flatnonzero(kept)[worst]] = False
    covariance = np.linalg.inv(prior + voices[0][kept].sum(axis=0))
    estimate = covariance @ voices[1][kept].sum(axis=0)
    return Consensus(estimate, covariance, kept[1:], bool(kept[0]), bounded, np.asarray(told, float))


def _contradictions(prior: FloatArray, info: FloatArray, score: FloatArray) -> FloatArray:
    """Return by how many squared sigmas each voice (k,) contradicts all others together."""
    others = np.linalg.inv(prior + info.sum(axis=0) - info)
    estimate = np.einsum("kij,kj->ki", others, score.sum(axis=0) - score)
    gap = score - np.einsum("kij,kj->ki", info, estimate)
    spread = info + info @ others @ info
    scale = np.trace(spread, axis1=1, axis2=2)[:, None, None] + 1e-12
    steady = spread + 1e-9 * scale * np.eye(info.shape[-1])
    return np.asarray(np.einsum("ki,ki->k", gap, np.linalg.solve(steady, gap[:, :, None])[:, :, 0]), float)

"""What reports of class say together, and how well one fits another."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.jit import inner
from dronewall.model.plots import CLASS_COUNT, ObjectClass

CLASSES = CLASS_COUNT
UNKNOWN = int(ObjectClass.UNKNOWN)
LEAST_AGREEMENT = 0.15
"""Classifiers of sound take one source in seven for something else: no report of class says more against a source."""


def class_probabilities(score: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return class probabilities (n, classes) of accumulated log scores; all 0 where nobody said anything."""
    out = np.zeros(score.shape, np.float32)
    told = np.flatnonzero(np.any(score != 0.0, axis=1))
    if len(told):
        likely = np.exp(score[told] - score[told].max(axis=1, keepdims=True))
        out[told] = likely / likely.sum(axis=1, keepdims=True)
    return out


@inner
def agreement(told, known):
    """Return how well a report of class fits what is known of a source, both (classes,): 1 at best, little at worst.

    It is the cosine between them, as far as both say anything: what calls a thing unknown contradicts nobody.
    """
    both, told_sq, known_sq, told_all, known_all = 0.0, 0.0, 0.0, 0.0, 0.0
    for c in range(CLASSES):
        if c != UNKNOWN:
            both += told[c] * known[c]
            told_sq += told[c] * told[c]
            known_sq += known[c] * known[c]
            told_all += told[c]
            known_all += known[c]
    if told_sq < 1e-6 or known_sq < 1e-6:
        return 1.0
    said = min(told_all, 1.0) * min(known_all, 1.0)
    return 1.0 - said * (1.0 - max(both / sqrt(told_sq * known_sq), LEAST_AGREEMENT))

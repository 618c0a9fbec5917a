"""Holding on to what references and common tracks say of one sensor together: what corrects its plots from now on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dronewall.registration.bias_model import AZIMUTH, OWN, RANGE, UNKNOWNS
from dronewall.registration.bias_review import PRECISE, worth_correcting
from dronewall.registration.bias_state import Beliefs, Held

FloatArray = NDArray[np.float64]

FIRST_AFTER_S, FIRST_FOR_S = 600.0, 86_400.0
"""What was known so long after it was known first is what a sensor's drift is told from, for a day."""
ALIGNED = (RANGE, AZIMUTH)
"""What must be known of a sensor that others are compared with. Its time need not: slow objects hardly show it."""
UNSURE = 2.0
"""A sensor that was aligned is no longer corrected when its errors are known so many times worse than it takes."""
_PRIOR = np.eye(UNKNOWNS)


def hold_references(held: Held, beliefs: Beliefs, slot: int, *, now_ns: int) -> None:
    """Hold what references alone say of a sensor."""
    held.partners[slot] = 0
    held.estimate[slot] = beliefs.estimate[slot]
    held.covariance[slot] = held.whole[slot] = beliefs.covariance[slot]
    _begin(held, slot, known=bool(beliefs.known[slot]), now_ns=now_ns)


def hold_aligned(
    held: Held,
    beliefs: Beliefs,
    slot: int,
    partners: int,
    values: tuple[FloatArray, FloatArray, FloatArray],
    *,
    now_ns: int,
) -> None:
    """Hold what is known of a sensor that was aligned with `partners` others.

    Args:
        held: what is held of all sensors; changed in place.
        beliefs: what their references say.
        slot: the sensor.
        partners: how many others see objects that it sees.
        values: the estimate (OWN,), its covariance (OWN, OWN), and the same if the others' errors were known.
        now_ns: the step's instant.
    """
    estimate, whole, apart = beliefs.estimate[slot].copy(), beliefs.covariance[slot].copy(), _PRIOR.copy()
    estimate[:OWN], whole[:OWN, :OWN], apart[:OWN, :OWN] = values
    whole[:OWN, OWN:] = whole[OWN:, :OWN] = 0.0
    held.partners[slot] = partners
    held.estimate[slot], held.whole[slot], held.covariance[slot] = estimate, whole, apart
    precise = np.diag(apart)[list(ALIGNED)] < (PRECISE * UNSURE) ** 2
    known = bool(held.known[slot] and precise.all()) or worth_correcting(estimate, apart, ALIGNED)
    _begin(held, slot, known=known or bool(beliefs.known[slot]), now_ns=now_ns)


def hold_nothing(held: Held, slot: int) -> None:
    """Forget what was held of a sensor; what it was at first stays."""
    held.estimate[slot] = 0.0
    held.covariance[slot] = held.whole[slot] = _PRIOR
    held.known[slot] = False
    held.known_ns[slot] = held.partners[slot] = 0


def note_change(held: Held, slot: int, *, now_ns: int) -> None:
    """Note that a sensor has changed, and what it was before."""
    if not held.first_ns[slot]:
        _remember_first(held, slot, now_ns)
    held.changes[slot] += 1
    hold_nothing(held, slot)


def _begin(held: Held, slot: int, *, known: bool, now_ns: int) -> None:
    """Let corrections begin or end, and remember what the sensor was when it had been known for a while."""
    if known and not held.known[slot]:
        held.known_ns[slot] = now_ns
    held.known[slot] = known
    first_s = (now_ns - int(held.first_ns[slot])) / 1e9
    if known and first_s > FIRST_FOR_S and now_ns - held.known_ns[slot] > FIRST_AFTER_S * 1e9:
        _remember_first(held, slot, now_ns)


def _remember_first(held: Held, slot: int, now_ns: int) -> None:
    held.first_ns[slot] = now_ns
    held.at_first[slot], held.at_first_covariance[slot] = held.estimate[slot], held.whole[slot]

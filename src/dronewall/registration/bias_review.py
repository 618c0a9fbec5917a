"""Reviewing one sensor: what its references agree on, who is left out, and whether the sensor has changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dronewall.model.biases import BiasState
from dronewall.registration.bias_model import AZIMUTH, ELEVATION, RANGE, TIME, UNKNOWNS, WANDER
from dronewall.registration.bias_rows import own_wander
from dronewall.registration.bias_state import (
    ENOUGH,
    WATCHED,
    Beliefs,
    Pairs,
    forget_gathered,
    forget_pairs,
)
from dronewall.registration.consensus import Consensus, consensus

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]

MEMORY_S = 1_800.0
"""What a present aircraft told fades in this time: errors wander."""
GONE_S = 60.0
"""An aircraft not compared for so long makes room."""
LEAST_COMPARED = 3
RECENT_S = 60.0
OFF, OFF_PART = 0.6, 0.7
"""Aircraft whose plots are mostly refused; when this part of all are, and enough, it is the sensor that changed."""
PRECISE, SIGNIFICANT_SQ = 0.15, 25.0
"""Corrections begin when range, azimuth and time are known to this part of their priors, or when an error is so many
squared sigmas that any correction is better than none."""
PRECISELY = (RANGE, AZIMUTH, TIME)
_PRIOR = np.eye(UNKNOWNS)


def review(pairs: Pairs, beliefs: Beliefs, slot: int, *, now_ns: int) -> bool:
    """Take in what a sensor's pairs gathered since the last review; return whether the sensor has changed."""
    passed_s = (now_ns - int(beliefs.reviewed_ns[slot])) / 1e9 if beliefs.reviewed_ns[slot] else 0.0
    beliefs.reviewed_ns[slot] = now_ns
    _let_wander(pairs, beliefs, slot, passed_s)
    if _changed(pairs, slot, now_ns):
        start_again(pairs, beliefs, slot)
        return True
    speaking = pairs.compared[slot] >= LEAST_COMPARED
    agreed = _agreement(pairs, beliefs, slot, speaking)
    if not agreed.history_kept:
        _forget_history(beliefs, slot)
    kept = np.zeros(WATCHED, np.bool_)
    kept[speaking] = agreed.kept
    _judge(pairs, beliefs, slot, agreed, kept=kept, odd=speaking & ~kept, now_ns=now_ns)
    _let_go(pairs, beliefs, slot, agreed, speaking, kept, now_ns)
    return False


def start_again(pairs: Pairs, beliefs: Beliefs, slot: int) -> None:
    """Forget everything about a sensor's errors; who is watched stays."""
    forget_gathered(pairs, slot, np.ones(WATCHED, np.bool_))
    pairs.off[slot] = 0.0
    _forget_history(beliefs, slot)
    beliefs.estimate[slot] = 0.0
    beliefs.covariance[slot] = _PRIOR
    beliefs.known[slot] = False
    beliefs.state[slot] = BiasState.UNKNOWN
    beliefs.references[slot] = 0


def _forget_history(beliefs: Beliefs, slot: int) -> None:
    beliefs.history[slot] = 0.0
    beliefs.history_covariance[slot] = _PRIOR
    beliefs.witnesses[slot] = 0


def _let_wander(pairs: Pairs, beliefs: Beliefs, slot: int, passed_s: float) -> None:
    """Let what is known fade as errors wander: present aircraft's word evenly, history back towards the prior."""
    fade = np.exp(-passed_s / MEMORY_S)
    pairs.info[slot] *= fade
    pairs.score[slot] *= fade
    part = np.exp(-0.5 * WANDER**2 * passed_s / 3600.0)
    beliefs.history[slot] *= part
    beliefs.history_covariance[slot] *= part[:, None] * part[None, :]
    beliefs.history_covariance[slot] += np.diag(1.0 - part**2)


def _changed(pairs: Pairs, slot: int, now_ns: int) -> bool:
    """Whether most aircraft of the last minute, and enough of them, lie where the sensor is known not to see them."""
    recent = (pairs.address[slot] != 0) & (now_ns - pairs.last_ns[slot] < RECENT_S * 1e9)
    off = recent & (pairs.off[slot] > OFF)
    return int(off.sum()) >= ENOUGH and off.sum() >= OFF_PART * recent.sum()


def _agreement(pairs: Pairs, beliefs: Beliefs, slot: int, speaking: Mask) -> Consensus:
    precision = np.linalg.inv(beliefs.history_covariance[slot])
    history = precision - _PRIOR, precision @ beliefs.history[slot]
    own = np.zeros((int(speaking.sum()), UNKNOWNS))
    for row, place in enumerate(np.flatnonzero(speaking)):
        own_wander(pairs.sigma_m[slot, place], pairs.pressure[slot, place], own[row])
    return consensus(_PRIOR, history, pairs.info[slot, speaking], pairs.score[slot, speaking], own, enough=ENOUGH)


def _judge(pairs: Pairs, beliefs: Beliefs, slot: int, agreed: Consensus, *, kept: Mask, odd: Mask, now_ns: int) -> None:
    """Decide whether enough references agree, and hold on to what they say."""
    off = (pairs.address[slot] != 0) & (pairs.off[slot] > OFF) & (now_ns - pairs.last_ns[slot] < RECENT_S * 1e9)
    left_out = odd | off
    witnesses = np.union1d(pairs.address[slot, kept & ~off], beliefs.witnesses[slot])
    beliefs.references[slot] = np.count_nonzero(witnesses)
    beliefs.left_out[slot] = np.count_nonzero(left_out)
    disputed = beliefs.left_out[slot] > max(1, np.count_nonzero(kept & ~off))
    if disputed:
        beliefs.state[slot] = BiasState.DISPUTED
        return
    beliefs.estimate[slot], beliefs.covariance[slot] = agreed.estimate, agreed.covariance
    enough = beliefs.references[slot] >= ENOUGH
    known = enough and (bool(beliefs.known[slot]) or worth_correcting(agreed.estimate, agreed.covariance))
    beliefs.known[slot] = known
    beliefs.state[slot] = BiasState.KNOWN if known else BiasState.UNKNOWN


def worth_correcting(estimate: FloatArray, covariance: FloatArray, of: Sequence[int] = PRECISELY) -> bool:
    """Return whether an estimate is precise in the unknowns `of`, or stands out from its uncertainty."""
    if np.all(np.diag(covariance)[list(of)] < PRECISE**2):
        return True
    told = [RANGE, AZIMUTH, ELEVATION, TIME]
    errors = estimate[told]
    return float(errors @ np.linalg.solve(covariance[np.ix_(told, told)], errors)) > SIGNIFICANT_SQ


def _let_go(
    pairs: Pairs, beliefs: Beliefs, slot: int, agreed: Consensus, speaking: Mask, kept: Mask, now_ns: int
) -> None:
    """Let aircraft that are gone make room; what they told, if the others agreed, becomes history."""
    heard_ns = np.maximum(pairs.last_ns[slot], pairs.since_ns[slot])
    gone = (pairs.address[slot] != 0) & (now_ns - heard_ns > GONE_S * 1e9)
    if not gone.any():
        return
    becomes = (gone & kept)[speaking]
    if becomes.any() and beliefs.state[slot] != BiasState.DISPUTED:
        before = np.linalg.inv(beliefs.history_covariance[slot])
        score = before @ beliefs.history[slot] + agreed.score[becomes].sum(axis=0)
        beliefs.history_covariance[slot] = np.linalg.inv(before + agreed.info[becomes].sum(axis=0))
        beliefs.history[slot] = beliefs.history_covariance[slot] @ score
        new = np.setdiff1d(pairs.address[slot, gone & kept], beliefs.witnesses[slot])
        beliefs.witnesses[slot] = np.concatenate([new, beliefs.witnesses[slot]])[:ENOUGH]
    forget_pairs(pairs, slot, gone)

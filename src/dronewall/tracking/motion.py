"""How objects move between observations: an IMM of three modes in ECEF.

Cruising is constant velocity with little noise, manoeuvring with much; hovering forgets its velocity within seconds.
Process noise is white acceleration, level and upright taken apart at the object's own place. Hovering is only
considered of what is slow, so that everything else costs two modes.

Source:
    Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), 6.2.2 (white noise
    acceleration) and 11.6.6 (interacting multiple model).
"""

from __future__ import annotations

from math import exp, sqrt

import numpy as np

from dronewall.geodesy.jit import inner, kernel
from dronewall.tracking.parameters import CRUISE, HOVER, MODES, TURN, WEIGHTS_AT_BIRTH

OFF, WHOLE, SHARE, VECTORS = range(4)
ROOM = (4, MODES, 6)
"""Of the scratch that `predict` works in: three matrices, and as many vectors in the fourth."""
NEGLIGIBLE = 1e-3
"""Hovering less likely than this of a fast object is not considered further."""
HARDLY_KNOWN_MPS = 90.0
"""1-σ of velocity, over all axes, beyond which a manoeuvre's noise of a few m/s changes nothing."""


@inner
def add_process_noise(p, up, q_level, q_upright, dt):
    """Add to covariance `p` (6, 6) what white acceleration does in `dt` s; `up` (3,) is the local vertical."""
    position, cross, speed = dt * dt * dt / 3.0, dt * dt / 2.0, dt
    for i in range(3):
        for j in range(3):
            q = (q_upright - q_level) * up[i] * up[j]
            if i == j:
                q += q_level
            p[i, j] += q * position
            p[i, 3 + j] += q * cross
            p[3 + i, j] += q * cross
            p[3 + i, 3 + j] += q * speed


@inner
def move(x, p, dt):
    """Carry mean `x` (6,) and covariance `p` (6, 6) on at constant velocity by `dt` s, without noise."""
    drift(x, p, dt, 1.0)


@inner
def drift(x, p, carried, kept):
    """Carry mean `x` (6,) and covariance `p` (6, 6) on by `carried` s of their velocity, of which `kept` is left."""
    for i in range(3):
        x[i] += carried * x[3 + i]
        x[3 + i] *= kept
    for i in range(3):
        for j in range(3):
            p[i, j] += carried * (p[3 + i, j] + p[i, 3 + j]) + carried * carried * p[3 + i, 3 + j]
    for i in range(3):
        for j in range(3):
            p[i, 3 + j] = kept * (p[i, 3 + j] + carried * p[3 + i, 3 + j])
            p[3 + j, i] = p[i, 3 + j]
    for i in range(3):
        for j in range(3):
            p[3 + i, 3 + j] *= kept * kept


@inner
def local_up(x, up):
    """Write into `up` (3,) the geocentric vertical at `x`: within 0.2 degrees of the true one, enough for noise."""
    r = sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
    for i in range(3):
        up[i] = x[i] / r


@inner
def mix(mean, cov, weight, modes, dt, p, room):
    """Let the first `modes` modes of a track exchange probability for `dt` s, in place; `room` (ROOM) is scratch.

    The chain forgets its mode at a rate and then draws anew, so that two short waits exchange as much as one long one.
    """
    m = MODES if modes == MODES else MODES - 1
    off, whole, share, c = room[OFF], room[WHOLE], room[SHARE], room[VECTORS, 0]
    _exchange(weight, m, dt, p, share, room[VECTORS, 1], room[VECTORS, 2])
    # About mode 0, whose own offset is 0: differences of means stay small numbers.
    for a in range(6):
        for i in range(m):
            off[i, a] = mean[i, a] - mean[0, a]
        for j in range(m):
            s = 0.0
            for i in range(m):
                s += share[j, i] * off[i, a]
            whole[j, a] = s
    for a in range(6):
        for b in range(a, 6):
            for i in range(m):
                c[i] = cov[i, a, b] + off[i, a] * off[i, b]
            for j in range(m):
                s = -whole[j, a] * whole[j, b]
                for i in range(m):
                    s += share[j, i] * c[i]
                cov[j, a, b] = s
                cov[j, b, a] = s
    for a in range(6):
        base = mean[0, a]
        for j in range(m):
            mean[j, a] = base + whole[j, a]


@inner
def _exchange(weight, m, dt, p, share, drawn, old):
    """Move `weight` on by `dt` s; write into `share[j, i]` how much of what is in mode j now came from mode i.

    `drawn` and `old` are scratch.
    """
    forgotten = 1.0 - exp(-p.modes_forgotten_per_s * dt)
    drawn[HOVER] = p.hover_share if m == MODES else 0.0
    drawn[TURN] = p.turn_share * (1.0 - drawn[HOVER])
    drawn[CRUISE] = 1.0 - drawn[TURN] - drawn[HOVER]
    for j in range(MODES):
        old[j] = weight[j]
    for j in range(m):
        after = (1.0 - forgotten) * old[j] + forgotten * drawn[j]
        for i in range(m):
            share[j, i] = forgotten * drawn[j] * old[i] / after
        share[j, j] += (1.0 - forgotten) * old[j] / after
        weight[j] = after


@inner
def modes_of(mean, cov, weight, p):
    """Return how many modes a track is described by: all for what may hover, else without hovering.

    A fast track's last trace of hovering is given to manoeuvring, and forgotten. One mode is enough for what begins
    with a single plot, until its velocity is known well enough that it matters whether it manoeuvres.
    """
    if weight[HOVER] > NEGLIGIBLE:
        return MODES
    speed_sq, spread = 0.0, 0.0
    for a in range(3, 6):
        speed_sq += mean[CRUISE, a] * mean[CRUISE, a]
        spread += cov[CRUISE, a, a]
    if weight[CRUISE] == 1.0:
        if spread > HARDLY_KNOWN_MPS * HARDLY_KNOWN_MPS:
            return 1
        copy_mode(mean[CRUISE], cov[CRUISE], mean[TURN], cov[TURN])
        weight[CRUISE], weight[TURN] = WEIGHTS_AT_BIRTH[CRUISE], WEIGHTS_AT_BIRTH[TURN]
    if max(speed_sq, spread) < p.hover_below_mps * p.hover_below_mps:
        return MODES
    weight[TURN] += weight[HOVER]
    weight[HOVER] = 0.0
    return MODES - 1


@inner
def turn_noise(x, p):
    """Return the level process noise of a manoeuvre of what moves like `x` (6,), m²/s³."""
    speed_sq = x[3] * x[3] + x[4] * x[4] + x[5] * x[5]
    return p.q_level_turn * (1.0 + min(speed_sq / (p.turn_speed_mps * p.turn_speed_mps), 25.0))


@inner
def copy_mode(x, p, x_out, p_out):
    """Copy one mode's mean (6,) and covariance (6, 6)."""
    for a in range(6):
        x_out[a] = x[a]
        for b in range(6):
            p_out[a, b] = p[a, b]


@inner
def copy_modes(mean, cov, weight, mean_out, cov_out, weight_out):
    """Copy one track's modes; element by element, for numba takes seconds to compile copies of whole arrays."""
    for k in range(MODES):
        copy_mode(mean[k], cov[k], mean_out[k], cov_out[k])
        weight_out[k] = weight[k]


@inner
def predict(mean, cov, weight, dt, p, room):
    """Predict one track's modes by `dt` s ≥ 0 in place, return how many there are.

    `p` is a `Motion`, `room` (ROOM) scratch.
    """
    modes = modes_of(mean, cov, weight, p)
    if dt <= 0.0:
        return modes
    if modes == MODES and weight[HOVER] == 0.0:
        copy_mode(mean[CRUISE], cov[CRUISE], mean[HOVER], cov[HOVER])
    if modes > 1:
        mix(mean, cov, weight, modes, dt, p, room)
    up = room[VECTORS, 0]
    local_up(mean[0], up)
    for k in range(modes):
        if k == CRUISE:
            drift(mean[k], cov[k], dt, 1.0)
            add_process_noise(cov[k], up, p.q_level_cruise, p.q_upright_cruise, dt)
        elif k == TURN:
            drift(mean[k], cov[k], dt, 1.0)
            add_process_noise(cov[k], up, turn_noise(mean[k], p), p.q_upright_turn, dt)
        else:
            kept = exp(-dt / p.hover_forgets_s)
            carried = p.hover_forgets_s * (1.0 - kept)
            drift(mean[k], cov[k], carried, kept)
            add_process_noise(cov[k], up, p.q_level_hover, p.q_upright_hover, carried)
    return modes


@inner
def merged(mean, cov, weight, x, p):
    """Write into `x` (6,) and `p` (6, 6) the mean and covariance of a track over its modes."""
    for a in range(6):
        s = 0.0
        for k in range(1, MODES):
            if weight[k] > 0.0:
                s += weight[k] * (mean[k, a] - mean[0, a])
        x[a] = mean[0, a] + s
    for a in range(6):
        for b in range(6):
            p[a, b] = 0.0
    for k in range(MODES):
        if weight[k] > 0.0:
            for a in range(6):
                for b in range(6):
                    p[a, b] += weight[k] * (cov[k, a, b] + (mean[k, a] - x[a]) * (mean[k, b] - x[b]))


@kernel
def picture_at(mean, cov, weight, at_ns, count, now_ns, p, x_out, p_out):
    """Write every track's mean (n, 6) and covariance (n, 6, 6) at `now_ns`, leaving the tracks as they are."""
    room, m, c, w = np.empty(ROOM), np.empty((MODES, 6)), np.empty((MODES, 6, 6)), np.empty(MODES)
    _picture_at(mean, cov, weight, at_ns, count, now_ns, p, x_out, p_out, room, m, c, w)


@inner
def _picture_at(mean, cov, weight, at_ns, count, now_ns, p, x_out, p_out, room, m, c, w):
    for i in range(count):
        copy_modes(mean[i], cov[i], weight[i], m, c, w)
        predict(m, c, w, (now_ns - at_ns[i]) / 1e9, p, room)
        merged(m, c, w, x_out[i], p_out[i])

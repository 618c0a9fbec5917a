"""How objects move between observations: two constant-velocity modes in ECEF, mixed as an IMM.

Process noise is white acceleration, level and upright taken apart at the object's own place.

Source:
    Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), 6.2.2 (white noise
    acceleration) and 11.6.6 (interacting multiple model).
"""

from __future__ import annotations

from math import exp, sqrt

import numpy as np

from dronewall.geodesy.jit import kernel


@kernel
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


@kernel
def move(x, p, dt):
    """Carry mean `x` (6,) and covariance `p` (6, 6) on at constant velocity by `dt` s, without noise."""
    for i in range(3):
        x[i] += dt * x[3 + i]
    for i in range(3):
        for j in range(3):
            p[i, j] += dt * (p[3 + i, j] + p[i, 3 + j]) + dt * dt * p[3 + i, 3 + j]
    for i in range(3):
        for j in range(3):
            p[i, 3 + j] += dt * p[3 + i, 3 + j]
    for i in range(3):
        for j in range(3):
            p[3 + j, i] = p[i, 3 + j]


@kernel
def local_up(x, up):
    """Write into `up` (3,) the geocentric vertical at `x`: within 0.2 degrees of the true one, enough for noise."""
    r = sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
    for i in range(3):
        up[i] = x[i] / r


@kernel
def mix(mean, cov, weight, dt, mean_cruise_s, mean_turn_s):
    """Let the two modes exchange probability for `dt` s: mixes `mean` (2, 6), `cov` (2, 6, 6), `weight` (2,) in place.

    The chain is continuous in time, so that two short predictions exchange as much as one long one.
    """
    leave_cruise, leave_turn = 1.0 / mean_cruise_s, 1.0 / mean_turn_s
    rate = leave_cruise + leave_turn
    settled = 1.0 - exp(-rate * dt)
    to_turn, to_cruise = settled * leave_cruise / rate, settled * leave_turn / rate
    after = np.empty(2)
    after[0] = weight[0] * (1.0 - to_turn) + weight[1] * to_cruise
    after[1] = weight[0] * to_turn + weight[1] * (1.0 - to_cruise)
    share = np.empty((2, 2))  # share[j, i]: of what is in mode j now, how much came from mode i
    share[0, 0], share[0, 1] = weight[0] * (1.0 - to_turn) / after[0], weight[1] * to_cruise / after[0]
    share[1, 0], share[1, 1] = weight[0] * to_turn / after[1], weight[1] * (1.0 - to_cruise) / after[1]
    apart = np.empty(6)
    for a in range(6):
        apart[a] = mean[0, a] - mean[1, a]
    old = np.empty((2, 2))
    for a in range(6):
        for b in range(a, 6):
            spread = apart[a] * apart[b]
            c0, c1 = cov[0, a, b], cov[1, a, b]
            for j in range(2):
                c = share[j, 0] * c0 + share[j, 1] * c1 + share[j, 0] * share[j, 1] * spread
                cov[j, a, b] = c
                cov[j, b, a] = c
    for a in range(6):
        old[0, 0], old[0, 1] = mean[0, a], mean[1, a]
        for j in range(2):
            mean[j, a] = share[j, 0] * old[0, 0] + share[j, 1] * old[0, 1]
    weight[0], weight[1] = after[0], after[1]


@kernel
def predict(mean, cov, weight, dt, p):
    """Predict one track's modes by `dt` s ≥ 0 in place; `p` are the tracker's `Parameters`."""
    if dt <= 0.0:
        return
    mix(mean, cov, weight, dt, p.mean_cruise_s, p.mean_turn_s)
    up = np.empty(3)
    for k in range(2):
        local_up(mean[k], up)
        move(mean[k], cov[k], dt)
        if k == 0:
            add_process_noise(cov[k], up, p.q_level_cruise, p.q_upright_cruise, dt)
        else:
            add_process_noise(cov[k], up, p.q_level_turn, p.q_upright_turn, dt)


@kernel
def merged(mean, cov, weight, x, p):
    """Write into `x` (6,) and `p` (6, 6) the mean and covariance of a track over its modes."""
    for a in range(6):
        x[a] = weight[0] * mean[0, a] + weight[1] * mean[1, a]
    both = weight[0] * weight[1]
    for a in range(6):
        for b in range(6):
            spread = (mean[0, a] - mean[1, a]) * (mean[0, b] - mean[1, b])
            p[a, b] = weight[0] * cov[0, a, b] + weight[1] * cov[1, a, b] + both * spread


@kernel
def picture_at(mean, cov, weight, at_ns, count, now_ns, p, x_out, p_out):
    """Write every track's mean (n, 6) and covariance (n, 6, 6) at `now_ns`, leaving the tracks as they are."""
    m, c, w = np.empty((2, 6)), np.empty((2, 6, 6)), np.empty(2)
    for i in range(count):
        m[:] = mean[i]
        c[:] = cov[i]
        w[:] = weight[i]
        predict(m, c, w, (now_ns - at_ns[i]) / 1e9, p)
        merged(m, c, w, x_out[i], p_out[i])

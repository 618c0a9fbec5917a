"""Tracking by sound in emission time: the state is held where the sound that is heard now left the object.

Each track keeps the state at an instant so long ago that nothing older can still arrive, and the bearings since. They
are gone through once a second in the order in which the sound was emitted, so that no bearing is out of sequence
however long it travelled. The state is position, velocity (ECEF) and the wind (east, north): the wind is the same for
all bearings of a track, and its uncertainty is carried as a state, never as noise that would average out.

Source:
    Bar-Shalom, Li, Kirubarajan (2001), 11.6.6 (IMM), 3.4 of Bar-Shalom and Li (1995) (PDA). The delay in uniform wind
    follows from |d - (v - w) tau| = c tau: in the air's own frame the air is still.
"""

from __future__ import annotations

from math import atan2, cos, exp, pi, sin, sqrt
from typing import NamedTuple

import numpy as np

from dronewall.geodesy.jit import inner, kernel
from dronewall.tracking.motion import add_process_noise, local_up

STATE = 8
MODES = 3
STRAIGHT = 0
"""The modes: straight on, turning left, turning right."""
LONGEST_STEP_S = 2.0
NEAREST_M = 30.0
STANDING_STILL_S = 0.25
"""Bearings emitted within so short a time share one prediction."""


class SoundParameters(NamedTuple):
    """Units in the names; `q_*` are power spectral densities of white acceleration noise, m²/s³."""

    q_straight: float = 0.02
    q_turning: float = 4.0
    turn_radps: float = 0.05
    q_upright: float = 0.02
    q_swerving: float = 20.0
    """The same for a track that may be turning, where its newest state is carried on straight."""
    mean_straight_s: float = 2000.0
    mean_turning_s: float = 15.0
    wind_walk: float = 4.0 / 3600.0
    """How fast the wind's variance grows, (m/s)² a second."""
    stray_per_rad: float = 0.02
    """Density of strange bearings near a track's own, which PDA weighs its own against."""
    height_m: float = 400.0
    height_sigma_m: float = 400.0
    """What is known of an unmeasured height above the ellipsoid, and the most that may be unknown."""
    north_repeats: float = 3.0
    """How many bearings of one array share its error of north within a track's memory: that error counts so often."""


@kernel
def heard_from(x, ahead_s, site, axes, sound_mps, h, jac):
    """Write azimuth and elevation `h` (2,) heard `ahead_s` after the state `x` (8,), and their Jacobian `jac` (2, 8).

    Returns how long the sound travelled, s; NaN where nothing sensible can be heard.
    """
    d, v = np.empty(3), np.empty(3)
    for i in range(3):
        d[i] = v[i] = 0.0
        for j in range(3):
            d[i] += axes[i, j] * (x[j] + ahead_s * x[3 + j] - site[j])
            v[i] += axes[i, j] * x[3 + j]
    v[0] -= x[6]
    v[1] -= x[7]
    gap = sound_mps * sound_mps - (v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
    if not gap > 0.0:
        return np.nan
    closing = d[0] * v[0] + d[1] * v[1] + d[2] * v[2]
    tau = (-closing + sqrt(closing * closing + gap * (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]))) / gap
    e, n, u = d[0] - v[0] * tau, d[1] - v[1] * tau, d[2] - v[2] * tau
    level_sq = e * e + n * n
    if not level_sq > NEAREST_M * NEAREST_M:
        return np.nan
    level, path = sqrt(level_sq), sound_mps * tau
    h[0], h[1] = atan2(e, n), atan2(u, level)
    slowness = 1.0 / (sound_mps + (e * v[0] + n * v[1] + u * v[2]) / path)
    g = np.empty(3)
    for row in range(2):
        if row == 0:
            g[0], g[1], g[2] = n / level_sq, -e / level_sq, 0.0
        else:
            r_sq = level_sq + u * u
            g[0], g[1], g[2] = -u * e / level / r_sq, -u * n / level / r_sq, level / r_sq
        drift = (g[0] * v[0] + g[1] * v[1] + g[2] * v[2]) * slowness / path
        g[0] -= drift * e
        g[1] -= drift * n
        g[2] -= drift * u
        for j in range(3):
            jac[row, j] = g[0] * axes[0, j] + g[1] * axes[1, j] + g[2] * axes[2, j]
            jac[row, 3 + j] = (ahead_s - tau) * jac[row, j]
        jac[row, 6], jac[row, 7] = tau * g[0], tau * g[1]
    return tau


@inner
def _chance(i, j, begin, end):
    """Return how probable it is that mode `i` gives way to mode `j`, given those of a turn's beginning and end."""
    if i == j:
        return 1.0 - 2.0 * begin if i == STRAIGHT else 1.0 - end
    if i == STRAIGHT:
        return begin
    return end if j == STRAIGHT else 0.0


@kernel
def mix_modes(mean, cov, weight, dt, p):
    """Let the modes (m, 8), (m, 8, 8), (m,) exchange probability for a short `dt` s, in place.

    Straight flight gives way to either turn, and turns give way to straight flight.
    """
    begin, end = 0.5 * dt / p.mean_straight_s, dt / p.mean_turning_s
    old_mean, old_cov = mean.copy(), cov.copy()
    share, after = np.zeros((MODES, MODES)), np.empty(MODES)
    for j in range(MODES):
        for i in range(MODES):
            move = _chance(i, j, begin, end)
            share[j, i] = weight[i] * move
        after[j] = share[j].sum()
        share[j] /= after[j]
    for j in range(MODES):
        for a in range(STATE):
            mean[j, a] = 0.0
            for i in range(MODES):
                mean[j, a] += share[j, i] * old_mean[i, a]
        cov[j] = 0.0
        for i in range(MODES):
            if share[j, i] < 1e-9:
                continue
            for a in range(STATE):
                da = old_mean[i, a] - mean[j, a]
                for b in range(a, STATE):
                    cov[j, a, b] += share[j, i] * (old_cov[i, a, b] + da * (old_mean[i, b] - mean[j, b]))
        for a in range(STATE):
            for b in range(a):
                cov[j, a, b] = cov[j, b, a]
        weight[j] = after[j]


@inner
def turn_matrices(up, dt, turn_radps, along, turned):
    """Write what carries a velocity into places, `along`, and into itself, `turned`, both (3, 3), over `dt` s.

    Source:
        Bar-Shalom, Li, Kirubarajan (2001), 11.7.1 (coordinated turn with known rate).
    """
    angle = turn_radps * dt
    s, v, cosine, sine = dt, 0.0, 1.0, 0.0
    if abs(angle) > 1e-9:
        cosine, sine = cos(angle), sin(angle)
        s, v = sine / turn_radps, (1.0 - cosine) / turn_radps
    for i in range(3):
        for j in range(3):
            upright = up[i] * up[j]
            along[i, j] = (dt - s) * upright
            turned[i, j] = (1.0 - cosine) * upright
        along[i, i] += s
        turned[i, i] += cosine
    # The vector product with the vertical turns a level velocity to the left by a right angle.
    for i in range(3):
        a, b = (i + 1) % 3, (i + 2) % 3
        along[i, a] -= v * up[b]
        along[i, b] += v * up[a]
        turned[i, a] -= sine * up[b]
        turned[i, b] += sine * up[a]


@kernel
def carry(x, c, dt, turn_radps, q_level, p, up, along, turned):
    """Predict one mode `x` (8,), `c` (8, 8) by `dt` s at a constant turn, in place; the last three are scratch."""
    local_up(x, up)
    turn_matrices(up, dt, turn_radps, along, turned)
    old = np.empty(3)
    for j in range(3):
        old[j] = x[3 + j]
    for i in range(3):
        x[3 + i] = 0.0
        for j in range(3):
            x[i] += along[i, j] * old[j]
            x[3 + i] += turned[i, j] * old[j]
    for b in range(STATE):
        for j in range(3):
            old[j] = c[3 + j, b]
        for i in range(3):
            c[i, b] += along[i, 0] * old[0] + along[i, 1] * old[1] + along[i, 2] * old[2]
            c[3 + i, b] = turned[i, 0] * old[0] + turned[i, 1] * old[1] + turned[i, 2] * old[2]
    for a in range(STATE):
        for j in range(3):
            old[j] = c[a, 3 + j]
        for i in range(3):
            c[a, i] += along[i, 0] * old[0] + along[i, 1] * old[1] + along[i, 2] * old[2]
            c[a, 3 + i] = turned[i, 0] * old[0] + turned[i, 1] * old[1] + turned[i, 2] * old[2]
    add_process_noise(c, up, q_level, p.q_upright, dt)
    c[6, 6] += p.wind_walk * dt
    c[7, 7] += p.wind_walk * dt


@kernel
def predict_sound(mean, cov, weight, dt, p, up):
    """Predict a track's modes by `dt` s > 0, in place."""
    steps = np.int64(dt / LONGEST_STEP_S) + 1
    step_s = dt / steps
    along, turned = np.empty((3, 3)), np.empty((3, 3))
    for _ in range(steps):
        mix_modes(mean, cov, weight, step_s, p)
        carry(mean[0], cov[0], step_s, 0.0, p.q_straight, p, up, along, turned)
        carry(mean[1], cov[1], step_s, p.turn_radps, p.q_turning, p, up, along, turned)
        carry(mean[2], cov[2], step_s, -p.turn_radps, p.q_turning, p, up, along, turned)


@inner
def absorb_angle(x, c, jac, nu, variance, worth, ph):
    """Update a mode by one angle that is its own with probability `worth`, in place; `ph` (8,) is scratch."""
    s = variance
    for a in range(STATE):
        t = 0.0
        for b in range(STATE):
            t += c[a, b] * jac[b]
        ph[a] = t
    for a in range(STATE):
        s += jac[a] * ph[a]
    step = worth * nu / s
    shrink = worth / s - worth * (1.0 - worth) * nu * nu / (s * s)
    for a in range(STATE):
        x[a] += step * ph[a]
    for a in range(STATE):
        for b in range(a, STATE):
            c[a, b] -= shrink * ph[a] * ph[b]
            c[b, a] = c[a, b]


@inner
def variance_of(c, jac, variance):
    """Return the variance of an innovation: `variance` of the reading and that of the state `c` seen through `jac`."""
    s = variance
    for a in range(STATE):
        for b in range(STATE):
            s += jac[a] * c[a, b] * jac[b]
    return s


@inner
def folded(angle):
    """Return an angle brought to within half a turn."""
    return angle - 2.0 * pi * np.round(angle / (2.0 * pi))


@kernel
def take_bearing(mean, cov, weight, ahead_s, edge, e, ears, p, h, jac, ph):
    """Update a track by bearing `e`, heard `ahead_s` after its state; return the innovation and its variance."""
    j = edge.sensor[e]
    variance = edge.var_azimuth[e] + p.north_repeats * ears.north_var[j]
    worth, like, nu, s = np.zeros(MODES), np.zeros(MODES), np.zeros(MODES), np.ones(MODES)
    for k in range(MODES):
        tau = heard_from(mean[k], ahead_s, ears.site[j], ears.axes[j], ears.sound_mps[j], h, jac)
        if not tau >= 0.0:
            return np.nan, 1.0
        nu[k] = folded(edge.azimuth[e] - ears.north[j] - h[0])
        s[k] = variance_of(cov[k], jac[0], variance)
        own = edge.share[e] * exp(-0.5 * min(nu[k] * nu[k] / s[k], 200.0)) / sqrt(2.0 * pi * s[k])
        like[k] = own + p.stray_per_rad
        worth[k] = own / like[k]
        absorb_angle(mean[k], cov[k], jac[0], nu[k], variance, worth[k], ph)
        if edge.elevation[e] == edge.elevation[e]:
            heard_from(mean[k], ahead_s, ears.site[j], ears.axes[j], ears.sound_mps[j], h, jac)
            above = folded(edge.elevation[e] - h[1])
            if above * above < 16.0 * variance_of(cov[k], jac[1], edge.var_elevation[e]):
                absorb_angle(mean[k], cov[k], jac[1], above, edge.var_elevation[e], worth[k], ph)
    whole, better = 0.0, np.argmax(weight)
    for k in range(MODES):
        whole += weight[k] * like[k]
    for k in range(MODES):
        weight[k] *= like[k] / whole
    return nu[better], s[better]


@inner
def bound_height(x, c, p, up, jac, ph):
    """Bring the height back to what is likely of a low flyer once it is less well known than that."""
    local_up(x, up)
    height = 0.0
    for a in range(STATE):
        jac[a] = 0.0
    r = sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
    for a in range(3):
        jac[a] = up[a]
    if variance_of(c, jac, 0.0) <= p.height_sigma_m * p.height_sigma_m:
        return
    height = r - ellipsoid_radius(x[2] / r)
    absorb_angle(x, c, jac, p.height_m - height, p.height_sigma_m * p.height_sigma_m, 1.0, ph)


@inner
def ellipsoid_radius(sine):
    """Return the radius of the WGS84 ellipsoid at a geocentric latitude's sine: height to a few centimetres below."""
    a, b = 6_378_137.0, 6_356_752.314245
    cos_sq = 1.0 - sine * sine
    return 1.0 / sqrt(cos_sq / (a * a) + sine * sine / (b * b))


@inner
def level_out(x, c, up, jac, ph):
    """Hold climb to what low flyers do: a weak reading of no climb keeps it from wandering where height is unseen."""
    local_up(x, up)
    for a in range(STATE):
        jac[a] = 0.0
    climb = 0.0
    for a in range(3):
        jac[3 + a] = up[a]
        climb += up[a] * x[3 + a]
    if variance_of(c, jac, 0.0) > 9.0:
        absorb_angle(x, c, jac, -climb, 9.0, 1.0, ph)


@kernel
def rerun(held, edge, first, horizon_ns, ears, p, settled):
    """Go through every track's bearings in the order of emission, from its settled state to its newest.

    Args:
        held: tracks; their settled states are moved up to `horizon_ns`, their newest states written.
        edge: bearings, ordered by track and instant of emission.
        first: (tracks + 1,) where each track's bearings begin.
        horizon_ns: no sound emitted before this can still arrive.
        settled: (edges, 2) out, innovation and variance of bearings that were settled now, NaN for the others.
    """
    h, jac, ph, up = np.empty(2), np.empty((2, STATE)), np.empty(STATE), np.empty(3)
    mean, cov, weight = np.empty((MODES, STATE)), np.empty((MODES, STATE, STATE)), np.empty(MODES)
    for i in range(len(held.at_ns)):
        mean[:], cov[:], weight[:] = held.mean[i], held.cov[i], held.weight[i]
        at_ns = held.at_ns[i]
        open_ended = True
        for e in range(first[i], first[i + 1]):
            if open_ended and edge.emitted_ns[e] > horizon_ns:
                held.mean[i], held.cov[i], held.weight[i], held.at_ns[i] = mean, cov, weight, at_ns
                open_ended = False
            dt = (edge.emitted_ns[e] - at_ns) / 1e9
            if dt > STANDING_STILL_S:
                predict_sound(mean, cov, weight, dt, p, up)
                for k in range(MODES):
                    bound_height(mean[k], cov[k], p, up, jac[0], ph)
                    level_out(mean[k], cov[k], up, jac[0], ph)
                at_ns = edge.emitted_ns[e]
            ahead_s = (edge.at_ns[e] - at_ns) / 1e9
            nu, s = take_bearing(mean, cov, weight, ahead_s, edge, e, ears, p, h, jac, ph)
            settled[e, 0] = nu if open_ended else np.nan
            settled[e, 1] = s
        if open_ended:
            held.mean[i], held.cov[i], held.weight[i], held.at_ns[i] = mean, cov, weight, at_ns
        held.new_mean[i], held.new_cov[i], held.new_weight[i], held.new_at_ns[i] = mean, cov, weight, at_ns


@kernel
def spread_over_modes(mean, cov, weight, x, c):
    """Write into `x` (8,), `c` (8, 8) the mean and covariance of a track over its modes."""
    x[:] = 0.0
    c[:] = 0.0
    for k in range(MODES):
        for a in range(STATE):
            x[a] += weight[k] * mean[k, a]
    for k in range(MODES):
        for a in range(STATE):
            for b in range(STATE):
                c[a, b] += weight[k] * (cov[k, a, b] + (mean[k, a] - x[a]) * (mean[k, b] - x[b]))


@kernel
def merged(mean, cov, weight, x_out, c_out):
    """Write every track's mean (n, 8) and covariance (n, 8, 8) over its modes."""
    for i in range(len(mean)):
        spread_over_modes(mean[i], cov[i], weight[i], x_out[i], c_out[i])


@kernel
def sound_at(held, now_ns, p, x_out, c_out):
    """Write every track's mean (n, 8) and covariance (n, 8, 8), predicted from its newest state to `now_ns`."""
    up = np.empty(3)
    mean, cov, weight = np.empty((MODES, STATE)), np.empty((MODES, STATE, STATE)), np.empty(MODES)
    for i in range(len(held.at_ns)):
        mean[:], cov[:], weight[:] = held.new_mean[i], held.new_cov[i], held.new_weight[i]
        dt = (now_ns - held.new_at_ns[i]) / 1e9
        if dt > 0.0:
            predict_sound(mean, cov, weight, dt, p, up)
        spread_over_modes(mean, cov, weight, x_out[i], c_out[i])

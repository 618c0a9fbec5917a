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
from numpy.typing import NDArray

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
CLIMB_SIGMA_MPS = 3.0
"""How fast low flyers climb or sink."""


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


@inner
def heard_from(x, ahead_s, site, axes, sound_mps, h, jac):
    """Write azimuth and elevation `h` (2,) heard `ahead_s` after the state `x` (8,), and their Jacobian `jac` (2, 8).

    Returns how long the sound travelled, s; NaN where nothing sensible can be heard.
    """
    de, dn, du = _turned_by(axes, x, ahead_s, site)
    ve = axes[0, 0] * x[3] + axes[0, 1] * x[4] + axes[0, 2] * x[5] - x[6]
    vn = axes[1, 0] * x[3] + axes[1, 1] * x[4] + axes[1, 2] * x[5] - x[7]
    vu = axes[2, 0] * x[3] + axes[2, 1] * x[4] + axes[2, 2] * x[5]
    gap = sound_mps * sound_mps - (ve * ve + vn * vn + vu * vu)
    if not gap > 0.0:
        return np.nan
    closing = de * ve + dn * vn + du * vu
    tau = (-closing + sqrt(closing * closing + gap * (de * de + dn * dn + du * du))) / gap
    e, n, u = de - ve * tau, dn - vn * tau, du - vu * tau
    level_sq = e * e + n * n
    if not level_sq > NEAREST_M * NEAREST_M:
        return np.nan
    level, path = sqrt(level_sq), sound_mps * tau
    h[0], h[1] = atan2(e, n), atan2(u, level)
    slowness = 1.0 / (sound_mps + (e * ve + n * vn + u * vu) / path)
    for row in range(2):
        if row == 0:
            ge, gn, gu = n / level_sq, -e / level_sq, 0.0
        else:
            r_sq = level_sq + u * u
            ge, gn, gu = -u * e / level / r_sq, -u * n / level / r_sq, level / r_sq
        drift = (ge * ve + gn * vn + gu * vu) * slowness / path
        ge -= drift * e
        gn -= drift * n
        gu -= drift * u
        for j in range(3):
            jac[row, j] = ge * axes[0, j] + gn * axes[1, j] + gu * axes[2, j]
            jac[row, 3 + j] = (ahead_s - tau) * jac[row, j]
        jac[row, 6], jac[row, 7] = tau * ge, tau * gn
    return tau


@inner
def _turned_by(axes, x, ahead_s, site):
    """Return where `x` (8,) flies straight on to in `ahead_s`, east, north and up of a site."""
    d0, d1, d2 = x[0] + ahead_s * x[3] - site[0], x[1] + ahead_s * x[4] - site[1], x[2] + ahead_s * x[5] - site[2]
    return (
        axes[0, 0] * d0 + axes[0, 1] * d1 + axes[0, 2] * d2,
        axes[1, 0] * d0 + axes[1, 1] * d1 + axes[1, 2] * d2,
        axes[2, 0] * d0 + axes[2, 1] * d1 + axes[2, 2] * d2,
    )


@inner
def _chance(i, j, begin, end):
    """Return how probable it is that mode `i` gives way to mode `j`, given those of a turn's beginning and end."""
    if i == j:
        return 1.0 - 2.0 * begin if i == STRAIGHT else 1.0 - end
    if i == STRAIGHT:
        return begin
    return end if j == STRAIGHT else 0.0


@inner
def mix_modes(mean, cov, weight, dt, p, room):
    """Let the modes (m, 8), (m, 8, 8), (m,) exchange probability for a short `dt` s, in place.

    Straight flight gives way to either turn, and turns give way to straight flight.
    """
    begin, end = 0.5 * dt / p.mean_straight_s, dt / p.mean_turning_s
    copy_modes(mean, cov, weight, room.mean, room.cov, room.weight)
    for j in range(MODES):
        after = 0.0
        for i in range(MODES):
            room.share[i] = room.weight[i] * _chance(i, j, begin, end)
            after += room.share[i]
        for i in range(MODES):
            room.share[i] /= after
        _blend(room.share, room.mean, room.cov, mean[j], cov[j])
        weight[j] = after


@inner
def _blend(share, means, covs, x, c):
    """Write into `x` (8,), `c` (8, 8) the moments of modes (m, 8), (m, 8, 8), of which each has its share."""
    for a in range(STATE):
        x[a] = 0.0
        for i in range(MODES):
            x[a] += share[i] * means[i, a]
        for b in range(STATE):
            c[a, b] = 0.0
    for i in range(MODES):
        if share[i] < 1e-9:
            continue
        for a in range(STATE):
            da = means[i, a] - x[a]
            for b in range(a, STATE):
                c[a, b] += share[i] * (covs[i, a, b] + da * (means[i, b] - x[b]))
    for a in range(STATE):
        for b in range(a):
            c[a, b] = c[b, a]


@inner
def copy_modes(mean, cov, weight, to_mean, to_cov, to_weight):
    """Copy a track's modes (m, 8), (m, 8, 8), (m,)."""
    for k in range(MODES):
        to_weight[k] = weight[k]
        for a in range(STATE):
            to_mean[k, a] = mean[k, a]
            for b in range(STATE):
                to_cov[k, a, b] = cov[k, a, b]


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


@inner
def carry(x, c, dt, turn_radps, q_level, p, room):
    """Predict one mode `x` (8,), `c` (8, 8) by `dt` s at a constant turn, in place."""
    up, along, turned = room.up, room.along, room.turned
    local_up(x, up)
    turn_matrices(up, dt, turn_radps, along, turned)
    o0, o1, o2 = x[3], x[4], x[5]
    for i in range(3):
        x[i] += along[i, 0] * o0 + along[i, 1] * o1 + along[i, 2] * o2
        x[3 + i] = turned[i, 0] * o0 + turned[i, 1] * o1 + turned[i, 2] * o2
    for b in range(STATE):
        o0, o1, o2 = c[3, b], c[4, b], c[5, b]
        for i in range(3):
            c[i, b] += along[i, 0] * o0 + along[i, 1] * o1 + along[i, 2] * o2
            c[3 + i, b] = turned[i, 0] * o0 + turned[i, 1] * o1 + turned[i, 2] * o2
    for a in range(STATE):
        o0, o1, o2 = c[a, 3], c[a, 4], c[a, 5]
        for i in range(3):
            c[a, i] += along[i, 0] * o0 + along[i, 1] * o1 + along[i, 2] * o2
            c[a, 3 + i] = turned[i, 0] * o0 + turned[i, 1] * o1 + turned[i, 2] * o2
    add_process_noise(c, up, q_level, p.q_upright, dt)
    c[6, 6] += p.wind_walk * dt
    c[7, 7] += p.wind_walk * dt


@inner
def predict_sound(mean, cov, weight, dt, p, room):
    """Predict a track's modes by `dt` s > 0, in place."""
    steps = np.int64(dt / LONGEST_STEP_S) + 1
    step_s = dt / steps
    for _ in range(steps):
        mix_modes(mean, cov, weight, step_s, p, room)
        carry(mean[0], cov[0], step_s, 0.0, p.q_straight, p, room)
        carry(mean[1], cov[1], step_s, p.turn_radps, p.q_turning, p, room)
        carry(mean[2], cov[2], step_s, -p.turn_radps, p.q_turning, p, room)


@inner
def look_along(c, jac, ph):
    """Write the covariances `ph` (8,) of state and reading, and return the reading's variance, without its noise."""
    s = 0.0
    for a in range(STATE):
        t = 0.0
        for b in range(STATE):
            t += c[a, b] * jac[b]
        ph[a] = t
        s += jac[a] * t
    return s


@inner
def absorb_angle(x, c, ph, nu, s, worth):
    """Update a mode by one reading that is its own with probability `worth`, in place.

    `nu` is the innovation, `s` its variance, `ph` (8,) what `look_along` wrote.
    """
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


@inner
def take_bearing(mean, cov, weight, ahead_s, edge, e, ears, p, room):
    """Update a track by bearing `e`, heard `ahead_s` after its state; return the innovation and its variance."""
    j, h, jac, ph = edge.sensor[e], room.h, room.jac, room.ph
    variance = edge.var_azimuth[e] + p.north_repeats * ears.north_var[j]
    better, whole = 0, 0.0
    for k in range(MODES):
        if weight[k] > weight[better]:
            better = k
    better_nu, better_s = np.nan, 1.0
    for k in range(MODES):
        tau = heard_from(mean[k], ahead_s, ears.site[j], ears.axes[j], ears.sound_mps[j], h, jac)
        if not tau >= 0.0:
            return np.nan, 1.0
        nu = folded(edge.azimuth[e] - ears.north[j] - h[0])
        s = variance + look_along(cov[k], jac[0], ph)
        own = edge.share[e] * exp(-0.5 * min(nu * nu / s, 200.0)) / sqrt(2.0 * pi * s)
        like = own + p.stray_per_rad
        worth = own / like
        absorb_angle(mean[k], cov[k], ph, nu, s, worth)
        if edge.elevation[e] == edge.elevation[e]:
            heard_from(mean[k], ahead_s, ears.site[j], ears.axes[j], ears.sound_mps[j], h, jac)
            above = folded(edge.elevation[e] - h[1])
            above_s = edge.var_elevation[e] + look_along(cov[k], jac[1], ph)
            if above * above < 16.0 * above_s:
                absorb_angle(mean[k], cov[k], ph, above, above_s, worth)
        whole += weight[k] * like
        room.weight[k] = weight[k] * like
        if k == better:
            better_nu, better_s = nu, s
    for k in range(MODES):
        weight[k] = room.weight[k] / whole
    return better_nu, better_s


@inner
def bound_height(x, c, p, room):
    """Bring the height back to what is likely of a low flyer once it is less well known than that."""
    up, jac = room.up, room.jac[0]
    local_up(x, up)
    known = 0.0
    for a in range(3):
        for b in range(3):
            known += up[a] * c[a, b] * up[b]
    if known <= p.height_sigma_m * p.height_sigma_m:
        return
    for a in range(STATE):
        jac[a] = up[a] if a < 3 else 0.0
    r = sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
    height = r - ellipsoid_radius(x[2] / r)
    s = p.height_sigma_m * p.height_sigma_m + look_along(c, jac, room.ph)
    absorb_angle(x, c, room.ph, p.height_m - height, s, 1.0)


@inner
def ellipsoid_radius(sine):
    """Return the radius of the WGS84 ellipsoid at a geocentric latitude's sine: height to a few centimetres below."""
    a, b = 6_378_137.0, 6_356_752.314245
    cos_sq = 1.0 - sine * sine
    return 1.0 / sqrt(cos_sq / (a * a) + sine * sine / (b * b))


@inner
def level_out(x, c, room):
    """Hold climb to what low flyers do: a weak reading of no climb keeps it from wandering where height is unseen."""
    up, jac = room.up, room.jac[0]
    local_up(x, up)
    climb, known = 0.0, 0.0
    for a in range(3):
        climb += up[a] * x[3 + a]
        for b in range(3):
            known += up[a] * c[3 + a, 3 + b] * up[b]
    if known <= CLIMB_SIGMA_MPS * CLIMB_SIGMA_MPS:
        return
    for a in range(STATE):
        jac[a] = up[a - 3] if 3 <= a < 6 else 0.0
    s = CLIMB_SIGMA_MPS * CLIMB_SIGMA_MPS + look_along(c, jac, room.ph)
    absorb_angle(x, c, room.ph, -climb, s, 1.0)


class Room(NamedTuple):
    """Scratch of the kernels here: a track's modes twice, and what one reading of one mode needs."""

    now_mean: NDArray[np.float64]
    now_cov: NDArray[np.float64]
    now_weight: NDArray[np.float64]
    mean: NDArray[np.float64]
    cov: NDArray[np.float64]
    weight: NDArray[np.float64]
    share: NDArray[np.float64]
    h: NDArray[np.float64]
    jac: NDArray[np.float64]
    ph: NDArray[np.float64]
    up: NDArray[np.float64]
    along: NDArray[np.float64]
    turned: NDArray[np.float64]


@kernel
def room_for():
    """Return scratch."""
    return Room(
        np.empty((MODES, STATE)),
        np.empty((MODES, STATE, STATE)),
        np.empty(MODES),
        np.empty((MODES, STATE)),
        np.empty((MODES, STATE, STATE)),
        np.empty(MODES),
        np.empty(MODES),
        np.empty(2),
        np.empty((2, STATE)),
        np.empty(STATE),
        np.empty(3),
        np.empty((3, 3)),
        np.empty((3, 3)),
    )


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
    room = room_for()
    for i in range(len(held.at_ns)):
        _rerun_one(held, i, edge, first[i], first[i + 1], horizon_ns, ears, p, settled, room)


@inner
def _rerun_one(held, i, edge, begin, end, horizon_ns, ears, p, settled, room):
    mean, cov, weight = room.now_mean, room.now_cov, room.now_weight
    copy_modes(held.mean[i], held.cov[i], held.weight[i], mean, cov, weight)
    at_ns = held.at_ns[i]
    open_ended = True
    for e in range(begin, end):
        if open_ended and edge.emitted_ns[e] > horizon_ns:
            copy_modes(mean, cov, weight, held.mean[i], held.cov[i], held.weight[i])
            held.at_ns[i] = at_ns
            open_ended = False
        dt = (edge.emitted_ns[e] - at_ns) / 1e9
        if dt > STANDING_STILL_S:
            predict_sound(mean, cov, weight, dt, p, room)
            for k in range(MODES):
                bound_height(mean[k], cov[k], p, room)
                level_out(mean[k], cov[k], room)
            at_ns = edge.emitted_ns[e]
        ahead_s = (edge.at_ns[e] - at_ns) / 1e9
        nu, s = take_bearing(mean, cov, weight, ahead_s, edge, e, ears, p, room)
        settled[e, 0] = nu if open_ended else np.nan
        settled[e, 1] = s
    if open_ended:
        copy_modes(mean, cov, weight, held.mean[i], held.cov[i], held.weight[i])
        held.at_ns[i] = at_ns
    copy_modes(mean, cov, weight, held.new_mean[i], held.new_cov[i], held.new_weight[i])
    held.new_at_ns[i] = at_ns


@inner
def spread_over_modes(mean, cov, weight, x, c):
    """Write into `x` (8,), `c` (8, 8) the mean and covariance of a track over its modes."""
    for a in range(STATE):
        x[a] = 0.0
        for k in range(MODES):
            x[a] += weight[k] * mean[k, a]
    for a in range(STATE):
        for b in range(STATE):
            c[a, b] = 0.0
            for k in range(MODES):
                c[a, b] += weight[k] * (cov[k, a, b] + (mean[k, a] - x[a]) * (mean[k, b] - x[b]))


@kernel
def merged(mean, cov, weight, x_out, c_out):
    """Write every track's mean (n, 8) and covariance (n, 8, 8) over its modes."""
    for i in range(len(mean)):
        spread_over_modes(mean[i], cov[i], weight[i], x_out[i], c_out[i])


@kernel
def sound_at(held, now_ns, p, x_out, c_out):
    """Write every track's mean (n, 8) and covariance (n, 8, 8), predicted from its newest state to `now_ns`."""
    room = room_for()
    for i in range(len(held.at_ns)):
        _sound_at_one(held, i, now_ns, p, x_out[i], c_out[i], room)


@inner
def _sound_at_one(held, i, now_ns, p, x, c, room):
    mean, cov, weight = room.now_mean, room.now_cov, room.now_weight
    copy_modes(held.new_mean[i], held.new_cov[i], held.new_weight[i], mean, cov, weight)
    dt = (now_ns - held.new_at_ns[i]) / 1e9
    if dt > 0.0:
        predict_sound(mean, cov, weight, dt, p, room)
    spread_over_modes(mean, cov, weight, x, c)

"""Comparing radars' plots with what trusted aircraft say of themselves, in machine code.

A comparison is linear in the unknowns `b` of `bias_model`: reading - expected = H b + noise, with H taken at the
reference. Each (sensor, aircraft) pair gathers H' S^-1 H and H' S^-1 z, in units of the priors.
"""

from __future__ import annotations

from math import asin, atan2, cos, hypot, pi, sin, sqrt

import numpy as np

from dronewall.geodesy.jit import kernel
from dronewall.geodesy.kernels import geodetic
from dronewall.registration.bias_model import (
    ALTIMETER_M,
    AZIMUTH,
    ELEVATION,
    GAIN,
    HEIGHT,
    HEIGHT_GAIN,
    LATENCY_S,
    MANOEUVRE_MPS2,
    OWN,
    PRIOR,
    RANGE,
    SITE_EAST,
    SITE_NORTH,
    SLOW_PART,
    TILT_EAST,
    TILT_NORTH,
    TIME,
    UNKNOWNS,
)

REACH_S = 3.0
"""A reference is carried no further than this from its nearest report."""
DOUBT_NS = 60_000_000_000
JUMP_M, JUMP_SIGMAS = 200.0, 10.0
SAME_MESSAGE_NS = 20_000_000
STEEPEST = 0.75
"""Radians of elevation beyond which a radar turns too fast through azimuth to be compared."""
GATE_SIGMAS = 3.0
REFUSED_SQ = 20.0
"""Squared sigmas, of three readings, beyond which a comparison does not count: one in 5,000 by chance."""
OFF_MEMORY = 0.3
AGAIN_NS = 800_000_000
HEIGHT_WHITE_M = 15.0


@kernel
def enter_reports(board, rows, at_ns, position, velocity, sigma_m, sigma_velocity_mps, pressure):
    """Enter reports (k,) into the rings of their aircraft `rows`; a message heard twice counts once."""
    ring = board.at_ns.shape[1]
    for i in range(len(rows)):
        row = rows[i]
        last = board.newest[row]
        dt = (at_ns[i] - board.at_ns[row, last]) / 1e9
        if abs(at_ns[i] - board.at_ns[row, last]) < SAME_MESSAGE_NS or dt < 0.0:
            continue
        if board.at_ns[row, last] > 0 and dt < 10.0 and _jumped(board, row, last, position[i], sigma_m[i], dt):
            board.doubted_ns[row] = at_ns[i] + DOUBT_NS
            board.at_ns[row, :] = 0
        at = (last + 1) % ring
        board.newest[row] = at
        board.at_ns[row, at] = at_ns[i]
        board.position[row, at] = position[i]
        board.velocity[row, at] = velocity[i]
        board.sigma_m[row, at] = sigma_m[i]
        board.sigma_velocity_mps[row, at] = sigma_velocity_mps[i]
        board.pressure[row] = pressure[i]
        if not np.isfinite(velocity[i, 0] + velocity[i, 1] + velocity[i, 2]):
            _velocity_from_positions(board, row, at)


@kernel
def _jumped(board, row, last, position, sigma_m, dt):
    """Return whether a position cannot follow the last one."""
    off_sq, known = 0.0, True
    for j in range(3):
        v = board.velocity[row, last, j]
        if not np.isfinite(v):
            known = False
            v = 0.0
        off = position[j] - board.position[row, last, j] - v * dt
        off_sq += off * off
    speed = 0.0 if known else 400.0
    most = JUMP_M + JUMP_SIGMAS * sigma_m + speed * dt + 10.0 * dt * dt
    return off_sq > most * most


@kernel
def _velocity_from_positions(board, row, at):
    """Fill in a velocity that was not said, from the oldest report that is 2 to 15 s older."""
    best, best_dt = -1, 2.0
    for k in range(board.at_ns.shape[1]):
        dt = (board.at_ns[row, at] - board.at_ns[row, k]) / 1e9
        if board.at_ns[row, k] > 0 and best_dt <= dt < 15.0:
            best, best_dt = k, dt
    for j in range(3):
        board.velocity[row, at, j] = np.nan
        if best >= 0:
            board.velocity[row, at, j] = (board.position[row, at, j] - board.position[row, best, j]) / best_dt
    if best >= 0:
        spread = sqrt(2.0) * board.sigma_m[row, at] / best_dt
        board.sigma_velocity_mps[row, at] = hypot(spread, 0.5 * MANOEUVRE_MPS2 * best_dt)


@kernel
def _nearest(board, row, at_ns):
    """Return the report of an aircraft that is nearest to an instant and has a velocity, -1 if none is near enough."""
    best, best_s = -1, REACH_S
    for k in range(board.at_ns.shape[1]):
        if board.at_ns[row, k] > 0 and np.isfinite(board.velocity[row, k, 0]):
            away_s = abs((at_ns - board.at_ns[row, k]) / 1e9)
            if away_s <= best_s:
                best, best_s = k, away_s
    return best


@kernel
def _wrapped(angle):
    return angle - 2.0 * pi * np.floor((angle + pi) / (2.0 * pi))


@kernel
def _seen(p, v, site, axes, d, w, out):
    """Write range, azimuth, elevation and their rates into `out` (6,); `d`, `w` get local offset and velocity."""
    for i in range(3):
        d[i] = w[i] = 0.0
        for j in range(3):
            d[i] += axes[i, j] * (p[j] - site[j])
            w[i] += axes[i, j] * v[j]
    level_sq = d[0] * d[0] + d[1] * d[1]
    level = sqrt(level_sq)
    r = sqrt(level_sq + d[2] * d[2])
    out[0], out[1], out[2] = r, atan2(d[0], d[1]), atan2(d[2], level)
    out[3] = (d[0] * w[0] + d[1] * w[1] + d[2] * w[2]) / r
    out[4] = (w[0] * d[1] - w[1] * d[0]) / level_sq
    out[5] = (w[2] * level - d[2] * (d[0] * w[0] + d[1] * w[1]) / level) / (r * r)


@kernel
def look_derivatives(range_m, azimuth, elevation, jac):
    """Write into `jac` (3, 3) how range, azimuth and elevation change with local east, north, up."""
    ce, se, ca, sa = cos(elevation), sin(elevation), cos(azimuth), sin(azimuth)
    level = max(range_m * ce, 1.0)
    jac[0, 0], jac[0, 1], jac[0, 2] = ce * sa, ce * ca, se
    jac[1, 0], jac[1, 1], jac[1, 2] = ca / level, -sa / level, 0.0
    jac[2, 0], jac[2, 1], jac[2, 2] = -se * sa / range_m, -se * ca / range_m, ce / range_m


@kernel
def own_rows(range_m, azimuth, elevation, jac, h):
    """Write into `h` (3, UNKNOWNS), in units of the priors, what the sensor's own errors but time do to its readings."""
    ca, sa, te = cos(azimuth), sin(azimuth), sin(elevation) / max(cos(elevation), 0.1)
    h[:, :] = 0.0
    h[0, RANGE], h[0, GAIN] = PRIOR[RANGE], PRIOR[GAIN] * range_m
    h[1, AZIMUTH] = PRIOR[AZIMUTH]
    h[2, ELEVATION] = PRIOR[ELEVATION]
    h[1, TILT_EAST], h[1, TILT_NORTH] = -PRIOR[TILT_EAST] * te * ca, PRIOR[TILT_NORTH] * te * sa
    h[2, TILT_EAST], h[2, TILT_NORTH] = PRIOR[TILT_EAST] * sa, PRIOR[TILT_NORTH] * ca
    for i in range(3):
        h[i, SITE_EAST] = -PRIOR[SITE_EAST] * jac[i, 0]
        h[i, SITE_NORTH] = -PRIOR[SITE_NORTH] * jac[i, 1]


@kernel
def _comparison(board, row, k, at_ns, reading, variance, shift_s, site, axes, work):
    """Write a comparison's residual, rows H and noise S into `work`; return whether the reference can be compared.

    `shift_s` is by how much the reading's time was corrected already by what its delays tell.
    """
    p, v, d, w, look, jac, z, h, s = work
    dt = (at_ns - board.at_ns[row, k]) / 1e9
    for j in range(3):
        v[j] = board.velocity[row, k, j]
        p[j] = board.position[row, k, j] + v[j] * dt
    _seen(p, v, site, axes, d, w, look)
    r, azimuth, elevation = look[0], look[1], look[2]
    if r < 500.0 or abs(elevation) > STEEPEST:
        return False
    look_derivatives(r, azimuth, elevation, jac)
    own_rows(r, azimuth, elevation, jac, h)
    for i in range(3):
        h[i, TIME] = -PRIOR[TIME] * look[3 + i]
    z[0] = reading[0] - r + look[3] * shift_s
    z[1] = _wrapped(reading[1] - azimuth) + look[4] * shift_s
    z[2] = reading[2] - elevation + look[5] * shift_s
    if board.pressure[row]:
        _height_rows(p, axes, jac, h)
    carried = board.sigma_velocity_mps[row, k] * dt
    turned = 0.5 * MANOEUVRE_MPS2 * dt * dt
    level = board.sigma_m[row, k] ** 2 + carried * carried + turned * turned
    upright = HEIGHT_WHITE_M**2 + carried * carried
    if not board.pressure[row]:
        upright += ALTIMETER_M**2
    for i in range(3):
        for j in range(3):
            s[i, j] = level * (jac[i, 0] * jac[j, 0] + jac[i, 1] * jac[j, 1]) + upright * jac[i, 2] * jac[j, 2]
        s[i, i] += variance[i]
    return True


@kernel
def _height_rows(p, axes, jac, h):
    """Write what the difference of geometric and pressure height does: the object is higher than it says."""
    lat, lon, height = geodetic(p[0], p[1], p[2])
    up0, up1, up2 = cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)
    for i in range(3):
        gain = 0.0
        for j in range(3):
            gain += jac[i, j] * (axes[j, 0] * up0 + axes[j, 1] * up1 + axes[j, 2] * up2)
        h[i, HEIGHT] = PRIOR[HEIGHT] * gain
        h[i, HEIGHT_GAIN] = PRIOR[HEIGHT_GAIN] * gain * height


@kernel
def _inverse(s, size):
    """Return the inverse of the upper left `size` x `size` part (2 or 3) of a symmetric matrix, zero elsewhere."""
    out = np.zeros((3, 3))
    if size == 2:
        det = s[0, 0] * s[1, 1] - s[0, 1] * s[0, 1]
        out[0, 0], out[1, 1] = s[1, 1] / det, s[0, 0] / det
        out[0, 1] = out[1, 0] = -s[0, 1] / det
        return out
    c0 = s[1, 1] * s[2, 2] - s[1, 2] * s[1, 2]
    c1 = s[0, 2] * s[1, 2] - s[0, 1] * s[2, 2]
    c2 = s[0, 1] * s[1, 2] - s[0, 2] * s[1, 1]
    det = s[0, 0] * c0 + s[0, 1] * c1 + s[0, 2] * c2
    out[0, 0], out[0, 1], out[0, 2] = c0 / det, c1 / det, c2 / det
    out[1, 0], out[1, 1] = c1 / det, (s[0, 0] * s[2, 2] - s[0, 2] ** 2) / det
    out[1, 2] = out[2, 1] = (s[0, 1] * s[0, 2] - s[0, 0] * s[1, 2]) / det
    out[2, 0], out[2, 2] = c2 / det, (s[0, 0] * s[1, 1] - s[0, 1] ** 2) / det
    return out


@kernel
def _distance_sq(z, h, s, size, estimate, covariance, wander):
    """Return how far a comparison lies from what is known, in squared sigmas; `wander` (UNKNOWNS,) is its aircraft's."""
    whole, off = np.zeros((3, 3)), np.zeros(3)
    for i in range(size):
        off[i] = z[i]
        for a in range(UNKNOWNS):
            off[i] -= h[i, a] * estimate[a]
        for j in range(size):
            total = s[i, j]
            for a in range(UNKNOWNS):
                total += h[i, a] * wander[a] * h[j, a]
                for b in range(UNKNOWNS):
                    total += h[i, a] * covariance[a, b] * h[j, b]
            whole[i, j] = total
    inverse = _inverse(whole, size)
    out = 0.0
    for i in range(size):
        for j in range(size):
            out += off[i] * inverse[i, j] * off[j]
    return out


@kernel
def own_wander(sigma_m, pressure, out):
    """Write into `out` (UNKNOWNS,) the variances by which one aircraft's own steady errors differ from all others'."""
    out[:] = 0.0
    out[TIME] = (LATENCY_S / PRIOR[TIME]) ** 2
    out[SITE_EAST] = out[SITE_NORTH] = (SLOW_PART * sigma_m / PRIOR[SITE_EAST]) ** 2
    if pressure:
        out[HEIGHT] = (ALTIMETER_M / PRIOR[HEIGHT]) ** 2


@kernel
def compare(groups, plots, sensors, board, pairs, beliefs):
    """Compare plots with the aircraft that each sensor watches, and let the pairs gather what that tells.

    `groups` are (slot of sensor (g,), first row (g + 1,)) into the plots, which are ordered by sensor.
    """
    slots, first = groups
    size = pairs.address.shape[1]
    look = np.empty(6)
    z, h, s, jac = np.empty(3), np.empty((3, UNKNOWNS)), np.empty((3, 3)), np.empty((3, 3))
    work = (np.empty(3), np.empty(3), np.empty(3), np.empty(3), look, jac, z, h, s)
    matched, wander = np.empty(size, np.int64), np.empty(UNKNOWNS)
    for g in range(len(slots)):
        slot = slots[g]
        for k in range(size):
            matched[k] = -1
            if pairs.row[slot, k] >= 0:
                matched[k] = _match(slot, k, first[g], first[g + 1], plots, sensors, board, pairs, beliefs, work)
        for k in range(size):
            if matched[k] < 0 or np.sum(matched == matched[k]) > 1:
                continue
            i, row = matched[k], pairs.row[slot, k]
            near = _nearest(board, row, plots.at_ns[i])
            if not _comparison(
                board, row, near, plots.at_ns[i], plots.z[i], plots.variance[i], plots.shift_s[i],
                sensors.site[slot], sensors.axes[slot], work,
            ):  # fmt: skip
                continue
            dims = 3 if np.isfinite(z[2]) else 2
            pairs.pressure[slot, k], pairs.sigma_m[slot, k] = board.pressure[row], board.sigma_m[row, near]
            pairs.last_ns[slot, k] = plots.at_ns[i]
            own_wander(board.sigma_m[row, near], board.pressure[row], wander)
            beliefs.compared[slot] += 1
            off = 0.0
            if beliefs.known[slot]:
                d_sq = _distance_sq(z, h, s, dims, beliefs.estimate[slot], beliefs.covariance[slot], wander)
                off = 1.0 if d_sq > REFUSED_SQ else 0.0
            pairs.off[slot, k] += OFF_MEMORY * (off - pairs.off[slot, k])
            if off > 0.0:
                beliefs.refused[slot] += 1
                continue
            _gather(pairs.info[slot, k], pairs.score[slot, k], z, h, s, dims)
            pairs.compared[slot, k] += 1


@kernel
def _gather(info, score, z, h, s, size):
    inverse = _inverse(s, size)
    for a in range(UNKNOWNS):
        for i in range(size):
            weight = 0.0
            for j in range(size):
                weight += h[j, a] * inverse[j, i]
            score[a] += weight * z[i]
            for b in range(UNKNOWNS):
                info[a, b] += weight * h[i, b]


@kernel
def _match(slot, k, first, last, plots, sensors, board, pairs, beliefs, work):
    """Return the plot that is the aircraft's beyond doubt: by its address, or alone in the gate. -1 if there is none."""
    row = pairs.row[slot, k]
    t0 = plots.at_ns[first]
    near = _nearest(board, row, t0)
    if near < 0 or t0 < board.doubted_ns[row]:
        return -1
    p, v, d, w, look = work[0], work[1], work[2], work[3], work[4]
    dt = (t0 - board.at_ns[row, near]) / 1e9
    for j in range(3):
        v[j] = board.velocity[row, near, j]
        p[j] = board.position[row, near, j] + v[j] * dt
    _seen(p, v, sensors.site[slot], sensors.axes[slot], d, w, look)
    if look[0] < 500.0 or abs(look[2]) > STEEPEST:
        return -1
    estimate, address = beliefs.estimate[slot], pairs.address[slot, k]
    bias_r = PRIOR[RANGE] * estimate[RANGE] - PRIOR[TIME] * estimate[TIME] * look[3]
    bias_a = PRIOR[AZIMUTH] * estimate[AZIMUTH] - PRIOR[TIME] * estimate[TIME] * look[4]
    wide_r = GATE_SIGMAS * PRIOR[RANGE] + abs(look[3]) + 50.0
    wide_a = GATE_SIGMAS * PRIOR[AZIMUTH] + abs(look[4])
    wide_e = GATE_SIGMAS * (PRIOR[ELEVATION] + asin(min(PRIOR[HEIGHT] / look[0], 0.5)))
    found, count = -1, 0
    for i in range(first, last):
        if abs(plots.at_ns[i] - pairs.last_ns[slot, k]) < AGAIN_NS:
            return -1
        named = plots.icao24[i]
        if named != 0 and named != address:
            continue
        later = (plots.at_ns[i] - t0) / 1e9
        sigmas = np.sqrt(plots.variance[i])
        if abs(plots.z[i, 0] - look[0] - bias_r - look[3] * later) > wide_r + GATE_SIGMAS * sigmas[0]:
            continue
        if abs(_wrapped(plots.z[i, 1] - look[1] - bias_a - look[4] * later)) > wide_a + GATE_SIGMAS * sigmas[1]:
            continue
        if abs(plots.z[i, 2] - look[2] - look[5] * later) > wide_e + GATE_SIGMAS * sigmas[2]:
            continue
        if named == address:
            return i
        found, count = i, count + 1
    return found if count == 1 else -1


@kernel
def correct(slot, at_ns, z, shift_s, sensors, beliefs):
    """Take what is known of the sensors' errors off readings `z` (n, 3) and times `at_ns` (n,), in place.

    `slot` is -1 where nothing is known.
    """
    jac, h, by = np.empty((3, 3)), np.empty((3, UNKNOWNS)), np.empty(3)
    for i in range(len(slot)):
        if slot[i] < 0:
            continue
        estimate = beliefs.estimate[slot[i]]
        elevation = z[i, 2] if np.isfinite(z[i, 2]) else 0.0
        look_derivatives(max(z[i, 0], 1.0), z[i, 1], elevation, jac)
        own_rows(z[i, 0], z[i, 1], elevation, jac, h)
        by[:] = 0.0
        for j in range(3):
            for a in range(OWN):
                by[j] += h[j, a] * estimate[a]
        for j in range(3):
            z[i, j] -= by[j]
        z[i, 1] = z[i, 1] % (2.0 * pi)
        at_ns[i] -= int(round((PRIOR[TIME] * estimate[TIME] + shift_s[i]) * 1e9))


@kernel
def add_remaining(slot, raised, z, rate, sensors, beliefs, noise, spread):
    """Add what remains unknown of the sensors' errors to the noise and spread of observations, in place.

    A time that may be off is counted only where the range rate (n,) is known, NaN where it is not.
    """
    jac, h, extra = np.empty((3, 3)), np.empty((3, UNKNOWNS)), np.empty((3, 3))
    for i in range(len(slot)):
        if slot[i] < 0:
            continue
        covariance, axes = beliefs.covariance[slot[i]], sensors.axes[slot[i]]
        elevation = z[i, 2] if raised[i] else 0.0
        look_derivatives(max(z[i, 0], 1.0), z[i, 1], elevation, jac)
        own_rows(z[i, 0], z[i, 1], elevation, jac, h)
        if np.isfinite(rate[i]):
            h[0, TIME] = -PRIOR[TIME] * rate[i]
        size = 3 if raised[i] else 2
        _projected(h, covariance, size, extra)
        for a in range(size):
            for b in range(size):
                noise[i, a, b] += extra[a, b]
        _widen(jac, axes, z[i, 0], elevation, extra, size, spread[i])


@kernel
def _projected(h, covariance, size, out):
    """Write H P H' of the sensor's own errors into `out` (3, 3)."""
    half = np.zeros((3, OWN))
    for i in range(size):
        for a in range(OWN):
            if h[i, a] != 0.0:
                for b in range(OWN):
                    half[i, b] += h[i, a] * covariance[a, b]
    for i in range(size):
        for j in range(size):
            out[i, j] = 0.0
            for b in range(OWN):
                out[i, j] += half[i, b] * h[j, b]


@kernel
def _widen(jac, axes, range_m, elevation, extra, size, spread):
    """Add a covariance of range, azimuth and elevation to one of ECEF position; the inverse of `jac` is its scaled rows."""
    level = max(range_m * cos(elevation), 1.0)
    rays = np.zeros((3, 3))
    for j in range(3):
        for b in range(3):
            rays[0, j] += jac[0, b] * axes[b, j]
            rays[1, j] += jac[1, b] * level * level * axes[b, j]
            rays[2, j] += jac[2, b] * range_m * range_m * axes[b, j]
    for a in range(size):
        for b in range(size):
            for i in range(3):
                for j in range(3):
                    spread[i, j] += rays[a, i] * extra[a, b] * rays[b, j]

"""Comparing radars' plots with what trusted aircraft say of themselves, in machine code.

With H taken at the reference and S the noise of a comparison, each (sensor, aircraft) pair gathers H' S^-1 H and
H' S^-1 z, in units of the priors.
"""

from __future__ import annotations

from math import asin

import numpy as np

from dronewall.geodesy.jit import kernel
from dronewall.registration.bias_model import (
    ALTIMETER_M,
    AZIMUTH,
    ELEVATION,
    HEIGHT,
    MANOEUVRE_MPS2,
    PRIOR,
    RANGE,
    TIME,
    UNKNOWNS,
)
from dronewall.registration.bias_rows import height_rows, look_derivatives, own_rows, own_wander, seen, wrapped
from dronewall.registration.reference_kernels import nearest_report

NEAREST_M, STEEPEST = 500.0, 0.75
"""Nearer, or beyond so many radians of elevation, a radar turns too fast through azimuth to be compared."""
GATE_SIGMAS = 3.0
PRECISE = 0.15
"""Once a sensor's errors are known, a plot alone in this part of the gate is the aircraft's."""
REFUSED_SQ = 20.0
"""Squared sigmas, of three readings, beyond which a comparison does not count: one in 5,000 by chance."""
OFF_MEMORY = 0.3
HEIGHT_WHITE_M = 15.0


@kernel
def _comparison(board, row, k, at_ns, reading, sigma, shift_s, site, axes, work):
    """Write a comparison's residual, rows H and noise S into `work`; return whether the reference can be compared.

    `shift_s` is by how much the reading's time was corrected already by what its delays tell.
    """
    p, v, d, w, look, jac, z, h, s = work
    dt = (at_ns - board.at_ns[row, k]) / 1e9
    for j in range(3):
        v[j] = board.velocity[row, k, j]
        p[j] = board.position[row, k, j] + v[j] * dt
    seen(p, v, site, axes, d, w, look)
    r, azimuth, elevation = look[0], look[1], look[2]
    if r < NEAREST_M or abs(elevation) > STEEPEST:
        return False
    look_derivatives(r, azimuth, elevation, jac)
    own_rows(r, azimuth, elevation, jac, h)
    for i in range(3):
        h[i, TIME] = -PRIOR[TIME] * look[3 + i]
    z[0] = reading[0] - r + look[3] * shift_s
    z[1] = wrapped(reading[1] - azimuth) + look[4] * shift_s
    z[2] = reading[2] - elevation + look[5] * shift_s
    if board.pressure[row]:
        height_rows(p, axes, jac, h)
    carried = board.sigma_velocity_mps[row, k] * dt
    turned = 0.5 * MANOEUVRE_MPS2 * dt * dt
    level = board.sigma_m[row, k] ** 2 + carried * carried + turned * turned
    upright = HEIGHT_WHITE_M**2 + carried * carried
    if not board.pressure[row]:
        upright += ALTIMETER_M**2
    for i in range(3):
        for j in range(3):
            s[i, j] = level * (jac[i, 0] * jac[j, 0] + jac[i, 1] * jac[j, 1]) + upright * jac[i, 2] * jac[j, 2]
        s[i, i] += sigma[i] * sigma[i]
    return True


@kernel
def inverse(s, size):
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
    """Return how far a comparison lies from what is known, in squared sigmas.

    `wander` (UNKNOWNS,) are the variances of its aircraft's own steady errors.
    """
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
    inverted = inverse(whole, size)
    out = 0.0
    for i in range(size):
        for j in range(size):
            out += off[i] * inverted[i, j] * off[j]
    return out


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
            if matched[k] < 0 or _shared(matched, k):
                continue
            i, row = matched[k], pairs.row[slot, k]
            near = nearest_report(board, row, plots.at_ns[i])
            if not _comparison(
                board, row, near, plots.at_ns[i], plots.z[i], plots.sigma[i], plots.shift_s[i],
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
def _shared(matched, k):
    """Return whether two aircraft lay claim to the same plot."""
    count = 0
    for other in matched:
        count += other == matched[k]
    return count > 1


@kernel
def _gather(info, score, z, h, s, size):
    inverted = inverse(s, size)
    for a in range(UNKNOWNS):
        for i in range(size):
            weight = 0.0
            for j in range(size):
                weight += h[j, a] * inverted[j, i]
            score[a] += weight * z[i]
            for b in range(UNKNOWNS):
                info[a, b] += weight * h[i, b]


@kernel
def _match(slot, k, first, last, plots, sensors, board, pairs, beliefs, work):
    """Return the plot that is the aircraft's beyond doubt, by its address or alone in the gate; -1 if there is none."""
    row = pairs.row[slot, k]
    t0 = plots.at_ns[first]
    near = nearest_report(board, row, t0)
    if near < 0 or t0 < board.doubted_ns[row] or t0 - pairs.last_ns[slot, k] < sensors.again_ns[slot]:
        return -1
    p, v, d, w, look = work[0], work[1], work[2], work[3], work[4]
    dt = (t0 - board.at_ns[row, near]) / 1e9
    for j in range(3):
        v[j] = board.velocity[row, near, j]
        p[j] = board.position[row, near, j] + v[j] * dt
    seen(p, v, sensors.site[slot], sensors.axes[slot], d, w, look)
    if look[0] < NEAREST_M or abs(look[2]) > STEEPEST:
        return -1
    estimate, address = beliefs.estimate[slot], pairs.address[slot, k]
    bias_r = PRIOR[RANGE] * estimate[RANGE] - PRIOR[TIME] * estimate[TIME] * look[3]
    bias_a = PRIOR[AZIMUTH] * estimate[AZIMUTH] - PRIOR[TIME] * estimate[TIME] * look[4]
    wide_r = GATE_SIGMAS * PRIOR[RANGE] + abs(look[3]) + 50.0
    wide_a = GATE_SIGMAS * PRIOR[AZIMUTH] + abs(look[4])
    wide_e = GATE_SIGMAS * (PRIOR[ELEVATION] + asin(min(PRIOR[HEIGHT] / look[0], 0.5)))
    found, count, narrow, close = -1, 0, -1, 0
    part = PRECISE if beliefs.known[slot] else 1.0
    for i in range(first, last):
        named = plots.icao24[i]
        if named != 0 and named != address:
            continue
        later = (plots.at_ns[i] - t0) / 1e9
        off_r, noise_r = abs(plots.z[i, 0] - look[0] - bias_r - look[3] * later), GATE_SIGMAS * plots.sigma[i, 0]
        if off_r > wide_r + noise_r:
            continue
        off_a = abs(wrapped(plots.z[i, 1] - look[1] - bias_a - look[4] * later))
        noise_a = GATE_SIGMAS * plots.sigma[i, 1]
        if off_a > wide_a + noise_a:
            continue
        if abs(plots.z[i, 2] - look[2] - look[5] * later) > wide_e + GATE_SIGMAS * plots.sigma[i, 2]:
            continue
        if named == address:
            return i
        found, count = i, count + 1
        if off_r < part * wide_r + noise_r and off_a < part * wide_a + noise_a:
            narrow, close = i, close + 1
    if close == 1:
        return narrow
    return found if count == 1 else -1

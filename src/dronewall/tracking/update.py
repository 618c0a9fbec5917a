"""How one reading bears on one track: innovation, likelihood by mode, and the update weighted by association.

Source:
    Bar-Shalom and Li, Multitarget-Multisensor Tracking (1995), 3.4 (PDA moments); Mušicki and Evans, Joint Integrated
    Probabilistic Data Association, IEEE TAES 40(3), 2004 (existence).
"""

from __future__ import annotations

from math import exp, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.jit import kernel
from dronewall.tracking.bistatic import bend, expected_sum_rate, through_transmitter
from dronewall.tracking.measurement import expected_reading, sound_delay, to_enu

_RANGE_AZIMUTH_ALTITUDE, _POSITION, _DIRECTION, _SOUND = range(1, 5)


class Scratch(NamedTuple):
    """Room for one reading at a time, so that the hot path allocates nothing."""

    x: NDArray[np.float64]
    d: NDArray[np.float64]
    h: NDArray[np.float64]
    jac: NDArray[np.float64]
    nu: NDArray[np.float64]
    ph: NDArray[np.float64]
    s: NDArray[np.float64]
    s_inverse: NDArray[np.float64]
    gain: NDArray[np.float64]
    mean: NDArray[np.float64]
    cov: NDArray[np.float64]
    axes: NDArray[np.float64]
    up: NDArray[np.float64]


def scratch() -> Scratch:
    """Return fresh scratch room."""
    shapes = [(6,), (3,), (3,), (3, 6), (3,), (6, 3), (3, 3), (3, 3), (6, 3), (6,), (6, 6), (3, 3), (3,)]
    return Scratch(*(np.zeros(shape) for shape in shapes))


@kernel
def _invert(s, out):
    """Write the inverse of the symmetric `s` (3, 3); return its determinant."""
    a, b, c, d, e, f = s[0, 0], s[0, 1], s[0, 2], s[1, 1], s[1, 2], s[2, 2]
    m0, m1, m2 = d * f - e * e, c * e - b * f, b * e - c * d
    det = a * m0 + b * m1 + c * m2
    k = 1.0 / det
    out[0, 0], out[0, 1], out[0, 2] = m0 * k, m1 * k, m2 * k
    out[1, 0], out[1, 1], out[1, 2] = m1 * k, (a * f - c * c) * k, (b * c - a * e) * k
    out[2, 0], out[2, 1], out[2, 2] = m2 * k, out[1, 2], (a * d - b * b) * k
    return det


@kernel
def innovate(tracks, row, k, look, j, q, doubt, w):
    """Fill `w` with reading `j`'s innovation against mode `k`; return its dimension and det S (0 if there is none).

    A reading older than the track is compared with where the track was then: the mean goes back at constant velocity
    and the noise since then, of density `q`, is added to S. `doubt` ≥ 1 widens the plot's own covariance.
    """
    dt = (look.at_ns[j] - tracks.at_ns[row]) / 1e9
    for a in range(3):
        w.x[a] = tracks.mean[row, k, a] + dt * tracks.mean[row, k, 3 + a]
        w.x[3 + a] = tracks.mean[row, k, 3 + a]
    kind = look.kind[j]
    raised = look.z[j, 1] == look.z[j, 1]
    dim = expected_reading(kind, raised, w.x, look.site[j], w.axes, w.d, w.h, w.jac)
    if look.transmitter[j, 0] == look.transmitter[j, 0]:
        dim = through_transmitter(kind, dim, w.x, look.site[j], look.transmitter[j], w.h, w.jac)
    if dim == 0:
        return 0, 0.0
    aged = q * abs(dt) * dt * dt / 3.0
    tau = 0.0
    if kind == _SOUND:
        tau = sqrt(w.d[0] * w.d[0] + w.d[1] * w.d[1] + w.d[2] * w.d[2]) / 340.0
        aged = q * tau * tau * tau / 3.0
    for i in range(dim):
        w.nu[i] = look.z[j, i] - w.h[i]
    for i in range(dim, 3):
        w.nu[i] = 0.0
    azimuth = -1
    if kind <= _RANGE_AZIMUTH_ALTITUDE:
        azimuth = 1
    elif kind in (_DIRECTION, _SOUND):
        azimuth = 0
    if azimuth >= 0:
        w.nu[azimuth] -= 2.0 * pi * np.round(w.nu[azimuth] / (2.0 * pi))
    _innovation_covariance(tracks.cov[row, k], look.noise[j], doubt, dim, dt, aged, w)
    if look.transmitter[j, 0] == look.transmitter[j, 0]:
        bent = bend(w.x, tracks.cov[row, k], look.site[j], look.transmitter[j])
        w.s[0, 0] += 3.0 * bent * bent
    return dim, _invert(w.s, w.s_inverse)


@kernel
def _innovation_covariance(p, noise, doubt, dim, dt, aged, w):
    """Write P H' into `w.ph` and S into `w.s`; missing dimensions get unit variance and no innovation."""
    for i in range(3):
        for a in range(3):
            if dt != 0.0:
                w.jac[i, 3 + a] += dt * w.jac[i, a]
    for a in range(6):
        for i in range(3):
            s = 0.0
            for b in range(6):
                s += p[a, b] * w.jac[i, b]
            w.ph[a, i] = s
    for i in range(3):
        for j in range(3):
            if i >= dim or j >= dim:
                w.s[i, j] = 1.0 if i == j else 0.0
                continue
            s = doubt * noise[i, j]
            for a in range(6):
                s += w.jac[i, a] * w.ph[a, j]
            for a in range(3):
                s += aged * w.jac[i, a] * w.jac[j, a]
            w.s[i, j] = s


@kernel
def distance_sq(w):
    """Return the squared Mahalanobis length of the innovation in `w`."""
    s = 0.0
    for i in range(3):
        for j in range(3):
            s += w.nu[i] * w.s_inverse[i, j] * w.nu[j]
    return s


@kernel
def likelihood(d_sq, dim, det):
    """Return the Gaussian density of an innovation."""
    return exp(-0.5 * d_sq) / sqrt((2.0 * pi) ** dim * det)


@kernel
def absorb(tracks, row, k, look, first, last, edge_plot, edge_doubt, beta, q, w):
    """Update mode `k` of a track by the readings of edges [first, last), each with weight `beta`.

    The result is the mean and covariance of the mixture of the updates.
    """
    x, p = tracks.mean[row, k], tracks.cov[row, k]
    w.mean[:] = 0.0
    w.cov[:] = 0.0
    for e in range(first, last):
        if beta[e] < 1e-7:
            continue
        innovate(tracks, row, k, look, edge_plot[e], q, edge_doubt[e], w)
        _add_update(beta[e], w)
    for a in range(6):
        for b in range(a, 6):
            c = p[a, b] + w.cov[a, b] - w.mean[a] * w.mean[b]
            p[a, b] = c
            p[b, a] = c
    for a in range(6):
        x[a] += w.mean[a]


@kernel
def _add_update(beta, w):
    """Add to `w.mean` and `w.cov` what the reading in `w` would change, with weight `beta`."""
    for a in range(6):
        for i in range(3):
            g = 0.0
            for j in range(3):
                g += w.ph[a, j] * w.s_inverse[j, i]
            w.gain[a, i] = g
    for a in range(6):
        step = 0.0
        for i in range(3):
            step += w.gain[a, i] * w.nu[i]
        w.x[a] = step
        w.mean[a] += beta * step
    for a in range(6):
        for b in range(a, 6):
            c = w.x[a] * w.x[b]
            for i in range(3):
                c -= w.gain[a, i] * w.ph[b, i]
            w.cov[a, b] += beta * c


@kernel
def absorb_scalar(x, p, jac, nu, variance, ph):
    """Update `x` (6,), `p` (6, 6) in place by one scalar reading; an innovation beyond five sigmas is left out."""
    s = variance
    for a in range(6):
        t = 0.0
        for b in range(6):
            t += p[a, b] * jac[b]
        ph[a] = t
    for a in range(6):
        s += jac[a] * ph[a]
    if nu * nu > 25.0 * s:
        return
    for a in range(6):
        x[a] += ph[a] * nu / s
    for a in range(6):
        for b in range(a, 6):
            c = p[a, b] - ph[a] * ph[b] / s
            p[a, b] = c
            p[b, a] = c


@kernel
def absorb_rates(tracks, row, look, j, w):
    """Update all modes of a track by the velocity and range rate that came with plot `j`, if any did."""
    jac, ph = np.zeros(6), np.empty(6)
    for k in range(2):
        x, p = tracks.mean[row, k], tracks.cov[row, k]
        if look.velocity[j, 0] == look.velocity[j, 0]:
            variance = look.sigma_velocity_mps[j] ** 2
            for i in range(3):
                jac[:] = 0.0
                jac[3 + i] = 1.0
                absorb_scalar(x, p, jac, look.velocity[j, i] - x[3 + i], variance, ph)
        if look.range_rate_mps[j] != look.range_rate_mps[j]:
            continue
        if look.transmitter[j, 0] == look.transmitter[j, 0]:
            rate = expected_sum_rate(x, look.site[j], look.transmitter[j], jac)
            absorb_scalar(x, p, jac, look.range_rate_mps[j] - rate, look.sigma_range_rate_mps[j] ** 2, ph)
        else:
            r = 0.0
            for i in range(3):
                w.d[i] = x[i] - look.site[j, i]
                r += w.d[i] * w.d[i]
            r = sqrt(r)
            rate = 0.0
            for i in range(3):
                rate += w.d[i] * x[3 + i] / r
            for i in range(3):
                jac[3 + i] = w.d[i] / r
                jac[i] = (x[3 + i] - rate * w.d[i] / r) / r
            absorb_scalar(x, p, jac, look.range_rate_mps[j] - rate, look.sigma_range_rate_mps[j] ** 2, ph)


@kernel
def keep_height_humble(p, up, floor_m):
    """Raise the variance of height in `p` to the floor of its datum: repeating a biased height does not improve it."""
    if floor_m <= 0.0:
        return
    v = 0.0
    for i in range(3):
        for j in range(3):
            v += up[i] * p[i, j] * up[j]
    short = floor_m * floor_m - v
    if short > 0.0:
        for i in range(3):
            for j in range(3):
                p[i, j] += short * up[i] * up[j]


@kernel
def emitted_before_s(tracks, row, look, j, w):
    """Return how long before `at_ns` the information in plot `j` left the object: the sound's delay, else 0."""
    if look.kind[j] != _SOUND:
        return 0.0
    x = tracks.mean[row, 0]
    to_enu(w.axes, x[:3], look.site[j], w.d)
    v = np.zeros(3)
    to_enu(w.axes, x[3:], v, w.nu)
    tau = sound_delay(w.d, (w.nu[0], w.nu[1], w.nu[2]))
    return tau if tau > 0.0 else 0.0

"""How one reading bears on one mode of one track: what it should read, how far off it is, and what that changes.

Functions take plain arrays rather than whole tables: a call that hands over twenty columns costs more than the
arithmetic inside it.

Source:
    Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), 5.2.6 (Joseph form) and
    10.3 (EKF); Bar-Shalom and Li, Multitarget-Multisensor Tracking (1995), 3.4 (PDA moments).
"""

from __future__ import annotations

from math import exp, pi, sqrt

from dronewall.geodesy.jit import inner
from dronewall.tracking.bistatic import bend, expected_sum_rate, through_transmitter
from dronewall.tracking.measurement import expected_reading

_RANGE_AZIMUTH_ALTITUDE, _POSITION, _DIRECTION, _SOUND = range(1, 5)
SOUND_MPS = 340.0


@inner
def model(x, p, kind, raised, site, transmitter, axes, back_s, q, d, then, h, jac, pht, hph):
    """Write what a sensor should read of a mode, and how that depends on it; return the reading's dimension, 0 if none.

    A reading older than the mode is compared with where the object was then: the mean goes back at constant velocity,
    and what noise of density `q` did since is added.

    Args:
        x, p: the mode's mean (6,) and covariance (6, 6).
        kind: an `ObservationKind`.
        raised: whether a direction came with an elevation.
        site, transmitter: the sensor's place (3,), and that of what lights the object up for it, NaN if nothing does.
        axes: the site's east, north, up (3, 3), ECEF.
        back_s: ≤ 0, how much older the reading is than the mode.
        q: process noise of the mode, m²/s³.
        d, then: scratch (3,), (6,).
        h: out (3,), the expected reading.
        jac: out (3, 6), its derivative; rows beyond the dimension are zero.
        pht: out (6, 3), P H'.
        hph: out (3, 3), H P H' with the noise of what happened since the object was where it was read.
    """
    for a in range(3):
        then[a], then[3 + a] = x[a] + back_s * x[3 + a], x[3 + a]
    dim = expected_reading(kind, raised, then, site, axes, d, h, jac)
    lit = transmitter[0] == transmitter[0]
    if lit:
        dim = through_transmitter(kind, dim, then, site, transmitter, h, jac)
    if dim == 0:
        return 0
    for i in range(3):
        for a in range(3):
            jac[i, 3 + a] += back_s * jac[i, a]
    aged = q * -back_s * back_s * back_s / 3.0
    if kind == _SOUND:
        tau = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]) / SOUND_MPS
        aged = q * tau * tau * tau / 3.0
    _projected(p, jac, aged, pht, hph)
    if lit:
        hph[0, 0] += 3.0 * bend(then, p, site, transmitter) ** 2
    return dim


@inner
def _projected(p, jac, aged, pht, hph):
    """Write P H' into `pht` and H P H' into `hph`, with position noise `aged` (m²) of the time since."""
    for a in range(6):
        for i in range(3):
            s = 0.0
            for b in range(6):
                s += p[a, b] * jac[i, b]
            pht[a, i] = s
    for i in range(3):
        for j in range(i, 3):
            s = aged * (jac[i, 0] * jac[j, 0] + jac[i, 1] * jac[j, 1] + jac[i, 2] * jac[j, 2])
            for a in range(6):
                s += jac[i, a] * pht[a, j]
            hph[i, j] = s
            hph[j, i] = s


@inner
def innovation(x, kind, dim, z, later_s, h, jac, nu):
    """Write a reading's innovation `nu` (3,); it was taken `later_s` later than `h` stands for."""
    for i in range(3):
        if i < dim:
            moved = jac[i, 0] * x[3] + jac[i, 1] * x[4] + jac[i, 2] * x[5]
            nu[i] = z[i] - h[i] - later_s * moved
        else:
            nu[i] = 0.0
    if kind <= _RANGE_AZIMUTH_ALTITUDE:
        nu[1] -= 2.0 * pi * round(nu[1] / (2.0 * pi))
    elif kind in (_DIRECTION, _SOUND):
        nu[0] -= 2.0 * pi * round(nu[0] / (2.0 * pi))


@inner
def is_astray(dim, noise, hph, nu, most_sq):
    """Whether one component of an innovation alone lies beyond `most_sq` squared sigmas: then all together do."""
    astray = False
    for i in range(dim):
        astray |= nu[i] * nu[i] > most_sq * (hph[i, i] + noise[i, i])
    return astray


@inner
def innovate(dim, noise, doubt, hph, nu, s_inverse):
    """Write the inverse of the covariance of innovation `nu` (3,); return its square and det S.

    `doubt` ≥ 1 widens the reading's covariance.
    """
    s00 = hph[0, 0] + doubt * noise[0, 0]
    s01, s02, s11, s12, s22 = 0.0, 0.0, 1.0, 0.0, 1.0
    if dim > 1:
        s01, s11 = hph[0, 1] + doubt * noise[0, 1], hph[1, 1] + doubt * noise[1, 1]
    if dim > 2:
        s02, s12 = hph[0, 2] + doubt * noise[0, 2], hph[1, 2] + doubt * noise[1, 2]
        s22 = hph[2, 2] + doubt * noise[2, 2]
    m0, m1, m2 = s11 * s22 - s12 * s12, s02 * s12 - s01 * s22, s01 * s12 - s02 * s11
    det = s00 * m0 + s01 * m1 + s02 * m2
    c = 1.0 / det
    s_inverse[0, 0], s_inverse[0, 1], s_inverse[0, 2] = m0 * c, m1 * c, m2 * c
    s_inverse[1, 0], s_inverse[1, 1], s_inverse[1, 2] = m1 * c, (s00 * s22 - s02 * s02) * c, (s02 * s01 - s00 * s12) * c
    s_inverse[2, 0], s_inverse[2, 1], s_inverse[2, 2] = m2 * c, s_inverse[1, 2], (s00 * s11 - s01 * s01) * c
    square = 0.0
    for i in range(3):
        for j in range(3):
            square += nu[i] * s_inverse[i, j] * nu[j]
    return square, det


@inner
def likelihood(square, dim, det):
    """Return the Gaussian density of an innovation of so many squared sigmas."""
    return exp(-0.5 * square) / sqrt((2.0 * pi) ** dim * det)


@inner
def add_update(beta, p, dim, noise, doubt, jac, pht, hph, nu, s_inverse, gain, a, ap, mean, cov):
    """Add what a reading would make of a mode, with weight `beta`, to the mixture's `mean` (6,) and `cov` (6, 6).

    `mean` gathers steps from the mode's mean, `cov` covariances in Joseph form and the steps' squares.

    Args:
        beta: the reading's weight.
        p: the mode's covariance (6, 6) before.
        dim, noise, doubt: the reading's dimension, covariance (3, 3) and how far it is doubted.
        jac, pht, hph, nu, s_inverse: from `model` and `innovate`.
        gain, a, ap: scratch (6, 3), (6, 6), (6, 6).
        mean, cov: the sums.
    """
    for i in range(6):
        for j in range(3):
            gain[i, j] = pht[i, 0] * s_inverse[0, j] + pht[i, 1] * s_inverse[1, j] + pht[i, 2] * s_inverse[2, j]
    for i in range(6):
        for j in range(6):
            a[i, j] = -(gain[i, 0] * jac[0, j] + gain[i, 1] * jac[1, j] + gain[i, 2] * jac[2, j])
        a[i, i] += 1.0
    for i in range(6):
        for j in range(6):
            s = 0.0
            for b in range(6):
                s += a[i, b] * p[b, j]
            ap[i, j] = s
    # What H P H' holds beyond H P H' proper, the noise of what happened since, belongs to the reading.
    r = _reading_noise(dim, noise, doubt, jac, pht, hph)
    for i in range(6):
        step_i = gain[i, 0] * nu[0] + gain[i, 1] * nu[1] + gain[i, 2] * nu[2]
        mean[i] += beta * step_i
        for j in range(i, 6):
            s = 0.0
            for b in range(6):
                s += ap[i, b] * a[j, b]
            s += r[0] * gain[i, 0] * gain[j, 0] + r[3] * gain[i, 1] * gain[j, 1] + r[5] * gain[i, 2] * gain[j, 2]
            s += r[1] * (gain[i, 0] * gain[j, 1] + gain[i, 1] * gain[j, 0])
            s += r[2] * (gain[i, 0] * gain[j, 2] + gain[i, 2] * gain[j, 0])
            s += r[4] * (gain[i, 1] * gain[j, 2] + gain[i, 2] * gain[j, 1])
            step_j = gain[j, 0] * nu[0] + gain[j, 1] * nu[1] + gain[j, 2] * nu[2]
            cov[i, j] += beta * (s + step_i * step_j)


@inner
def _reading_noise(dim, noise, doubt, jac, pht, hph):
    """Return the six different entries of R: the reading's own noise and that of the time since."""
    r0 = doubt * noise[0, 0] + hph[0, 0] - _hph(jac, pht, 0, 0)
    r1, r2, r3, r4, r5 = 0.0, 0.0, 0.0, 0.0, 0.0
    if dim > 1:
        r1 = doubt * noise[0, 1] + hph[0, 1] - _hph(jac, pht, 0, 1)
        r3 = doubt * noise[1, 1] + hph[1, 1] - _hph(jac, pht, 1, 1)
    if dim > 2:
        r2 = doubt * noise[0, 2] + hph[0, 2] - _hph(jac, pht, 0, 2)
        r4 = doubt * noise[1, 2] + hph[1, 2] - _hph(jac, pht, 1, 2)
        r5 = doubt * noise[2, 2] + hph[2, 2] - _hph(jac, pht, 2, 2)
    return r0, r1, r2, r3, r4, r5


@inner
def _hph(jac, pht, i, j):
    s = 0.0
    for a in range(6):
        s += jac[i, a] * pht[a, j]
    return s


@inner
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


@inner
def absorb_velocity(x, p, velocity, sigma_mps, jac, ph):
    """Update a mode by a measured velocity (3,) ECEF."""
    for i in range(3):
        for a in range(6):
            jac[a] = 0.0
        jac[3 + i] = 1.0
        absorb_scalar(x, p, jac, velocity[i] - x[3 + i], sigma_mps * sigma_mps, ph)


@inner
def absorb_range_rate(x, p, site, transmitter, rate_mps, sigma_mps, jac, ph):
    """Update a mode by a measured range rate, or by that of a range sum where there is a `transmitter`."""
    expected = range_rate(x, site, transmitter, jac)
    absorb_scalar(x, p, jac, rate_mps - expected, sigma_mps * sigma_mps, ph)


@inner
def range_rate(x, site, transmitter, jac):
    """Return how fast the range from `site`, or the range sum through `transmitter`, grows; write its derivative.

    Args:
        x: (6,) state, ECEF.
        site: (3,) the sensor's place.
        transmitter: (3,) that of the transmitter, NaN for none.
        jac: (6,) out.
    """
    if transmitter[0] == transmitter[0]:
        return expected_sum_rate(x, site, transmitter, jac)
    r = sqrt((x[0] - site[0]) ** 2 + (x[1] - site[1]) ** 2 + (x[2] - site[2]) ** 2)
    rate = 0.0
    for i in range(3):
        rate += (x[i] - site[i]) * x[3 + i] / r
    for i in range(3):
        u = (x[i] - site[i]) / r
        jac[3 + i] = u
        jac[i] = (x[3 + i] - rate * u) / r
    return rate


@inner
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

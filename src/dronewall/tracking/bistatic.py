"""What a passive radar should read of a track: the path from the transmitter over it to the receiver, and its rate.

Like those of `measurement`, functions write into arrays that the caller owns.

Source:
    Willis, Bistatic Radar (2nd edition, 2005), 3.2 (range sum) and 6.1 (Doppler): the gradient of the sum is the sum of
    the unit vectors from both sites.
"""

from __future__ import annotations

from math import sqrt

from dronewall.geodesy.jit import inner

NEAREST_M = 30.0
_RANGE_SUM = 6


@inner
def through_transmitter(kind, dim, x, receiver, transmitter, h, jac):
    """Turn a reading's expected range into the range sum; return the reading's dimension, 0 if there is none from here.

    Args:
        kind: of the observation; what has no azimuth is a range sum alone.
        dim: of the reading as `expected_reading` gives it.
        x: (6,) state, ECEF.
        receiver: (3,) place, ECEF m.
        transmitter: (3,) place, ECEF m.
        h: (3,) in and out, the expected reading: its first row is overwritten.
        jac: (3, 6) in and out, the Jacobian: its first row is overwritten.
    """
    to_receiver, to_transmitter = 0.0, 0.0
    for i in range(3):
        to_receiver += (x[i] - receiver[i]) ** 2
        to_transmitter += (x[i] - transmitter[i]) ** 2
    to_receiver, to_transmitter = sqrt(to_receiver), sqrt(to_transmitter)
    if kind == _RANGE_SUM:
        dim = 1
        for i in range(1, 3):
            h[i] = 0.0
            for j in range(6):
                jac[i, j] = 0.0
    if to_receiver < NEAREST_M or to_transmitter < NEAREST_M:
        return 0
    h[0] = to_receiver + to_transmitter
    for j in range(3):
        jac[0, j] = (x[j] - receiver[j]) / to_receiver + (x[j] - transmitter[j]) / to_transmitter
        jac[0, 3 + j] = 0.0
    return dim


@inner
def bend(x, p, receiver, transmitter):
    """Return by how much a range sum is expected to be longer, m, than that of a state's mean: the ellipsoid is bent.

    What is unknown across the paths, above all a height, makes paths longer whichever way it is; the mean square of
    that is three times the square of its mean. It is counted as noise, not corrected: an object's unknown height stays
    the same from plot to plot, and a correction repeated would make a height out of it.

    Args:
        x: (6,) state, ECEF.
        p: (6, 6) its covariance.
        receiver: (3,) place, ECEF m.
        transmitter: (3,) place, ECEF m.

    Source:
        Bar-Shalom, Li, Kirubarajan (2001), 10.3.2: the second-order extended Kalman filter, whose terms are half the
        trace of Hessian times P, and half the trace of its square; here P's part across each path counts as one number.
    """
    return _bend_of_path(x, p, receiver) + _bend_of_path(x, p, transmitter)


@inner
def _bend_of_path(x, p, site):
    r_sq, along, trace = 0.0, 0.0, 0.0
    for i in range(3):
        r_sq += (x[i] - site[i]) ** 2
    r_sq = max(r_sq, NEAREST_M * NEAREST_M)
    for i in range(3):
        trace += p[i, i]
        for j in range(3):
            along += (x[i] - site[i]) * p[i, j] * (x[j] - site[j]) / r_sq
    return 0.5 * max(trace - along, 0.0) / sqrt(r_sq)


@inner
def expected_sum_rate(x, receiver, transmitter, jac):
    """Return how fast the range sum grows, m/s, and write its Jacobian into `jac` (6,)."""
    for j in range(6):
        jac[j] = 0.0
    return _add_rate(x, receiver, jac) + _add_rate(x, transmitter, jac)


@inner
def _add_rate(x, site, jac):
    """Add to `jac` (6,) the gradient of the range rate seen from one site; return that rate."""
    r, rate = 0.0, 0.0
    for i in range(3):
        r += (x[i] - site[i]) ** 2
    r = max(sqrt(r), NEAREST_M)
    for i in range(3):
        rate += (x[i] - site[i]) * x[3 + i] / r
    for i in range(3):
        ray = (x[i] - site[i]) / r
        jac[i] += (x[3 + i] - rate * ray) / r
        jac[3 + i] += ray
    return rate

"""Taking what is known of sensors' errors off their plots, and adding what is not to the noise, in machine code."""

from __future__ import annotations

from math import cos, pi

import numpy as np

from dronewall.geodesy.jit import kernel
from dronewall.registration.bias_model import OWN, PRIOR, TIME, UNKNOWNS
from dronewall.registration.bias_rows import look_derivatives, own_rows


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
        at_ns[i] -= np.int64((PRIOR[TIME] * estimate[TIME] + shift_s[i]) * 1e9)


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
    """Add a covariance of range, azimuth and elevation to one of ECEF position.

    The rows of `jac` are orthogonal, so its inverse is its transpose with each row divided by its squared length.
    """
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

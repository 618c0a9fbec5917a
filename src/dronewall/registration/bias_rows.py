"""What a sensor's own errors, and what is not known of references, do to readings of range, azimuth and elevation.

Readings are linear in the unknowns `b` of `bias_model`: reading - expected = H b + noise. H is in units of the priors.
"""

from __future__ import annotations

from math import atan2, cos, pi, sin, sqrt

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
    PRIOR,
    RANGE,
    SITE_EAST,
    SITE_NORTH,
    SLOW_PART,
    TILT_EAST,
    TILT_NORTH,
    TIME,
)


@kernel
def wrapped(angle):
    """Return an angle between -pi and pi."""
    return angle - 2.0 * pi * np.floor((angle + pi) / (2.0 * pi))


@kernel
def seen(p, v, site, axes, d, w, out):
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
    """Write into `h` (3, UNKNOWNS) what the sensor's own errors do to its readings; all but time."""
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
def height_rows(p, axes, jac, h):
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
def own_wander(sigma_m, pressure, out):
    """Write into `out` (UNKNOWNS,) the variances by which one aircraft's own steady errors differ from all others'."""
    out[:] = 0.0
    out[TIME] = (LATENCY_S / PRIOR[TIME]) ** 2
    out[SITE_EAST] = out[SITE_NORTH] = (SLOW_PART * sigma_m / PRIOR[SITE_EAST]) ** 2
    if pressure:
        out[HEIGHT] = (ALTIMETER_M / PRIOR[HEIGHT]) ** 2

"""What each kind of observation should read if a track is where it is thought to be, and how that changes with it.

Every function writes the expected reading `h` and its Jacobian `jac` (3, 6) with respect to ECEF position and velocity;
rows beyond the reading's dimension are zero, so that callers may treat all of them as three-dimensional.

Source:
    Bar-Shalom, Li, Kirubarajan (2001), 10.3 (radar EKF). Sound: the closed form for the delay of a source at constant
    velocity in still air follows from |d - v tau| = c tau, with d = source now - sensor.
"""

from __future__ import annotations

from math import atan2, sqrt

from dronewall.geodesy.jit import inner
from dronewall.geodesy.kernels import geodetic

SPEED_OF_SOUND_MPS = 340.0
_RANGE_AZIMUTH_ELEVATION, _RANGE_AZIMUTH_ALTITUDE, _POSITION, _DIRECTION, _SOUND = range(5)
NEAREST_M = 30.0
"""Directions to what is nearer than this say nothing that a linear filter could use."""


@inner
def to_enu(axes, x, origin, out):
    """Write into `out` (3,) the local east, north, up of the ECEF vector `x - origin`."""
    for i in range(3):
        out[i] = axes[i, 0] * (x[0] - origin[0]) + axes[i, 1] * (x[1] - origin[1]) + axes[i, 2] * (x[2] - origin[2])


@inner
def _angle_rows(e, n, u, axes, row, jac):
    """Write azimuth's and elevation's gradients by ECEF position into rows `row` and `row + 1` of `jac`."""
    level_sq = e * e + n * n
    level = sqrt(level_sq)
    r_sq = level_sq + u * u
    for j in range(3):
        jac[row, j] = (n * axes[0, j] - e * axes[1, j]) / level_sq
        jac[row + 1, j] = (level * axes[2, j] - u * (e * axes[0, j] + n * axes[1, j]) / level) / r_sq


@inner
def _clear(jac):
    for i in range(3):
        for j in range(6):
            jac[i, j] = 0.0


@inner
def expected_reading(kind, raised, x, site, axes, d, h, jac):
    """Write the expected reading and Jacobian; return its dimension, 0 if there is none from here.

    `raised` tells whether a direction came with an elevation; `d` (3,) is scratch for the local offset.
    """
    _clear(jac)
    if kind == _POSITION:
        for i in range(3):
            h[i] = x[i]
            jac[i, i] = 1.0
        return 3
    to_enu(axes, x, site, d)
    e, n, u = d[0], d[1], d[2]
    if e * e + n * n < NEAREST_M * NEAREST_M:
        return 0
    if kind == _SOUND:
        return _expected_sound(raised, x, axes, d, h, jac)
    if kind == _DIRECTION:
        h[0], h[1] = atan2(e, n), atan2(u, sqrt(e * e + n * n))
        _angle_rows(e, n, u, axes, 0, jac)
        return _cut(raised, jac)
    return _expected_range(kind, x, site, axes, d, h, jac)


@inner
def _cut(raised, jac):
    """Return a direction's dimension, dropping the elevation's row when it was not measured."""
    if raised:
        return 2
    for j in range(6):
        jac[1, j] = 0.0
    return 1


@inner
def _expected_range(kind, x, site, axes, d, h, jac):
    e, n, u = d[0], d[1], d[2]
    r = sqrt(e * e + n * n + u * u)
    h[0], h[1], h[2] = r, atan2(e, n), atan2(u, sqrt(e * e + n * n))
    _angle_rows(e, n, u, axes, 1, jac)
    for j in range(3):
        jac[0, j] = (x[j] - site[j]) / r
    if kind == _RANGE_AZIMUTH_ELEVATION:
        return 3
    h[2] = geodetic(x[0], x[1], x[2])[2]
    norm = sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
    for j in range(3):
        jac[2, j] = x[j] / norm
    return 3


@inner
def sound_delay(d, v):
    """Return how long ago the sound arriving now left a source at offset `d` moving at `v` (both local, m and m/s).

    NaN at and beyond the speed of sound, where there may be two answers or none.
    """
    gap = SPEED_OF_SOUND_MPS * SPEED_OF_SOUND_MPS - (v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
    if gap <= 0.0:
        return float("nan")
    closing = d[0] * v[0] + d[1] * v[1] + d[2] * v[2]
    distance_sq = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    return (-closing + sqrt(closing * closing + gap * distance_sq)) / gap


@inner
def _expected_sound(raised, x, axes, d, h, jac):
    """Where the sound came from that arrives now: the direction of the place it left, one delay ago."""
    v0 = axes[0, 0] * x[3] + axes[0, 1] * x[4] + axes[0, 2] * x[5]
    v1 = axes[1, 0] * x[3] + axes[1, 1] * x[4] + axes[1, 2] * x[5]
    v2 = axes[2, 0] * x[3] + axes[2, 1] * x[4] + axes[2, 2] * x[5]
    tau = sound_delay(d, (v0, v1, v2))
    if not tau >= 0.0:
        return 0
    e, n, u = d[0] - v0 * tau, d[1] - v1 * tau, d[2] - v2 * tau
    if e * e + n * n < NEAREST_M * NEAREST_M:
        return 0
    h[0], h[1] = atan2(e, n), atan2(u, sqrt(e * e + n * n))
    _angle_rows(e, n, u, axes, 0, jac)
    path = SPEED_OF_SOUND_MPS * tau
    ahead = (e * v0 + n * v1 + u * v2) / path
    slowness = 1.0 / (SPEED_OF_SOUND_MPS + ahead)
    for row in range(2):
        # d tau = slowness * ray . (d p - tau d v), and the source has moved on by v d tau meanwhile.
        drift = jac[row, 0] * x[3] + jac[row, 1] * x[4] + jac[row, 2] * x[5]
        for j in range(3):
            ray = (e * axes[0, j] + n * axes[1, j] + u * axes[2, j]) / path
            jac[row, j] -= drift * slowness * ray
        for j in range(3):
            jac[row, 3 + j] = -tau * jac[row, j]
    return _cut(raised, jac)

"""The formulas of `wgs84` as scalars, for numba kernels. Vectors are written into arrays that the caller owns."""

from __future__ import annotations

from math import atan2, cos, hypot, sin, sqrt

from dronewall.geodesy.jit import inner
from dronewall.geodesy.wgs84 import (
    ECCENTRICITY_SQ,
    FLATTENING,
    SECOND_ECCENTRICITY_SQ,
    SEMI_MAJOR_M,
    SEMI_MINOR_M,
)


@inner
def geodetic(x, y, z):
    """Return latitude rad, longitude rad and height m above the ellipsoid of an ECEF position."""
    rho = hypot(x, y)
    beta = atan2(SEMI_MAJOR_M * z, SEMI_MINOR_M * rho)
    lat = 0.0
    for _ in range(2):
        lat = atan2(
            z + SECOND_ECCENTRICITY_SQ * SEMI_MINOR_M * sin(beta) ** 3,
            rho - ECCENTRICITY_SQ * SEMI_MAJOR_M * cos(beta) ** 3,
        )
        beta = atan2((1.0 - FLATTENING) * sin(lat), cos(lat))
    s = sin(lat)
    height = rho * cos(lat) + z * s - SEMI_MAJOR_M * sqrt(1.0 - ECCENTRICITY_SQ * s * s)
    return lat, atan2(y, x), height


@inner
def axes_at(x, y, z, axes):
    """Write into `axes` (3, 3) the rows east, north, up, in ECEF, at an ECEF position."""
    lat, lon, _ = geodetic(x, y, z)
    sin_lat, cos_lat, sin_lon, cos_lon = sin(lat), cos(lat), sin(lon), cos(lon)
    axes[0, 0], axes[0, 1], axes[0, 2] = -sin_lon, cos_lon, 0.0
    axes[1, 0], axes[1, 1], axes[1, 2] = -sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat
    axes[2, 0], axes[2, 1], axes[2, 2] = cos_lat * cos_lon, cos_lat * sin_lon, sin_lat

"""WGS84, ECEF and local east-north-up, on whole columns.

Degrees for latitude and longitude, radians for azimuth and elevation, metres otherwise. Positions are arrays whose
last axis is x, y, z (ECEF) or east, north, up (ENU).

Source:
    NGA.STND.0036, World Geodetic System 1984: the defining parameters. Vermeille, "An analytical method to transform
    geocentric into geodetic coordinates", J. Geodesy 85 (2011) is what `geodetic_from_ecef` follows in spirit; it is
    Bowring's start with two Newton steps, which is below a micrometre for heights from -10 km to 100 km.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1.0 / 298.257_223_563
SEMI_MINOR_M = SEMI_MAJOR_M * (1.0 - FLATTENING)
ECCENTRICITY_SQ = FLATTENING * (2.0 - FLATTENING)
SECOND_ECCENTRICITY_SQ = ECCENTRICITY_SQ / (1.0 - ECCENTRICITY_SQ)


def ecef_from_geodetic(lat_deg: ArrayLike, lon_deg: ArrayLike, hae_m: ArrayLike) -> FloatArray:
    """Return ECEF positions (..., 3) in m of geodetic ones; heights are above the ellipsoid."""
    lat, lon = np.radians(np.asarray(lat_deg, float)), np.radians(np.asarray(lon_deg, float))
    h = np.asarray(hae_m, float)
    sin_lat, cos_lat = np.sin(lat), np.cos(lat)
    n = SEMI_MAJOR_M / np.sqrt(1.0 - ECCENTRICITY_SQ * sin_lat**2)
    return np.stack(
        np.broadcast_arrays(
            (n + h) * cos_lat * np.cos(lon),
            (n + h) * cos_lat * np.sin(lon),
            (n * (1.0 - ECCENTRICITY_SQ) + h) * sin_lat,
        ),
        axis=-1,
    )


def geodetic_from_ecef(ecef: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return latitude and longitude in degrees and height above the ellipsoid in m of ECEF positions (..., 3)."""
    p = np.asarray(ecef, float)
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    rho = np.hypot(x, y)
    beta = np.arctan2(SEMI_MAJOR_M * z, SEMI_MINOR_M * rho)
    for _ in range(3):
        lat = np.arctan2(
            z + SECOND_ECCENTRICITY_SQ * SEMI_MINOR_M * np.sin(beta) ** 3,
            rho - ECCENTRICITY_SQ * SEMI_MAJOR_M * np.cos(beta) ** 3,
        )
        beta = np.arctan2((1.0 - FLATTENING) * np.sin(lat), np.cos(lat))
    sin_lat, cos_lat = np.sin(lat), np.cos(lat)
    n = SEMI_MAJOR_M / np.sqrt(1.0 - ECCENTRICITY_SQ * sin_lat**2)
    # Well conditioned at the poles as well as at the equator.
    h = rho * cos_lat + z * sin_lat - SEMI_MAJOR_M**2 / n
    return np.degrees(lat), np.degrees(np.arctan2(y, x)), h


def enu_axes(lat_deg: ArrayLike, lon_deg: ArrayLike) -> FloatArray:
    """Return the rotation (..., 3, 3) whose rows are east, north and up in ECEF: `enu = axes @ (ecef - origin)`."""
    lat, lon = np.broadcast_arrays(np.radians(np.asarray(lat_deg, float)), np.radians(np.asarray(lon_deg, float)))
    sin_lat, cos_lat, sin_lon, cos_lon = np.sin(lat), np.cos(lat), np.sin(lon), np.cos(lon)
    zero = np.zeros_like(lat)
    east = np.stack([-sin_lon, cos_lon, zero], axis=-1)
    north = np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], axis=-1)
    up = np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], axis=-1)
    return np.stack([east, north, up], axis=-2)


def enu_from_ecef(ecef: ArrayLike, lat_deg: ArrayLike, lon_deg: ArrayLike, hae_m: ArrayLike) -> FloatArray:
    """Return east, north, up (..., 3) in m of ECEF positions, seen from an origin."""
    offset = np.asarray(ecef, float) - ecef_from_geodetic(lat_deg, lon_deg, hae_m)
    return np.einsum("...ij,...j->...i", enu_axes(lat_deg, lon_deg), offset)


def ecef_from_enu(enu: ArrayLike, lat_deg: ArrayLike, lon_deg: ArrayLike, hae_m: ArrayLike) -> FloatArray:
    """Return ECEF positions (..., 3) in m of east, north, up seen from an origin."""
    axes = enu_axes(lat_deg, lon_deg)
    return ecef_from_geodetic(lat_deg, lon_deg, hae_m) + np.einsum("...ji,...j->...i", axes, np.asarray(enu, float))


def spherical_from_enu(enu: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return slant range m, azimuth rad (0 to 2 pi, from true north, clockwise) and elevation rad."""
    p = np.asarray(enu, float)
    east, north, up = p[..., 0], p[..., 1], p[..., 2]
    azimuth = np.mod(np.arctan2(east, north), 2.0 * np.pi)
    return np.linalg.norm(p, axis=-1), azimuth, np.arctan2(up, np.hypot(east, north))


def enu_from_spherical(range_m: ArrayLike, azimuth_rad: ArrayLike, elevation_rad: ArrayLike) -> FloatArray:
    """Return east, north, up (..., 3) in m of slant range, azimuth and elevation."""
    r, azimuth, elevation = np.asarray(range_m, float), np.asarray(azimuth_rad, float), np.asarray(elevation_rad, float)
    ground = r * np.cos(elevation)
    return np.stack(
        np.broadcast_arrays(ground * np.sin(azimuth), ground * np.cos(azimuth), r * np.sin(elevation)), axis=-1
    )

"""Altitudes: three datums on three wires, brought to one: height above the WGS84 ellipsoid.

Mean-sea-level heights are referred to EGM96 here; EGM2008 differs from it by less than a metre over Europe, far below
any sensor's error, and the difference is in `GEOID_SIGMA_M`. Pressure heights are those of the standard atmosphere,
which the day's weather shifts; until a QNH says by how much, that shift is an error with `STANDARD_ATMOSPHERE_SIGMA_M`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dronewall.model.plots import Datum

FloatArray = NDArray[np.float64]

GEOID_SIGMA_M = 0.5
STANDARD_ATMOSPHERE_SIGMA_M = 150.0


@cache
def _grids() -> tuple[FloatArray, FloatArray, tuple[float, float]]:
    with files("dronewall.geodesy").joinpath("egm96.npz").open("rb") as stream, np.load(stream) as stored:
        south, west = stored["europe_origin"]
        return stored["world"] / 100.0, stored["europe"] / 100.0, (float(south), float(west))


def _bilinear(grid: FloatArray, row: FloatArray, col: FloatArray) -> FloatArray:
    i = np.clip(np.floor(np.nan_to_num(row)), 0, grid.shape[0] - 2).astype(np.intp)
    j = np.clip(np.floor(np.nan_to_num(col)), 0, grid.shape[1] - 2).astype(np.intp)
    u, v = row - i, col - j
    south = grid[i, j] * (1 - v) + grid[i, j + 1] * v
    north = grid[i + 1, j] * (1 - v) + grid[i + 1, j + 1] * v
    return np.asarray(south * (1 - u) + north * u, float)


def geoid_undulation_m(lat_deg: ArrayLike, lon_deg: ArrayLike) -> FloatArray:
    """Return the height of the EGM96 geoid above the ellipsoid: 0.25 degree grid over Europe, 1 degree elsewhere.

    Source:
        Lemoine et al., The Development of the Joint NASA GSFC and NIMA Geopotential Model EGM96 (1998), as the
        15-minute grid that PROJ distributes.
    """
    world, europe, (south, west) = _grids()
    lat, lon = np.broadcast_arrays(np.asarray(lat_deg, float), np.asarray(lon_deg, float))
    lon = np.mod(lon + 180.0, 360.0) - 180.0
    row, col = (lat - south) * 4.0, (lon - west) * 4.0
    inside = (row >= 0) & (row <= europe.shape[0] - 1) & (col >= 0) & (col <= europe.shape[1] - 1)
    return np.where(inside, _bilinear(europe, row, col), _bilinear(world, lat + 90.0, lon + 180.0))


def hae_from_altitude(
    altitude_m: ArrayLike, datum: ArrayLike, lat_deg: ArrayLike, lon_deg: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return heights above the ellipsoid, and the 1-σ that the change of datum adds; NaN where the datum is absent."""
    altitude, kind = np.asarray(altitude_m, float), np.asarray(datum)
    above_geoid = (kind != Datum.WGS84_HAE) & (kind != Datum.ABSENT)
    # Most batches hold no such height, and the geoid costs more than all the rest.
    undulation = geoid_undulation_m(lat_deg, lon_deg) if above_geoid.any() else 0.0
    hae = np.where(above_geoid, altitude + undulation, altitude)
    sigma = np.select(
        [kind == Datum.WGS84_HAE, kind == Datum.EGM2008], [0.0, GEOID_SIGMA_M], STANDARD_ATMOSPHERE_SIGMA_M
    )
    absent = kind == Datum.ABSENT
    return np.where(absent, np.nan, hae), np.where(absent, np.nan, sigma)

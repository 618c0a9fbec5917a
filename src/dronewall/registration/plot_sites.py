"""Where the sensor of each plot stands, or stood when its platform moves, and what lit the object up for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.plots import Plots
from dronewall.registration.errors_declared import SensorColumns

FloatArray = NDArray[np.float64]
Rows = NDArray[np.intp]


def picked(plots: Plots, rows: Rows) -> Plots:
    """Return the plots `rows`, given in order and each once: all of them without a copy, as is usual."""
    return plots if len(rows) == len(plots) else plots.take(rows)


def sites_of(p: Plots, s: NDArray[np.int32], columns: SensorColumns) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return each plot's site ECEF m, its ENU axes, and the variances (m², rad²) of a moving platform's pose."""
    site, axes = columns.site[s].copy(), columns.axes[s].copy()
    spread = np.zeros((len(p), 2))
    moving = np.flatnonzero(np.isfinite(p.pose_lat_deg) & np.isfinite(p.pose_lon_deg))
    if len(moving):
        lat, lon = p.pose_lat_deg[moving], p.pose_lon_deg[moving]
        site[moving] = ecef_from_geodetic(lat, lon, np.nan_to_num(p.pose_hae_m[moving]))
        axes[moving] = enu_axes(lat, lon)
        spread[moving, 0] = np.nan_to_num(p.pose_sigma_m[moving]) ** 2
        spread[moving, 1] = np.nan_to_num(p.pose_sigma_heading_rad[moving]) ** 2
    return site, axes, spread


def lit_up(plots: Plots) -> NDArray[np.bool_]:
    """Return which plots come with a transmitter's place."""
    return np.isfinite(plots.transmitter_lat_deg) & np.isfinite(plots.transmitter_lon_deg)


def transmitters_of(p: Plots) -> FloatArray:
    """Return the transmitters' places, ECEF m, NaN where there are none; a height that was not told is the ground's."""
    return ecef_from_geodetic(p.transmitter_lat_deg, p.transmitter_lon_deg, np.nan_to_num(p.transmitter_hae_m))

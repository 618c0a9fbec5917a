"""Which tracks a radar could see at all, by declaration and horizon: its silence about the others says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import atan2, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.jit import inner, kernel
from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.sensors import Sensor

EARTH_M = 6_371_000.0
EFFECTIVE_EARTH_M = EARTH_M * 4.0 / 3.0
"""Radio bends down as if the earth were a third larger."""


class Visibility(NamedTuple):
    """What radars cover, a row for each: site and axes (n, 3, 3) of local east, north, up in ECEF, m; angles in rad.

    A radar without a site, on a moving platform, is not `sited`: nobody knows what it covers. `azimuth` holds where
    its sector begins and how far it turns from there.
    """

    sited: NDArray[np.bool_]
    site: NDArray[np.float64]
    axes: NDArray[np.float64]
    height_m: NDArray[np.float64]
    range_m: NDArray[np.float64]
    height_max_m: NDArray[np.float64]
    azimuth: NDArray[np.float64]
    elevation_min: NDArray[np.float64]
    period_s: NDArray[np.float64]


def visibility_of(radars: Sequence[Sensor], period_s: Sequence[float]) -> Visibility:
    """Return what radars cover as they declare it, and their periods; what is not declared does not limit."""
    count = len(radars)
    lat, lon, hae = (
        np.array([getattr(radar, name) or 0.0 for radar in radars]) for name in ("lat_deg", "lon_deg", "hae_m")
    )
    return Visibility(
        sited=np.array([radar.sited for radar in radars], np.bool_),
        site=np.ascontiguousarray(ecef_from_geodetic(lat, lon, hae)).reshape(count, 3),
        axes=np.ascontiguousarray(enu_axes(lat, lon)).reshape(count, 3, 3),
        height_m=hae,
        range_m=np.array([(r.range_min_m or 0.0, r.range_max_m or np.inf) for r in radars]).reshape(count, 2),
        height_max_m=np.array([r.height_max_m or np.inf for r in radars]),
        azimuth=np.array([_sector(radar) for radar in radars]).reshape(count, 2),
        elevation_min=np.array(
            [-pi / 2 if r.elevation_min_deg is None else np.radians(r.elevation_min_deg) for r in radars]
        ),
        period_s=np.array(period_s, float),
    )


def _sector(radar: Sensor) -> tuple[float, float]:
    begin, end = radar.azimuth_from_deg, radar.azimuth_to_deg
    if begin is None or end is None or abs(end - begin) >= 360.0:
        return 0.0, 2.0 * pi
    return float(np.radians(begin)), float(np.radians((end - begin) % 360.0))


@inner
def may_see(visibility, radar, x, dt, slack_m):
    """Whether a radar could see an object within `slack_m`, m, of where a state `x` (6,), ECEF, is after `dt` s.

    So what is known badly, as a track that nobody hears any more, may be seen. True where nobody knows the coverage.
    """
    if not visibility.sited[radar]:
        return True
    site, axes = visibility.site[radar], visibility.axes[radar]
    dx, dy, dz = x[0] + dt * x[3] - site[0], x[1] + dt * x[4] - site[1], x[2] + dt * x[5] - site[2]
    e = axes[0, 0] * dx + axes[0, 1] * dy + axes[0, 2] * dz
    n = axes[1, 0] * dx + axes[1, 1] * dy + axes[1, 2] * dz
    u = axes[2, 0] * dx + axes[2, 1] * dy + axes[2, 2] * dz
    level_sq = e * e + n * n
    range_m = sqrt(level_sq + u * u)
    if range_m + slack_m < visibility.range_m[radar, 0] or range_m - slack_m > visibility.range_m[radar, 1]:
        return False
    own_m = visibility.height_m[radar]
    height_m = own_m + u + level_sq / (2.0 * EARTH_M)
    if height_m - slack_m > visibility.height_max_m[radar]:
        return False
    if range_m - slack_m > _horizon_m(own_m) + _horizon_m(height_m + slack_m):
        return False
    if atan2(u + slack_m, sqrt(level_sq)) < visibility.elevation_min[radar]:
        return False
    turn = slack_m / max(sqrt(level_sq), slack_m + 1.0)
    begin, width = visibility.azimuth[radar, 0] - turn, visibility.azimuth[radar, 1] + 2.0 * turn
    return (atan2(e, n) - begin) % (2.0 * pi) <= width


@kernel
def mark_seen(visibility, radar, x, seen):
    """Write into `seen` (n,) whether a radar covers places, states `x` (n, 6), ECEF."""
    for row in range(len(x)):
        seen[row] = may_see(visibility, radar, x[row], 0.0, 0.0)


@inner
def _horizon_m(height_m):
    """Return how far the 4/3-earth horizon is from a height above the ellipsoid."""
    return sqrt(2.0 * EFFECTIVE_EARTH_M * max(height_m, 0.0))

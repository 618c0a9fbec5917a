"""Sites: where sensors stand, and how they see a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray, ecef_from_geodetic, enu_axes, geodetic_from_ecef, spherical_from_enu
from dronewall.model.sensors import Sensor
from dronewall.simulation.source import radio_horizon_m


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """The places of m sensors: `ecef` (m, 3), `axes` (m, 3, 3) with rows east, north, up; `horizon_m` (m,)."""

    ecef: FloatArray
    axes: FloatArray
    horizon_m: FloatArray

    @classmethod
    def of(cls, sensors: Sequence[Sensor]) -> Sites:
        """Build from sensors, all of which must be sited."""
        lat, lon, hae = (
            np.array([getattr(s, name) for s in sensors], float) for name in ("lat_deg", "lon_deg", "hae_m")
        )
        return cls(ecef_from_geodetic(lat, lon, hae), enu_axes(lat, lon), radio_horizon_m(hae))

    def look(self, rows: NDArray[np.int64], ecef: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return slant range m, azimuth rad and elevation rad (k,) of points (k, 3) from sites `rows` (k,)."""
        return spherical_from_enu(np.einsum("kij,kj->ki", self.axes[rows], ecef - self.ecef[rows]))

    def distances_m(self, ecef: FloatArray) -> FloatArray:
        """Return slant ranges (m, n) to points (n, 3)."""
        return np.linalg.norm(ecef[None, :, :] - self.ecef[:, None, :], axis=2)

    def in_sight(self, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether points (k, 3) are above the 4/3-earth horizon of sites `rows` (k,)."""
        return np.linalg.norm(ecef - self.ecef[rows], axis=1) <= self.horizon_m[rows] + radio_horizon_m(heights_m(ecef))

    def reach(self, ecef: FloatArray, reach_m: FloatArray, *, radio: bool) -> NDArray[np.bool_]:
        """Whether each point (n, 3) lies within `reach_m` (n,) or (m, n) of any site, above its horizon if `radio`."""
        distance = self.distances_m(ecef)
        if radio:
            reach_m = np.minimum(reach_m, self.horizon_m[:, None] + radio_horizon_m(heights_m(ecef)))
        return np.asarray((distance <= reach_m).any(axis=0))


def heights_m(ecef: FloatArray) -> FloatArray:
    """Return heights above the ellipsoid of points (n, 3)."""
    return geodetic_from_ecef(ecef)[2]

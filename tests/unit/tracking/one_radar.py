"""One radar that turns in four seconds, and its plots of what stands 15 km off."""

from __future__ import annotations

import numpy as np

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes, enu_from_spherical
from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.sensors import Sensor, SensorKind, Sigma

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
SITE, AXES = ecef_from_geodetic(52.0, 22.0, 100.0), enu_axes(52.0, 22.0)
RANGE_M, SIGMA = 15_000.0, np.array([50.0, np.radians(0.3), np.radians(0.5)])
RADAR = Sensor(
    "radar", SensorKind.RADAR_3D, 52.0, 22.0, 100.0,
    sigma=Sigma(range_m=50.0, azimuth_deg=0.3, elevation_deg=0.5), period_s=4.0, range_max_m=40_000.0, pd=0.9,
    clutter_per_scan=1.0,
)  # fmt: skip


def observed(azimuth_rad: np.ndarray, scan: int) -> Observations:
    """Plots at 15 km, due to what stands still, one scan of a radar that turns in four seconds."""
    n = len(azimuth_rad)
    z = np.stack([np.full(n, RANGE_M), azimuth_rad, np.full(n, 0.03)], axis=1)
    place = SITE + enu_from_spherical(*z.T) @ AXES
    return Observations.of(
        n,
        plot=np.arange(n),
        kind=ObservationKind.RANGE_AZIMUTH_ELEVATION,
        at_ns=T0 + scan * 4 * NS,
        scan=scan,
        scan_end=np.arange(n) == n - 1,
        site=SITE,
        z=z,
        noise=np.diag(SIGMA**2),
        place=place,
        spread=np.diag([80.0**2] * 3),
    )

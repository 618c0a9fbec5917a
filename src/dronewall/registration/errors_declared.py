"""How large a sensor's errors are: what its owner declared, else what its kind is known for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.sensors import Sensor, SensorKind, Sensors

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Assumed:
    """1-σ errors assumed of a kind of sensor whose owner declares none. Deliberately wide: a guess must not boast."""

    range_m: float = 100.0
    azimuth_deg: float = 0.5
    elevation_deg: float = 0.8
    range_rate_mps: float = 3.0
    position_m: float = 100.0
    altitude_m: float = 60.0
    velocity_mps: float = 5.0


_ASSUMED = {
    SensorKind.ACOUSTIC_ARRAY: Assumed(azimuth_deg=3.0, elevation_deg=6.0),
    SensorKind.RF_DF: Assumed(azimuth_deg=3.0, elevation_deg=6.0),
    SensorKind.CAMERA: Assumed(azimuth_deg=0.2, elevation_deg=0.2),
    SensorKind.SSR: Assumed(range_m=80.0, azimuth_deg=0.1),
    SensorKind.ADSB: Assumed(position_m=60.0, altitude_m=20.0, velocity_mps=3.0),
    SensorKind.MLAT: Assumed(position_m=80.0),
    SensorKind.REMOTE_ID: Assumed(position_m=30.0, altitude_m=30.0, velocity_mps=2.0),
    SensorKind.OBSERVER: Assumed(azimuth_deg=10.0, elevation_deg=15.0, position_m=1000.0, altitude_m=300.0),
}


LEAST = {
    "range_m": 0.1,
    "azimuth_deg": 0.005,
    "elevation_deg": 0.005,
    "range_rate_mps": 0.05,
    "position_m": 0.1,
    "altitude_m": 0.1,
    "velocity_mps": 0.05,
}
"""No sensor is better than this; a smaller declared error is a slip that would break the arithmetic."""
MOST = {
    "range_m": 1e5,
    "azimuth_deg": 90.0,
    "elevation_deg": 90.0,
    "range_rate_mps": 1e3,
    "position_m": 1e5,
    "altitude_m": 2e4,
    "velocity_mps": 1e3,
}
"""An error larger than this says as little as this."""


@dataclass(frozen=True, slots=True, eq=False)
class SensorColumns:
    """The register of sensors as columns, one row per sensor, in SI units and radians; NaN site where unknown."""

    kind: NDArray[np.uint8]
    delivers_tracks: NDArray[np.bool_]
    site: FloatArray
    axes: FloatArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    range_m: FloatArray
    azimuth_rad: FloatArray
    elevation_rad: FloatArray
    range_rate_mps: FloatArray
    position_m: FloatArray
    altitude_m: FloatArray
    velocity_mps: FloatArray
    position_declared_m: FloatArray
    """0 where its owner declared none."""


def sensor_columns(sensors: Sensors) -> SensorColumns:
    """Return the register as columns, with what its owners left out filled in from the kind."""
    rows = list(sensors)
    lat, lon, hae = (np.array([_or_nan(getattr(s, name)) for s in rows]) for name in ("lat_deg", "lon_deg", "hae_m"))
    sigmas = {name: np.array([_sigma(s, name) for s in rows]) for name in Assumed.__dataclass_fields__}
    return SensorColumns(
        kind=np.array([s.kind for s in rows], np.uint8),
        delivers_tracks=np.array([s.delivers_tracks for s in rows], np.bool_),
        site=ecef_from_geodetic(lat, lon, hae),
        axes=enu_axes(lat, lon),
        lat_deg=lat,
        lon_deg=lon,
        range_m=sigmas["range_m"],
        azimuth_rad=np.radians(sigmas["azimuth_deg"]),
        elevation_rad=np.radians(sigmas["elevation_deg"]),
        range_rate_mps=sigmas["range_rate_mps"],
        position_m=sigmas["position_m"],
        altitude_m=sigmas["altitude_m"],
        velocity_mps=sigmas["velocity_mps"],
        position_declared_m=np.array([s.sigma.position_m or 0.0 for s in rows]),
    )


def sigma_of(given: NDArray[np.float32], declared: FloatArray, name: str) -> FloatArray:
    """Return each plot's own 1-σ of what `name` names where it states one, else the sensor's, within what can be."""
    override = given.astype(float)
    stated = np.where(np.isfinite(override) & (override > 0), override, declared)
    scale = np.pi / 180.0 if name.endswith("_deg") else 1.0
    return np.clip(stated, scale * LEAST[name], scale * MOST[name])


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _sigma(sensor: Sensor, name: str) -> float:
    declared = getattr(sensor.sigma, name)
    if declared is None or declared <= 0.0:
        return float(getattr(_ASSUMED.get(sensor.kind, Assumed()), name))
    return float(min(max(declared, LEAST[name]), MOST[name]))

"""The passive half of the lay-down: acoustic arrays, radio direction finders, and one maker's tracker.

As invented as the other half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dronewall.geodesy.wgs84 import FloatArray
from dronewall.model.sensors import Sensor, SensorKind, Sigma
from dronewall.simulation.geography import Belt
from dronewall.simulation.laydown import OWNER
from dronewall.simulation.streams import stream

SPACING_KM = 6.0
SPACING_JITTER_KM = 0.9
PICKET_KM = 75.0
EVERY_THIRD_MEASURES_ELEVATION = 3


@dataclass(frozen=True, slots=True)
class Cluster:
    """A field of arrays: so many along the belt and inland, the first one here."""

    along_km: float
    inland_km: float
    columns: int
    rows: int


CLUSTERS: tuple[Cluster, ...] = (
    Cluster(1_310.0, 26.0, 13, 7),
    Cluster(1_835.0, 8.0, 16, 7),
    Cluster(2_155.0, 8.0, 27, 6),
    Cluster(3_285.0, 8.0, 16, 7),
)
DIRECTION_FINDERS_KM = (
    1_310.0, 1_340.0, 1_370.0, 1_400.0, 1_830.0, 1_860.0, 1_890.0, 1_920.0, 2_160.0, 2_190.0,
    2_220.0, 2_250.0, 2_280.0, 2_310.0, 2_340.0, 3_280.0, 3_310.0, 3_340.0, 3_370.0, 3_400.0,
)  # fmt: skip
TRACKER_ALONG_KM, TRACKER_INLAND_KM = 2_225.0, 40.0


def acoustic_arrays(seed: int, belt: Belt) -> list[Sensor]:
    """Return some five hundred arrays: four fields on an uneven 6 km grid, and pickets along the rest of the belt."""
    rng = stream(seed, "laydown.acoustic")
    along, inland = _grid(rng)
    pickets = np.arange(30.0, belt.length_km - 60.0, PICKET_KM)
    along = np.concatenate([along, pickets + rng.uniform(-15.0, 15.0, len(pickets))])
    inland = np.concatenate([inland, rng.uniform(5.0, 20.0, len(pickets))])
    lat, lon = belt.place(along, inland)
    return [
        acoustic_array(
            f"ears-{i + 1:03d}",
            float(lat[i]),
            float(lon[i]),
            float(rng.uniform(2.0, 6.0)),
            period_s=float(rng.choice([1.0, 2.0])),
            elevation_deg=5.0 if i % EVERY_THIRD_MEASURES_ELEVATION == 0 else None,
        )
        for i in range(len(along))
    ]


def acoustic_array(
    sensor_id: str,
    lat_deg: float,
    lon_deg: float,
    hae_m: float = 4.0,
    *,
    period_s: float = 2.0,
    elevation_deg: float | None = None,
) -> Sensor:
    """Return an acoustic array of 2° in azimuth; with a sigma for elevation it measures that too."""
    return Sensor(
        sensor_id=sensor_id,
        kind=SensorKind.ACOUSTIC_ARRAY,
        lat_deg=round(lat_deg, 5),
        lon_deg=round(lon_deg, 5),
        hae_m=round(hae_m, 1),
        sigma=Sigma(azimuth_deg=2.0, elevation_deg=elevation_deg),
        period_s=period_s,
        range_max_m=10_000.0,
        height_max_m=4_000.0,
        pd=0.8,
        owner=OWNER,
        vendor=OWNER,
        model="acoustic array",
    )


def _grid(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Kilometres along and inland of all arrays of the fields; odd rows stand between the even ones."""
    along, inland = [], []
    for cluster in CLUSTERS:
        column, row = np.meshgrid(np.arange(cluster.columns), np.arange(cluster.rows))
        along.append((cluster.along_km + SPACING_KM * (column + 0.5 * (row % 2))).ravel())
        inland.append((cluster.inland_km + SPACING_KM * row).ravel())
    jitter = rng.normal(0.0, SPACING_JITTER_KM, (2, sum(len(part) for part in along)))
    return np.concatenate(along) + jitter[0], np.concatenate(inland) + jitter[1]


def direction_finders(seed: int, belt: Belt) -> list[Sensor]:
    """Return 20 radio direction finders behind the fields."""
    rng = stream(seed, "laydown.rf")
    n = len(DIRECTION_FINDERS_KM)
    lat, lon = belt.place(np.array(DIRECTION_FINDERS_KM) + rng.uniform(-8.0, 8.0, n), rng.uniform(10.0, 55.0, n))
    return [
        Sensor(
            sensor_id=f"df-{i + 1:02d}",
            kind=SensorKind.RF_DF,
            lat_deg=round(float(lat[i]), 5),
            lon_deg=round(float(lon[i]), 5),
            hae_m=round(float(rng.uniform(20.0, 50.0)), 1),
            sigma=Sigma(azimuth_deg=3.0),
            period_s=2.0,
            range_max_m=60_000.0,
            pd=0.7,
            owner=OWNER,
            vendor=OWNER,
            model="direction finder",
        )
        for i in range(n)
    ]


def vendor_tracker(belt: Belt) -> Sensor:
    """Return one maker's tracker, guarding a small area."""
    lat, lon = belt.place(TRACKER_ALONG_KM, TRACKER_INLAND_KM)
    return Sensor(
        sensor_id="tracker-kestrel",
        kind=SensorKind.VENDOR_TRACKER,
        lat_deg=round(float(lat), 5),
        lon_deg=round(float(lon), 5),
        hae_m=25.0,
        sigma=Sigma(position_m=50.0, altitude_m=80.0, velocity_mps=2.5),
        period_s=2.0,
        range_max_m=35_000.0,
        delivers_tracks=True,
        owner=OWNER,
        vendor=OWNER,
        model="closed tracker",
    )

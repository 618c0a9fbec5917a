"""The lay-down of the night: which invented sensors stand where along the real border.

Sites, owners and figures are invented. Nothing here is where a real sensor stands or says what a real one can do.
"""

from __future__ import annotations

import numpy as np

from dronewall.model.sensors import Sensor, SensorKind, Sigma
from dronewall.simulation.geography import Belt
from dronewall.simulation.radar import RadarModel
from dronewall.simulation.streams import stream

OWNER = "invented"
LONG_RANGE_KM = (60.0, 420.0, 820.0, 1_120.0, 1_420.0, 1_700.0, 1_960.0, 2_220.0, 2_480.0, 2_820.0, 3_120.0, 3_400.0)
"""Twelve air-surveillance radars, km along the belt from the Barents Sea."""
GAP_FILLER_KM = (
    930.0, 1_060.0, 1_110.0, 1_315.0, 1_370.0, 1_560.0, 1_790.0, 1_850.0, 1_910.0,
    2_140.0, 2_200.0, 2_260.0, 2_320.0, 2_400.0, 2_960.0, 3_250.0, 3_310.0, 3_370.0,
)  # fmt: skip
"""Eighteen drone radars where waves are to be expected."""
ADSB_KM = tuple(np.arange(80.0, 3_560.0, 255.0).tolist())


def radars(seed: int, belt: Belt) -> list[RadarModel]:
    """Return 30 radars: twelve that see far, eighteen that see low."""
    rng = stream(seed, "laydown.radars")
    return [
        *(_far(rng, belt, i, along) for i, along in enumerate(LONG_RANGE_KM)),
        *(_low(rng, belt, i, along) for i, along in enumerate(GAP_FILLER_KM)),
    ]


def _far(rng: np.random.Generator, belt: Belt, i: int, along_km: float) -> RadarModel:
    lat, lon = belt.place(along_km + rng.uniform(-10, 10), rng.uniform(30.0, 60.0))
    return long_range_radar(
        f"radar-long-{i + 1:02d}",
        float(lat),
        float(lon),
        float(rng.uniform(60.0, 180.0)),
        range_max_m=float(rng.choice([250_000.0, 320_000.0, 400_000.0])),
        clutter_per_scan=float(rng.integers(40, 100)),
        phase=float(rng.random()),
    )


def _low(rng: np.random.Generator, belt: Belt, i: int, along_km: float) -> RadarModel:
    lat, lon = belt.place(along_km + rng.uniform(-5, 5), rng.uniform(8.0, 25.0))
    return drone_radar(
        f"radar-gap-{i + 1:02d}",
        float(lat),
        float(lon),
        float(rng.uniform(20.0, 45.0)),
        period_s=float(rng.choice([2.0, 3.0, 4.0])),
        range_max_m=float(rng.choice([40_000.0, 50_000.0, 60_000.0])),
        clutter_per_scan=float(rng.integers(12, 30)),
        phase=float(rng.random()),
    )


def long_range_radar(
    sensor_id: str,
    lat_deg: float,
    lon_deg: float,
    hae_m: float,
    *,
    range_max_m: float = 320_000.0,
    clutter_per_scan: float = 50.0,
    phase: float = 0.0,
) -> RadarModel:
    """Return an air-surveillance radar: a turn in ten seconds, 1 m² at 200 km."""
    sensor = Sensor(
        sensor_id=sensor_id,
        kind=SensorKind.RADAR_3D,
        lat_deg=round(lat_deg, 5),
        lon_deg=round(lon_deg, 5),
        hae_m=round(hae_m, 1),
        sigma=Sigma(range_m=60.0, azimuth_deg=0.15, elevation_deg=0.25),
        period_s=10.0,
        range_min_m=2_000.0,
        range_max_m=range_max_m,
        height_max_m=30_000.0,
        pd=0.9,
        clutter_per_scan=clutter_per_scan,
        owner=OWNER,
        vendor=OWNER,
        model="long-range air surveillance",
    )
    return RadarModel(sensor, 200_000.0, float(np.radians(30.0)), phase, sectors=16)


def drone_radar(
    sensor_id: str,
    lat_deg: float,
    lon_deg: float,
    hae_m: float,
    *,
    period_s: float = 3.0,
    range_max_m: float = 50_000.0,
    clutter_per_scan: float = 20.0,
    phase: float = 0.0,
) -> RadarModel:
    """Return a drone radar on a mast: 1 m² at 70 km, with range rate."""
    sensor = Sensor(
        sensor_id=sensor_id,
        kind=SensorKind.RADAR_3D,
        lat_deg=round(lat_deg, 5),
        lon_deg=round(lon_deg, 5),
        hae_m=round(hae_m, 1),
        sigma=Sigma(range_m=20.0, azimuth_deg=0.4, elevation_deg=0.6, range_rate_mps=1.0),
        period_s=period_s,
        range_min_m=500.0,
        range_max_m=range_max_m,
        height_max_m=8_000.0,
        pd=0.9,
        clutter_per_scan=clutter_per_scan,
        owner=OWNER,
        vendor=OWNER,
        model="drone radar",
    )
    return RadarModel(sensor, 70_000.0, float(np.radians(60.0)), phase, sectors=8, doppler=True)


def adsb_receivers(seed: int, belt: Belt) -> list[Sensor]:
    """Return ADS-B receivers, some 250 km apart."""
    rng = stream(seed, "laydown.adsb")
    lat, lon = belt.place(np.array(ADSB_KM), rng.uniform(60.0, 140.0, len(ADSB_KM)))
    return [
        adsb_receiver(f"adsb-{i + 1:02d}", float(lat[i]), float(lon[i]), float(rng.uniform(15.0, 60.0)))
        for i in range(len(ADSB_KM))
    ]


def adsb_receiver(sensor_id: str, lat_deg: float, lon_deg: float, hae_m: float) -> Sensor:
    """Return an ADS-B receiver that hears as far as 380 km."""
    return Sensor(
        sensor_id=sensor_id,
        kind=SensorKind.ADSB,
        lat_deg=round(lat_deg, 5),
        lon_deg=round(lon_deg, 5),
        hae_m=round(hae_m, 1),
        sigma=Sigma(position_m=15.0, velocity_mps=0.6),
        period_s=1.0,
        range_max_m=380_000.0,
        pd=0.9,
        owner=OWNER,
        vendor=OWNER,
        model="1090 MHz receiver",
    )

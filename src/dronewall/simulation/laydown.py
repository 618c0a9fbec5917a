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
    930.0, 1_190.0, 1_250.0, 1_310.0, 1_370.0, 1_560.0, 1_790.0, 1_850.0, 1_910.0,
    2_140.0, 2_200.0, 2_260.0, 2_320.0, 2_400.0, 2_960.0, 3_250.0, 3_310.0, 3_370.0,
)  # fmt: skip
"""Eighteen drone radars where waves are to be expected."""
ADSB_KM = tuple(np.arange(80.0, 3_560.0, 255.0).tolist())


def radars(seed: int, belt: Belt) -> list[RadarModel]:
    """Return 30 radars: twelve that see far, eighteen that see low."""
    rng = stream(seed, "laydown.radars")
    return [
        *(_long_range(rng, belt, i, along) for i, along in enumerate(LONG_RANGE_KM)),
        *(_gap_filler(rng, belt, i, along) for i, along in enumerate(GAP_FILLER_KM)),
    ]


def _long_range(rng: np.random.Generator, belt: Belt, i: int, along_km: float) -> RadarModel:
    """Air surveillance on a hill: a turn in ten seconds, 250 to 400 km."""
    lat, lon = belt.place(along_km + rng.uniform(-10, 10), rng.uniform(30.0, 60.0))
    sensor = Sensor(
        sensor_id=f"radar-long-{i + 1:02d}",
        kind=SensorKind.RADAR_3D,
        lat_deg=round(float(lat), 5),
        lon_deg=round(float(lon), 5),
        hae_m=round(float(rng.uniform(60.0, 180.0)), 1),
        sigma=Sigma(range_m=60.0, azimuth_deg=0.15, elevation_deg=0.25),
        period_s=10.0,
        range_min_m=2_000.0,
        range_max_m=float(rng.choice([250_000.0, 320_000.0, 400_000.0])),
        height_max_m=30_000.0,
        pd=0.9,
        clutter_per_scan=float(rng.integers(25, 60)),
        owner=OWNER,
        vendor=OWNER,
        model="long-range air surveillance",
    )
    return RadarModel(sensor, 200_000.0, float(np.radians(30.0)), float(rng.random()), sectors=16)


def _gap_filler(rng: np.random.Generator, belt: Belt, i: int, along_km: float) -> RadarModel:
    """A drone radar on a mast: a turn in two to four seconds, 40 to 60 km, range rate."""
    lat, lon = belt.place(along_km + rng.uniform(-5, 5), rng.uniform(8.0, 25.0))
    sensor = Sensor(
        sensor_id=f"radar-gap-{i + 1:02d}",
        kind=SensorKind.RADAR_3D,
        lat_deg=round(float(lat), 5),
        lon_deg=round(float(lon), 5),
        hae_m=round(float(rng.uniform(20.0, 45.0)), 1),
        sigma=Sigma(range_m=20.0, azimuth_deg=0.4, elevation_deg=0.6, range_rate_mps=1.0),
        period_s=float(rng.choice([2.0, 3.0, 4.0])),
        range_min_m=500.0,
        range_max_m=float(rng.choice([40_000.0, 50_000.0, 60_000.0])),
        height_max_m=8_000.0,
        pd=0.9,
        clutter_per_scan=float(rng.integers(5, 15)),
        owner=OWNER,
        vendor=OWNER,
        model="drone radar",
    )
    return RadarModel(sensor, 70_000.0, float(np.radians(60.0)), float(rng.random()), sectors=8, doppler=True)


def adsb_receivers(seed: int, belt: Belt) -> list[Sensor]:
    """Return ADS-B receivers, some 250 km apart."""
    rng = stream(seed, "laydown.adsb")
    lat, lon = belt.place(np.array(ADSB_KM), rng.uniform(60.0, 140.0, len(ADSB_KM)))
    return [
        Sensor(
            sensor_id=f"adsb-{i + 1:02d}",
            kind=SensorKind.ADSB,
            lat_deg=round(float(lat[i]), 5),
            lon_deg=round(float(lon[i]), 5),
            hae_m=round(float(rng.uniform(15.0, 60.0)), 1),
            sigma=Sigma(position_m=15.0, velocity_mps=0.6),
            period_s=1.0,
            range_max_m=380_000.0,
            pd=0.9,
            owner=OWNER,
            vendor=OWNER,
            model="1090 MHz receiver",
        )
        for i in range(len(ADSB_KM))
    ]

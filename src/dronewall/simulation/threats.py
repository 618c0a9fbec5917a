"""What the wall is there to see: one-way drones in waves, decoys, cruise missiles, balloons.

Each crosses the belt somewhere and goes on to an invented asset. Places, times and heights are drawn at random within
a wave: nothing here is chosen to evade anything, and nothing may ever be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dronewall.geodesy.wgs84 import FloatArray
from dronewall.model.identity import Affiliation
from dronewall.model.plots import ObjectClass
from dronewall.simulation.flight import FlightPlans, drift
from dronewall.simulation.geography import Belt
from dronewall.simulation.sky import Flights, Signatures, Sky, numbered
from dronewall.simulation.streams import stream

DRONES, DECOYS, MISSILES, BALLOONS = 150, 40, 8, 20
BALLOONS_LAST_S = 10_800.0


@dataclass(frozen=True, slots=True)
class Asset:
    """A place that matters; every one is invented, name, place and all."""

    name: str
    along_km: float
    inland_km: float


ASSETS: tuple[Asset, ...] = (
    Asset("Alder power station", 940.0, 130.0),
    Asset("Birch depot", 1_180.0, 110.0),
    Asset("Cedar substation", 1_330.0, 150.0),
    Asset("Dogwood harbour", 1_560.0, 190.0),
    Asset("Elm works", 1_770.0, 140.0),
    Asset("Fir waterworks", 1_960.0, 120.0),
    Asset("Hazel rail yard", 2_120.0, 170.0),
    Asset("Juniper refinery", 2_290.0, 150.0),
    Asset("Larch airfield", 2_460.0, 160.0),
    Asset("Maple bridge", 2_990.0, 120.0),
    Asset("Oak terminal", 3_260.0, 110.0),
    Asset("Pine silo", 3_420.0, 90.0),
)


@dataclass(frozen=True, slots=True)
class Wave:
    """Drones and decoys that come together: where their middle crosses the belt, and when the first sets out."""

    along_km: float
    width_km: float
    start_s: float
    drones: int
    decoys: int


WAVES: tuple[Wave, ...] = (
    Wave(1_350.0, 80.0, -1_200.0, 18, 4),
    Wave(2_260.0, 90.0, -600.0, 22, 6),
    Wave(3_330.0, 60.0, 200.0, 18, 4),
    Wave(1_880.0, 80.0, 900.0, 20, 6),
    Wave(2_180.0, 70.0, 2_450.0, 20, 5),
    Wave(1_340.0, 70.0, 3_300.0, 16, 5),
    Wave(3_300.0, 70.0, 4_500.0, 18, 5),
    Wave(2_340.0, 80.0, 5_700.0, 18, 5),
)
MISSILE_STARTS_S = (1_500.0, 1_560.0, 2_220.0, 2_340.0, 2_520.0, 4_800.0, 4_830.0, 6_600.0)
MISSILE_ALONG_KM = (2_230.0, 2_250.0, 1_860.0, 1_330.0, 2_280.0, 3_320.0, 3_340.0, 1_900.0)


def threats(seed: int, belt: Belt) -> list[Flights]:
    """Return 150 one-way drones, 40 decoys and 8 cruise missiles."""
    return [_drones(seed, belt), _decoys(seed, belt), _missiles(seed, belt)]


def _drones(seed: int, belt: Belt) -> Flights:
    rng = stream(seed, "threats.drones")
    plans = _wave_plans(rng, belt, [w.drones for w in WAVES], (46.0, 58.0))
    signatures = Signatures.of(
        DRONES,
        object_id=numbered("drone", DRONES),
        object_class=ObjectClass.LOITERING,
        affiliation=Affiliation.HOSTILE,
        rcs_m2=0.05 * rng.lognormal(0.0, 0.4, DRONES),
        hearing_m=rng.uniform(8_000.0, 10_000.0, DRONES),
        emits=rng.random(DRONES) < 0.3,
    )
    return Flights(signatures, plans)


def _decoys(seed: int, belt: Belt) -> Flights:
    """Decoys are cheaper and quieter; two in five carry a lens that makes a radar see something larger."""
    rng = stream(seed, "threats.decoys")
    plans = _wave_plans(rng, belt, [w.decoys for w in WAVES], (42.0, 52.0))
    lens = rng.random(DECOYS) < 0.4
    signatures = Signatures.of(
        DECOYS,
        object_id=numbered("decoy", DECOYS),
        object_class=ObjectClass.DECOY,
        affiliation=Affiliation.HOSTILE,
        rcs_m2=np.where(lens, 2.0, 0.03) * rng.lognormal(0.0, 0.4, DECOYS),
        hearing_m=rng.uniform(6_000.0, 8_000.0, DECOYS),
        emits=rng.random(DECOYS) < 0.15,
    )
    return Flights(signatures, plans)


def _wave_plans(rng: np.random.Generator, belt: Belt, sizes: list[int], speed_mps: tuple[float, float]) -> FlightPlans:
    n = sum(sizes)
    wave = np.repeat(np.arange(len(WAVES)), sizes)
    middle = np.array([w.along_km for w in WAVES])[wave]
    width = np.array([w.width_km for w in WAVES])[wave]
    along = middle + rng.uniform(-0.5, 0.5, n) * width
    lat, lon = _crossing(rng, belt, along, beyond_km=rng.uniform(60.0, 130.0, n), sway_km=12.0)
    speed = rng.uniform(*speed_mps, n)
    return FlightPlans(
        start_s=np.array([w.start_s for w in WAVES])[wave] + rng.uniform(0.0, 900.0, n),
        lat_deg=lat,
        lon_deg=lon,
        hae_m=rng.uniform(80.0, 1_500.0, lat.shape),
        speed_mps=speed,
        speed_low_mps=speed,
        climb_mps=np.full(n, 2.5),
        turn_radps=np.full(n, np.radians(3.0)),
    )


def _crossing(
    rng: np.random.Generator, belt: Belt, along_km: FloatArray, *, beyond_km: FloatArray, sway_km: float
) -> tuple[FloatArray, FloatArray]:
    """Return waypoints (n, 6) from beyond the belt, swaying across it, to the asset nearest along the belt."""
    n = len(along_km)
    asset_along = np.array([a.along_km for a in ASSETS])
    asset_inland = np.array([a.inland_km for a in ASSETS])
    asset = np.argmin(np.abs(along_km[:, None] + rng.normal(0.0, 60.0, (n, 1)) - asset_along), axis=1)
    share = np.array([0.0, 0.25, 0.5, 0.7, 0.88, 1.0])
    inland = -beyond_km[:, None] + share * (asset_inland[asset] + beyond_km)[:, None]
    along = along_km[:, None] + np.clip(share - 0.4, 0.0, None) / 0.6 * (asset_along[asset] - along_km)[:, None]
    sway = rng.normal(0.0, sway_km, along.shape)
    sway[:, -1] = 0.0
    return belt.place(along + sway, inland)


def _missiles(seed: int, belt: Belt) -> Flights:
    """Cruise missiles: fast and low. They hold a height over the ellipsoid; there is no relief to follow."""
    rng = stream(seed, "threats.missiles")
    lat, lon = _crossing(
        rng, belt, np.array(MISSILE_ALONG_KM), beyond_km=rng.uniform(120.0, 160.0, MISSILES), sway_km=6.0
    )
    speed = rng.uniform(200.0, 240.0, MISSILES)
    plans = FlightPlans(
        start_s=np.array(MISSILE_STARTS_S),
        lat_deg=lat,
        lon_deg=lon,
        hae_m=rng.uniform(50.0, 100.0, lat.shape),
        speed_mps=speed,
        speed_low_mps=speed,
        climb_mps=np.full(MISSILES, 4.0),
        turn_radps=np.full(MISSILES, np.radians(2.5)),
    )
    signatures = Signatures.of(
        MISSILES,
        object_id=numbered("missile", MISSILES),
        object_class=ObjectClass.CRUISE_MISSILE,
        affiliation=Affiliation.HOSTILE,
        rcs_m2=0.1 * rng.lognormal(0.0, 0.4, MISSILES),
        hearing_m=rng.uniform(8_000.0, 10_000.0, MISSILES),
    )
    return Flights(signatures, plans)


def balloons(seed: int, belt: Belt) -> Sky:
    """Return 20 balloons: they drift at 3 to 10 km; nobody has said whose they are, so truth calls them unknown."""
    rng = stream(seed, "threats.balloons")
    lat, lon = belt.place(rng.uniform(800.0, 3_400.0, BALLOONS), rng.uniform(20.0, 220.0, BALLOONS))
    movers = drift(
        rng.uniform(-1_800.0, 5_400.0, BALLOONS),
        lat,
        lon,
        rng.uniform(3_000.0, 9_500.0, BALLOONS),
        rng.uniform(0.0, 0.3, BALLOONS),
        lasts_s=BALLOONS_LAST_S,
    )
    signatures = Signatures.of(
        BALLOONS,
        object_id=numbered("balloon", BALLOONS),
        object_class=ObjectClass.BALLOON,
        affiliation=Affiliation.UNKNOWN,
        rcs_m2=0.2 * rng.lognormal(0.0, 0.4, BALLOONS),
    )
    return Sky(signatures, movers)

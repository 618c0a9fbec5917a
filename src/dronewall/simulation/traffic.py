"""What is always there: airliners, light aircraft, helicopters, flocks of birds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray
from dronewall.model.identity import Affiliation
from dronewall.model.plots import ObjectClass
from dronewall.simulation.flight import FlightPlans
from dronewall.simulation.geography import AIRPORTS, Belt, course_and_distance, destination
from dronewall.simulation.sky import Flights, Signatures, numbered
from dronewall.simulation.streams import stream

CIVIL_FLIGHTS, LIGHT_AIRCRAFT, HELICOPTERS, FLOCKS = 300, 24, 8, 30
FLIGHT_LEVEL_M = 30.48
DESCENT_KM_PER_KM = 20.0
"""Some three degrees."""
CARRIERS = ("QXA", "QXB", "QXC", "QXD", "QXE", "QXF", "QXG", "QXH")
"""Invented airline designators."""
NACP_OF_SIGMA: tuple[tuple[float, int], ...] = ((4.0, 10), (12.2, 9), (37.8, 8))
"""A transponder's accuracy category bounds its 95 % error: 10 m, 30 m, 92.6 m; here per-axis sigmas."""


def traffic(seed: int, belt: Belt) -> list[Flights]:
    """Return 300 civil flights, light aircraft, helicopters and flocks."""
    return [_airliners(seed), _light_aircraft(seed, belt), _helicopters(seed, belt), _birds(seed, belt)]


def transponders(
    rng: np.random.Generator, callsigns: list[bytes], *, first_icao24: int
) -> dict[str, NDArray[np.generic]]:
    """Return the claims of n aircraft, unique addresses from `first_icao24` on, as columns of `Signatures`."""
    n = len(callsigns)
    sigma = rng.uniform(5.0, 20.0, n)
    limits = np.array([limit for limit, _ in NACP_OF_SIGMA])
    nacp = np.array([category for _, category in NACP_OF_SIGMA])[np.searchsorted(limits, sigma)]
    digits = rng.integers(0, 8, (n, 4))
    digits[:, 0] = rng.integers(1, 7, n)  # 7xxx holds the emergency codes
    return {
        "icao24": (first_icao24 + np.cumsum(rng.integers(1, 200, n))).astype(np.uint32),
        "callsign": np.array(callsigns, "S8"),
        "squawk": (digits @ np.array([1000, 100, 10, 1])).astype(np.int16),
        "nic": np.full(n, 8, np.int8),
        "nacp": nacp.astype(np.int8),
        "adsb_period_s": rng.choice([1.0, 1.0, 2.0], n),
        "adsb_sigma_m": sigma,
        "pressure_error_m": rng.normal(0.0, 15.0, n),
    }


def _airliners(seed: int) -> Flights:
    """Flights between real airports by way of one bent leg, at flight levels 200 to 400."""
    rng = stream(seed, "traffic.airliners")
    n = CIVIL_FLIGHTS
    lat, lon, km = _routes(rng, n)
    top_m = FLIGHT_LEVEL_M * 10 * np.round(np.clip(km / 2.5 + rng.normal(60.0, 40.0, n), 200.0, 400.0) / 10)
    height = np.stack([np.full(n, 300.0), top_m, top_m, np.full(n, 300.0)], axis=1)
    cruise = rng.uniform(205.0, 245.0, n)
    plans = FlightPlans(
        start_s=rng.uniform(-3_600.0, 7_200.0, n),
        lat_deg=lat,
        lon_deg=lon,
        hae_m=height,
        speed_mps=cruise,
        speed_low_mps=rng.uniform(85.0, 105.0, n),
        climb_mps=rng.uniform(8.0, 12.0, n),
        turn_radps=np.full(n, np.radians(1.2)),
    )
    callsigns = [f"{CARRIERS[i % len(CARRIERS)]}{100 + i}".encode() for i in range(n)]
    signatures = Signatures.of(
        n,
        object_id=numbered("airliner", n),
        object_class=ObjectClass.AEROPLANE,
        affiliation=Affiliation.NEUTRAL,
        rcs_m2=40.0 * rng.lognormal(0.0, 0.4, n),
        hearing_m=3_000.0,
        **transponders(rng, callsigns, first_icao24=0x460000),
    )
    return Flights(signatures, plans)


def _routes(rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return waypoints (n, 4): departure, a bend, top of descent, arrival; and the direct distance in km."""
    places = np.array([(a.lat_deg, a.lon_deg) for a in AIRPORTS])
    there = places[:, None, :].repeat(len(places), 1).reshape(-1, 2)
    back = places[None, :, :].repeat(len(places), 0).reshape(-1, 2)
    _, km = course_and_distance(there[:, 0], there[:, 1], back[:, 0], back[:, 1])
    pairs = np.flatnonzero((km > 500.0) & (km < 1_800.0))
    pair = pairs[rng.integers(0, len(pairs), n)]
    a, b, km = there[pair], back[pair], km[pair]
    course, _ = course_and_distance(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
    bend = destination(*destination(a[:, 0], a[:, 1], course, 0.4 * km), course + np.pi / 2, rng.normal(0.0, 25.0, n))
    home, _ = course_and_distance(b[:, 0], b[:, 1], *bend)
    descent = destination(b[:, 0], b[:, 1], home, np.minimum(0.45 * km, 190.0))
    lat = np.stack([a[:, 0], bend[0], descent[0], b[:, 0]], axis=1)
    lon = np.stack([a[:, 1], bend[1], descent[1], b[:, 1]], axis=1)
    return lat, lon, km


def _wander(
    rng: np.random.Generator,
    belt: Belt,
    n: int,
    *,
    reach_km: float,
    height_m: tuple[float, float],
    speed_mps: tuple[float, float],
) -> FlightPlans:
    """Return plans that go from place to place at random behind the belt."""
    along = rng.uniform(900.0, 3_450.0, (n, 1)) + rng.normal(0.0, reach_km, (n, 6))
    inland = np.clip(rng.uniform(15.0, 180.0, (n, 1)) + rng.normal(0.0, reach_km / 2, (n, 6)), 5.0, None)
    lat, lon = belt.place(along, inland)
    speed = rng.uniform(*speed_mps, n)
    return FlightPlans(
        start_s=rng.uniform(-1_200.0, 5_400.0, n),
        lat_deg=lat,
        lon_deg=lon,
        hae_m=rng.uniform(*height_m, (n, 6)),
        speed_mps=speed,
        speed_low_mps=speed,
        climb_mps=np.full(n, 2.5),
        turn_radps=np.full(n, np.radians(3.0)),
    )


def _light_aircraft(seed: int, belt: Belt) -> Flights:
    """Low and slow; every fourth has no transponder."""
    rng = stream(seed, "traffic.light")
    n = LIGHT_AIRCRAFT
    plans = _wander(rng, belt, n, reach_km=60.0, height_m=(300.0, 1_800.0), speed_mps=(48.0, 70.0))
    claims = transponders(rng, [f"QL{chr(65 + i)}{i:02d}".encode() for i in range(n)], first_icao24=0x4B0000)
    silent = np.arange(n) % 4 == 3
    claims["icao24"] = np.where(silent, np.uint32(0), claims["icao24"])
    signatures = Signatures.of(
        n,
        object_id=numbered("light", n),
        object_class=ObjectClass.LIGHT_AIRCRAFT,
        affiliation=Affiliation.NEUTRAL,
        rcs_m2=2.0 * rng.lognormal(0.0, 0.4, n),
        hearing_m=rng.uniform(4_000.0, 6_000.0, n),
        **claims,
    )
    return Flights(signatures, plans)


def _helicopters(seed: int, belt: Belt) -> Flights:
    rng = stream(seed, "traffic.helicopters")
    n = HELICOPTERS
    plans = _wander(rng, belt, n, reach_km=25.0, height_m=(120.0, 500.0), speed_mps=(55.0, 70.0))
    claims = transponders(rng, [f"QRESC{i + 1}".encode() for i in range(n)], first_icao24=0x4C0000)
    signatures = Signatures.of(
        n,
        object_id=numbered("heli", n),
        object_class=ObjectClass.HELICOPTER,
        affiliation=Affiliation.NEUTRAL,
        rcs_m2=4.0 * rng.lognormal(0.0, 0.4, n),
        hearing_m=rng.uniform(8_000.0, 10_000.0, n),
        **claims,
    )
    return Flights(signatures, plans)


def _birds(seed: int, belt: Belt) -> Flights:
    """Flocks on autumn passage, each seen as one slow thing."""
    rng = stream(seed, "traffic.birds")
    plans = _wander(rng, belt, FLOCKS, reach_km=15.0, height_m=(150.0, 900.0), speed_mps=(11.0, 18.0))
    signatures = Signatures.of(
        FLOCKS,
        object_id=numbered("flock", FLOCKS),
        object_class=ObjectClass.BIRD,
        affiliation=Affiliation.UNKNOWN,
        rcs_m2=0.05 * rng.lognormal(0.0, 0.6, FLOCKS),
    )
    return Flights(signatures, plans)

"""Small scenes for looking at one thing at a time: a drone past three radars, two that cross, an airliner.

Each scene is a sky over sensors; `play` turns it into what a tracker's test wants. All begin at `EPOCH_NS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dronewall.model.identity import Affiliation
from dronewall.model.plots import ObjectClass, Plots
from dronewall.model.sensors import Sensors
from dronewall.simulation.acoustic import AcousticArrays
from dronewall.simulation.adsb import AdsbReceivers
from dronewall.simulation.flight import FlightPlans, fly
from dronewall.simulation.geography import destination
from dronewall.simulation.laydown import adsb_receiver, drone_radar, long_range_radar
from dronewall.simulation.laydown_passive import acoustic_array
from dronewall.simulation.night import Scene
from dronewall.simulation.radar import Radar
from dronewall.simulation.recording import truths
from dronewall.simulation.sky import Signatures, Sky
from dronewall.simulation.source import NS, Source
from dronewall.simulation.truth import Truth

LAT, LON = 52.0, 22.0
"""The middle of every small scene."""
DRONE: dict[str, Any] = {
    "object_class": ObjectClass.LOITERING,
    "affiliation": Affiliation.HOSTILE,
    "rcs_m2": 0.05,
    "hearing_m": 9_000.0,
}
AIRLINER: dict[str, Any] = {
    "object_class": ObjectClass.AEROPLANE,
    "affiliation": Affiliation.NEUTRAL,
    "rcs_m2": 40.0,
    "icao24": 0x4841A2,
    "callsign": b"QXA123",
    "squawk": 1234,
    "nic": 8,
    "nacp": 9,
    "adsb_sigma_m": 10.0,
}


class Played(NamedTuple):
    """What a scene gave: who reported, what, and what was so."""

    sensors: Sensors
    plots: Plots
    truth: Truth


def at(east_km: float, north_km: float) -> tuple[float, float]:
    """Return latitude and longitude of a place so far from the middle."""
    lat, lon = destination(LAT, LON, np.arctan2(east_km, north_km), np.hypot(east_km, north_km))
    return float(lat), float(lon)


def flying(
    object_id: str,
    waypoints_km: Sequence[tuple[float, float]],
    *,
    hae_m: float,
    speed_mps: float,
    start_s: float = 0.0,
    turn_degps: float = 3.0,
    **signature: Any,
) -> Sky:
    """Return one object that flies level from place to place (east, north in km of the middle).

    `signature` are columns of `Signatures`.
    """
    places = np.array([at(*waypoint) for waypoint in waypoints_km])
    plans = FlightPlans(
        start_s=np.array([start_s]),
        lat_deg=places[None, :, 0],
        lon_deg=places[None, :, 1],
        hae_m=np.full((1, len(places)), hae_m),
        speed_mps=np.array([speed_mps]),
        speed_low_mps=np.array([speed_mps]),
        climb_mps=np.array([3.0]),
        turn_radps=np.radians(np.array([turn_degps])),
    )
    return Sky(Signatures.of(1, object_id=[object_id.encode()], **signature), fly(plans, longest_s=7_200.0))


def play(scene: Scene, seconds: float, *, sample_s: int = 5) -> Played:
    """Return a scene's first `seconds`: everything received in them, and truth every `sample_s`."""
    to_ns = scene.epoch_ns + round(seconds * NS)
    truth = Truth.concat(list(truths(scene, scene.epoch_ns, to_ns, sample_s=sample_s)))
    return Played(scene.sensors, scene.plots_between(scene.epoch_ns, to_ns), truth)


def _three_radars(sky: Sky, seed: int, *, clutter_per_scan: float) -> list[Radar]:
    places = {"radar-a": at(-8.0, -6.0), "radar-b": at(9.0, -3.0), "radar-c": at(0.0, 11.0)}
    return [
        Radar(drone_radar(name, *place, 30.0, clutter_per_scan=clutter_per_scan, phase=0.3 * i), sky, seed=seed)
        for i, (name, place) in enumerate(places.items())
    ]


def lone_drone(seed: int, *, seconds: float = 300.0, clutter_per_scan: float = 5.0) -> Played:
    """One drone, straight past three drone radars at 400 m and 50 m/s."""
    sky = flying("drone-001", [(-9.0, 1.0), (40.0, 3.0)], hae_m=400.0, speed_mps=50.0, **DRONE)
    return play(Scene(sky, _three_radars(sky, seed, clutter_per_scan=clutter_per_scan)), seconds)


def crossing(seed: int, *, seconds: float = 300.0, clutter_per_scan: float = 5.0) -> Played:
    """Two drones whose paths cross at 20° and the same height after two and a half minutes, 150 m apart."""
    sky = Sky.concat(
        [
            flying("drone-001", [(-7.5, -1.3), (7.5, 1.3), (22.5, 3.9)], hae_m=400.0, speed_mps=50.0, **DRONE),
            flying("drone-002", [(-7.35, 1.3), (7.65, -1.3), (22.65, -3.9)], hae_m=400.0, speed_mps=50.0, **DRONE),
        ]
    )
    return play(Scene(sky, _three_radars(sky, seed, clutter_per_scan=clutter_per_scan)), seconds)


def turning(seed: int, *, seconds: float = 420.0, clutter_per_scan: float = 5.0) -> Played:
    """One drone that turns by a right angle four times at 3 degrees a second."""
    corners = [(-6.0, -4.0), (4.0, -4.0), (4.0, 3.0), (-4.0, 3.0), (-4.0, -8.0)]
    sky = flying("drone-001", corners, hae_m=600.0, speed_mps=50.0, **DRONE)
    return play(Scene(sky, _three_radars(sky, seed, clutter_per_scan=clutter_per_scan)), seconds)


def airliner(seed: int, *, seconds: float = 300.0) -> Played:
    """One airliner at flight level 350, heard by two ADS-B receivers and seen by a long-range radar."""
    sky = flying(
        "airliner-001", [(-60.0, -20.0), (120.0, 30.0)], hae_m=10_668.0, speed_mps=230.0, turn_degps=1.2, **AIRLINER
    )
    receivers = [adsb_receiver("adsb-a", *at(-30.0, 20.0), 30.0), adsb_receiver("adsb-b", *at(60.0, -40.0), 30.0)]
    radar = long_range_radar("radar-far", *at(0.0, -70.0), 120.0)
    return play(Scene(sky, [Radar(radar, sky, seed=seed), AdsbReceivers(receivers, sky, seed=seed)]), seconds)


def traffic_over_radars(seed: int, *, aircraft: int = 12, drones: int = 6, seconds: float = 720.0) -> Played:
    """Aircraft on varied headings that report themselves, and a few drones, under two far radars and a near one."""
    rng = np.random.default_rng(seed)
    sky = Sky.concat([*(_passing(rng, i) for i in range(aircraft)), *(_loitering(rng, i) for i in range(drones))])
    radars = [
        long_range_radar("far-a", *at(0.0, -70.0), 120.0, phase=0.1),
        long_range_radar("far-b", *at(50.0, 40.0), 120.0, phase=0.6),
        drone_radar("near-c", *at(-10.0, 0.0), 40.0, phase=0.3),
    ]
    receivers = [adsb_receiver("adsb-a", *at(-30.0, 20.0), 30.0), adsb_receiver("adsb-b", *at(60.0, -40.0), 30.0)]
    sources: list[Source] = [*(Radar(model, sky, seed=seed) for model in radars)]
    sources.append(AdsbReceivers(receivers, sky, seed=seed))
    return play(Scene(sky, sources), seconds)


def drones_over_radars(seed: int, *, drones: int = 16, seconds: float = 900.0) -> Played:
    """Drones that say nothing of themselves, there and back between five far radars that all see them."""
    rng = np.random.default_rng(seed)
    sky = Sky.concat([_there_and_back(rng, i, seconds) for i in range(drones)])
    places = {"far-a": (0.0, -70.0), "far-b": (55.0, 30.0), "far-c": (-60.0, 20.0), "far-d": (10.0, 65.0)}
    places["far-e"] = (-40.0, -55.0)
    radars = [
        long_range_radar(name, *at(*place), 120.0, phase=0.17 * i) for i, (name, place) in enumerate(places.items())
    ]
    return play(Scene(sky, [Radar(model, sky, seed=seed) for model in radars]), seconds)


def _there_and_back(rng: np.random.Generator, number: int, seconds: float) -> Sky:
    (east, north), out, speed_mps = rng.uniform(-50.0, 50.0, 2), rng.uniform(0.0, 2 * np.pi), rng.uniform(40.0, 70.0)
    there_km = 0.55 * speed_mps * seconds / 1_000.0
    return flying(
        f"drone-{number + 1:03d}",
        [(east, north), (east + there_km * np.sin(out), north + there_km * np.cos(out)), (east, north)],
        hae_m=rng.uniform(800.0, 4_000.0),
        speed_mps=speed_mps,
        **{**DRONE, "rcs_m2": 2.0},
    )


def _passing(rng: np.random.Generator, number: int) -> Sky:
    """Return an airliner from somewhere in reach to somewhere beyond, with a transponder of its own."""
    around, course = rng.uniform(0.0, 2 * np.pi), rng.uniform(-1.0, 1.0)
    away_km, out = rng.uniform(36.0, 108.0), around + np.pi + course
    start = away_km * np.sin(around), away_km * np.cos(around)
    end = start[0] + 400.0 * np.sin(out), start[1] + 400.0 * np.cos(out)
    claims = {
        "icao24": 0x480001 + 17 * number,
        "callsign": f"QXA{number}".encode(),
        "adsb_sigma_m": rng.uniform(5.0, 20.0),
        "pressure_error_m": rng.normal(0.0, 15.0),
    }
    return flying(
        f"airliner-{number + 1:03d}",
        [start, end],
        hae_m=rng.uniform(5_000.0, 11_500.0),
        speed_mps=rng.uniform(180.0, 250.0),
        turn_degps=1.2,
        **{**AIRLINER, **claims},
    )


def _loitering(rng: np.random.Generator, number: int) -> Sky:
    east, north = rng.uniform(-40.0, 40.0, 2)
    out = rng.uniform(0.0, 2 * np.pi)
    return flying(
        f"drone-{number + 1:03d}",
        [(east, north), (east + 60.0 * np.sin(out), north + 60.0 * np.cos(out))],
        hae_m=rng.uniform(600.0, 2_500.0),
        speed_mps=rng.uniform(40.0, 60.0),
        **{**DRONE, "rcs_m2": 1.0},
    )


def drone_wall(
    seed: int, *, drones: int = 6, seconds: float = 600.0, wind_mps: tuple[float, float] = (0.0, 0.0)
) -> Played:
    """Drones from the east over a field of 60 acoustic arrays, 6 km apart.

    Two drone radars at its eastern edge see 18 km: they begin the tracks, and west of them there is only sound.
    """
    sky = Sky.concat(
        [
            flying(
                f"drone-{i + 1:03d}",
                [(24.0 + 1.7 * i, 16.0 - 6.0 * i), (0.0, 14.0 - 5.5 * i), (-45.0, 13.0 - 5.0 * i)],
                hae_m=250.0 + 60.0 * i,
                speed_mps=47.0 + 1.5 * i,
                **DRONE,
            )
            for i in range(drones)
        ]
    )
    field = [(6.0 * (c - 4.5), 6.0 * (r - 2.5)) for r in range(6) for c in range(10)]
    arrays = [acoustic_array(f"ears-{i + 1:03d}", *at(*place)) for i, place in enumerate(field)]
    ends = [
        drone_radar("radar-n", *at(30.0, 9.0), 30.0, range_max_m=18_000.0, clutter_per_scan=5.0),
        drone_radar("radar-s", *at(30.0, -9.0), 30.0, range_max_m=18_000.0, clutter_per_scan=5.0, phase=0.5),
    ]
    sources: list[Source] = [
        *(Radar(model, sky, seed=seed) for model in ends),
        AcousticArrays(arrays, sky, seed=seed, wind_mps=wind_mps),
    ]
    return play(Scene(sky, sources), seconds)

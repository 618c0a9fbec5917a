"""Scenes of many kinds of sensor: the mixed wall, biased radars under known traffic, and makers' trackers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dronewall.bench.tracking_scenes.radars import COARSE
from dronewall.bench.tracking_scenes.sound import grid
from dronewall.bench.tracking_scenes.staging import Flown, Staged, drones, radar_sensor, seeded, sky_of, spots
from dronewall.model.identity import Affiliation
from dronewall.model.plots import ObjectClass
from dronewall.model.sensors import Sensor, SensorKind, Sigma
from dronewall.simulation.adsb import AdsbReceivers
from dronewall.simulation.direction_finders import DirectionFinders
from dronewall.simulation.faults import Bias, Biased
from dronewall.simulation.flight import drift
from dronewall.simulation.hearing import AcousticWall
from dronewall.simulation.laydown import adsb_receiver
from dronewall.simulation.movers import Movers
from dronewall.simulation.night import Scene
from dronewall.simulation.partial import Cameras, Microphones, PassiveRadars
from dronewall.simulation.plain_radar import Habits, PlainRadar, Platform
from dronewall.simulation.sky import Signatures, Sky
from dronewall.simulation.source import Source
from dronewall.simulation.tracking_radar import OwnRadar, TrackingRadar
from dronewall.simulation.wandering import Wanderers, wander

RADAR_PLACES_M = ((-18e3, -9e3), (20e3, -10e3), (2e3, 22e3))


def mixed_scene(name: str, seed: int, *, seconds: float = 600.0) -> Staged:
    """Return everything at once: every kind of sensor over drones, aircraft, birds and balloons."""
    rng = seeded(seed, "mixed")
    sky = Sky.concat([_drones(rng, 24, seconds), aircraft(rng, 8, seconds), _birds(rng, 12, seconds), _balloons(rng)])
    lat, lon = spots(*np.array([(0.0, -30e3), (-35e3, 12e3), (34e3, 15e3)]).T)
    trackers = [
        _tracker("tracker-honest", float(lat[1]), float(lon[1])),
        _tracker("tracker-mute", float(lat[2]), float(lon[2])),
    ]
    sources: list[Source] = [
        *_radars(seed, sky),
        AcousticWall(grid(rng, 9, 8), sky, seed=seed),
        DirectionFinders(_finders(), sky, seed=seed),
        AdsbReceivers([adsb_receiver("adsb-1", 52.0, 22.0, 30.0)], sky, seed=seed),
        _airborne(seed, rng, sky, seconds),
        TrackingRadar(trackers[0], sky, seed=seed, seconds=seconds),
        TrackingRadar(replace(trackers[1], sigma=Sigma()), sky, seed=seed + 1, seconds=seconds, with_covariance=False),
        PassiveRadars(_passive(), [(52.25, 21.6, 250.0), (51.75, 22.5, 200.0)], sky, seed=seed),
        Microphones(_microphones(rng), sky, seed=seed),
        Cameras(_cameras(), sky, seed=seed),
    ]
    return Staged(name, seed, Scene(sky, sources), seconds)


def _drones(rng: np.random.Generator, n: int, seconds: float) -> Sky:
    turner = rng.random(n) < 0.2
    turn_from = rng.uniform(60.0, seconds - 60.0, n)
    inside = np.arange(n) < n // 3
    flown = Flown(
        east_m=np.where(inside, rng.uniform(-20e3, 25e3, n), 38e3),
        north_m=rng.uniform(-18e3, 18e3, n),
        hae_m=rng.uniform(100.0, 1_200.0, n),
        speed_mps=rng.uniform(42.0, 60.0, n),
        course_rad=np.radians(rng.normal(270.0, 15.0, n)),
        start_s=np.where(inside, 0.0, rng.uniform(0.0, seconds / 2, n)),
        end_s=np.full(n, seconds + 1.0),
        turn_from_s=turn_from,
        turn_until_s=turn_from + 30.0,
        turn_radps=np.where(turner, rng.choice([-1.0, 1.0], n) * np.radians(rng.uniform(1.0, 3.0, n)), 0.0),
    )
    looks = drones(n, hearing_m=rng.uniform(8e3, 10e3, n), emits=rng.random(n) < 0.4)
    return sky_of(flown, looks, rng)


def aircraft(rng: np.random.Generator, n: int, seconds: float, *, within_m: float = 60e3) -> Sky:
    """Return airliners with transponders, on courses all round, some of them turning."""
    course = np.arange(n) / n * 2 * np.pi + rng.normal(0.0, 0.2, n)
    speed = rng.uniform(90.0, 200.0, n)
    back = speed * seconds * rng.uniform(0.3, 0.6, n)
    aside = rng.uniform(-0.4, 0.4, n) * within_m
    turner = rng.random(n) < 0.4
    turn_from = rng.uniform(60.0, seconds * 0.7, n)
    flown = Flown(
        east_m=-back * np.sin(course) + aside * np.cos(course),
        north_m=-back * np.cos(course) - aside * np.sin(course),
        hae_m=rng.uniform(1_500.0, 8_000.0, n),
        speed_mps=speed,
        course_rad=course,
        start_s=np.zeros(n),
        end_s=np.full(n, seconds + 1.0),
        turn_from_s=turn_from,
        turn_until_s=turn_from + 40.0,
        turn_radps=np.where(turner, rng.choice([-1.0, 1.0], n) * np.radians(1.5), 0.0),
    )
    looks = Signatures.of(
        n,
        object_id=[f"aircraft-{row + 1:02d}".encode() for row in range(n)],
        object_class=ObjectClass.AEROPLANE,
        affiliation=Affiliation.NEUTRAL,
        rcs_m2=30.0,
        icao24=0x484000 + np.arange(n),
        callsign=[f"QX{row + 100}".encode() for row in range(n)],
        squawk=2_000 + np.arange(n) % 777,
        nic=8,
        nacp=9,
        adsb_sigma_m=10.0,
        pressure_error_m=rng.normal(0.0, 20.0, n),
    )
    return sky_of(flown, looks, rng, q_level=0.02, q_upright=0.002)


def _birds(rng: np.random.Generator, n: int, seconds: float) -> Sky:
    """Birds: slow, low, never straight for long."""
    flown = Flown.straight(
        rng.uniform(-20e3, 20e3, n),
        rng.uniform(-20e3, 20e3, n),
        rng.uniform(60.0, 400.0, n),
        rng.uniform(8.0, 18.0, n),
        rng.uniform(0.0, 2 * np.pi, n),
        seconds + 1.0,
    )
    looks = Signatures.of(
        n,
        object_id=[f"bird-{row + 1:03d}".encode() for row in range(n)],
        object_class=ObjectClass.BIRD,
        affiliation=Affiliation.NEUTRAL,
        rcs_m2=0.01,
    )
    return sky_of(flown, looks, rng, q_level=0.6, q_upright=0.02)


def _balloons(rng: np.random.Generator, n: int = 3) -> Sky:
    lat, lon = spots(rng.uniform(0.0, 25e3, n), rng.uniform(-15e3, 15e3, n))
    looks = Signatures.of(
        n,
        object_id=[f"balloon-{row + 1:02d}".encode() for row in range(n)],
        object_class=ObjectClass.BALLOON,
        affiliation=Affiliation.UNKNOWN,
        rcs_m2=0.5,
    )
    return Sky(looks, drift(np.zeros(n), lat, lon, rng.uniform(500.0, 3e3, n), np.full(n, 2.0), lasts_s=7_200.0))


def _radars(seed: int, sky: Sky) -> list[Source]:
    """A 3D radar with Doppler, one without, and one that measures no height."""
    lat, lon = spots(*np.array(RADAR_PLACES_M).T)
    kinds = (SensorKind.RADAR_3D, SensorKind.RADAR_3D, SensorKind.RADAR_2D)
    return [
        PlainRadar(
            radar_sensor(
                f"radar-{row + 1:02d}",
                lat[row],
                lon[row],
                kind=kind,
                sigma=COARSE if kind is SensorKind.RADAR_3D else Sigma(range_m=50.0, azimuth_deg=0.3),
                period_s=(4.0, 5.0, 6.0)[row],
                range_max_m=40_000.0,
                clutter_per_scan=15.0,
            ),
            sky,
            seed=seed,
            habits=Habits(phase_s=0.7 * row, doppler=row == 0, turning=row != 1, horizon=True),
        )
        for row, kind in enumerate(kinds)
    ]


def _airborne(seed: int, rng: np.random.Generator, sky: Sky, seconds: float) -> Source:
    """A radar on an aircraft that flies up and down behind the wall."""
    sensor = radar_sensor(
        "radar-airborne",
        0.0,
        0.0,
        sigma=Sigma(range_m=60.0, azimuth_deg=0.4, elevation_deg=0.6, range_rate_mps=1.5),
        period_s=8.0,
        range_max_m=70_000.0,
        pd=0.85,
        clutter_per_scan=20.0,
    )
    sensor = replace(sensor, lat_deg=None, lon_deg=None, hae_m=None)
    path = platform_path(rng, seconds)
    return PlainRadar(sensor, sky, seed=seed, habits=Habits(doppler=True, platform=Platform(path)))


def platform_path(rng: np.random.Generator, seconds: float) -> Movers:
    """Return the path of one aircraft that turns back in the middle of its time."""
    lat, lon = spots(np.array([-30e3]), np.array([-20e3]))
    half = seconds / 2
    one = np.ones(1)
    plan = Wanderers(
        lat_deg=lat,
        lon_deg=lon,
        hae_m=4_000.0 * one,
        speed_mps=120.0 * one,
        course_rad=0.1 * one,
        start_s=0.0 * one,
        end_s=(seconds + 10.0) * one,
        turn_from_s=half * one,
        turn_until_s=(half + 90.0) * one,
        turn_radps=np.radians(2.0) * one,
        q_level=0.01,
        q_upright=0.001,
    )
    return wander(plan, rng)


def _tracker(sensor_id: str, lat_deg: float, lon_deg: float) -> Sensor:
    return Sensor(
        sensor_id=sensor_id,
        kind=SensorKind.VENDOR_TRACKER,
        lat_deg=round(lat_deg, 6),
        lon_deg=round(lon_deg, 6),
        hae_m=20.0,
        sigma=Sigma(position_m=120.0, altitude_m=120.0, velocity_mps=4.0),
        period_s=4.0,
        range_max_m=25_000.0,
        delivers_tracks=True,
        owner="invented",
    )


def _finders() -> list[Sensor]:
    lat, lon = spots(*np.array([(-22e3, -14e3), (-24e3, 12e3), (10e3, 24e3), (14e3, -22e3)]).T)
    return [
        Sensor(
            sensor_id=f"df-{row + 1}",
            kind=SensorKind.RF_DF,
            lat_deg=round(float(lat[row]), 6),
            lon_deg=round(float(lon[row]), 6),
            hae_m=30.0,
            sigma=Sigma(azimuth_deg=3.0),
            period_s=2.0,
            range_max_m=60_000.0,
            pd=0.7,
        )
        for row in range(4)
    ]


def _passive() -> list[Sensor]:
    lat, lon = spots(*np.array([(-10e3, 3e3), (8e3, -2e3)]).T)
    return [
        Sensor(
            sensor_id=f"passive-{row + 1}",
            kind=SensorKind.PASSIVE_RADAR,
            lat_deg=round(float(lat[row]), 6),
            lon_deg=round(float(lon[row]), 6),
            hae_m=25.0,
            sigma=Sigma(range_m=60.0, azimuth_deg=4.0, range_rate_mps=1.0),
            period_s=2.0,
            range_max_m=30_000.0,
            pd=0.7,
        )
        for row in range(2)
    ]


def _microphones(rng: np.random.Generator) -> list[Sensor]:
    lat, lon = spots(rng.uniform(-20e3, 25e3, 40), rng.uniform(-18e3, 18e3, 40))
    return [
        Sensor(
            sensor_id=f"ear-{row + 1:02d}",
            kind=SensorKind.ACOUSTIC_PRESENCE,
            lat_deg=round(float(lat[row]), 6),
            lon_deg=round(float(lon[row]), 6),
            hae_m=4.0,
            period_s=2.0,
            range_max_m=5_000.0,
            pd=0.7,
        )
        for row in range(40)
    ]


def _cameras() -> list[Sensor]:
    lat, lon = spots(*np.array([(-5e3, 5e3), (6e3, -8e3), (12e3, 10e3)]).T)
    return [
        Sensor(
            sensor_id=f"camera-{row + 1}",
            kind=SensorKind.CAMERA,
            lat_deg=round(float(lat[row]), 6),
            lon_deg=round(float(lon[row]), 6),
            hae_m=15.0,
            sigma=Sigma(azimuth_deg=0.1, elevation_deg=0.1),
            period_s=1.0,
            range_max_m=8_000.0,
            pd=0.8,
        )
        for row in range(3)
    ]


def biased_scene(name: str, seed: int, *, biased: bool, seconds: float = 900.0) -> Staged:
    """Return three radars that are wrong by 0.3°, 80 m and 0.3 s each, under 12 aircraft that say where they are.

    Without `biased` the same sky, the same plots, and radars that are right: to tell what the biases cost.
    """
    rng = seeded(seed, "biased")
    sky = Sky.concat([_drones(rng, 24, seconds), aircraft(rng, 12, seconds, within_m=50e3)])
    lat, lon = spots(*np.array(RADAR_PLACES_M).T)
    radars: list[Source] = []
    for row in range(3):
        sensor = radar_sensor(
            f"radar-{row + 1:02d}", lat[row], lon[row], sigma=COARSE, range_max_m=70_000.0, clutter_per_scan=20.0
        )
        radar = PlainRadar(sensor, sky, seed=seed, habits=Habits(phase_s=5.0 * row / 3))
        sign = rng.choice([-1.0, 1.0], 3)
        bias = Bias(range_m=80.0 * sign[0], azimuth_rad=float(np.radians(0.3)) * sign[1], time_s=0.3 * sign[2])
        radars.append(Biased(radar, (bias,)) if biased else radar)
    receivers = AdsbReceivers([adsb_receiver("adsb-1", 52.0, 22.0, 30.0)], sky, seed=seed)
    return Staged(name, seed, Scene(sky, [*radars, receivers]), seconds)


def vendor_scene(
    name: str, seed: int, *, covariance: bool = True, central: bool = False, seconds: float = 400.0
) -> Staged:
    """Return one radar of ours and one maker's tracker over the same drones.

    With `central` its radar delivers its plots instead: what could be had if the maker let us.
    """
    rng = seeded(seed, "vendor")
    sky = _drones(rng, 20, seconds)
    lat, lon = spots(*np.array(RADAR_PLACES_M).T)
    own = radar_sensor("radar-01", lat[0], lon[0], sigma=COARSE, range_max_m=50_000.0, clutter_per_scan=20.0)
    tracker = replace(_tracker("tracker-1", float(lat[1]), float(lon[1])), range_max_m=50_000.0)
    if not covariance:
        tracker = replace(tracker, sigma=Sigma())
    beside: Source = TrackingRadar(tracker, sky, seed=seed, seconds=seconds, with_covariance=covariance)
    if central:
        radar = OwnRadar()
        sigma = Sigma(radar.range_m, float(np.degrees(radar.azimuth_rad)), float(np.degrees(radar.elevation_rad)))
        opened = radar_sensor(
            "radar-02",
            lat[1],
            lon[1],
            hae_m=20.0,
            sigma=sigma,
            period_s=4.0,
            range_max_m=50_000.0,
            clutter_per_scan=0.0,
        )
        beside = PlainRadar(opened, sky, seed=seed)
    sources: list[Source] = [PlainRadar(own, sky, seed=seed), beside]
    return Staged(name, seed, Scene(sky, sources), seconds)

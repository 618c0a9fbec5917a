"""Scenes of radars alone: from ten objects to ten thousand, crossing, and swarms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dronewall.bench.tracking_scenes.staging import Flown, Staged, drones, radar_sensor, seeded, sky_of, spots
from dronewall.model.plots import ObjectClass
from dronewall.model.sensors import Sensor, Sigma
from dronewall.simulation.night import Scene
from dronewall.simulation.plain_radar import Cell, Habits, PlainRadar
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import Source

SPACING_M = 10_000.0
"""One object in so wide a square, whatever their number."""
PERIOD_S = 5.0
COARSE = Sigma(range_m=50.0, azimuth_deg=0.3, elevation_deg=0.5, range_rate_mps=1.0)
FINE = Sigma(range_m=30.0, azimuth_deg=0.15, elevation_deg=0.15, range_rate_mps=1.0)
SWARM_NOISE = (0.002, 0.0005)
"""A formation holds together: m²/s³, level and upright."""
LEAST_RANGE_M = 15_000.0
DRONE_CELL = Cell(range_m=150.0, azimuth_rad=np.radians(1.5), elevation_rad=np.radians(3.0))


@dataclass(frozen=True, slots=True)
class Options:
    """What is different in a scene of radars: `fine` errors, `bare` sensors declare little and number no scans."""

    radars: int = 1
    turns: bool = False
    doppler: bool = False
    bare: bool = False
    sweep: bool = False
    fine: bool = False


def radar_scene(name: str, seed: int, objects: int, options: Options, *, seconds: float = 200.0) -> Staged:
    """Return objects scattered over a square, a tenth of them fast, a fifth late to come and a fifth early to go."""
    side_m = np.sqrt(objects) * SPACING_M
    sky, plan = scattered(seed, objects, side_m, seconds, turns=options.turns)
    sources = [
        PlainRadar(sensor, sky, seed=seed, habits=habits, declared=_barely(sensor) if options.bare else None)
        for sensor, habits in _laid_out(objects, side_m, options)
    ]
    return Staged(
        name,
        seed,
        Scene(sky, sources),
        seconds,
        many_plots=objects * options.radars > 3_000,
        plan=plan,
        area_km2=side_m**2 / 1e6,
    )


def scattered(seed: int, objects: int, side_m: float, seconds: float, *, turns: bool) -> tuple[Sky, Flown]:
    """Return the objects and their plan; `turns` lets a fifth of them turn once for 30 s at 1 to 3 degrees a second."""
    rng = seeded(seed, "scattered")
    speed = rng.normal(50.0, 5.0, objects)
    fast = rng.random(objects) < 0.1
    speed[fast] = rng.uniform(150.0, 250.0, int(fast.sum()))
    late, early = rng.random(objects) < 0.2, rng.random(objects) < 0.2
    turner = (rng.random(objects) < 0.2) & turns
    turn_from = rng.uniform(25.0, seconds, objects)
    rate = rng.choice([-1.0, 1.0], objects) * np.radians(rng.uniform(1.0, 3.0, objects))
    flown = Flown(
        east_m=rng.uniform(-0.5, 0.5, objects) * side_m,
        north_m=rng.uniform(-0.5, 0.5, objects) * side_m,
        hae_m=rng.uniform(100.0, 1_500.0, objects),
        speed_mps=speed,
        course_rad=rng.uniform(0.0, 2 * np.pi, objects),
        start_s=np.where(late, rng.uniform(0.0, seconds / 2, objects), 0.0),
        end_s=np.where(early, rng.uniform(seconds / 2, seconds, objects), seconds + 1.0),
        turn_from_s=turn_from,
        turn_until_s=turn_from + 30.0,
        turn_radps=np.where(turner, rate, 0.0),
    )
    kinds = np.where(fast, ObjectClass.CRUISE_MISSILE, ObjectClass.LOITERING)
    step_s = 1.0 if objects <= 2_000 else 2.5
    return sky_of(flown, drones(objects, prefix="object", object_class=kinds), rng, step_s=step_s), flown


def _laid_out(objects: int, side_m: float, options: Options) -> list[tuple[Sensor, Habits]]:
    """Return the radars: one in the middle that sees all, or a square of them of which about three see each place."""
    sigma = FINE if options.fine else COARSE
    habits = Habits(turning=options.sweep, numbered=not options.bare, doppler=options.doppler)
    if options.radars == 1:
        boxed = replace(habits, box_m=side_m, middle=(52.0, 22.0), phase_s=PERIOD_S - 1.0)
        only = radar_sensor(
            "radar-01", 52.0, 22.0, sigma=sigma, range_max_m=0.75 * side_m, clutter_per_scan=float(objects)
        )
        return [(only, boxed)]
    rows = round(np.sqrt(options.radars))
    step_m = side_m / rows
    east, north = (part.ravel() * step_m for part in np.meshgrid(*2 * [np.arange(rows) - (rows - 1) / 2]))
    lat, lon = spots(east, north)
    range_m = max(step_m, LEAST_RANGE_M)
    clutter = np.pi * (range_m / SPACING_M) ** 2
    laid: list[tuple[Sensor, Habits]] = []
    for row in range(len(lat)):
        sensor = radar_sensor(
            f"radar-{row + 1:02d}",
            lat[row],
            lon[row],
            sigma=sigma,
            range_max_m=range_m,
            clutter_per_scan=round(float(clutter), 3),
        )
        phase_s = row / len(lat) * PERIOD_S
        laid.append((sensor, replace(habits, phase_s=phase_s)))
    return laid


def _barely(sensor: Sensor) -> Sensor:
    """Return what an owner declares who fills in no more than where a radar stands and how often it looks."""
    return Sensor(
        sensor.sensor_id,
        sensor.kind,
        sensor.lat_deg,
        sensor.lon_deg,
        sensor.hae_m,
        sensor.sigma,
        sensor.period_s,
        range_max_m=sensor.range_max_m,
    )


def crossing_scene(name: str, seed: int, *, objects: int = 24, seconds: float = 240.0) -> Staged:
    """Return objects from all round that meet in the middle at one time, each passing it within 400 m."""
    rng = seeded(seed, "crossing")
    course = np.arange(objects) / objects * 2 * np.pi + rng.normal(0.0, 0.05, objects)
    speed = rng.uniform(45.0, 60.0, objects)
    away = speed * seconds / 2
    aside = rng.uniform(-400.0, 400.0, objects)
    flown = Flown.straight(
        -away * np.sin(course) + aside * np.cos(course),
        -away * np.cos(course) - aside * np.sin(course),
        rng.uniform(300.0, 700.0, objects),
        speed,
        course,
        seconds + 1.0,
    )
    return _three_radars(name, seed, sky_of(flown, drones(objects), rng), flown, seconds)


def dense_scene(name: str, seed: int, *, objects: int = 60, seconds: float = 240.0) -> Staged:
    """Return objects in an area of 12 km in which they pass each other all the time."""
    rng = seeded(seed, "dense")
    flown = Flown.straight(
        rng.uniform(-6e3, 6e3, objects),
        rng.uniform(-6e3, 6e3, objects),
        rng.uniform(100.0, 1_500.0, objects),
        rng.uniform(30.0, 60.0, objects),
        rng.uniform(0.0, 2 * np.pi, objects),
        seconds + 1.0,
    )
    return _three_radars(name, seed, sky_of(flown, drones(objects), rng), flown, seconds)


def swarm_scene(name: str, seed: int, spacing_m: float, *, objects: int = 50, seconds: float = 300.0) -> Staged:
    """Return a swarm in a loose square formation at one course, seen by radars that merge what is in one cell."""
    rng = seeded(seed, "swarm")
    place = np.stack([np.arange(objects) % 7, np.arange(objects) // 7], axis=1) * spacing_m
    place = place + rng.normal(0.0, 0.1 * spacing_m, (objects, 2))
    course = float(rng.uniform(0.0, 2 * np.pi))
    start = -50.0 * seconds / 2 * np.array([np.sin(course), np.cos(course)])
    level = place - place.mean(axis=0) + start + np.array([6_000.0, 9_000.0])
    flown = Flown.straight(
        level[:, 0],
        level[:, 1],
        rng.normal(400.0, 20.0, objects),
        np.full(objects, 50.0),
        np.full(objects, course),
        seconds + 1.0,
    )
    sky = sky_of(flown, drones(objects, prefix="swarm"), rng, q_level=SWARM_NOISE[0], q_upright=SWARM_NOISE[1])
    staged = _three_radars(name, seed, sky, flown, seconds, cell=DRONE_CELL, period_s=2.5)
    return replace(staged, noise=SWARM_NOISE, swarm=objects)


def _three_radars(
    name: str, seed: int, sky: Sky, plan: Flown, seconds: float, *, cell: Cell | None = None, period_s: float = PERIOD_S
) -> Staged:
    """Stage a sky over three radars about the middle, each seeing 40 km."""
    east, north = np.array([-14e3, 15e3, 1e3]), np.array([-9e3, -8e3, 17e3])
    lat, lon = spots(east, north)
    sources: list[Source] = [
        PlainRadar(
            radar_sensor(
                f"radar-{row + 1:02d}",
                lat[row],
                lon[row],
                sigma=COARSE,
                period_s=period_s,
                range_max_m=40_000.0,
                clutter_per_scan=20.0,
            ),
            sky,
            seed=seed,
            habits=Habits(phase_s=row / 3 * period_s, cell=cell),
        )
        for row in range(3)
    ]
    return Staged(name, seed, Scene(sky, sources), seconds, plan=plan, area_km2=np.pi * 40.0**2)

"""Scenes of sound alone: a wall of acoustic arrays and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dronewall.bench.tracking_scenes.staging import (
    MIDDLE,
    Q_LEVEL,
    Q_UPRIGHT,
    Flown,
    Staged,
    drones,
    seeded,
    sky_of,
    spots,
)
from dronewall.model.sensors import Sensor
from dronewall.model.weather import Weather
from dronewall.simulation.acoustic import SPEED_OF_SOUND_MPS
from dronewall.simulation.faults import Bias, Biased
from dronewall.simulation.hearing import AcousticWall
from dronewall.simulation.laydown_passive import acoustic_array
from dronewall.simulation.night import Scene
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import Source

TURNING = 0.15
COLUMNS, ROWS = 14, 12
GRID_M = 6_000.0
FORETOLD_OFF_MPS, FORETOLD_SIGMA_MPS, FORETOLD_APART_DEG = 2.5, 1.0, 0.5
"""The wind of a forecast is off by so much everywhere, and by more in each of its reports, on a grid this wide."""
DEPTH_M, WIDTH_M = COLUMNS * GRID_M, ROWS * GRID_M


@dataclass(frozen=True, slots=True)
class Air:
    """What makes hearing hard: wind nobody tells, cold air, arrays that stand askew, arrays that say nothing."""

    wind_mps: float = 0.0
    sound_mps: float = SPEED_OF_SOUND_MPS
    north_sigma_deg: float = 0.0
    deaf: float = 0.0
    foretold: bool = False
    """Whether there is a file of weather, whose wind is wrong by `FORETOLD_OFF_MPS`."""


def wall_scene(
    name: str, seed: int, *, objects: int = 20, seconds: float = 900.0, air: Air | None = None, turning: float = TURNING
) -> Staged:
    """Return drones that come from the east over an irregular grid of arrays, 5 to 7 km apart.

    2° in azimuth, a bearing every one or two seconds, four of five sounds detected, heard to 8 to 10 km, height from 80
    to 1,000 m and unknown, 45 to 60 m/s.
    """
    air = air or Air()
    rng = seeded(seed, "wall")
    sky, plan = incoming(rng, objects, seconds, turning=turning)
    arrays = grid(rng, COLUMNS, ROWS)
    wind = blowing(rng, air)
    source = listening(seed, rng, arrays, sky, air, wind)
    scene = Scene(sky, [source])
    return Staged(
        name,
        seed,
        scene,
        seconds,
        cutoff_m=1_000.0,
        horizontal=True,
        plan=plan,
        area_km2=DEPTH_M * WIDTH_M / 1e6,
        weather=foretold(seed, wind, air, scene.epoch_ns, seconds) if air.foretold else None,
    )


def huge_wall_scene(
    name: str, seed: int, *, columns: int = 100, objects: int = 1_000, seconds: float = 120.0
) -> Staged:
    """Return ten thousand arrays and a thousand drones that are all over them from the beginning."""
    rng = seeded(seed, "huge wall")
    half_m = columns * GRID_M / 2
    none = np.zeros(objects)
    flown = Flown(
        east_m=rng.uniform(-0.9, 0.9, objects) * half_m,
        north_m=rng.uniform(-0.9, 0.9, objects) * half_m,
        hae_m=rng.uniform(80.0, 1_000.0, objects),
        speed_mps=rng.uniform(45.0, 60.0, objects),
        course_rad=np.radians(rng.normal(270.0, 20.0, objects)),
        start_s=none - 40.0,
        end_s=none + seconds + 60.0,
        turn_from_s=none,
        turn_until_s=none,
        turn_radps=none,
    )
    looks = drones(objects, rcs_m2=0.0, hearing_m=rng.uniform(8_000.0, 10_000.0, objects))
    sky = sky_of(flown, looks, rng, step_s=2.0, lowest_m=80.0)
    wall = AcousticWall(grid(rng, columns, columns), sky, seed=seed)
    return Staged(
        name,
        seed,
        Scene(sky, [wall]),
        seconds,
        cutoff_m=1_000.0,
        horizontal=True,
        many_plots=True,
        area_km2=(2 * half_m / 1e3) ** 2,
    )


def incoming(rng: np.random.Generator, objects: int, seconds: float, *, turning: float) -> tuple[Sky, Flown]:
    """Return drones and their plan: from the east they enter the wall one after the other; some turn once inside."""
    start_s = np.where(np.arange(objects) < objects // 4, 0.0, rng.uniform(0.0, seconds / 2, objects))
    inside = np.arange(objects) < objects // 4
    turner = rng.random(objects) < turning
    turn_from = start_s + rng.uniform(150.0, 350.0, objects)
    turn_s = rng.uniform(20.0, 45.0, objects)
    flown = Flown(
        east_m=np.where(inside, rng.uniform(-0.1, 0.3, objects) * DEPTH_M, DEPTH_M / 2 + 9e3),
        north_m=rng.uniform(-0.42, 0.42, objects) * WIDTH_M,
        hae_m=rng.uniform(80.0, 1_000.0, objects),
        speed_mps=rng.uniform(45.0, 60.0, objects),
        course_rad=np.radians(rng.normal(270.0, 12.0, objects)),
        start_s=start_s,
        end_s=np.full(objects, seconds + 60.0),
        turn_from_s=turn_from,
        turn_until_s=turn_from + turn_s,
        turn_radps=np.where(turner, rng.choice([-1.0, 1.0], objects) * np.radians(rng.uniform(1.0, 3.0, objects)), 0.0),
    )
    hearing = rng.uniform(8_000.0, 10_000.0, objects)
    signatures = drones(objects, rcs_m2=0.0, hearing_m=hearing)
    return sky_of(flown, signatures, rng, q_level=Q_LEVEL, q_upright=Q_UPRIGHT, lowest_m=80.0), flown


def grid(rng: np.random.Generator, columns: int, rows: int, spacing_m: float = GRID_M) -> list[Sensor]:
    """Return arrays on a grid whose odd rows stand between the even ones, each moved by up to half a kilometre."""
    column, row = (part.ravel() for part in np.meshgrid(np.arange(columns), np.arange(rows)))
    east = (column - (columns - 1) / 2 + 0.5 * (row % 2) - 0.25) * spacing_m
    north = (row - (rows - 1) / 2) * spacing_m
    jitter = rng.uniform(-500.0, 500.0, (2, len(east)))
    lat, lon = spots(np.asarray(east, float) + jitter[0], np.asarray(north, float) + jitter[1])
    return [
        acoustic_array(
            f"ears-{i + 1:05d}",
            float(lat[i]),
            float(lon[i]),
            float(rng.uniform(2.0, 6.0)),
            period_s=float(rng.choice([1.0, 2.0])),
        )
        for i in range(len(east))
    ]


def blowing(rng: np.random.Generator, air: Air) -> tuple[float, float]:
    """Return a wind of some air, east and north, m/s."""
    towards = float(rng.uniform(0.0, 2 * np.pi))
    return air.wind_mps * float(np.sin(towards)), air.wind_mps * float(np.cos(towards))


def foretold(seed: int, wind: tuple[float, float], air: Air, epoch_ns: int, seconds: float) -> Weather:
    """Return a forecast of a wind: a report at 100 m on a grid of half a degree, every hour, wrong in its own way."""
    rng = seeded(seed, "weather")
    lat, lon, hour = (
        part.ravel()
        for part in np.meshgrid(
            MIDDLE[0] + FORETOLD_APART_DEG * np.arange(-2, 3),
            MIDDLE[1] + FORETOLD_APART_DEG * np.arange(-3, 4),
            np.arange(-1.0, seconds / 3_600.0 + 1.0),
        )
    )
    astray = rng.uniform(0.0, 2 * np.pi)
    off = FORETOLD_OFF_MPS * np.array([np.sin(astray), np.cos(astray)])
    told = np.array(wind) + off + FORETOLD_SIGMA_MPS * rng.standard_normal((len(lat), 2))
    return Weather.of(
        len(lat),
        at_ns=epoch_ns + np.rint(hour * 3.6e12).astype(np.int64),
        lat_deg=lat,
        lon_deg=lon,
        hae_m=100.0,
        wind_e_mps=told[:, 0],
        wind_n_mps=told[:, 1],
        temperature_c=273.15 * ((air.sound_mps / 331.3) ** 2 - 1.0) + rng.standard_normal(len(lat)),
    )


def listening(
    seed: int, rng: np.random.Generator, arrays: list[Sensor], sky: Sky, air: Air, wind: tuple[float, float]
) -> Source:
    """Return the arrays in some air."""
    deaf = rng.random(len(arrays)) < air.deaf
    askew = np.radians(rng.normal(0.0, 1.0, len(arrays)) * air.north_sigma_deg)
    wall = AcousticWall(arrays, sky, seed=seed, wind_mps=wind, deaf=deaf, sound_mps=air.sound_mps)
    if not air.north_sigma_deg:
        return wall
    return Biased(wall, tuple(Bias(azimuth_rad=float(angle)) for angle in askew))

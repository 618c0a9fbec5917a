"""A quiet night: roads, tractors, generators, helicopters, birds, rain and a wind farm, and nothing that threatens.

What moves on the ground or stands there makes sound and is no air object: a track on it is false. Helicopters and birds
are objects, so a track on one of them is not.
"""

from __future__ import annotations

import numpy as np

from dronewall.bench.tracking_scenes.radars import COARSE
from dronewall.bench.tracking_scenes.sound import grid
from dronewall.bench.tracking_scenes.staging import Flown, Staged, radar_sensor, seeded, sky_of, spots
from dronewall.geodesy.wgs84 import FloatArray
from dronewall.model.identity import Affiliation
from dronewall.model.plots import ObjectClass
from dronewall.model.sensors import SensorKind
from dronewall.simulation.hearing import AcousticWall
from dronewall.simulation.night import Scene
from dronewall.simulation.plain_radar import Habits, Patch, PlainRadar
from dronewall.simulation.sky import Signatures, Sky
from dronewall.simulation.source import Source
from dronewall.simulation.truth import Truth

COLUMNS, ROWS, GRID_M = 13, 12, 6_000.0
HALF_EAST_M, HALF_NORTH_M = COLUMNS * GRID_M / 2, ROWS * GRID_M / 2
AREA_KM2 = COLUMNS * ROWS * GRID_M**2 / 1e6
"""What false tracks per area refer to."""
GROUND_M = 50.0
TRUCKS_PER_ROAD_H = 25.0


class QuietScene(Scene):
    """A scene whose ground objects make sound and plots, but are no truth."""

    def truth_at(self, at_ns: int, *, kinds: frozenset[SensorKind] | None = None) -> Truth:
        """Return the air objects at an instant."""
        truth = super().truth_at(at_ns, kinds=kinds)
        return truth.take(~np.char.startswith(truth.object_id, b"ground"))


def quiet_scene(name: str, seed: int, *, seconds: float = 7_200.0, rain: bool = True) -> Staged:
    """Return the night, or the first part of it; without `rain` a dry one."""
    rng = seeded(seed, "quiet")
    hours = seconds / 3_600.0
    sky = Sky.concat(
        [
            _trucks(rng, seconds),
            _tractors(rng, 6, seconds),
            _generators(rng, 25, seconds),
            _helicopters(rng, max(2, round(1.5 * hours)), seconds),
            _birds(rng, round(40 * max(hours, 0.5)), seconds),
        ]
    )
    sources: list[Source] = [
        *_radars(seed, sky, _patches(seconds) if rain else _patches(seconds)[:1]),
        AcousticWall(grid(rng, COLUMNS, ROWS, GRID_M), sky, seed=seed),
    ]
    return Staged(name, seed, QuietScene(sky, sources), seconds, area_km2=AREA_KM2)


def _ground(prefix: str, n: int, hearing_m: FloatArray) -> Signatures:
    return Signatures.of(
        n,
        object_id=[f"ground-{prefix}{row:04d}".encode() for row in range(n)],
        object_class=ObjectClass.UNKNOWN,
        affiliation=Affiliation.NEUTRAL,
        rcs_m2=0.0,
        hearing_m=hearing_m,
    )


def _trucks(rng: np.random.Generator, seconds: float, roads: int = 4) -> Sky:
    """Heavy traffic at night on straight roads, both ways; a truck is heard up to 2 km."""
    n = max(int(rng.poisson(roads * TRUCKS_PER_ROAD_H * seconds / 3_600.0)), 1)
    angle, offset = rng.uniform(0.0, np.pi, roads), rng.uniform(-0.6, 0.6, roads) * HALF_NORTH_M
    road = rng.integers(0, roads, n)
    course = angle[road] + np.pi * rng.integers(0, 2, n)
    lane = offset[road]
    speed = rng.normal(22.0, 2.0, n)
    back = 1.2 * max(HALF_EAST_M, HALF_NORTH_M)
    start_s = rng.uniform(-2 * back / 22.0, seconds, n)
    flown = Flown(
        east_m=-back * np.sin(course) + lane * np.cos(angle[road]),
        north_m=-back * np.cos(course) - lane * np.sin(angle[road]),
        hae_m=np.full(n, GROUND_M),
        speed_mps=speed,
        course_rad=course,
        start_s=start_s,
        end_s=np.minimum(start_s + 2 * back / speed, seconds + 60.0),
        turn_from_s=np.zeros(n),
        turn_until_s=np.zeros(n),
        turn_radps=np.zeros(n),
    )
    looks = _ground("t", n, rng.uniform(1_000.0, 2_200.0, n))
    return sky_of(flown, looks, rng, step_s=10.0, q_level=1e-4, q_upright=1e-9, lowest_m=0.0)


def _tractors(rng: np.random.Generator, n: int, seconds: float) -> Sky:
    """Tractors that plough at night, up and down."""
    start_s = rng.uniform(-3_600.0, seconds, n)
    end_s = np.minimum(start_s + rng.uniform(1_800.0, 14_400.0, n), seconds + 60.0)
    flown = Flown(
        east_m=rng.uniform(-1, 1, n) * HALF_EAST_M,
        north_m=rng.uniform(-1, 1, n) * HALF_NORTH_M,
        hae_m=np.full(n, GROUND_M),
        speed_mps=rng.uniform(1.5, 4.0, n),
        course_rad=rng.uniform(0.0, 2 * np.pi, n),
        start_s=start_s,
        end_s=end_s,
        turn_from_s=start_s,
        turn_until_s=end_s,
        turn_radps=rng.choice([-1.0, 1.0], n) * 2 * np.pi / rng.uniform(300.0, 600.0, n),
    )
    looks = _ground("p", n, rng.uniform(2_000.0, 4_000.0, n))
    return sky_of(flown, looks, rng, step_s=10.0, q_level=1e-4, q_upright=1e-9, lowest_m=0.0)


def _generators(rng: np.random.Generator, n: int, seconds: float) -> Sky:
    """Engines that stand still and run, some of them loud enough for several arrays."""
    start_s = np.where(rng.random(n) < 0.5, -60.0, rng.uniform(0.0, seconds, n))
    none = np.zeros(n)
    flown = Flown(
        east_m=rng.uniform(-1, 1, n) * HALF_EAST_M,
        north_m=rng.uniform(-1, 1, n) * HALF_NORTH_M,
        hae_m=np.full(n, GROUND_M),
        speed_mps=none,
        course_rad=none,
        start_s=start_s,
        end_s=np.minimum(start_s + rng.uniform(1_800.0, 40_000.0, n), seconds + 60.0),
        turn_from_s=none,
        turn_until_s=none,
        turn_radps=none,
    )
    looks = _ground("g", n, np.where(rng.random(n) < 0.3, 7_000.0, rng.uniform(1_000.0, 4_000.0, n)))
    return sky_of(flown, looks, rng, step_s=60.0, q_level=0.0, q_upright=0.0, lowest_m=0.0)


def _helicopters(rng: np.random.Generator, n: int, seconds: float) -> Sky:
    side = rng.choice([-1.0, 1.0], n)
    start_s = np.sort(rng.uniform(0.0, max(seconds - 900.0, 1.0), n))
    turn_from = start_s + rng.uniform(200.0, 500.0, n)
    flown = Flown(
        east_m=side * (HALF_EAST_M + 5e3),
        north_m=rng.uniform(-0.7, 0.7, n) * HALF_NORTH_M,
        hae_m=rng.uniform(250.0, 600.0, n),
        speed_mps=rng.uniform(50.0, 65.0, n),
        course_rad=np.where(side > 0, np.radians(270.0), np.radians(90.0)) + rng.normal(0.0, 0.2, n),
        start_s=start_s,
        end_s=np.minimum(start_s + 1_800.0, seconds + 1.0),
        turn_from_s=turn_from,
        turn_until_s=turn_from + 40.0,
        turn_radps=rng.choice([-1.0, 1.0], n) * np.radians(1.5),
    )
    looks = Signatures.of(
        n,
        object_id=[f"heli-{row + 1:03d}".encode() for row in range(n)],
        object_class=ObjectClass.HELICOPTER,
        affiliation=Affiliation.NEUTRAL,
        rcs_m2=5.0,
        hearing_m=9_000.0,
    )
    return sky_of(flown, looks, rng)


def _birds(rng: np.random.Generator, n: int, seconds: float) -> Sky:
    """Flocks on passage and birds that stray, seen by radars at a third of their range."""
    start_s = rng.uniform(-600.0, seconds, n)
    flown = Flown(
        east_m=rng.uniform(-1, 1, n) * 25e3,
        north_m=rng.uniform(-1, 1, n) * 25e3,
        hae_m=rng.uniform(80.0, 800.0, n),
        speed_mps=rng.uniform(8.0, 20.0, n),
        course_rad=np.radians(rng.normal(210.0, 60.0, n)),
        start_s=start_s,
        end_s=np.minimum(start_s + rng.uniform(300.0, 1_800.0, n), seconds + 1.0),
        turn_from_s=np.zeros(n),
        turn_until_s=np.zeros(n),
        turn_radps=np.zeros(n),
    )
    looks = Signatures.of(
        n,
        object_id=[f"bird-{row + 1:04d}".encode() for row in range(n)],
        object_class=ObjectClass.BIRD,
        affiliation=Affiliation.NEUTRAL,
        rcs_m2=0.01,
    )
    return sky_of(flown, looks, rng, step_s=2.0, q_level=0.5, q_upright=0.02)


def _radars(seed: int, sky: Sky, patches: tuple[Patch, ...]) -> list[Source]:
    """Two radars, one with Doppler, both with rain that passes and a wind farm in sight."""
    places = np.array([(-12e3, 4e3), (14e3, -8e3)])
    lat, lon = spots(*places.T)
    return [
        PlainRadar(
            radar_sensor(
                f"radar-{row + 1:02d}",
                lat[row],
                lon[row],
                sigma=COARSE,
                period_s=5.0,
                range_max_m=45_000.0,
                clutter_per_scan=12.0,
            ),
            sky,
            seed=seed,
            habits=Habits(phase_s=2.3 * row, doppler=row == 0, turning=True, horizon=True, patches=patches),
        )
        for row in range(2)
    ]


def _patches(seconds: float) -> tuple[Patch, ...]:
    farm_lat, farm_lon = spots(np.array([5e3]), np.array([12e3]))
    rain_lat, rain_lon = spots(np.array([-30e3]), np.array([-5e3]))
    farm = Patch(float(farm_lat[0]), float(farm_lon[0]), 3_000.0, 100.0, 220.0, mean=8.0, places=25, spread_mps=30.0)
    rain = Patch(
        float(rain_lat[0]),
        float(rain_lon[0]),
        7_000.0,
        100.0,
        3_000.0,
        mean=40.0,
        spread_mps=4.0,
        range_rate_mps=8.0,
        drift_mps=(10.0, 2.0),
        from_s=0.1 * seconds,
        until_s=0.1 * seconds + 6_000.0,
    )
    return (farm, rain)

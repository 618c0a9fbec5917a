"""Objects that come over the rim of what radars see, out of their shadow, or up from the ground in the middle."""

from __future__ import annotations

import numpy as np

from dronewall.bench.tracking_scenes.radars import COARSE, PERIOD_S
from dronewall.bench.tracking_scenes.staging import Flown, Staged, drones, radar_sensor, seeded, sky_of, spots
from dronewall.geodesy.wgs84 import FloatArray
from dronewall.simulation.night import Scene
from dronewall.simulation.plain_radar import Habits, PlainRadar
from dronewall.simulation.sky import Signatures
from dronewall.simulation.source import Source

REACH_M, APART_M = 55_000.0, 15_000.0
OUTSIDE_M, INSIDE_M = 80_000.0, 28_000.0
"""From where the first come, beyond the reach of all radars, and how far from the middle others are launched."""
LOW_M = 45.0
"""What flies so low is in the radars' shadow until it is 40 km away."""
KINDS = ("rim", "shadow", "inside")
WATCHED_S = 60.0
"""Nobody is launched before the radars have looked for so long."""


def border_scene(name: str, seed: int, *, each: int = 60, seconds: float = 900.0) -> Staged:
    """Return four radars that see one area, and as many objects that cross its rim as leave its shadow and start in it.

    Names begin with one of `KINDS`.
    """
    rng = seeded(seed, "borders")
    angle = rng.uniform(0.0, 2 * np.pi, 2 * each)
    inward = angle + np.pi + rng.uniform(-0.3, 0.3, 2 * each)
    r, turn = INSIDE_M * np.sqrt(rng.random(each)), rng.uniform(0.0, 2 * np.pi, each)
    low = np.arange(2 * each) >= each
    height = np.r_[np.where(low, LOW_M, rng.uniform(400.0, 1_500.0, 2 * each)), rng.uniform(100.0, 1_000.0, each)]
    plan = Flown(
        east_m=np.r_[OUTSIDE_M * np.sin(angle), r * np.sin(turn)],
        north_m=np.r_[OUTSIDE_M * np.cos(angle), r * np.cos(turn)],
        hae_m=height,
        speed_mps=rng.uniform(45.0, 70.0, 3 * each),
        course_rad=np.r_[inward, rng.uniform(0.0, 2 * np.pi, each)],
        start_s=np.r_[rng.uniform(-200.0, seconds - 500.0, 2 * each), rng.uniform(WATCHED_S, seconds - 100.0, each)],
        end_s=np.full(3 * each, seconds + 1.0),
        turn_from_s=np.zeros(3 * each),
        turn_until_s=np.zeros(3 * each),
        turn_radps=np.zeros(3 * each),
    )
    named = [drones(each, prefix=kind) for kind in KINDS]
    sky = sky_of(plan, Signatures.concat(named), rng, q_upright=1e-6, lowest_m=0.9 * LOW_M)
    east, north = APART_M * np.array([-1.0, 1.0, -1.0, 1.0]), APART_M * np.array([-1.0, -1.0, 1.0, 1.0])
    sources: list[Source] = [
        PlainRadar(
            radar_sensor(f"radar-{row + 1}", lat, lon, sigma=COARSE, range_max_m=REACH_M, clutter_per_scan=40.0),
            sky,
            seed=seed,
            habits=Habits(phase_s=row / 4 * PERIOD_S, horizon=True),
        )
        for row, (lat, lon) in enumerate(zip(*_places(east, north), strict=True))
    ]
    return Staged(name, seed, Scene(sky, sources), seconds, plan=plan, area_km2=np.pi * REACH_M**2 / 1e6)


def _places(east_m: FloatArray, north_m: FloatArray) -> tuple[list[float], list[float]]:
    lat, lon = spots(east_m, north_m)
    return lat.tolist(), lon.tolist()

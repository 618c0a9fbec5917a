"""The staged scenes by name.

`radar-N` and, after it in any order, `36` radars instead of one, `turns`, `doppler`, `bare`, `sweep`, `fine`; `late-`
before a name lets a fifth of its plots come up to 30 s late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dronewall.bench.tracking_scenes.borders import border_scene
from dronewall.bench.tracking_scenes.mixed import biased_scene, mixed_scene, vendor_scene
from dronewall.bench.tracking_scenes.quiet import quiet_scene
from dronewall.bench.tracking_scenes.radars import Options, crossing_scene, dense_scene, radar_scene, swarm_scene
from dronewall.bench.tracking_scenes.recorded import recorded_scene
from dronewall.bench.tracking_scenes.sound import Air, huge_wall_scene, wall_scene
from dronewall.bench.tracking_scenes.staging import Staged
from dronewall.model.errors import InputError
from dronewall.simulation.faults import Late

RECORDINGS = Path("../shared/data/tracking/adsb")
WINDY = Air(wind_mps=13.0, north_sigma_deg=1.0, deaf=0.1)
WORDS = ("turns", "doppler", "bare", "sweep", "fine")
Maker = Callable[[str, int], Staged]

NAMED: dict[str, Maker] = {
    "borders": border_scene,
    "crossing": crossing_scene,
    "dense": dense_scene,
    "swarm-100": lambda name, seed: swarm_scene(name, seed, 100.0),
    "swarm-200": lambda name, seed: swarm_scene(name, seed, 200.0),
    "swarm-300": lambda name, seed: swarm_scene(name, seed, 300.0),
    "swarm-600": lambda name, seed: swarm_scene(name, seed, 600.0),
    "swarm-1000": lambda name, seed: swarm_scene(name, seed, 1_000.0),
    "wall": wall_scene,
    "wall-straight": lambda name, seed: wall_scene(name, seed, turning=0.0),
    "wall-turning": lambda name, seed: wall_scene(name, seed, turning=1.0),
    "wall-wind": lambda name, seed: wall_scene(name, seed, air=WINDY),
    "wall-wind-foretold": lambda name, seed: wall_scene(name, seed, air=replace(WINDY, foretold=True)),
    "wall-many": lambda name, seed: wall_scene(name, seed, objects=80),
    "wall-cold": lambda name, seed: wall_scene(name, seed, air=Air(sound_mps=328.0)),
    "wall-huge": huge_wall_scene,
    "mixed": mixed_scene,
    "biased": lambda name, seed: biased_scene(name, seed, biased=True),
    "unbiased": lambda name, seed: biased_scene(name, seed, biased=False),
    "vendor": vendor_scene,
    "vendor-central": lambda name, seed: vendor_scene(name, seed, central=True),
    "vendor-mute": lambda name, seed: vendor_scene(name, seed, covariance=False),
    "quiet": quiet_scene,
    "quiet-dry": lambda name, seed: quiet_scene(name, seed, rain=False),
    "quiet-12h": lambda name, seed: quiet_scene(name, seed, seconds=43_200.0),
}
RECORDED = ("uav_rot", "munich", "franconia", "opensky_uk_2021-07-12", "switzerland_2018-08-01", "inflight_refuelling")


def names() -> list[str]:
    """Return the names that a run of all uses; `radar-` and `late-` make more."""
    sizes = ("radar-10", "radar-50", "radar-200", "radar-1000", "radar-10000-36")
    more = ("radar-50-turns", "radar-200-36", "radar-200-36-turns", "radar-200-fine-turns", "radar-1000-36-turns")
    return [*sizes, *more, *NAMED, "late-radar-200-36", *(f"real-{name}" for name in RECORDED)]


def staged(name: str, seed: int = 1, *, recordings: Path = RECORDINGS) -> Staged:
    """Return the scene of a name.

    Raises:
        InputError: there is none.
    """
    if name.startswith("late-"):
        return late(staged(name.removeprefix("late-"), seed, recordings=recordings), name)
    if name.startswith("real-"):
        return recorded_scene(name, seed, recordings, name.removeprefix("real-"))
    if name.startswith("radar-"):
        return _radar(name, seed)
    if name not in NAMED:
        raise InputError(f"there is no scene '{name}'", f"Choose one of: {', '.join(names())}", field="--only")
    return NAMED[name](name, seed)


def late(behind: Staged, name: str) -> Staged:
    """Return a scene whose every source is behind a bad link."""
    scene = behind.scene
    sources = [Late(source, seed=behind.seed) for source in scene.sources]
    return replace(behind, name=name, scene=type(scene)(scene.sky, sources, epoch_ns=scene.epoch_ns))


def _radar(name: str, seed: int) -> Staged:
    words = name.split("-")[1:]
    unknown = [word for word in words[1:] if word not in (*WORDS, "36")]
    if not words[0].isdigit() or unknown:
        raise InputError(f"there is no scene '{name}'", f"radar-N, then any of: 36, {', '.join(WORDS)}", field="--only")
    chosen = {word: True for word in words[1:] if word in WORDS}
    options = Options(radars=36 if "36" in words[1:] else 1, **chosen)
    return radar_scene(name, seed, int(words[0]), options)

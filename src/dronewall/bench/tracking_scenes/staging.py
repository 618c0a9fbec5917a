"""What every staged scene is made of: a sky over sensors, how long it lasts, and how it is to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dronewall.geodesy.wgs84 import FloatArray, ecef_from_enu, geodetic_from_ecef
from dronewall.model.identity import Affiliation
from dronewall.model.plots import ObjectClass, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sigma
from dronewall.model.weather import Weather
from dronewall.simulation.night import Scene
from dronewall.simulation.recording import Recording, truths
from dronewall.simulation.sky import Signatures, Sky
from dronewall.simulation.source import NS
from dronewall.simulation.streams import stream
from dronewall.simulation.truth import write_truth
from dronewall.simulation.wandering import Wanderers, wander
from dronewall.wire import plots_jsonl, plots_parquet, sensors_jsonl, weather_jsonl

MIDDLE = (52.0, 22.0)
"""Where scenes are staged, unless the motion is a recorded one."""
Q_LEVEL, Q_UPRIGHT = 0.05, 0.0045
"""Power spectral densities of the noise on straight flight, m²/s³: what a bound on errors may know."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A scene and how it is judged: `cutoff_m`, `horizontal`, and an instant before which nobody is asked, `from_s`.

    `plan` is what its objects do, where row i of it is row i of the sky, and `noise` what is on it, level and upright;
    without a plan no bound is known. `area_km2` is what false tracks are counted on. `swarm` is how many objects fly
    as one group, 0 where none do. `weather` is what a forecast tells, None where there is none.
    """

    name: str
    seed: int
    scene: Scene
    seconds: float
    sample_s: int = 5
    cutoff_m: float = 500.0
    horizontal: bool = False
    from_s: float = 0.0
    many_plots: bool = False
    plan: Flown | None = None
    noise: tuple[float, float] = (Q_LEVEL, Q_UPRIGHT)
    area_km2: float | None = None
    swarm: int = 0
    weather: Weather | None = None


def spots(
    east_m: FloatArray, north_m: FloatArray, middle: tuple[float, float] = MIDDLE
) -> tuple[FloatArray, FloatArray]:
    """Return latitudes and longitudes of places so far from the middle."""
    enu = np.stack([east_m, north_m, np.zeros(len(east_m))], axis=1)
    lat, lon, _ = geodetic_from_ecef(ecef_from_enu(enu, *middle, 0.0))
    return lat, lon


@dataclass(frozen=True, slots=True, eq=False)
class Flown:
    """A plan of wanderers in metres about the middle; see `Wanderers` for the rest."""

    east_m: FloatArray
    north_m: FloatArray
    hae_m: FloatArray
    speed_mps: FloatArray
    course_rad: FloatArray
    start_s: FloatArray
    end_s: FloatArray
    turn_from_s: FloatArray
    turn_until_s: FloatArray
    turn_radps: FloatArray

    @classmethod
    def straight(
        cls,
        east_m: FloatArray,
        north_m: FloatArray,
        hae_m: FloatArray,
        speed_mps: FloatArray,
        course_rad: FloatArray,
        end_s: float,
    ) -> Flown:
        """Return a plan that begins at once and turns nowhere."""
        n = len(east_m)
        none = np.zeros(n)
        return cls(east_m, north_m, hae_m, speed_mps, course_rad, none, np.full(n, float(end_s)), none, none, none)


def sky_of(
    flown: Flown,
    signatures: Signatures,
    rng: np.random.Generator,
    *,
    step_s: float = 1.0,
    q_level: float = Q_LEVEL,
    q_upright: float = Q_UPRIGHT,
    lowest_m: float = 50.0,
) -> Sky:
    """Return the sky of a plan."""
    lat, lon = spots(flown.east_m, flown.north_m)
    plan = Wanderers(
        lat_deg=lat,
        lon_deg=lon,
        hae_m=flown.hae_m,
        speed_mps=flown.speed_mps,
        course_rad=flown.course_rad,
        start_s=flown.start_s,
        end_s=flown.end_s,
        turn_from_s=flown.turn_from_s,
        turn_until_s=flown.turn_until_s,
        turn_radps=flown.turn_radps,
        q_level=q_level,
        q_upright=q_upright,
        lowest_m=lowest_m,
    )
    return Sky(signatures, wander(plan, rng, step_s=step_s))


def drones(n: int, *, prefix: str = "drone", **columns: object) -> Signatures:
    """Return the signatures of n hostile loitering drones; `columns` say what is different."""
    given = {"object_class": ObjectClass.LOITERING, "affiliation": Affiliation.HOSTILE, "rcs_m2": 1.0, **columns}
    return Signatures.of(n, object_id=[f"{prefix}-{row + 1:05d}".encode()[-12:] for row in range(n)], **given)


def radar_sensor(
    sensor_id: str,
    lat_deg: float,
    lon_deg: float,
    *,
    hae_m: float = 10.0,
    kind: SensorKind = SensorKind.RADAR_3D,
    sigma: Sigma,
    period_s: float = 5.0,
    range_max_m: float,
    pd: float = 0.9,
    clutter_per_scan: float,
) -> Sensor:
    """Return a radar that declares everything."""
    return Sensor(
        sensor_id=sensor_id,
        kind=kind,
        lat_deg=round(float(lat_deg), 6),
        lon_deg=round(float(lon_deg), 6),
        hae_m=hae_m,
        sigma=sigma,
        period_s=period_s,
        range_max_m=float(range_max_m),
        pd=pd,
        clutter_per_scan=float(clutter_per_scan),
        owner="invented",
    )


def write_staged(staged: Staged, folder: Path) -> Recording:
    """Write `sensors.jsonl`, `plots.jsonl` (or `plots.parquet` where they are many) and `truth.csv`; return how much.

    Where there is a forecast it is in `weather.jsonl`.

    A plot is written if it is received before the scene ends. Seconds are written as they are made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scene = staged.scene
    begin_ns = scene.epoch_ns
    end_ns = begin_ns + round(staged.seconds * NS)
    (folder / "sensors.jsonl").write_bytes(sensors_jsonl.encoded(scene.sensors))
    if staged.weather is not None:
        (folder / "weather.jsonl").write_bytes(weather_jsonl.encoded(staged.weather))
    writer = _write_parquet if staged.many_plots else _write_lines
    plots = writer(scene, begin_ns, end_ns, folder)
    rows = write_truth(folder / "truth.csv", truths(scene, begin_ns, end_ns, sample_s=staged.sample_s))
    return Recording(len(scene.sensors), plots, rows)


def pieces(scene: Scene, begin_ns: int, end_ns: int) -> Sequence[tuple[int, int]]:
    """Return the seconds in which a scene is told."""
    return [(at_ns, min(at_ns + NS, end_ns)) for at_ns in range(begin_ns, end_ns, NS)]


def _write_lines(scene: Scene, begin_ns: int, end_ns: int, folder: Path) -> int:
    count = 0
    with (folder / "plots.jsonl").open("wb") as out:
        for piece in pieces(scene, begin_ns, end_ns):
            plots = scene.plots_between(*piece)
            out.write(plots_jsonl.encoded(plots))
            count += len(plots)
    return count


def _write_parquet(scene: Scene, begin_ns: int, end_ns: int, folder: Path) -> int:
    import pyarrow.parquet as pq

    count, schema = 0, plots_parquet.table_of(Plots.empty()).schema
    with pq.ParquetWriter(folder / "plots.parquet", schema, compression="zstd") as out:
        for piece in pieces(scene, begin_ns, end_ns):
            plots = scene.plots_between(*piece)
            if len(plots):
                out.write_table(plots_parquet.table_of(plots).cast(schema))
                count += len(plots)
    return count


def seeded(seed: int, name: str) -> np.random.Generator:
    """Return the generator of a scene's plan."""
    return stream(seed, f"staged.{name}")

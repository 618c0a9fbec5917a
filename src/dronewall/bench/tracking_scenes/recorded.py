"""Real motion under simulated radars: recorded flights are the truth, every measurement of them is simulated."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dronewall.bench.tracking_scenes.radars import COARSE
from dronewall.bench.tracking_scenes.staging import Staged, radar_sensor, spots
from dronewall.geodesy.wgs84 import FloatArray, ecef_from_enu
from dronewall.model.errors import InputError
from dronewall.model.identity import Affiliation
from dronewall.model.plots import ObjectClass
from dronewall.simulation.movers import Movers
from dronewall.simulation.night import Scene
from dronewall.simulation.plain_radar import Habits, PlainRadar
from dronewall.simulation.sky import Signatures, Sky
from dronewall.simulation.source import Source

GAP_PERIODS = 3.0
"""A longer silence ends an object: what it did meanwhile nobody knows."""
SMOOTHED = 5
"""Positions are averaged over so many samples: recorders round, objects do not jump."""


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """A recording of n flights: local ENU about `origin` (latitude, longitude, height)."""

    origin: tuple[float, float, float]
    period_s: float
    flights: tuple[tuple[FloatArray, FloatArray], ...]


def recorded_scene(name: str, seed: int, folder: Path, recording: str, *, seconds: float = 1_800.0) -> Staged:
    """Return the first half hour of a recording under three radars that are about as far apart as the flights.

    Raises:
        InputError: there is no such recording.
    """
    told = read_recording(folder, recording)
    flights = [(t, enu) for t, enu in told.flights if t[0] < seconds and len(t) > SMOOTHED]
    sky = _sky(told, flights)
    middle = np.median(np.concatenate([enu[t < seconds] for t, enu in flights]), axis=0)
    spread = float(np.percentile(np.concatenate([_far(enu[t < seconds], middle) for t, enu in flights]), 90))
    reach_m = float(np.clip(2.5 * spread, 15_000.0, 250_000.0))
    off = np.array([(-0.4, -0.3), (0.45, -0.2), (0.05, 0.5)]) * np.clip(spread, 5_000.0, 80_000.0)
    lat, lon = spots(middle[0] + off[:, 0], middle[1] + off[:, 1], told.origin[:2])
    sources: list[Source] = [
        PlainRadar(
            radar_sensor(
                f"radar-{row + 1:02d}",
                lat[row],
                lon[row],
                hae_m=100.0,
                sigma=COARSE,
                range_max_m=reach_m,
                clutter_per_scan=20.0,
            ),
            sky,
            seed=seed,
            habits=Habits(phase_s=5.0 * row / 3),
        )
        for row in range(3)
    ]
    longest = max(float(t[-1]) for t, _ in flights)
    return Staged(name, seed, Scene(sky, sources), min(seconds, longest))


def read_recording(folder: Path, recording: str) -> Recorded:
    """Return a recording `NAME.truth.csv.gz` with its `NAME.meta.json`.

    Raises:
        InputError: it is not there.
    """
    path = folder / f"{recording}.truth.csv.gz"
    if not path.is_file():
        raise InputError("there is no such recording", "Give the folder that holds data/ with --recordings", str(path))
    meta = json.loads((folder / f"{recording}.meta.json").read_text(encoding="utf-8"))
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = np.loadtxt(lines, delimiter=",", skiprows=1)
    flights = [flight for who in np.unique(rows[:, 1]) for flight in _flights(rows[rows[:, 1] == who], meta["dt"])]
    lat, lon, hae = meta["origin"]
    return Recorded((lat, lon, hae), float(meta["dt"]), tuple(flights))


def _flights(rows: FloatArray, period_s: float) -> list[tuple[FloatArray, FloatArray]]:
    """Return instants and places of one object, cut at its gaps, evenly spaced and smoothed."""
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    cuts = np.flatnonzero(np.diff(rows[:, 0]) > GAP_PERIODS * period_s) + 1
    told = []
    for part in np.split(rows, cuts):
        at_s = np.arange(part[0, 0], part[-1, 0] + 1e-6, period_s)
        enu = np.stack([np.interp(at_s, part[:, 0], part[:, 2 + axis]) for axis in range(3)], axis=1)
        if len(at_s) > SMOOTHED:
            kernel, half = np.ones(SMOOTHED) / SMOOTHED, SMOOTHED // 2
            enu = np.stack([np.convolve(enu[:, axis], kernel, "valid") for axis in range(3)], axis=1)
            told.append((at_s[half:-half], enu))
    return told


def _sky(told: Recorded, flights: list[tuple[FloatArray, FloatArray]]) -> Sky:
    movers = []
    for at_s, enu in flights:
        ecef = ecef_from_enu(enu, *told.origin)
        velocity = np.gradient(ecef, told.period_s, axis=0)
        movers.append(Movers.of_knots(at_s[:1], told.period_s, ecef[:, None], velocity[:, None], np.array([len(at_s)])))
    looks = Signatures.of(
        len(flights),
        object_id=[f"flight-{row + 1:03d}".encode() for row in range(len(flights))],
        object_class=ObjectClass.AEROPLANE,
        affiliation=Affiliation.NEUTRAL,
        rcs_m2=1.0,
    )
    return Sky(looks, Movers.concat(movers))


def _far(enu: FloatArray, middle: FloatArray) -> FloatArray:
    return np.linalg.norm(enu[:, :2] - middle[:2], axis=1)

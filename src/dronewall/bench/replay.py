"""How fast a journal is replayed, picture by picture, and whether the pictures are the live ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dronewall.bench.live_scene import Scene
from dronewall.bench.scene_plots import BEGUN_NS, plots_of
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.engine.entries import Content, PlotsCame, SensorsJoined, Stepped, content_of, entry_of, state_of
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.sensors import Sensors
from dronewall.pipeline import Pipeline
from dronewall.run.compiling import compiled_by_two
from dronewall.run.reader import Reader
from dronewall.run.replay import Numbered, played

PLOTS_PER_S = 25_000
GROWING_S, QUICK_GROWING_S = 15.0, 8.0
"""How long the sky is watched first: until nearly all of it is tracked."""
REPLAYED_S, QUICK_REPLAYED_S = 30.0, 6.0
TIMES = 3
TARGET_TIMES_REAL = 20.0
TARGET_APART_M = 1e-6


def replay(*, quick: bool, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield how many times as fast as it was a journal is replayed, and how far any track lies from the live one."""
    for _ in compiled_by_two():
        pass
    growing_s, replayed_s = (QUICK_GROWING_S, QUICK_REPLAYED_S) if quick else (GROWING_S, REPLAYED_S)
    with tempfile.TemporaryDirectory(prefix="dronewall-") as folder:
        path = Path(folder) / "wall.journal"
        live = _live(path, growing_s, replayed_s, seed)
        runs = [_replayed(path, live) for _ in range(1 if quick else TIMES)]
    case = f"{PLOTS_PER_S} plots/s, {len(live[-1].tracks)} tracks"
    times_real = [replayed_s / seconds for seconds, _ in runs]
    p10, median, p90 = (float(value) for value in np.quantile(times_real, (0.1, 0.5, 0.9)))
    told = {"bench": "replay", "seed": seed}
    yield {
        **told, "case": f"times real time: {case}", "value": median, "unit": "1", "median": median, "p10": p10,
        "p90": p90, "target": TARGET_TIMES_REAL, "met": median >= TARGET_TIMES_REAL,
    }  # fmt: skip
    apart_m = max(apart for _, apart in runs)
    yield {
        **told, "case": f"furthest from live: {case}", "value": apart_m, "unit": "m", "target": TARGET_APART_M,
        "met": apart_m <= TARGET_APART_M,
    }  # fmt: skip


def _reader() -> Reader:
    return Reader(lambda: Pipeline(Sensors(), truth_domain=TruthDomain.SIMULATION))


def _live(path: Path, growing_s: float, replayed_s: float, seed: int) -> list[Picture]:
    """Leave a journal with a checkpoint before what is to be replayed; return the pictures after it."""
    scene, log, reader = Scene(PLOTS_PER_S, seed=seed), SqliteLog(path), _reader()
    pictures: list[Picture] = []

    def write(*contents: Content) -> None:
        appended = log.append([entry_of(content, at_ns=BEGUN_NS) for content in contents])
        for seq, content in zip(appended.seqs, contents, strict=True):
            picture = reader.take(seq, content)
            if picture is not None and number >= kept_at:
                pictures.append(picture)

    number, kept_at = 0, round(growing_s / scene.slice_s)
    write(SensorsJoined(tuple(scene.sensors)))
    for number in range(kept_at + round(replayed_s / scene.slice_s)):
        if number == kept_at:
            log.keep(reader.checkpoint()())
        now_ns = BEGUN_NS + round((number + 1) * scene.slice_s * NS_PER_S)
        plots = plots_of(scene.hits(number), scene.sensors, now_ns)
        write(PlotsCame("radars", plots), Stepped(now_ns, log.last_seq + 1))
    log.close()
    return pictures


def _replayed(path: Path, live: list[Picture]) -> tuple[float, float]:
    """Return the seconds a replay from the checkpoint takes, and how far the furthest track lies from the live one."""
    log, reader, clock = SqliteLog(path, read_only=True), _reader(), WallClock()
    checkpoint = log.checkpoints()[0]
    reader.begin_in(state_of(checkpoint, journal=log.name), seq=checkpoint.seq)
    began_ns = clock.now_ns()
    apart_m, count = 0.0, 0
    for picture in played(_contents(log, checkpoint.seq + 1), reader, observers=()):
        apart_m = max(apart_m, _apart_m(live[count], picture))
        count += 1
    seconds = (clock.now_ns() - began_ns) / NS_PER_S
    log.close()
    return seconds, apart_m if count == len(live) else float("inf")


def _contents(log: SqliteLog, first_seq: int) -> Iterator[Numbered]:
    for stored in log.read(first_seq):
        yield stored.seq, content_of(stored, journal=log.name)


def _apart_m(live: Picture, again: Picture) -> float:
    """Return how far the furthest track lies from the live one; infinite unless they are the same tracks."""
    if not np.array_equal(live.tracks.track_id, again.tracks.track_id):
        return float("inf")
    return float(np.abs(live.tracks.mean[:, :3] - again.tracks.mean[:, :3]).max(initial=0.0))

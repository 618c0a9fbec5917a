"""How long a wall needs to be back: its journal opened, the newest checkpoint restored, what came after it read again.

Compiling the kernels is not counted: it happens while the page is served already, and its result is kept on the disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dronewall.bench.live_scene import Hits, Scene
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.engine.entries import Content, PlotsCame, SensorsJoined, Stepped, entry_of
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.picture import TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensors
from dronewall.pipeline import Pipeline, warm_up
from dronewall.run.reader import Reader
from dronewall.run.wall import CHECKPOINT_EVERY_S

TARGETS = 20_000
PLOTS_PER_S = 5_000
GROWING_S = 20.0
"""How long the sky is watched before the checkpoint: until nearly all of it is tracked."""
TAIL_S = CHECKPOINT_EVERY_S
"""How much comes after the checkpoint: as much as lies between two of them, the worst a restart can meet."""
TARGET_S = 2.0
BEGUN_NS = 1_700_000_000 * NS_PER_S


def restart(*, quick: bool, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield the seconds of a restart with 20,000 tracks: without what came after the checkpoint, and with all of it."""
    for _ in warm_up():
        pass
    with tempfile.TemporaryDirectory(prefix="dronewall-") as folder:
        path = Path(folder) / "wall.journal"
        tracks = _write_night(path, seed=seed)
        restored = [_restarted(path, tail=False) for _ in range(10)]
        yield _figure(f"{tracks} tracks: open, checkpoint, restore", restored, seed)
        whole = [_restarted(path, tail=True) for _ in range(2 if quick else 5)]
        yield _figure(f"{tracks} tracks, and {TAIL_S:g} s of {PLOTS_PER_S} plots/s", whole, seed)


def _figure(case: str, seconds: list[float], seed: int) -> dict[str, Any]:
    p10, median, p90 = (float(value) for value in np.quantile(seconds, (0.1, 0.5, 0.9)))
    figure = {"bench": "restart", "case": case, "seed": seed, "value": median, "unit": "s", "median": median}
    return {**figure, "p10": p10, "p90": p90, "target": TARGET_S, "met": median <= TARGET_S}


def _write_night(path: Path, *, seed: int) -> int:
    """Leave a journal as a killed wall does: a checkpoint, and after it what came until the next one was due.

    Returns how many tracks stood in the picture at the checkpoint.
    """
    scene = Scene(PLOTS_PER_S, targets=TARGETS, seed=seed)
    log, reader = SqliteLog(path), _reader()
    slices, kept_at = round((GROWING_S + TAIL_S) / scene.slice_s), round(GROWING_S / scene.slice_s)
    _write(log, [SensorsJoined(tuple(scene.sensors))], reader)
    for number in range(slices):
        now_ns = BEGUN_NS + round((number + 1) * scene.slice_s * NS_PER_S)
        plots = _plots(scene.hits(number), scene.sensors, now_ns)
        _write(
            log, [PlotsCame("radars", plots), Stepped(now_ns, log.last_seq + 1)], reader if number < kept_at else None
        )
        if number + 1 == kept_at:
            log.keep(reader.checkpoint())
    log.close()
    return 0 if reader.picture is None else len(reader.picture.tracks)


def _write(log: SqliteLog, contents: list[Content], reader: Reader | None) -> None:
    appended = log.append([entry_of(content, at_ns=BEGUN_NS) for content in contents])
    if reader is not None:
        for seq, content in zip(appended.seqs, contents, strict=True):
            reader.take(seq, content)


def _plots(hits: Hits, sensors: Sensors, received_ns: int) -> Plots:
    return Plots.of(
        len(hits.radar),
        sensor=hits.radar.astype(np.int32),
        at_ns=BEGUN_NS + (hits.at_s * 1e9).astype(np.int64),
        received_ns=received_ns,
        range_m=hits.range_m,
        azimuth_rad=hits.azimuth_rad,
        elevation_rad=hits.elevation_rad,
        sensor_ids=tuple(sensor.sensor_id for sensor in sensors),
    )


def _restarted(path: Path, *, tail: bool) -> float:
    """Return the seconds until a journal is open and read; without its tail only one entry after the checkpoint is."""
    clock = WallClock()
    begun_ns = clock.now_ns()
    log = SqliteLog(path)
    _reader().recall(log, on_entry=lambda done, total: not tail)
    read_ns = clock.now_ns()
    log.close()
    return (read_ns - begun_ns) / NS_PER_S


def _reader() -> Reader:
    return Reader(lambda: Pipeline(Sensors(), truth_domain=TruthDomain.SIMULATION))

"""How long a wall needs to be back: its journal opened, the newest checkpoint restored, what came after it read again.

Compiling the kernels is not counted: it happens while the page is served already, and its result is kept on the disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dronewall.bench.live_scene import Scene
from dronewall.bench.scene_plots import BEGUN_NS, plots_of
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.engine.entries import Content, PlotsCame, SensorsJoined, Stepped, entry_of
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.picture import TruthDomain
from dronewall.model.sensors import Sensors
from dronewall.pipeline import Pipeline
from dronewall.run.compiling import compiled_by_two
from dronewall.run.reader import Reader
from dronewall.run.wall import CHECKPOINT_EVERY_WORK_S

TARGETS = 20_000
PLOTS_PER_S = 5_000
GROWING_S = 20.0
"""How long the sky is watched before the checkpoint: until nearly all of it is tracked."""
WRITTEN_WITHIN_STEPS = 10
"""So many steps go on while a checkpoint is written; a kill just before its end finds only the one before."""
TARGET_S = 2.0


def restart(*, quick: bool, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield the seconds of a restart with 20,000 tracks: without what came after the checkpoint, and with all of it."""
    for _ in compiled_by_two():
        pass
    with tempfile.TemporaryDirectory(prefix="dronewall-") as folder:
        path = Path(folder) / "wall.journal"
        tracks, steps = _write_night(path, seed=seed)
        restored = [_restarted(path, tail=False) for _ in range(10)]
        yield _figure(f"{tracks} tracks: open, checkpoint, restore", restored, seed)
        whole = [_restarted(path, tail=True) for _ in range(2 if quick else 5)]
        yield _figure(f"{tracks} tracks, and {steps} steps since", whole, seed)


def _figure(case: str, seconds: list[float], seed: int) -> dict[str, Any]:
    p10, median, p90 = (float(value) for value in np.quantile(seconds, (0.1, 0.5, 0.9)))
    figure = {"bench": "restart", "case": case, "seed": seed, "value": median, "unit": "s", "median": median}
    return {**figure, "p10": p10, "p90": p90, "target": TARGET_S, "met": median <= TARGET_S}


def _write_night(path: Path, *, seed: int) -> tuple[int, int]:
    """Leave a journal as a wall does that is killed at the worst moment: right before a checkpoint is whole.

    Returns how many tracks stand in the picture, and how many steps were made since the checkpoint before.
    """
    scene, clock = Scene(PLOTS_PER_S, targets=TARGETS, seed=seed), WallClock()
    log, reader = SqliteLog(path), _reader()
    number = steps = more = 0
    work_s = 0.0

    def write(*contents: Content) -> None:
        appended = log.append([entry_of(content, at_ns=BEGUN_NS) for content in contents])
        for seq, content in zip(appended.seqs, contents, strict=True):
            reader.take(seq, content)

    write(SensorsJoined(tuple(scene.sensors)))
    while more < WRITTEN_WITHIN_STEPS:
        now_ns = BEGUN_NS + round((number + 1) * scene.slice_s * NS_PER_S)
        plots = plots_of(scene.hits(number), scene.sensors, now_ns)
        began_ns = clock.now_ns()
        write(PlotsCame("radars", plots), Stepped(now_ns, log.last_seq + 1))
        number += 1
        if number * scene.slice_s > GROWING_S:
            steps += 1
            work_s += (clock.now_ns() - began_ns) / NS_PER_S
            more += work_s >= CHECKPOINT_EVERY_WORK_S
        elif (number + 1) * scene.slice_s > GROWING_S:
            log.keep(reader.checkpoint()())
    log.close()
    return 0 if reader.picture is None else len(reader.picture.tracks), steps


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

"""`dronewall track`: the tracker alone, offline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import numpy as np

from dronewall.cli.console import Progress, print_result, say
from dronewall.compose import compiled, replay_of
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.engine.entries import Content, PlotsCame
from dronewall.model.errors import InputError
from dronewall.model.picture import Picture
from dronewall.picture import groups_csv, tracks_csv
from dronewall.run.replay import played
from dronewall.run.summary import Summary

EPOCH = date(1970, 1, 1)


def run_track(
    sensors: Path,
    plots: Path,
    out: Path,
    groups: Path | None,
    *,
    weather: Path | None = None,
    sample_s: float,
    settling: bool,
    as_json: bool,
) -> int:
    """Write the tracks and, if asked, the groups of a file of plots, print the figures, return the exit status."""
    sample_ns = round(sample_s * NS_PER_S)
    step_ns = step_between(sample_ns)
    what = replay_of(
        [plots],
        sensors=sensors,
        weather=weather,
        day=EPOCH,
        step_ns=step_ns,
        last_ns=sample_ns,
        settling=settling,
    )
    summary, order, progress = Summary(), Order(), Progress()
    compiled(progress.tell)
    clock = WallClock()
    began_ns, began_cpu = clock.now_ns(), os.times()
    wanted = [(out, tracks_csv.HEADER, tracks_csv.rows)]
    if groups is not None:
        wanted.append((groups, groups_csv.HEADER, groups_csv.rows))
    try:
        with ExitStack() as files:
            tables = []
            for path, header, rows in wanted:
                file = files.enter_context(path.open("w", encoding="utf-8", newline=""))
                file.write(header)
                tables.append((file, rows))
            for picture in played(what.numbered, what.reader, observers=(summary, order)):
                if picture.at_ns % sample_ns == 0:
                    for file, rows in tables:
                        file.write(rows(picture))
                progress.tell(f"{picture.plots_total} plots, {picture.confirmed_total} tracks")
    except OSError as error:
        names = ", ".join(str(path) for path, _, _ in wanted)
        raise InputError(f"it cannot be written: {error.strerror}", "Name another file.", names) from error
    progress.done()
    ended_cpu = os.times()
    wall_s = (clock.now_ns() - began_ns) / NS_PER_S
    result = summary.result()
    print_result(
        {
            "plots": result["plots"],
            "plots_per_s": round(result["plots"] / wall_s, 1) if wall_s > 0 else None,
            "tracks": result["tracks"],
            "wall_s": round(wall_s, 3),
            "cpu_s": round(ended_cpu.user + ended_cpu.system - began_cpu.user - began_cpu.system, 3),
            "out_of_order": order.late,
            "feeds": summary.by_feed(),
        },
        as_json=as_json,
    )
    for line in summary.left_out():
        say(line)
    if order.late:
        say(f"{plots}: {order.late} plots stand after one received later; each was taken as received with it.")
    return 0


def step_between(sample_ns: int) -> int:
    """Return the longest step, of about a second at most, that divides the time between samples."""
    parts = -(-sample_ns // NS_PER_S)
    while sample_ns % parts:
        parts += 1
    return sample_ns // parts


class Order:
    """Counts plots that stand in the file after one that was received later; an observer."""

    def __init__(self) -> None:
        self.late = 0
        self._newest_ns = 0

    def __call__(self, picture: Picture, contents: Sequence[Content]) -> None:
        """Take what came before a picture."""
        for content in contents:
            if isinstance(content, PlotsCame) and len(content.plots):
                newest_ns = np.maximum.accumulate(np.maximum(content.plots.received_ns, self._newest_ns))
                self.late += int(np.count_nonzero(content.plots.received_ns < newest_ns))
                self._newest_ns = int(newest_ns[-1])

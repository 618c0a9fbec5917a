"""`dronewall bench soak`: hours of one load, and whether memory, file handles, threads and latency stay where they are.

Every ten seconds one sample is appended to `soak.jsonl` in the current folder; `soak.svg` beside it shows them all and
is written anew with each sample, so that a run that ends early is not lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from dronewall.bench.live import CONNECTIONS, SETTLES_S, STARTS_WITHIN_S, Child, free_port, pause, say
from dronewall.bench.live_reader import Reader
from dronewall.bench.live_scene import Scene
from dronewall.bench.live_sender import run_load
from dronewall.bench.live_wall import Watched, run_wall
from dronewall.bench.soak_drawing import drawing
from dronewall.engine.clock import NS_PER_S, WallClock

PLOTS_PER_S = 10_000
SECONDS, QUICK_SECONDS = 7_200.0, 40.0
SAMPLE_EVERY_S, QUICK_SAMPLE_EVERY_S = 10.0, 2.0
SEED = 1
GROWTH_PERCENT_MOST = 5.0
FIRST_MINUTE_S = 60.0
EARLY_SAMPLES = 6
FILES_MORE_MOST = 2
"""A file is open for a moment while a segment is sealed or a page is asked for; a leak opens ever more."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The wall at one instant of a soak; delays are those since the sample before, None when nothing was shown."""

    at_s: float
    rss_bytes: int
    files: int
    threads: int
    p50_ms: float | None
    p99_ms: float | None
    plots: int
    tracks: int
    shed: int
    journal_bytes: int
    free_bytes: int


def soak(*, quick: bool, seconds: float | None = None, folder: Path | None = None) -> Iterator[dict[str, Any]]:
    """Yield the figures of a soak; its samples and their drawing are written to `folder`, the current one if None."""
    lasts_s = seconds or (QUICK_SECONDS if quick else SECONDS)
    to = folder or Path()
    samples: list[Sample] = []
    with (to / "soak.jsonl").open("w", encoding="utf-8") as lines:
        for sample in _sampled(lasts_s, QUICK_SAMPLE_EVERY_S if quick else SAMPLE_EVERY_S):
            samples.append(sample)
            lines.write(json.dumps(asdict(sample)) + "\n")
            lines.flush()
            (to / "soak.svg").write_text(drawing([asdict(one) for one in samples]), encoding="utf-8")
    yield from figures_of(samples, lasts_s)


def _sampled(lasts_s: float, every_s: float) -> Iterator[Sample]:
    with TemporaryDirectory(prefix="dronewall-soak-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        scene = Scene(PLOTS_PER_S, seed=SEED)
        port = free_port("tcp")
        wall = stack.enter_context(Child(run_wall, Path(folder), scene.sensors, "tcp", port))
        url = wall.heard(STARTS_WITHIN_S)
        stack.enter_context(Child(run_load, scene, "tcp", port, CONNECTIONS))
        stack.enter_context(Reader(url))
        pause(min(SETTLES_S, lasts_s))
        wall.asked("afresh")
        yield from _samples_of(lambda: wall.asked("afresh"), lasts_s, every_s)


def _samples_of(ask: Callable[[], Watched], lasts_s: float, every_s: float) -> Iterator[Sample]:
    clock = WallClock()
    begun_ns, told_s = clock.now_ns(), 0.0
    while (elapsed_s := (clock.now_ns() - begun_ns) / NS_PER_S) < lasts_s:
        pause(min(every_s, lasts_s - elapsed_s))
        seen, at_s = ask(), (clock.now_ns() - begun_ns) / NS_PER_S
        yield _sample(seen, at_s)
        if at_s - told_s >= FIRST_MINUTE_S:
            told_s = at_s
            say(f"soak: {at_s:.0f} of {lasts_s:.0f} s, {seen.rss_bytes / 1e6:.0f} MB, p99 {seen.p99_ms or 0.0:.0f} ms")


def _sample(seen: Watched, at_s: float) -> Sample:
    return Sample(
        at_s=round(at_s, 1),
        rss_bytes=seen.rss_bytes,
        files=seen.files,
        threads=seen.threads,
        p50_ms=seen.p50_ms,
        p99_ms=seen.p99_ms,
        plots=seen.plots,
        tracks=seen.tracks,
        shed=sum(count for _, count in seen.status.shed),
        journal_bytes=seen.journal_bytes,
        free_bytes=seen.status.disk_free_bytes,
    )


def figures_of(samples: Sequence[Sample], lasts_s: float) -> Iterator[dict[str, Any]]:
    """Yield the verdict: growth after the first minute, handles and threads, delays, what was shed."""
    settled = [one for one in samples if one.at_s >= FIRST_MINUTE_S] or list(samples)
    count = min(EARLY_SAMPLES, (len(settled) + 1) // 2)
    early, late = settled[:count], settled[-count:]
    before = float(np.median([one.rss_bytes for one in early]))
    growth = 100.0 * (float(np.median([one.rss_bytes for one in late])) / before - 1.0)
    files = float(np.median([one.files for one in late]) - np.median([one.files for one in early]))
    threads = float(np.median([one.threads for one in late]) - np.median([one.threads for one in early]))
    delays = [one.p99_ms for one in settled if one.p99_ms is not None]
    case = f"{PLOTS_PER_S} plots/s for {lasts_s:g} s"
    judged = [
        ("memory growth after the first minute", growth, "%", GROWTH_PERCENT_MOST),
        ("file handles more", files, "", FILES_MORE_MOST),
        ("threads more", threads, "", 0.0),
        ("reports shed", float(samples[-1].shed), "", 0.0),
    ]
    for name, value, unit, most in judged:
        yield _figure(f"{case}, {name}", value, unit, target=most, met=value <= most)
    if delays:
        worst = float(max(delays))
        yield _figure(f"{case}, latency p99, median", float(np.median(delays)), "ms", target=None, met=None)
        yield _figure(f"{case}, latency p99, worst sample", worst, "ms", target=None, met=None)


def _figure(case: str, value: float, unit: str, *, target: float | None, met: bool | None) -> dict[str, Any]:
    return {"bench": "soak", "case": case, "seed": SEED, "value": value, "unit": unit, "target": target, "met": met}

"""What was measured of a live wall, as figures; and what limits it, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dronewall.bench.live_reader import Seen
from dronewall.bench.live_sender import Sent
from dronewall.bench.live_wall import IDLE, LOOKS_PER_S, Watched

LATENCY_P99_MS = 250.0
MEMORY_GROWTH = 5.0
FIRST_MINUTE_S = 60.0
BEHIND_HELD_MS = 500.0
TAKEN_HELD = 0.98
LATENCY_HELD_MS = 1_000.0
TICK_MS = 100.0
BUSY = 0.85


@dataclass(frozen=True, slots=True)
class Measured:
    """One case: what wall and sender told at the beginning and at the end, and what the reader saw in between.

    `memory` pairs seconds with the wall's resident bytes.
    """

    seconds: float
    before: Watched
    after: Watched
    sent_before: Sent
    sent_after: Sent
    seen: Seen
    reader_cpu_s: float
    memory: tuple[tuple[float, int], ...]

    @property
    def offered(self) -> float:
        """Reports that fell due, 1/s."""
        return (self.sent_after.due - self.sent_before.due) / self.seconds

    @property
    def taken(self) -> float:
        """Reports that reached the tracker, 1/s."""
        return (self.after.plots - self.before.plots) / self.seconds

    @property
    def shed(self) -> int:
        """Reports left out by wall or sender, or lost on the way."""
        told = sum(n for _, n in self.after.status.shed) - sum(n for _, n in self.before.status.shed)
        return told + self.sent_after.left_out - self.sent_before.left_out

    @property
    def cores(self) -> dict[str, float]:
        """Processor cores used by the wall, its threads and the others."""
        threads = {
            f"wall, {_THREADS.get(name, name)}": (used - self.before.threads_cpu_s.get(name, 0.0)) / self.seconds
            for name, used in self.after.threads_cpu_s.items()
        }
        return {
            "wall": (self.after.cpu_s - self.before.cpu_s) / self.seconds,
            **{name: used for name, used in sorted(threads.items()) if used >= 0.005},
            "sender": (self.sent_after.cpu_s - self.sent_before.cpu_s) / self.seconds,
            "reader": self.reader_cpu_s / self.seconds,
        }

    @property
    def loop_shares(self) -> dict[str, float]:
        """What the loop's thread was seen doing, as shares of the time."""
        looks = LOOKS_PER_S * self.seconds
        return {stage: n / looks for stage, n in sorted(self.after.looks.items()) if stage != IDLE}

    @property
    def memory_growth(self) -> tuple[float, float]:
        """Growth in per cent and MB at its beginning: after the first minute, or after settling if it is shorter."""
        first = FIRST_MINUTE_S if self.seconds >= 2 * FIRST_MINUTE_S else 0.0
        early = [rss for at_s, rss in self.memory if first <= at_s < first + 10.0]
        late = [rss for at_s, rss in self.memory if at_s >= self.seconds - 10.0]
        if not early or not late:
            return 0.0, 0.0
        return 100.0 * (float(np.median(late)) / float(np.median(early)) - 1.0), float(np.median(early)) / 1e6


_THREADS = {"MainThread": "loop", "pipeline": "step", "journal": "journal"}


def held(seen: Measured) -> bool:
    """Whether a rate was held: nothing left out, nobody falls behind, pictures within a second."""
    return (
        seen.shed == 0
        and seen.taken >= TAKEN_HELD * seen.offered
        and seen.sent_after.behind_ms <= BEHIND_HELD_MS
        and (seen.after.p99_ms or float("inf")) <= LATENCY_HELD_MS
    )


def told(seen: Measured) -> str:
    """Return in words how a rate went."""
    return (
        f"{seen.taken:.0f}/s reached the tracker, p50 {seen.after.p50_ms or 0.0:.0f} ms, p99"
        f" {seen.after.p99_ms or 0.0:.0f} ms, {seen.shed} left out, sender {seen.sent_after.behind_ms:.0f} ms behind;"
        f" {limit_of(seen)}"
    )


def limit_of(seen: Measured) -> str:
    """Return in words what limits a rate: the thread that is busiest, and whether the machine has cores left."""
    cores = seen.cores
    threads = {name: used for name, used in cores.items() if name.startswith("wall, ")}
    busiest = max(threads, key=lambda name: threads[name], default="wall")
    whole = cores["wall"] + cores["sender"] + cores["reader"]
    had = os.cpu_count() or 1
    said = f"{busiest.removeprefix('wall, ')} thread at {threads.get(busiest, 0.0):.2f} cores"
    stages = {stage.name: stage.p50_ms for stage in seen.after.status.stages}
    if stages:
        slowest = max(stages, key=lambda name: stages[name])
        said += f", {slowest} {stages[slowest]:.0f} ms of a tick of {TICK_MS:.0f} ms"
    return said + (
        f"; {whole:.2f} of {had} cores used in all" if whole >= BUSY * had else f"; {whole:.2f} cores in all"
    )


def figures_of(name: str, seen: Measured, *, target: bool) -> Iterator[dict[str, Any]]:
    """Yield the figures of one case; only the rate the wall is built for has targets."""
    after = seen.after
    yield _figure(f"latency p99: {name}", after.p99_ms, "ms", LATENCY_P99_MS if target else None, at_most=True) | {
        "median": after.p50_ms
    }
    yield _figure(f"latency p99.9: {name}", after.p999_ms, "ms")
    yield _figure(f"reached the tracker: {name}", seen.taken, "1/s")
    yield _figure(f"shed: {name}", seen.shed, "1", 0.0 if target else None, at_most=True)
    yield _figure(f"tracks: {name}", after.tracks, "1")
    yield _acknowledged(name, seen)
    yield _figure(f"sender behind, most: {name}", seen.sent_after.worst_behind_ms, "ms")
    pauses = np.array(seen.seen.pauses_ms or [0.0])
    yield _figure(f"frames: {name}", seen.seen.frames / seen.seconds, "1/s")
    yield _figure(f"pause between frames p99: {name}", float(np.percentile(pauses, 99)), "ms") | {
        "median": float(np.median(pauses))
    }
    for who, used in seen.cores.items():
        yield _figure(f"processor, {who}: {name}", used, "cores")
    for doing, share in seen.loop_shares.items():
        yield _figure(f"loop busy with {doing}: {name}", share, "share")
    for stage in after.status.stages:
        yield _figure(f"stage {stage.name} p99: {name}", stage.p99_ms, "ms") | {"median": stage.p50_ms}
    growth, began_mb = seen.memory_growth
    judged = target and seen.seconds >= 2 * FIRST_MINUTE_S
    yield _figure(f"memory: {name}", seen.memory[-1][1] / 1e6 if seen.memory else None, "MB") | {"median": began_mb}
    yield _figure(f"memory growth: {name}", growth, "%", MEMORY_GROWTH if judged else None, at_most=True)
    yield _figure(f"journal: {name}", (after.journal_bytes - seen.before.journal_bytes) / seen.seconds / 1e6, "MB/s")


def _acknowledged(name: str, seen: Measured) -> dict[str, Any]:
    delays = seen.sent_after.delays_ms[len(seen.sent_before.delays_ms) :]
    if not delays:
        return _figure(f"acknowledged: {name}", None, "ms")
    p99 = float(np.percentile(delays, 99))
    return _figure(f"due to acknowledged p99: {name}", p99, "ms") | {"median": float(np.median(delays))}


def saturation_figures(rate: int, failed: int, limit: str) -> Iterator[dict[str, Any]]:
    """Yield the highest rate that was held, and what limits it."""
    yield _figure(f"saturation: holds, {failed} plots/s not; limit: {limit}", rate, "1/s")


def _figure(
    case: str, value: float | None, unit: str, target: float | None = None, *, at_most: bool = False
) -> dict[str, Any]:
    met = None if target is None else value is not None and value <= target
    return {"bench": "live", "case": case, "seed": 1, "value": value, "unit": unit, "target": target, "met": met}

"""`dronewall bench live`: from a socket to a picture frame, as fast as sensors report.

A real wall in its own process, with a journal on disk; another process sends a made-up, seeded sky over the loopback;
this one reads every picture frame on a WebSocket. Latency: from the
reception of a plot to the first frame with its effect handed to a reader's socket.
"""

from __future__ import annotations

import multiprocessing
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import psutil

from dronewall.bench.live_figures import Measured, figures_of, held, limit_of, saturation_figures, told
from dronewall.bench.live_reader import Reader, run_disturbance
from dronewall.bench.live_scene import Scene
from dronewall.bench.live_sender import run_load
from dronewall.bench.live_wall import run_wall
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.model.errors import InputError

RATES = (5_000, 25_000, 100_000)
SECONDS, QUICK_SECONDS = 60.0, 8.0
SETTLES_S, QUICK_SETTLES_S = 15.0, 7.0
"""Aircraft become confirmed tracks and caches warm; nothing is counted meanwhile."""
RAMP_FROM, RAMP_FACTOR, RAMP_SECONDS, RAMP_MOST = 30_000, 1.2, 12.0, 200_000
STARTS_WITHIN_S = 180.0
ENDS_WITHIN_S = 30.0
CONNECTIONS = 4
SEED = 1


@dataclass(frozen=True, slots=True)
class Case:
    """One load: reports a second, how they travel (`tcp`: lines, `udp`: ASTERIX 048), whether the disk is busy."""

    plots_per_s: int
    transport: str = "tcp"
    disk_busy: bool = False
    seconds: float = SECONDS
    settles_s: float = SETTLES_S

    @property
    def targeted(self) -> bool:
        """Whether this is the load that the wall is built for."""
        return self.plots_per_s == 25_000 and self.transport == "tcp" and not self.disk_busy

    @property
    def name(self) -> str:
        """What people call it."""
        disk = "busy" if self.disk_busy else "idle"
        return f"{self.plots_per_s} plots/s, {self.transport}, disk {disk}"


def live(*, quick: bool, seconds: float | None = None, only: str = "") -> Iterator[dict[str, Any]]:
    """Yield the figures of the live benchmark.

    Args:
        quick: two short cases at 25,000 plots/s, within 50 s.
        seconds: how long each case is measured, after it has settled.
        only: measure only cases whose name holds this; `saturation` is the last one's.

    Raises:
        InputError: no case has such a name.
    """
    chosen = [case for case in cases(quick=quick, seconds=seconds) if only in case.name]
    ramps = not quick and only in "saturation"
    if not chosen and not ramps:
        raise InputError(f"no case is called '{only}'", "Say for instance: 25000 plots/s, tcp", field="case")
    for case in chosen:
        yield from figures_of(case.name, measured(case), target=case.targeted)
    if ramps:
        yield from saturation()


def cases(*, quick: bool, seconds: float | None) -> list[Case]:
    """Return the cases, all of them or those that are quick."""
    if quick:
        short = Case(25_000, seconds=seconds or QUICK_SECONDS, settles_s=QUICK_SETTLES_S)
        return [short, replace(short, transport="udp")]
    whole = [Case(rate, disk_busy=busy, seconds=seconds or SECONDS) for rate in RATES for busy in (False, True)]
    return [*whole, *(replace(case, transport="udp") for case in whole if not case.disk_busy)]


def saturation() -> Iterator[dict[str, Any]]:
    """Raise the rate until it is no longer held; yield the highest that was, and what stops the next one."""
    best: tuple[int, Measured] | None = None
    rate = RAMP_FROM
    while rate <= RAMP_MOST:
        seen = measured(Case(rate, seconds=RAMP_SECONDS, settles_s=SETTLES_S))
        say(f"live: {rate} plots/s: {told(seen)}")
        if not held(seen):
            break
        best = (rate, seen)
        rate = round(rate * RAMP_FACTOR / 1000.0) * 1000
    yield from saturation_figures(best[0] if best else 0, rate, limit_of(seen))


def measured(case: Case) -> Measured:
    """Run one case from its start to its end."""
    say(f"live: {case.name}: starting")
    with TemporaryDirectory(prefix="dronewall-bench-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        scene = Scene(case.plots_per_s, seed=SEED)
        port = free_port(case.transport)
        wall = stack.enter_context(Child(run_wall, Path(folder), scene.sensors, case.transport, port))
        url = wall.heard(STARTS_WITHIN_S)
        if case.disk_busy:
            stack.enter_context(Child(run_disturbance, Path(folder), listens=False))
        load = stack.enter_context(Child(run_load, scene, case.transport, port, CONNECTIONS))
        reader = stack.enter_context(Reader(url))
        pause(case.settles_s)
        return _watch(case, wall, load, reader)


def _watch(case: Case, wall: Child, load: Child, reader: Reader) -> Measured:
    clock = WallClock()
    before, sent_before = wall.asked("afresh"), load.asked("tell")
    reader.afresh()
    own = psutil.Process()
    own_before = sum(own.cpu_times()[:2])
    begun_ns = clock.now_ns()
    memory: list[tuple[float, int]] = []
    told_s = 0.0
    while (elapsed_s := (clock.now_ns() - begun_ns) / NS_PER_S) < case.seconds:
        pause(min(1.0, case.seconds - elapsed_s))
        memory.append((elapsed_s, wall.rss_bytes))
        if elapsed_s - told_s >= 10.0:
            told_s = elapsed_s
            say(f"live: {case.name}: {elapsed_s:.0f} of {case.seconds:.0f} s")
    elapsed_s = (clock.now_ns() - begun_ns) / NS_PER_S
    after, sent_after = wall.asked("tell"), load.asked("tell")
    return Measured(
        seconds=elapsed_s,
        before=before,
        after=after,
        sent_before=sent_before,
        sent_after=sent_after,
        seen=reader.seen,
        reader_cpu_s=sum(own.cpu_times()[:2]) - own_before,
        memory=tuple(memory),
    )


class Child:
    """A process of the benchmark, told words and asked for answers; ended with the block."""

    def __init__(self, target: Callable[..., None], /, *arguments: Any, listens: bool = True) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._listens = listens
        self._process: SpawnProcess = context.Process(
            target=target, args=(theirs, *arguments) if listens else arguments, daemon=True
        )
        self._name = target.__name__

    def __enter__(self) -> Child:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._listens and self._process.is_alive():
            with suppress(BrokenPipeError):  # it ended between the two lines
                self._ours.send("stop")
            self._process.join(ENDS_WITHIN_S)
        if self._process.is_alive():
            self._process.terminate()
        self._process.join(ENDS_WITHIN_S)

    @property
    def rss_bytes(self) -> int:
        """How much memory it holds."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def asked(self, word: str) -> Any:
        """Return the answer to a word."""
        self._ours.send(word)
        return self.heard(ENDS_WITHIN_S)

    def heard(self, within_s: float) -> Any:
        """Return what it says next.

        Raises:
            TimeoutError: it says nothing.
        """
        if not self._ours.poll(within_s):
            raise TimeoutError(f"{self._name} says nothing within {within_s:g} s")
        return self._ours.recv()


def free_port(transport: str) -> int:
    """Return a port nobody holds."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pause(seconds: float) -> None:
    """Wait; threads and other processes work meanwhile."""
    Event().wait(seconds)


def say(what: str) -> None:
    """Tell people how far it is."""
    sys.stderr.write(what + "\n")
    sys.stderr.flush()

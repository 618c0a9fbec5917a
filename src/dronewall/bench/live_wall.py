"""A real wall in a process of its own, watched from inside: delays, shedding, memory, and where its time goes.

Where the time of the loop's thread goes is found by interrupting it a hundred times a second: the innermost function of
the house that it stands in names the stage. Each thread's processor time is counted by the system.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

import psutil

from dronewall.compose import Composed, feeds_from, journal_at, walled
from dronewall.config import LOOPBACK, Source
from dronewall.engine.clock import WallClock
from dronewall.engine.latency import Delays
from dronewall.model.picture import TruthDomain
from dronewall.model.sensors import Sensors
from dronewall.model.status import WallStatus

LOOKS_PER_S = 100
STAGE_OF_ROOM: Mapping[str, str] = {
    "wire": "decode",
    "feeds": "decode",
    "outlets": "encode",
    "engine": "loop",
    "run": "loop",
}
IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Watched:
    """What the wall tells of the time since it was last told to begin afresh."""

    status: WallStatus
    tracks: int
    plots: int
    p50_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    threads_cpu_s: dict[str, float]
    looks: dict[str, int]
    rss_bytes: int
    cpu_s: float
    files: int
    threads: int
    journal_bytes: int


class Looker:
    """Interrupts the main thread, where the loop runs, and counts the stage that it is in."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, 1.0 / LOOKS_PER_S, 1.0 / LOOKS_PER_S)

    def stop(self) -> None:
        """Look no more."""
        signal.setitimer(signal.ITIMER_REAL, 0.0)

    def _look(self, _: int, frame: FrameType | None) -> None:
        self.counts[stage_of(frame)] += 1


def stage_of(frame: FrameType | None) -> str:
    """Return the stage that the innermost function of the house belongs to."""
    if frame is not None and frame.f_code.co_name == "select":
        return IDLE
    while frame is not None:
        room = str(frame.f_globals.get("__name__", "")).split(".")
        if room[0] == "dronewall" and len(room) > 1 and room[1] in STAGE_OF_ROOM:
            return STAGE_OF_ROOM[room[1]]
        frame = frame.f_back
    return "loop"


def run_wall(
    orders: Connection, folder: Path, sensors: Sensors, transport: str, port: int, also: tuple[str, ...] = ()
) -> None:
    """Be the process: run a wall until told "stop"; answer "afresh" and "tell" with a `Watched`.

    Args:
        orders: where words come from and answers go.
        folder: where the journal is.
        sensors: the register.
        transport: `tcp` for lines, `udp` for ASTERIX 048.
        port: where it listens.
        also: URLs of further feeds.
    """
    asyncio.run(_run(orders, folder, sensors, (_url(transport, port), *also)))


def _url(transport: str, port: int) -> str:
    udp = transport == "udp"
    return f"asterix+udp://{LOOPBACK}:{port}" if udp else f"plots+tcp://{LOOPBACK}:{port}?listen=true"


async def _run(orders: Connection, folder: Path, sensors: Sensors, urls: tuple[str, ...]) -> None:
    clock = WallClock()
    composed = walled(
        name="bench live",
        truth_domain=TruthDomain.SIMULATION,
        log=journal_at(folder / "live.journal", TruthDomain.SIMULATION),
        feeds=feeds_from([{"url": url} for url in urls], sensors=sensors, clock=clock, source=Source(None)),
        sensors=sensors,
        address=(LOOPBACK, 0),
        clock=clock,
    )
    stop = asyncio.Event()
    looker = Looker()

    def obey() -> None:
        word = orders.recv()
        if word == "stop":
            stop.set()
        else:
            orders.send(_watched(composed, looker, folder))
            if word == "afresh":
                composed.wall.latency.whole_run = Delays()
                looker.counts.clear()

    running = asyncio.create_task(composed.wall.run([composed.page], stop=stop))
    ready = asyncio.create_task(composed.wall.ready.wait())
    await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
    orders.send(composed.url)
    asyncio.get_running_loop().add_reader(orders.fileno(), obey)
    await running
    looker.stop()


def _watched(composed: Composed, looker: Looker, folder: Path) -> Watched:
    own = psutil.Process()
    delays, times = composed.wall.latency.whole_run, own.cpu_times()
    names = {thread.native_id: thread.name.split("_")[0] for thread in threading.enumerate()}
    threads: Counter[str] = Counter()
    for thread in own.threads():
        threads[names.get(thread.id, "others")] += thread.user_time + thread.system_time
    return Watched(
        status=composed.wall.status(),
        tracks=len(composed.wall.picture.tracks),
        plots=composed.wall.picture.plots_total,
        p50_ms=delays.percentile_ms(50.0),
        p99_ms=delays.percentile_ms(99.0),
        p999_ms=delays.percentile_ms(99.9),
        threads_cpu_s=dict(threads),
        looks=dict(looker.counts),
        rss_bytes=own.memory_info().rss,
        cpu_s=times.user + times.system,
        files=own.num_fds() if hasattr(own, "num_fds") else 0,
        threads=own.num_threads(),
        journal_bytes=sum(file.stat().st_size for file in folder.iterdir() if file.is_file()),
    )

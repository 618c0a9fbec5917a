"""`dronewall demo`: a simulated night on the embedded default, fused from nothing."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import websockets

from dronewall.cli.console import Progress, print_result, say
from dronewall.cli.night_score import NightScore
from dronewall.cli.run import announce, latency_of
from dronewall.compose import Composed, journal_at, walled
from dronewall.engine.clock import WallClock
from dronewall.model.errors import RequestError
from dronewall.model.picture import TruthDomain
from dronewall.model.sensors import Sensors
from dronewall.model.status import WallPhase
from dronewall.run.summary import Summary
from dronewall.simulation.feed import NightFeed

LOOPBACK = "127.0.0.1"


def run_demo(
    *, headless: bool, seconds: float | None, port: int, seed: int, journal: Path | None, as_json: bool
) -> int:
    """Run the demo, print its summary, return the exit status: 1 if the picture stayed empty."""
    clock = WallClock()
    feed = NightFeed.under_way(seed, clock=clock.now_ns)
    summary = Summary()
    score = NightScore(feed.night) if seconds is not None else None
    with _journal_path(journal) as path:
        made = walled(
            name="demo",
            truth_domain=TruthDomain.SIMULATION,
            log=journal_at(path, TruthDomain.SIMULATION),
            feeds=(feed,),
            sensors=Sensors(),
            address=(LOOPBACK, 0 if headless else port),
            clock=clock,
            observers=(summary, score) if score else (summary,),
            feeds_wait=True,
        )
        if not headless:
            announce(made)
        asyncio.run(_run(made, seconds, headless=headless))
    scored = score.result() if score else {}
    print_result({**summary.result(), **latency_of(made), **scored, "feeds": summary.by_feed()}, as_json=as_json)
    if summary.empty:
        say("error: the picture stayed empty. Run it for longer, or look at the counts above.")
        return 1
    return 0


async def _run(made: Composed, seconds: float | None, *, headless: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    beside = [asyncio.create_task(_timed(made, seconds, stop))]
    if headless:
        beside.append(asyncio.create_task(_look_on(made.url)))
    try:
        await made.wall.run([made.page], stop=stop)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def _timed(made: Composed, seconds: float | None, stop: asyncio.Event) -> None:
    """Say how far it is, and end it when its time is over; compiling does not count."""
    progress, clock = Progress(), WallClock()
    while not made.wall.ready.is_set():
        status = made.wall.status()
        if status.phase is WallPhase.COMPILING:
            progress.tell(f"compiling {status.compiled} of {status.to_compile} kernels (only the first time)")
        await asyncio.sleep(0.2)
    progress.done()
    if seconds is None:
        return
    end_ns = clock.now_ns() + round(seconds * 1e9)
    while (left_ns := end_ns - clock.now_ns()) > 0:
        picture = made.wall.picture
        progress.tell(f"{left_ns / 1e9:.0f} s to go: {picture.plots_total} plots, {picture.confirmed_total} tracks")
        await asyncio.sleep(min(0.2, left_ns / 1e9))
    progress.done()
    stop.set()


async def _look_on(url: str) -> None:
    """Be a client of the picture, as a browser would be, for as long as the demo runs."""
    address = url.replace("http://", "ws://").rstrip("/") + "/ws/v1/picture"
    while True:
        with contextlib.suppress(OSError, websockets.WebSocketException):
            async with websockets.connect(address, max_size=None, compression=None, proxy=None) as socket:
                async for _ in socket:
                    pass
        await asyncio.sleep(0.1)


@contextlib.contextmanager
def _journal_path(journal: Path | None) -> Iterator[Path]:
    """Yield where the journal goes: a fresh file of its own, or a folder that ends with the demo."""
    if journal is None:
        with tempfile.TemporaryDirectory(prefix="dronewall-demo-") as folder:
            yield Path(folder) / "demo.journal"
    elif journal.exists():
        raise RequestError(
            "there is a journal already, and the demo begins from nothing", "Name a new file.", str(journal)
        )
    else:
        yield journal

"""`dronewall demo`: a simulated night on the embedded default, fused from nothing."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import websockets

from dronewall.cli.console import Progress, print_result, say
from dronewall.cli.night_score import NightScore
from dronewall.cli.run import TOLD_EVERY_S, announce, latency_of, told_until_ready, until_interrupted
from dronewall.compose import Composed, journal_at, walled
from dronewall.config import LOOPBACK
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.model.errors import RequestError
from dronewall.model.picture import TruthDomain
from dronewall.model.sensors import Sensors
from dronewall.outlets.loopback import bound_socket
from dronewall.run.summary import Summary
from dronewall.simulation.feed import NightFeed

PORTS_TRIED = 50


def run_demo(
    *, headless: bool, seconds: float | None, port: int, seed: int, journal: Path | None, as_json: bool
) -> int:
    """Run the demo, print its summary, return the exit status: 1 if the picture stayed empty."""
    clock = WallClock()
    feed = NightFeed.under_way(seed, clock=clock.now_ns)
    summary = Summary()
    score = NightScore(feed.night) if seconds is not None else None
    with _journal_path(journal) as path:
        with _another_port_suggested(port):
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
        beside = [lambda stop: _timed(made, seconds, stop)]
        if headless:
            beside.append(lambda _: _look_on(made.url))
        asyncio.run(until_interrupted(made, *beside))
    scored = score.result() if score else {}
    print_result({**summary.result(), **latency_of(made), **scored, "feeds": summary.by_feed()}, as_json=as_json)
    if summary.empty:
        say("error: the picture stayed empty. Run it for longer, or look at the counts above.")
        return 1
    return 0


async def _timed(made: Composed, seconds: float | None, stop: asyncio.Event) -> None:
    """Say how far it is, and end it when its time is over; compiling does not count."""
    await told_until_ready(made)
    if seconds is None:
        return
    progress, clock = Progress(), WallClock()
    end_ns = clock.now_ns() + round(seconds * NS_PER_S)
    while (left_ns := end_ns - clock.now_ns()) > 0:
        picture = made.wall.picture
        left_s = left_ns / NS_PER_S
        progress.tell(f"{left_s:.0f} s to go: {picture.plots_total} plots, {picture.confirmed_total} tracks")
        await asyncio.sleep(min(TOLD_EVERY_S, left_s))
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


@contextlib.contextmanager
def _another_port_suggested(port: int) -> Iterator[None]:
    """Add to the error about a port in use which one is free."""
    try:
        yield
    except RequestError as error:
        if error.field == "page.listen" and (free := _free_port_after(port)) is not None:
            error.remedy = f"Write --port {free}, or stop the program that uses port {port}."
        raise


def _free_port_after(port: int) -> int | None:
    for candidate in range(port + 1, min(port + PORTS_TRIED, 65535) + 1):
        with contextlib.suppress(RequestError):
            bound_socket(LOOPBACK, candidate).close()
            return candidate
    return None

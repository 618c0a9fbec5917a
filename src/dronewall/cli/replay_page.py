"""`dronewall replay` with the page: the pictures are shown at the pace at which they were made, or at another."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from dronewall import __version__
from dronewall.cli.console import say
from dronewall.compose import Played, page_of
from dronewall.engine.clock import NS_PER_S, Clock, WallClock
from dronewall.engine.entries import Content, PlotsCame
from dronewall.model.picture import Picture
from dronewall.model.status import FeedState, FeedStatus, WallPhase, WallStatus
from dronewall.outlets.web.server import WebOutlet
from dronewall.run.compiling import compiled_by_two
from dronewall.run.health import SensorWatch
from dronewall.run.reader import nothing_yet
from dronewall.run.replay import played
from dronewall.run.summary import Summary

PAUSE_MAX_S = 2.0
"""Longer pauses, such as those between two runs of a wall, are cut to this."""


async def show(what: Played, summary: Summary, *, speed: float, port: int) -> None:
    """Serve the page, play everything, and keep the last picture up until interrupted."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = WallClock()
    page = page_of(what.reader.pipeline, port=port, clock=clock)
    say(f"dronewall {__version__}: replaying {what.name} at {page.bind()}. Ctrl-C ends it.")
    serving = asyncio.create_task(page.serve())
    playing = asyncio.create_task(_Player(what, summary, speed, clock).play(page))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for done in (serving, playing):
            if done.done():
                done.result()
        await stopping
    finally:
        serving.cancel()
        playing.cancel()
        stopping.cancel()
        await asyncio.gather(serving, playing, stopping, return_exceptions=True)


class _Player:
    """Plays contents into a page. The pipeline has a thread of its own, so that the page never waits for it."""

    def __init__(self, what: Played, summary: Summary, speed: float, clock: Clock) -> None:
        self._what = what
        self._summary = summary
        self._speed = speed
        self._clock = clock
        self._sensor_watch = SensorWatch()
        self._phase = WallPhase.COMPILING
        self._compiled = (0, 0)
        self._due_ns = 0
        self._shown_ns = 0

    async def play(self, page: WebOutlet) -> None:
        """Compile, then show picture by picture."""
        with ThreadPoolExecutor(1, "pipeline") as thread:
            picture = nothing_yet(self._what.truth_domain)
            loop = asyncio.get_running_loop()
            compiling = loop.run_in_executor(thread, self._compile)
            while not compiling.done():
                page.publish(picture, self._status())
                await asyncio.wait({compiling}, timeout=0.2)
            compiling.result()
            self._phase = WallPhase.RUNNING
            pictures = played(self._what.numbered, self._what.reader, observers=(self._summary, self._hear))
            while (coming := await loop.run_in_executor(thread, next, pictures, None)) is not None:
                picture = coming
                await self._pace(picture.at_ns)
                page.publish(picture, self._status())
            self._phase = WallPhase.FINISHED
            page.publish(picture, self._status())
        say("The replay has ended; its last picture stays until Ctrl-C.")

    def _compile(self) -> None:
        for done_and_total in compiled_by_two():
            self._compiled = done_and_total

    def _hear(self, _: Picture, contents: Sequence[Content]) -> None:
        for content in contents:
            if isinstance(content, PlotsCame):
                self._sensor_watch.hear(content.plots)

    async def _pace(self, at_ns: int) -> None:
        """Wait until a picture is due; when the machine is too slow for that, go as fast as it can."""
        apart_s = min(max(at_ns - self._shown_ns, 0) / NS_PER_S / self._speed, PAUSE_MAX_S) if self._shown_ns else 0.0
        self._shown_ns = at_ns
        now_ns = self._clock.now_ns()
        self._due_ns = max(self._due_ns + round(apart_s * NS_PER_S), now_ns - NS_PER_S)
        if self._due_ns > now_ns:
            await self._clock.sleep((self._due_ns - now_ns) / NS_PER_S)

    def _status(self) -> WallStatus:
        done, total = self._compiled
        return WallStatus(
            name=self._what.name,
            version=__version__,
            truth_domain=self._what.truth_domain,
            replay=True,
            phase=self._phase,
            compiled=done,
            to_compile=total,
            feeds=tuple(self._feeds()),
            journal=self._what.name,
            detail=f"{self._speed:g} times as fast as it was",
            heard_ns=self._sensor_watch.heard_ns(self._what.reader.pipeline.sensors),
        )

    def _feeds(self) -> Iterator[FeedStatus]:
        for name, counts in sorted(self._summary.feeds.items()):
            yield FeedStatus(
                name=name,
                url=name,
                state=FeedState.CONNECTED if self._phase is WallPhase.RUNNING else FeedState.ENDED,
                decoded=counts.decoded,
                refused=tuple(sorted(self._summary.reasons[name].items()) if name in self._summary.reasons else ()),
                unplaceable=counts.unplaceable,
            )

"""A page over a made-up sky, served from a thread of its own: for the benchmark and for tests in a browser."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from dronewall.bench.page_sky import Sky, made_up_sky, picture_of, status_of
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.model.identity import Affiliation, Identity
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.status import WallPhase, WallStatus
from dronewall.outlets.web.server import WebOutlet

STARTS_WITHIN_S = 20.0


class MadeUpWall:
    """Publishes pictures of a made-up sky until it is closed; a context manager.

    Args:
        count: how many tracks.
        pictures_per_s: how often a picture is published; of those the page gets a full one each second.
        port: 0 picks a free one.
        arrays: how many acoustic arrays stand under the sky.
    """

    def __init__(self, count: int, *, pictures_per_s: float = 5.0, port: int = 0, arrays: int = 420) -> None:
        self.clock = WallClock()
        self.sky: Sky = made_up_sky(count, begun_ns=self.clock.now_ns(), arrays=arrays)
        self.domain, self.replay, self.phase = TruthDomain.SIMULATION, False, WallPhase.RUNNING
        self.publishing = True
        self.edited: Callable[[Picture, WallStatus], tuple[Picture, WallStatus]] = lambda picture, status: (
            picture,
            status,
        )
        self.sent: list[tuple[int, int]] = []
        self.url = ""
        self._port = port
        self._pause_s = 1.0 / pictures_per_s
        self._seq = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="made-up wall", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._up.wait(STARTS_WITHIN_S):
            raise TimeoutError(f"the page did not come up within {STARTS_WITHIN_S} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving; the port is free afterwards."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(STARTS_WITHIN_S)

    def explain(self, track_id: int) -> Identity | None:
        """Return an identity with made-up reasons."""
        if not 0 < track_id <= len(self.sky):
            return None
        held = Affiliation(int(self.sky.affiliation[track_id - 1]))
        return Identity(held, ("flies toward an asset",), ("as slow as a light aircraft",))

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        outlet = WebOutlet(
            "127.0.0.1",
            self._port,
            sensors=lambda: self.sky.sensors,
            explain=self.explain,
            on_sent=lambda seq, sent_ns: self.sent.append((seq, sent_ns)),
            clock=self.clock.now_ns,
        )
        self.url = outlet.bind()
        tasks = [asyncio.create_task(outlet.serve()), asyncio.create_task(self._publish(outlet))]
        self._up.set()
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _publish(self, outlet: WebOutlet) -> None:
        while True:
            begun_ns = self.clock.now_ns()
            if self.publishing:
                self._seq += 1
                outlet.publish(*await asyncio.to_thread(self._made, begun_ns, self._seq))
            took_s = (self.clock.now_ns() - begun_ns) / NS_PER_S
            await self.clock.sleep(max(0.0, self._pause_s - took_s))

    def _made(self, at_ns: int, seq: int) -> tuple[Picture, WallStatus]:
        picture = picture_of(self.sky, at_ns=at_ns, seq=seq, domain=self.domain)
        status = status_of(self.sky, at_ns=at_ns, domain=self.domain, replay=self.replay, phase=self.phase)
        return self.edited(picture, replace(status, detail=""))

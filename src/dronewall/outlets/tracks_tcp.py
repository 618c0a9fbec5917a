"""The entry point `tracks+tcp`: other programs connect and read tracks as lines of JSON.

    [[outlets]]
    url = "tracks+tcp://127.0.0.1:9200"

A new reader gets every track once, then only those that changed, and one line for each that is gone. What a reader does
not take in time it never gets: the newest picture stands for those it missed. One that takes nothing at all for five
seconds is hung up on.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Annotated

import msgspec

from dronewall.engine.clock import Clock
from dronewall.engine.urls import OUTLET, address_of
from dronewall.model.picture import Picture
from dronewall.model.status import WallStatus
from dronewall.outlets.loopback import bound_socket
from dronewall.outlets.outlet import House
from dronewall.outlets.track_lines import Change, Lines, gone, lines_of

TAKES_WITHIN_S = 5.0
WAITING_MAX_BYTES = 64 * 1024
WHAT = "the outlet of tracks"


class TracksSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of a `tracks+tcp://` outlet."""

    url: str
    connections_max: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 16
    """How many readers may be connected at once."""


class TracksOutlet:
    """A port at which tracks are read; see `Outlet` for the laws."""

    def __init__(self, settings: TracksSettings, *, house: House, clock: Clock) -> None:
        address = address_of(settings.url, kind=OUTLET)
        self._socket: socket.socket | None = bound_socket(address.host, address.port, what=WHAT, field="url")
        self._connections_max = settings.connections_max
        self._house = house
        self._clock = clock
        self._slot: Picture | None = None
        self._lines: Lines = {}
        self._taken: Picture | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._filled = asyncio.Event()
        self._newer = asyncio.Condition()
        self._readers: set[asyncio.Task[None]] = set()

    @property
    def clients(self) -> int:
        """How many readers are connected."""
        return len(self._readers)

    def publish(self, picture: Picture, status: WallStatus) -> None:
        """Put the newest picture into the slot; from any thread, at once."""
        self._slot = picture
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop closed between the two lines
                loop.call_soon_threadsafe(self._filled.set)

    async def serve(self) -> None:
        """Serve readers until cancelled."""
        self._loop = asyncio.get_running_loop()
        if self._slot is not None:
            self._filled.set()
        server = await asyncio.start_server(self._receive, sock=self._socket, limit=WAITING_MAX_BYTES)
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                await self._take()
        finally:
            self._loop = None
            server.close()
            for reader in tuple(self._readers):
                reader.cancel()
            await asyncio.gather(*self._readers, return_exceptions=True)

    async def _take(self) -> None:
        """Make lines of the newest picture, once for all readers."""
        picture = self._slot
        if picture is None or picture is self._taken:
            return
        # Beside the loop, for many tracks take a while.
        self._lines = await asyncio.to_thread(lines_of, picture, self._lines) if self._readers else {}
        self._taken = picture
        async with self._newer:
            self._newer.notify_all()

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._readers) >= self._connections_max:
            writer.close()
            return
        self._readers.add(task)
        listening = asyncio.create_task(_left(reader))
        telling = asyncio.create_task(self._tell(writer))
        try:
            await asyncio.wait({listening, telling}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            return  # the outlet is being closed
        finally:
            self._readers.discard(task)
            for part in (listening, telling):
                part.cancel()
            await asyncio.gather(listening, telling, return_exceptions=True)
            writer.transport.abort()

    async def _tell(self, writer: asyncio.StreamWriter) -> None:
        """Tell one reader what changed, again and again; ends when it does not take it."""
        writer.transport.set_write_buffer_limits(high=WAITING_MAX_BYTES)
        told: dict[int, Change] = {}
        picture: Picture | None = None
        if self._taken is not None and not self._lines:  # nobody was there when it was taken
            self._lines = await asyncio.to_thread(lines_of, self._taken, {})
        with contextlib.suppress(TimeoutError, OSError):
            while True:
                async with self._newer:
                    while self._taken is None or self._taken is picture:
                        await self._newer.wait()
                    picture = self._taken
                words = _changed(told, self._lines, picture.at_ns)
                if words:
                    writer.write(words)
                    self._house.sent(picture.seq, self._clock.now_ns())
                    async with asyncio.timeout(TAKES_WITHIN_S):
                        await writer.drain()


def _changed(told: dict[int, Change], lines: Lines, at_ns: int) -> bytes:
    """Return the lines a reader has not been told yet, and note them as told."""
    words = []
    for track_id in [known for known in told if known not in lines]:
        del told[track_id]
        words.append(gone(track_id, at_ns))
    for track_id, (change, line) in lines.items():
        if told.get(track_id) != change:
            told[track_id] = change
            words.append(line)
    return b"".join(words)


async def _left(reader: asyncio.StreamReader) -> None:
    """Return once a reader has hung up; what it says until then is not for us."""
    with contextlib.suppress(OSError):
        while await reader.read(4096):
            pass


class TracksPlugin:
    """What the entry point refers to."""

    schemes = ("tracks+tcp",)
    Settings = TracksSettings

    def open(self, settings: TracksSettings, *, house: House, clock: Clock) -> TracksOutlet:
        """Return an outlet whose port is taken; see `OutletPlugin.open`."""
        return TracksOutlet(settings, house=house, clock=clock)


plugin = TracksPlugin()

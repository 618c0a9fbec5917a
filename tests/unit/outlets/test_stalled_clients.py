"""Many readers, half of them stalled: the rest get every picture, memory stays bounded, the stalled are dropped."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect

from dronewall.bench.page_sky import made_up_sky, picture_of, status_of
from dronewall.engine.clock import ManualClock
from dronewall.outlets.web.frames import HEADER
from dronewall.outlets.web.server import WebOutlet

AT_NS = 1_700_000_000_000_000_000
SKY = made_up_sky(5_000, begun_ns=AT_NS, arrays=2)
WITHIN_S = 20.0
PICTURES = 25
FRAME_BYTES = 340_000
FOREVER_S = 3600.0


@dataclass(frozen=True)
class Page:
    """A page being served, and the clock it goes by."""

    outlet: WebOutlet
    url: str
    clock: ManualClock

    def publish(self, seq: int) -> None:
        self.clock.advance(1.0)  # so that each frame is a full one
        at_ns = self.clock.now_ns()
        self.outlet.publish(picture_of(SKY, at_ns=at_ns, seq=seq), status_of(SKY, at_ns=at_ns))

    async def has(self, count: int) -> None:
        for _ in range(round(WITHIN_S / 0.01)):
            if self.outlet.clients == count:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{self.outlet.clients} readers, not {count}")


@asynccontextmanager
async def serving(stalled_after_s: float) -> AsyncIterator[Page]:
    clock = ManualClock(AT_NS)
    outlet = WebOutlet(
        "127.0.0.1",
        0,
        sensors=lambda: SKY.sensors,
        explain=lambda track_id: None,
        on_sent=lambda seq, sent_ns: None,
        clock=clock.now_ns,
        stalled_after_s=stalled_after_s,
    )
    url = outlet.bind().replace("http://", "ws://") + "ws/v1/picture"
    task = asyncio.create_task(outlet.serve())
    try:
        yield Page(outlet, url, clock)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Stalled:
    """A reader that asks for pictures and then takes nothing any more."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect((parts.hostname, parts.port))
        self._socket.sendall(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def close(self) -> None:
        self._socket.close()


async def taken(reader: ClientConnection) -> int:
    frame = await asyncio.wait_for(reader.recv(), WITHIN_S)
    assert isinstance(frame, bytes)
    assert len(frame) > 0.9 * FRAME_BYTES
    return int(HEADER.unpack_from(frame)[6])


async def readers_beside_stalled_ones(stack: AsyncExitStack, url: str, each: int) -> list[ClientConnection]:
    for _ in range(each):
        stack.callback(Stalled(url).close)
    return [await stack.enter_async_context(connect(url, max_size=None, compression=None)) for _ in range(each)]


async def every_picture_reaches_the_readers(each: int) -> None:
    async with serving(FOREVER_S) as page, AsyncExitStack() as stack:
        readers = await readers_beside_stalled_ones(stack, page.url, each)
        await page.has(2 * each)
        page.publish(1)
        assert await asyncio.gather(*map(taken, readers)) == [1] * each
        held = psutil.Process().memory_info().rss
        for seq in range(2, PICTURES + 1):
            page.publish(seq)
            assert await asyncio.gather(*map(taken, readers)) == [seq] * each
        assert page.outlet.clients == 2 * each
        # A queue for each stalled reader would hold every picture: PICTURES times as much.
        assert psutil.Process().memory_info().rss - held < (2 * each + 100) * FRAME_BYTES


@pytest.mark.slow
async def test_two_hundred_readers_half_of_them_stalled_leave_the_rest_every_picture_and_memory_bounded() -> None:
    await every_picture_reaches_the_readers(100)


async def test_a_stalled_reader_is_dropped_and_its_place_is_free() -> None:
    async with serving(0.3) as page, AsyncExitStack() as stack:
        (reader,) = await readers_beside_stalled_ones(stack, page.url, 1)
        await page.has(2)
        for seq in range(1, 6):  # more than the system's own buffers hold
            page.publish(seq)
            assert await taken(reader) == seq
        await page.has(1)
        page.publish(6)
        assert await taken(reader) == 6


async def test_a_slow_reader_that_still_takes_something_is_kept() -> None:
    async with serving(1.0) as page, AsyncExitStack() as stack:
        reader = await stack.enter_async_context(connect(page.url, max_size=None, compression=None, max_queue=1))
        for seq in range(1, 6):
            page.publish(seq)
            assert await taken(reader) == seq
        assert page.outlet.clients == 1

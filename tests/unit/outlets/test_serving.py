"""The laws of outlets, held by the page's server on real loopback sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dronewall.bench.page_sky import made_up_sky, picture_of, status_of
from dronewall.model.errors import ConfigError, RequestError
from dronewall.outlets.loopback import bound_socket
from dronewall.outlets.outlet import Outlet
from dronewall.outlets.web.frames import HEADER
from dronewall.outlets.web.server import WebOutlet

AT_NS = 1_700_000_000_000_000_000
SMALL, LARGE = made_up_sky(5, begun_ns=AT_NS, arrays=2), made_up_sky(20_000, begun_ns=AT_NS, arrays=2)
WITHIN_S = 10.0


@dataclass
class Kept:
    """What an outlet said it had sent."""

    sent: list[tuple[int, int]] = field(default_factory=list)

    def outlet(self, *, port: int = 0, host: str = "127.0.0.1") -> WebOutlet:
        return WebOutlet(
            host,
            port,
            sensors=lambda: SMALL.sensors,
            explain=lambda track_id: None,
            on_sent=lambda seq, sent_ns: self.sent.append((seq, sent_ns)),
            clock=lambda: AT_NS + len(self.sent),
        )


def publish(outlet: Outlet, seq: int, *, large: bool = False) -> None:
    sky, at_ns = LARGE if large else SMALL, AT_NS + seq * 100_000_000
    outlet.publish(picture_of(sky, at_ns=at_ns, seq=seq), status_of(sky, at_ns=at_ns))


@asynccontextmanager
async def serving(outlet: WebOutlet) -> AsyncIterator[str]:
    url = outlet.bind()
    task = asyncio.create_task(outlet.serve())
    try:
        yield url.replace("http://", "ws://") + "ws/v1/picture"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def seq_of(socket: ClientConnection) -> int:
    frame = await asyncio.wait_for(socket.recv(), WITHIN_S)
    assert isinstance(frame, bytes)
    return int(HEADER.unpack_from(frame)[6])


async def test_a_picture_published_before_serving_is_sent_to_the_first_reader() -> None:
    kept = Kept()
    outlet = kept.outlet()
    publish(outlet, 1)
    async with serving(outlet) as url, connect(url) as socket:
        assert await seq_of(socket) == 1
    assert [seq for seq, _ in kept.sent] == [1]


async def test_publishing_from_another_thread_reaches_the_reader() -> None:
    outlet = Kept().outlet()
    async with serving(outlet) as url:
        publish(outlet, 1)
        async with connect(url) as socket:
            assert await seq_of(socket) == 1
            thread = threading.Thread(target=publish, args=(outlet, 2))
            thread.start()
            assert await seq_of(socket) == 2
            thread.join()


async def test_a_reader_that_does_not_read_delays_nobody_and_later_gets_the_newest() -> None:
    outlet = Kept().outlet()
    async with serving(outlet) as url:
        publish(outlet, 1, large=True)
        async with connect(url, max_queue=1) as slow, connect(url, max_size=None) as quick:
            seen = [await seq_of(quick)]
            while seen[-1] < 12:
                publish(outlet, seen[-1] + 1, large=True)
                seen.append(await seq_of(quick))
            assert seen == list(range(1, 13)), "the quick reader got every picture"
            slow.transport.abort()


async def test_a_reader_that_leaves_is_forgotten() -> None:
    outlet = Kept().outlet()
    async with serving(outlet) as url:
        publish(outlet, 1)
        async with connect(url) as socket:
            await seq_of(socket)
            assert outlet.clients == 1
        for _ in range(200):
            if outlet.clients == 0:
                break
            await asyncio.sleep(0.01)
        assert outlet.clients == 0


async def test_cancelling_closes_the_readers_and_frees_the_port() -> None:
    outlet = Kept().outlet()
    async with serving(outlet) as url:
        publish(outlet, 1)
        socket = await connect(url)
        await seq_of(socket)
        port = int(outlet.url.rstrip("/").rsplit(":", 1)[1])
    with pytest.raises(ConnectionClosed):
        while True:
            await asyncio.wait_for(socket.recv(), WITHIN_S)
    bound_socket("127.0.0.1", port).close()
    publish(outlet, 2)


async def test_a_script_from_another_page_gets_no_picture() -> None:
    outlet = Kept().outlet()
    async with serving(outlet) as url:
        publish(outlet, 1)
        for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}):
            with pytest.raises(InvalidStatus):
                await connect(url, additional_headers=headers)


async def test_messages_are_not_deflated() -> None:
    outlet = Kept().outlet()
    async with serving(outlet) as url, connect(url, compression="deflate") as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


async def test_a_port_in_use_is_told_before_anything_is_served() -> None:
    with bound_socket("127.0.0.1", 0) as taken:
        outlet = Kept().outlet(port=taken.getsockname()[1])
        with pytest.raises(RequestError, match="--port"):
            await outlet.serve()


def test_an_address_that_others_could_reach_is_refused() -> None:
    with pytest.raises(ConfigError):
        Kept().outlet(host="0.0.0.0")

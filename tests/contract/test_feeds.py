"""The laws of feeds, for every feed there is, over the loopback."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, cast

import pytest

from dronewall.engine.clock import ManualClock
from dronewall.engine.plugins import Plugins
from dronewall.feeds.feed import Batch, Feed, FeedPlugin
from dronewall.feeds.url import settings_of
from dronewall.model.errors import ConfigError, InputError
from dronewall.model.sensors import Sensors
from dronewall.model.status import FeedState
from dronewall.wire.beast.framing import BeastFrame, encoded
from dronewall.wire.mode_s.cpr import Place, encoded_place

NOW_NS = 1_683_028_802_000_000_000  # 2023-05-02 12:00:02


def squitter(*, odd: bool) -> bytes:
    """One half of a position over Lviv as aircraft 3C65AB sends it, with its checksum."""
    half = encoded_place(Place(49.8, 24.0), odd=odd, surface=False)
    position = (odd << 34) | (round(half.y * 131_072) << 17) | round(half.x * 131_072)
    body = bytes.fromhex("8D3C65AB58C3") + b"\0\0\0\0\0"
    body = (int.from_bytes(body, "big") | position).to_bytes(11, "big")
    remainder = 0
    for byte in body:
        remainder ^= byte << 16
        for _ in range(8):
            remainder = (remainder << 1) ^ (0x1FFF409 if remainder & 0x800000 else 0)
    return body + remainder.to_bytes(3, "big")


BEAST = b"".join(encoded(BeastFrame(0x33, odd, 1, squitter(odd=odd), 0)) for odd in (True, False))
AVR = b"*%s;\n@0000000000FF%s;\n" % tuple(squitter(odd=odd).hex().encode() for odd in (True, False))
SBS = b"MSG,3,1,1,3C65AB,1,2023/05/02,12:00:01.500,2023/05/02,12:00:01.500,,38000,,,49.8,24.0,,,0,0,0,0\n"
REPORT = bytes.fromhex("30000EF00A0B546000A020004000")
LINE = b'{"sensor_id":"a","at_ns":1683028801000000000,"azimuth_deg":7}\n'


@dataclass(frozen=True)
class Case:
    """One kind of feed: how to open it, what to send it, and what must come out."""

    plugin: str
    url: str
    good: bytes
    frames: int
    plots: int
    damaged: bytes
    listens: bool = False
    datagrams: bool = False
    acknowledges: bool = False


CASES = [
    Case("beast", "beast://127.0.0.1:{port}", BEAST, 2, 1, b"\x1a3stray"),
    Case("avr", "avr://127.0.0.1:{port}", AVR, 2, 1, b"*8D3C65;\n"),
    Case("sbs", "sbs://127.0.0.1:{port}", SBS, 1, 1, b"MSG,3,1,1,nobody\n"),
    Case("asterix+udp", "asterix+udp://127.0.0.1:{port}", REPORT, 1, 1, REPORT[:-1], listens=True, datagrams=True),
    Case("plots+tcp", "plots+tcp://127.0.0.1:{port}", LINE, 1, 1, b"half a line", acknowledges=True),
    Case(
        "plots+tcp",
        "plots+tcp://127.0.0.1:{port}?listen=true",
        LINE,
        1,
        1,
        b"half a line",
        listens=True,
        acknowledges=True,
    ),
]


def name_of(case: Case) -> str:
    return f"{case.plugin}, {'listening' if case.listens else 'dialling'}"


def those(applies: Callable[[Case], bool]) -> pytest.MarkDecorator:
    """Ask a law of the feeds it can apply to."""
    return pytest.mark.parametrize("case", [case for case in CASES if applies(case)], ids=name_of)


@pytest.fixture(params=CASES, ids=name_of)
def case(request: pytest.FixtureRequest) -> Case:
    return cast(Case, request.param)


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Peer:
    """The other end of a feed's connection: connects, sends, hears acknowledgements, hangs up."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.port = free_port(socket.SOCK_DGRAM if case.datagrams else socket.SOCK_STREAM)
        self._connected: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        if not self._case.listens:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._connected.put((reader, writer))

    async def send(self, data: bytes) -> None:
        if self._case.datagrams:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(data, ("127.0.0.1", self.port))
            return
        if self._writer is None:
            self._reader, self._writer = await self._meet()
        self._writer.write(data)
        await self._writer.drain()

    async def _meet(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not self._case.listens:
            return await asyncio.wait_for(self._connected.get(), 5.0)
        for _ in range(500):
            try:
                return await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionError:
                await asyncio.sleep(0.01)
        raise AssertionError("the feed does not listen")

    async def heard(self) -> Any:
        assert self._reader is not None
        return json.loads(await asyncio.wait_for(self._reader.readline(), 5.0))

    async def hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def stop(self) -> None:
        await self.hang_up()
        if self._server is not None:
            self._server.close()


class Listener:
    """Takes a feed's batches and keeps what they held."""

    def __init__(self, feed: Feed) -> None:
        self.batches = cast(AsyncGenerator[Batch, None], feed.batches())
        self.frames = self.plots = 0
        self.refused: list[str] = []
        self.last: Batch | None = None

    async def until(self, done: Callable[[], bool]) -> None:
        for _ in range(500):
            if done():
                return
            batch = await asyncio.wait_for(anext(self.batches), 5.0)
            self.last = batch
            self.frames += batch.decoded.frames
            self.plots += len(batch.decoded.plots)
            self.refused += [error.reason for error in batch.decoded.refused]
        raise AssertionError("what was waited for never came")


def opened(case: Case, port: int, clock: ManualClock) -> Feed:
    plugin = cast(FeedPlugin, Plugins("dronewall.feeds").named(case.plugin))
    return plugin.open(settings_of(case.url.format(port=port), plugin.Settings), sensors=Sensors(), clock=clock)


@asynccontextmanager
async def met(case: Case) -> AsyncIterator[tuple[Feed, Listener, Peer, ManualClock]]:
    clock = ManualClock(NOW_NS)
    peer = Peer(case)
    await peer.start()
    feed = opened(case, peer.port, clock)
    listener = Listener(feed)
    try:
        yield feed, listener, peer, clock
    finally:
        await listener.batches.aclose()
        await peer.stop()


async def send_while_listening(peer: Peer, listener: Listener, data: bytes, done: Callable[[], bool]) -> None:
    """Datagrams sent before the port is bound are lost, so they are sent again; the rest once."""

    async def sending() -> None:
        await peer.send(data)
        while peer._case.datagrams:
            await asyncio.sleep(0.02)
            await peer.send(data)

    task = asyncio.create_task(sending())
    try:
        await listener.until(done)
    finally:
        task.cancel()


async def test_what_is_sent_comes_out_decoded_and_counted(case: Case) -> None:
    async with met(case) as (feed, listener, peer, _):
        await send_while_listening(peer, listener, case.good, lambda: listener.plots >= case.plots)
        assert listener.frames == case.frames
        status = feed.status()
        assert (status.decoded, status.refused, status.state) == (case.frames, (), FeedState.CONNECTED)
        assert status.last_received_ns == NOW_NS
        assert status.plots_per_s > 0.0
        assert listener.last is not None
        assert (listener.last.decoded.plots.received_ns == NOW_NS).all()


async def test_damage_is_refused_counted_and_survived(case: Case) -> None:
    async with met(case) as (feed, listener, peer, _):
        damage = case.damaged if case.datagrams else case.damaged + b"\n" + case.good
        await send_while_listening(peer, listener, damage, lambda: bool(listener.refused))
        assert sum(count for _, count in feed.status().refused) == len(listener.refused)
        await send_while_listening(peer, listener, case.good, lambda: listener.plots >= case.plots)
        assert listener.frames >= case.frames


@those(lambda case: not case.datagrams)
async def test_a_half_frame_is_refused_when_the_connection_ends(case: Case) -> None:
    async with met(case) as (_, listener, peer, _clock):
        await send_while_listening(peer, listener, case.good + case.good[:10], lambda: listener.frames >= 1)
        await peer.hang_up()
        await listener.until(lambda: bool(listener.refused))
        assert len(listener.refused) == 1
        assert "cut short" in listener.refused[0]


@those(lambda case: not case.datagrams and not case.listens)
async def test_a_lost_connection_is_taken_up_again(case: Case) -> None:
    async with met(case) as (feed, listener, peer, clock):
        await send_while_listening(peer, listener, case.good, lambda: listener.frames >= case.frames)
        await peer.hang_up()

        async def turning() -> None:
            while True:
                clock.advance(0.5)
                await asyncio.sleep(0.001)

        turner = asyncio.create_task(turning())
        try:
            await send_while_listening(peer, listener, case.good, lambda: listener.frames >= 2 * case.frames)
        finally:
            turner.cancel()
        assert feed.status().state is FeedState.CONNECTED


@those(lambda case: case.acknowledges)
async def test_only_an_acknowledged_line_is_acknowledged(case: Case) -> None:
    async with met(case) as (_, listener, peer, _clock):
        await send_while_listening(peer, listener, case.good * 3 + b"bad\n", lambda: listener.frames >= 3)
        assert listener.last is not None
        acknowledge = listener.last.acknowledge
        assert acknowledge is not None
        await acknowledge()
        assert await peer.heard() == {"acknowledged": 4}


@those(lambda case: not case.acknowledges)
async def test_feeds_that_cannot_acknowledge_say_so(case: Case) -> None:
    async with met(case) as (_, listener, peer, _clock):
        await send_while_listening(peer, listener, case.good, lambda: listener.frames >= 1)
        assert listener.last is not None
        assert listener.last.acknowledge is None


@those(lambda case: case.listens)
async def test_a_port_in_use_is_told_as_an_error_with_a_remedy(case: Case) -> None:
    kind = socket.SOCK_DGRAM if case.datagrams else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if not case.datagrams:
            holder.listen()
        listener = Listener(opened(case, holder.getsockname()[1], ManualClock(NOW_NS)))
        with pytest.raises(InputError, match="is in use"):
            await asyncio.wait_for(anext(listener.batches), 5.0)


GROUP = "239.255.77.5"


def send_to_group(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sender.sendto(REPORT, (GROUP, port))


@pytest.mark.parametrize("interface", ["127.0.0.1", "lo"])
async def test_a_group_is_heard_on_the_interface_that_was_named(interface: str) -> None:
    case = Case("asterix+udp", f"asterix+udp://{GROUP}:{{port}}?interface={interface}", REPORT, 1, 1, b"")
    port = free_port(socket.SOCK_DGRAM)
    listener = Listener(opened(case, port, ManualClock(NOW_NS)))

    async def sending() -> None:
        while True:
            send_to_group(port)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(sending())
    try:
        await listener.until(lambda: listener.plots >= 1)
    finally:
        task.cancel()
        await listener.batches.aclose()


@pytest.mark.parametrize("interface", ["192.0.2.99", "nowhere0"])
async def test_an_interface_that_is_not_there_is_told_with_a_remedy(interface: str) -> None:
    case = Case("asterix+udp", f"asterix+udp://{GROUP}:{{port}}?interface={interface}", REPORT, 1, 1, b"")
    listener = Listener(opened(case, free_port(socket.SOCK_DGRAM), ManualClock(NOW_NS)))
    with pytest.raises(InputError, match=interface) as raised:
        await asyncio.wait_for(anext(listener.batches), 5.0)
    assert "interface of this machine" in raised.value.remedy


def test_an_interface_without_a_group_is_refused() -> None:
    case = Case("asterix+udp", "asterix+udp://127.0.0.1:{port}?interface=lo", REPORT, 1, 1, b"")
    with pytest.raises(ConfigError, match="no multicast group"):
        opened(case, 4711, ManualClock(NOW_NS))


def test_a_feed_says_where_it_comes_from_before_it_is_connected(case: Case) -> None:
    feed = opened(case, 4711, ManualClock(NOW_NS))
    assert feed.url.startswith(f"{case.plugin}://127.0.0.1:4711")
    assert feed.name
    status = feed.status()
    assert (status.name, status.state, status.decoded) == (feed.name, FeedState.CONNECTING, 0)
    for sensor in feed.assumed_sensors():
        assert sensor.sigma.position_m is not None


def test_every_plugin_is_in_this_suite() -> None:
    assert {point.name for point in entry_points(group="dronewall.feeds")} == {case.plugin for case in CASES}

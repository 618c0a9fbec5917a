r"""The laws of feeds as functions, so that a vendor's tests can hold a vendor's feed to what ours are held to.

    CASE = Case("acme+tcp://127.0.0.1:{port}", good=b"a;1;2\n", damaged=b"a;b\n")

    @pytest.mark.parametrize("law", laws_for(CASE), ids=lambda law: law.__name__)
    def test_the_laws_of_feeds_hold(law) -> None:
        asyncio.run(law(plugin, CASE))

Each law opens the feed on the loopback, plays its peer, and raises `LawBroken` with what was seen. No test framework is
needed.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from dronewall.engine.clock import ManualClock
from dronewall.feeds.feed import Batch, Feed, FeedPlugin
from dronewall.feeds.url import scheme_of, settings_of
from dronewall.model.errors import InputError
from dronewall.model.sensors import Sensors
from dronewall.model.status import FeedState

NOW_NS = 1_683_028_802_000_000_000  # 2023-05-02 12:00:02
PATIENCE_S = 5.0
TRIES = 500
LOOPBACK = "127.0.0.1"


class LawBroken(AssertionError):
    """A feed does not keep a law; says which and what was seen."""


@dataclass(frozen=True)
class Case:
    """One kind of feed: how to open it, what to send it, and what must come out.

    Args:
        url: with `{port}` where the port stands, at 127.0.0.1; options may follow.
        good: `frames` whole frames that give `plots` plots.
        damaged: bytes that are refused; over TCP what ends a line follows them.
        frames: how many frames `good` holds.
        plots: how many plots `good` gives.
        listens: the feed waits for its peer instead of dialling it.
        datagrams: it hears UDP.
        acknowledges: it tells senders what is safe, as `plots+tcp` does.
    """

    url: str
    good: bytes
    damaged: bytes
    frames: int = 1
    plots: int = 1
    listens: bool = False
    datagrams: bool = False
    acknowledges: bool = False

    @property
    def scheme(self) -> str:
        """The scheme under which the feed is known."""
        return scheme_of(self.url)

    def __str__(self) -> str:
        return f"{self.scheme}, {'listening' if self.listens else 'dialling'}"


Law = Callable[[FeedPlugin, Case], Awaitable[None]]


def laws_for(case: Case) -> tuple[Law, ...]:
    """Return the laws that can be asked of such a feed."""
    stream = not case.datagrams
    asked = {
        what_is_sent_comes_out_decoded_and_counted: True,
        damage_is_refused_counted_and_survived: True,
        where_the_stream_is_cut_changes_nothing: stream,
        a_half_frame_is_refused_when_the_connection_ends: stream,
        a_lost_connection_is_taken_up_again: stream and not case.listens,
        only_an_acknowledged_line_is_acknowledged: case.acknowledges,
        a_feed_that_cannot_acknowledge_says_so: not case.acknowledges,
        a_port_in_use_is_told_as_an_error_with_a_remedy: case.listens,
        a_feed_says_where_it_comes_from_before_it_is_connected: True,
    }
    return tuple(law for law, applies in asked.items() if applies)


async def what_is_sent_comes_out_decoded_and_counted(plugin: FeedPlugin, case: Case) -> None:
    """What is sent comes out, stamped with the time of receipt, and the status counts it."""
    async with met(plugin, case) as (feed, listener, peer, _):
        await listener.hear(peer, case.good, lambda: listener.plots >= case.plots)
        status = feed.status()
        _hold(listener.frames == case.frames, f"{case.frames} frames were sent and {listener.frames} counted")
        _hold((status.decoded, status.refused) == (case.frames, ()), f"its status says {status}")
        _hold(status.state is FeedState.CONNECTED, f"it is {status.state.value} while it receives")
        _hold(status.last_received_ns == NOW_NS, "its status does not tell when it last received")
        _hold(status.plots_per_s > 0.0, "its status tells no rate")
        received_ns = listener.latest.decoded.plots.received_ns
        _hold(bool((received_ns == NOW_NS).all()), "plots are not stamped with the time they were received")


async def damage_is_refused_counted_and_survived(plugin: FeedPlugin, case: Case) -> None:
    """A bad frame is refused and counted, and the good ones behind it come out."""
    async with met(plugin, case) as (feed, listener, peer, _):
        damage = case.damaged if case.datagrams else case.damaged + b"\n" + case.good
        await listener.hear(peer, damage, lambda: bool(listener.refused))
        counted = sum(count for _, count in feed.status().refused)
        _hold(counted == len(listener.refused), f"{len(listener.refused)} were refused and {counted} counted")
        await listener.hear(peer, case.good, lambda: listener.plots >= case.plots)
        _hold(listener.frames >= case.frames, "good frames behind the damage are not counted")


async def where_the_stream_is_cut_changes_nothing(plugin: FeedPlugin, case: Case) -> None:
    """The same bytes, sent one by one, give the same plots."""
    async with met(plugin, case) as (_, listener, peer, _clock):
        await listener.hear(peer, case.good, lambda: listener.plots >= case.plots, bytes_at_once=1)
        _hold(listener.frames == case.frames, f"{case.frames} frames were sent in bits and {listener.frames} counted")
        _hold(not listener.refused, f"bits of good frames were refused: {listener.refused}")


async def a_half_frame_is_refused_when_the_connection_ends(plugin: FeedPlugin, case: Case) -> None:
    """A frame that will not be completed is refused once."""
    async with met(plugin, case) as (_, listener, peer, _clock):
        half = case.good[: max(1, min(10, len(case.good) - 2))]
        await listener.hear(peer, case.good + half, lambda: listener.frames >= 1)
        await peer.hang_up()
        await listener.until(lambda: bool(listener.refused))
        _hold(len(listener.refused) == 1, f"a half frame was refused as {listener.refused}")
        _hold("cut short" in listener.refused[0], f"a half frame was refused as {listener.refused[0]!r}")


async def a_lost_connection_is_taken_up_again(plugin: FeedPlugin, case: Case) -> None:
    """A feed that dials does so again when its peer hangs up, after a pause on its clock."""
    async with met(plugin, case) as (feed, listener, peer, clock):
        await listener.hear(peer, case.good, lambda: listener.frames >= case.frames)
        await peer.hang_up()

        async def turning() -> None:
            while True:
                clock.advance(0.5)
                await asyncio.sleep(0.001)

        turner = asyncio.create_task(turning())
        try:
            await listener.hear(peer, case.good, lambda: listener.frames >= 2 * case.frames)
        finally:
            turner.cancel()
        state = feed.status().state
        _hold(state is FeedState.CONNECTED, f"it is {state.value} while it receives")


async def only_an_acknowledged_line_is_acknowledged(plugin: FeedPlugin, case: Case) -> None:
    """A sender hears how many of its lines are safe, those refused among them, once it is so."""
    async with met(plugin, case) as (_, listener, peer, _clock):
        await listener.hear(peer, case.good * 3 + b"bad\n", lambda: listener.frames >= 3)
        acknowledge = listener.latest.acknowledge
        _hold(acknowledge is not None, "a batch cannot be acknowledged")
        assert acknowledge is not None  # noqa: S101  held the line before
        await acknowledge()
        heard = await peer.heard()
        _hold(heard == {"acknowledged": 4}, f"its sender heard {heard}")


async def a_feed_that_cannot_acknowledge_says_so(plugin: FeedPlugin, case: Case) -> None:
    """A protocol without acknowledgement gives batches that have none."""
    async with met(plugin, case) as (_, listener, peer, _clock):
        await listener.hear(peer, case.good, lambda: listener.frames >= 1)
        _hold(listener.latest.acknowledge is None, "a batch can be acknowledged where its case says it cannot")


async def a_port_in_use_is_told_as_an_error_with_a_remedy(plugin: FeedPlugin, case: Case) -> None:
    """A feed that listens says so when its port is taken, and what to do."""
    with socket.socket(socket.AF_INET, _kind(case)) as holder:
        holder.bind((LOOPBACK, 0))
        if not case.datagrams:
            holder.listen()
        listener = Listener(opened(plugin, case, holder.getsockname()[1], ManualClock(NOW_NS)))
        try:
            await asyncio.wait_for(anext(listener.batches), PATIENCE_S)
        except InputError as error:
            _hold("is in use" in error.problem and bool(error.remedy), f"a port in use is told as {error}")
        else:
            raise LawBroken("a port that is in use was opened")


async def a_feed_says_where_it_comes_from_before_it_is_connected(plugin: FeedPlugin, case: Case) -> None:
    """Name, URL and status are there from the start; what it assumes of sensors tells an error of position."""
    feed = opened(plugin, case, 4711, ManualClock(NOW_NS))
    _hold(feed.url.startswith(f"{case.scheme}://{LOOPBACK}:4711"), f"its URL is {feed.url}")
    _hold(bool(feed.name), "it has no name")
    status = feed.status()
    first = (status.name, status.state, status.decoded)
    _hold(first == (feed.name, FeedState.CONNECTING, 0), f"its first status is {first}")
    for sensor in feed.assumed_sensors():
        _hold(sensor.sigma.position_m is not None, f"it assumes {sensor.sensor_id} and tells no error of its position")
    _hold(case.scheme in plugin.schemes, f"its plugin opens {plugin.schemes}, not {case.scheme}")


# What the laws are tried with.


def opened(plugin: FeedPlugin, case: Case, port: int, clock: ManualClock) -> Feed:
    """Return the case's feed at a port, not connected yet."""
    return plugin.open(settings_of(case.url.format(port=port), plugin.Settings), sensors=Sensors(), clock=clock)


@asynccontextmanager
async def met(plugin: FeedPlugin, case: Case) -> AsyncIterator[tuple[Feed, Listener, Peer, ManualClock]]:
    """Open a feed, its listener and its peer, and close them all."""
    clock, peer = ManualClock(NOW_NS), Peer(case)
    await peer.start()
    feed = opened(plugin, case, peer.port, clock)
    listener = Listener(feed)
    try:
        yield feed, listener, peer, clock
    finally:
        await listener.close()
        await peer.stop()


class Peer:
    """The other end of a feed's connection: connects, sends, hears acknowledgements, hangs up."""

    def __init__(self, case: Case) -> None:
        self.datagrams = case.datagrams
        self._listens = case.listens
        self.port = free_port(_kind(case))
        self._connected: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        """Be there, if it is the feed that dials."""
        if not self._listens and not self.datagrams:
            self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._connected.put((reader, writer))

    async def send(self, data: bytes) -> None:
        """Send bytes, or one datagram; meets the feed first."""
        if self.datagrams:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(data, (LOOPBACK, self.port))
            return
        if self._writer is None:
            self._reader, self._writer = await self._meet()
        self._writer.write(data)
        await self._writer.drain()

    async def _meet(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not self._listens:
            return await asyncio.wait_for(self._connected.get(), PATIENCE_S)
        for _ in range(TRIES):
            try:
                return await asyncio.open_connection(LOOPBACK, self.port)
            except ConnectionError:
                await asyncio.sleep(0.01)
        raise LawBroken("the feed does not listen")

    async def heard(self) -> Any:
        """Return the next line from the feed, which is JSON."""
        if self._reader is None:
            raise LawBroken("nothing was sent, so nothing can be heard")
        return json.loads(await asyncio.wait_for(self._reader.readline(), PATIENCE_S))

    async def hang_up(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def stop(self) -> None:
        """Be gone."""
        await self.hang_up()
        if self._server is not None:
            self._server.close()


class Listener:
    """Takes a feed's batches and keeps what they held."""

    def __init__(self, feed: Feed) -> None:
        self.batches = cast(AsyncGenerator[Batch, None], feed.batches())
        self.frames = self.plots = 0
        self.refused: list[str] = []
        self._latest: Batch | None = None

    @property
    def latest(self) -> Batch:
        """The last batch that came."""
        if self._latest is None:
            raise LawBroken("no batch came")
        return self._latest

    async def until(self, done: Callable[[], bool]) -> None:
        """Take batches until something holds."""
        for _ in range(TRIES):
            if done():
                return
            try:
                batch = await asyncio.wait_for(anext(self.batches), PATIENCE_S)
            except TimeoutError as error:
                seen = f"{self.frames} frames, {self.plots} plots, refused {self.refused}"
                raise LawBroken(f"what was waited for never came; there were {seen}") from error
            self._latest = batch
            self.frames += batch.decoded.frames
            self.plots += len(batch.decoded.plots)
            self.refused += [error.reason for error in batch.decoded.refused]
        raise LawBroken("what was waited for never came")

    async def hear(self, peer: Peer, data: bytes, done: Callable[[], bool], *, bytes_at_once: int = 65_536) -> None:
        """Take batches while a peer sends. Datagrams sent before the port is bound are lost: they are sent again."""

        async def sending() -> None:
            for at in range(0, len(data), bytes_at_once):
                await peer.send(data[at : at + bytes_at_once])
                await asyncio.sleep(0)
            while peer.datagrams:
                await asyncio.sleep(0.02)
                await peer.send(data)

        task = asyncio.create_task(sending())
        try:
            await self.until(done)
        finally:
            task.cancel()

    async def close(self) -> None:
        """Close the feed with its socket."""
        await self.batches.aclose()


def free_port(kind: socket.SocketKind) -> int:
    """Return a port that is free now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _kind(case: Case) -> socket.SocketKind:
    return socket.SOCK_DGRAM if case.datagrams else socket.SOCK_STREAM


def _hold(kept: bool, otherwise: str) -> None:
    if not kept:
        raise LawBroken(otherwise)

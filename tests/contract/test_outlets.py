"""The laws of outlets, for every outlet there is, by the door that all of them come through."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from typing import Any

import pytest
from websockets.asyncio.client import connect

from dronewall.bench.page_sky import made_up_sky, picture_of, status_of
from dronewall.compose import outlets_from, page_at
from dronewall.config import Source
from dronewall.engine.clock import ManualClock
from dronewall.model.errors import ActRefused, ConfigError, RequestError
from dronewall.model.identity import Identity
from dronewall.model.picture import Picture
from dronewall.model.sensors import Sensors
from dronewall.model.track_acts import TrackAct, TrackEvent
from dronewall.outlets.outlet import Outlet
from dronewall.outlets.track_lines import lines_of
from dronewall.outlets.web.frames import HEADER
from dronewall.picture.tracks_csv import HEADER as CSV_HEADER
from dronewall.picture.tracks_csv import rows

AT_NS = 1_700_000_000_000_000_000
SMALL, LARGE = made_up_sky(5, begun_ns=AT_NS, arrays=2), made_up_sky(5_000, begun_ns=AT_NS, arrays=2)
WITHIN_S = 10.0
KINDS = ("http", "tracks+tcp")


@dataclass
class FakeHouse:
    """A wall that knows its sensors and hears what was sent."""

    sent_seqs: list[int] = field(default_factory=list)

    def sensors(self) -> Sensors:
        return SMALL.sensors

    def explain(self, track_id: int) -> Identity | None:
        return None

    async def act(self, act: TrackAct) -> TrackEvent:
        raise ActRefused("this is no wall")

    def sent(self, seq: int, sent_ns: int) -> None:
        self.sent_seqs.append(seq)


def picture(seq: int, *, large: bool = False) -> Picture:
    sky, at_ns = LARGE if large else SMALL, AT_NS + seq * 100_000_000
    made = picture_of(sky, at_ns=at_ns, seq=seq)
    tracks = replace(made.tracks, updated_ns=made.tracks.updated_ns * 0 + at_ns)  # heard of anew each time
    return replace(made, tracks=tracks)


def publish(outlet: Outlet, seq: int, *, large: bool = False) -> None:
    outlet.publish(picture(seq, large=large), status_of(SMALL, at_ns=AT_NS + seq))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def opened(kind: str, port: int, house: FakeHouse | None = None, **options: Any) -> Outlet:
    table = {"url": f"{kind}://127.0.0.1:{port}", **options}
    (outlet,) = outlets_from([table], house=house or FakeHouse(), clock=ManualClock(AT_NS), source=Source("wall.toml"))
    return outlet


@asynccontextmanager
async def serving(outlet: Outlet) -> AsyncIterator[None]:
    task = asyncio.create_task(outlet.serve())
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@asynccontextmanager
async def reading(kind: str, port: int) -> AsyncIterator[Any]:
    """Yield a function that returns the number of the next picture that something came of."""
    if kind == "http":
        async with connect(f"ws://127.0.0.1:{port}/ws/v1/picture", max_size=None) as opened_socket:

            async def from_frame() -> int:
                frame = await asyncio.wait_for(opened_socket.recv(), WITHIN_S)
                assert isinstance(frame, bytes)
                return int(HEADER.unpack_from(frame)[6])

            yield from_frame
        return
    for _ in range(500):
        with suppress(ConnectionError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        await asyncio.sleep(0.01)
    last = 0

    async def from_lines() -> int:
        nonlocal last
        while True:
            line = json.loads(await asyncio.wait_for(reader.readuntil(b"\n"), WITHIN_S))
            seq = (line["at_ns"] - AT_NS) // 100_000_000
            if seq != last:
                last = seq
                return int(seq)

    try:
        yield from_lines
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_published_before_serving_reaches_the_first_reader_and_the_house_hears_of_it(kind: str) -> None:
    house, port = FakeHouse(), free_port()
    outlet = opened(kind, port, house)
    publish(outlet, 1)
    async with serving(outlet), reading(kind, port) as next_seq:
        assert await next_seq() == 1
        for _ in range(500):
            if house.sent_seqs:
                break
            await asyncio.sleep(0.01)
        assert house.sent_seqs == [1]


@pytest.mark.parametrize("kind", KINDS)
async def test_publishing_from_another_thread_reaches_the_reader_in_order(kind: str) -> None:
    port = free_port()
    outlet = opened(kind, port)
    async with serving(outlet), reading(kind, port) as next_seq:
        for seq in range(1, 5):
            thread = threading.Thread(target=publish, args=(outlet, seq))
            thread.start()
            assert await next_seq() == seq
            thread.join()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_picture_that_nobody_took_before_the_next_one_is_never_sent(kind: str) -> None:
    port = free_port()
    outlet = opened(kind, port)
    async with serving(outlet), reading(kind, port) as next_seq:
        publish(outlet, 1)
        assert await next_seq() == 1
        for seq in range(2, 30):
            publish(outlet, seq)
        seen = [await next_seq()]
        while seen[-1] < 29:
            seen.append(await next_seq())
        assert seen == sorted(set(seen))
        assert len(seen) < 5


@pytest.mark.parametrize("kind", KINDS)
async def test_a_reader_that_does_not_read_delays_nobody(kind: str) -> None:
    port = free_port()
    outlet = opened(kind, port)
    async with serving(outlet):
        publish(outlet, 1, large=True)
        async with reading(kind, port) as next_seq:
            assert await next_seq() == 1
            _, stalled = await asyncio.open_connection("127.0.0.1", port)
            for seq in range(2, 8):
                publish(outlet, seq, large=True)
                assert await next_seq() == seq
            stalled.transport.abort()


@pytest.mark.parametrize("kind", KINDS)
async def test_cancelling_frees_the_port_and_publishing_goes_on_without_harm(kind: str) -> None:
    port = free_port()
    outlet = opened(kind, port)
    async with serving(outlet), reading(kind, port) as next_seq:
        publish(outlet, 1)
        assert await next_seq() == 1
    publish(outlet, 2)
    opened(kind, port)


@pytest.mark.parametrize("kind", KINDS)
def test_a_port_in_use_is_told_when_the_outlet_is_opened(kind: str) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(RequestError, match="cannot listen") as caught:
            opened(kind, holder.getsockname()[1])
    assert (caught.value.field, caught.value.file) == ("outlets[0].url", "wall.toml")
    assert caught.value.remedy


@pytest.mark.parametrize("kind", KINDS)
def test_an_address_that_others_could_reach_is_refused(kind: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        outlets_from([{"url": f"{kind}://0.0.0.0:9200"}], house=FakeHouse(), clock=ManualClock(), source=Source(None))


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_option_is_named_with_its_place(kind: str) -> None:
    with pytest.raises(ConfigError, match="there is no option 'colour'") as caught:
        opened(kind, 1, colour="red")
    assert caught.value.field == "outlets[0].colour"


def test_a_scheme_that_nobody_opens_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(RequestError, match=r"Known are: http, tracks\+tcp"):
        opened("smoke", 1)


def test_our_page_comes_in_by_the_same_door() -> None:
    page = page_at("127.0.0.1", 0, house=FakeHouse(), clock=ManualClock())
    assert page.url.startswith("http://127.0.0.1:")


def test_every_outlet_is_in_this_suite() -> None:
    assert {point.name for point in entry_points(group="dronewall.outlets")} == set(KINDS)


# What is told of tracks.


def told(line: bytes) -> dict[str, Any]:
    return json.loads(line)


def test_lines_say_what_tracks_csv_says() -> None:
    shown = picture(3)
    table = [dict(zip(CSV_HEADER.strip().split(","), row.split(","), strict=True)) for row in rows(shown).splitlines()]
    lines = [told(line) for _, line in lines_of(shown, {}).values()]
    assert len(lines) == len(table) > 0
    for line, row in zip(lines, table, strict=True):
        assert set(line) == set(row)
        for name, value in line.items():
            text = ";".join(value) if isinstance(value, list) else str(value)
            assert text == row[name] or float(text) == float(row[name]), name


async def test_a_track_that_did_not_change_is_told_once_and_one_that_went_is_told_as_dropped() -> None:
    port = free_port()
    outlet = opened("tracks+tcp", port)
    first, second = picture(1), picture(2)
    count = len(lines_of(first, {}))
    assert count == len(first.tracks) > 1
    unchanged = replace(second.tracks, updated_ns=first.tracks.updated_ns.copy())
    fewer = replace(second, tracks=unchanged.take(slice(1, None)), identities=second.identities.take(slice(1, None)))
    async with serving(outlet):
        outlet.publish(first, status_of(SMALL, at_ns=AT_NS))
        await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            assert told(await asyncio.wait_for(reader.readline(), WITHIN_S))["at_ns"] == first.at_ns
        outlet.publish(fewer, status_of(SMALL, at_ns=AT_NS))
        line = told(await asyncio.wait_for(reader.readline(), WITHIN_S))
        assert (line["status"], line["at_ns"], len(line)) == ("dropped", second.at_ns, 3)
        writer.close()


async def test_a_reader_that_takes_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dronewall.outlets.tracks_tcp.TAKES_WITHIN_S", 0.2)
    port = free_port()
    outlet: Any = opened("tracks+tcp", port)
    async with serving(outlet):
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.settimeout(WITHIN_S)
            await asyncio.to_thread(stalled.connect, ("127.0.0.1", port))
            for seq in range(1, 2000):
                publish(outlet, seq, large=True)
                await asyncio.sleep(0.01)
                if seq > 5 and outlet.clients == 0:
                    break
            assert outlet.clients == 0


async def test_a_reader_too_many_is_turned_away() -> None:
    port = free_port()
    outlet: Any = opened("tracks+tcp", port, connections_max=1)
    async with serving(outlet), reading("tracks+tcp", port):
        for _ in range(500):
            if outlet.clients == 1:
                break
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), WITHIN_S) == b""
        writer.close()

"""Links over the loopback: peers that come, go, flood and are refused."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator

import pytest

from dronewall.engine.clock import ManualClock, WallClock
from dronewall.engine.datagrams import Datagrams, bind_udp, dropped_by_system
from dronewall.engine.links import Chunk, Pauses, dial_tcp, listen_tcp
from dronewall.model.errors import InputError
from dronewall.model.status import FeedState


class States:
    """Keeps what a link said of itself, and holds it to the legal moves."""

    def __init__(self) -> None:
        self.told: list[tuple[FeedState, str]] = []

    def __call__(self, state: FeedState, detail: str) -> None:
        if self.told:
            self.told[-1][0].moved_to(state)
        self.told.append((state, detail))


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def nearest(chunks: AsyncGenerator[Chunk, None]) -> Chunk:
    return await asyncio.wait_for(anext(chunks), 5.0)


async def dialled(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(200):
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            await asyncio.sleep(0.01)
    raise AssertionError("nobody listens")


async def asleep(clock: ManualClock) -> None:
    for _ in range(2000):
        if clock.sleepers:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("nobody sleeps")


def test_pauses_double_up_to_the_longest() -> None:
    assert [Pauses().after(n) for n in (1, 2, 3, 7, 400)] == [0.5, 1.0, 2.0, 30.0, 30.0]


def test_feeds_that_lost_the_same_peer_do_not_come_back_at_once_but_each_as_it_always_does() -> None:
    for failures, longest_s in ((1, 0.5), (3, 2.0), (400, 30.0)):
        pauses = [Pauses(name=f"feed-{number}").after(failures) for number in range(40)]
        assert pauses == [Pauses(name=f"feed-{number}").after(failures) for number in range(40)]
        assert longest_s / 2 <= min(pauses) < 0.6 * longest_s
        assert 0.9 * longest_s < max(pauses) <= longest_s
        assert len(set(pauses)) == 40


async def silent_server(writers: list[asyncio.StreamWriter]) -> asyncio.Server:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def test_a_connection_that_falls_silent_is_given_up_and_dialled_again() -> None:
    writers: list[asyncio.StreamWriter] = []
    server = await silent_server(writers)
    port = server.sockets[0].getsockname()[1]
    clock, states = ManualClock(), States()
    chunks = dial_tcp("127.0.0.1", port, clock=clock, pauses=Pauses(), on_state=states, silent_after_s=20.0)
    assert (await nearest(chunks)).opened
    waiting = asyncio.ensure_future(nearest(chunks))
    await asleep(clock)
    clock.advance(15.0)
    writers[0].write(b"still here")
    assert (await waiting).data == b"still here"
    waiting = asyncio.ensure_future(nearest(chunks))
    clock.advance(19.0)  # 34 s since it was opened, 19 s since it was heard
    await asyncio.sleep(0.01)
    assert not waiting.done()
    clock.advance(1.0)
    assert (await waiting).closed
    again = asyncio.ensure_future(nearest(chunks))
    await asleep(clock)
    assert states.told[-1] == (FeedState.LOST, "nothing was heard for 20 s; next attempt in 0.5 s")
    clock.advance(0.5)
    assert (await again).opened
    await chunks.aclose()
    for writer in writers:
        writer.close()
    server.close()


async def test_a_connection_may_be_silent_for_ever_if_nobody_says_otherwise() -> None:
    writers: list[asyncio.StreamWriter] = []
    server = await silent_server(writers)
    clock = ManualClock()
    port = server.sockets[0].getsockname()[1]
    chunks = dial_tcp("127.0.0.1", port, clock=clock, pauses=Pauses(), on_state=States())
    assert (await nearest(chunks)).opened
    waiting = asyncio.ensure_future(nearest(chunks))
    clock.advance(1e6)
    await asyncio.sleep(0.01)
    assert not waiting.done()
    assert clock.sleepers == 0
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await chunks.aclose()
    for writer in writers:
        writer.close()
    server.close()


async def test_a_dialled_link_yields_what_the_server_sends_and_dials_again_when_it_ends() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"plots")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clock, states = ManualClock(7), States()
    chunks = dial_tcp("127.0.0.1", port, clock=clock, pauses=Pauses(), on_state=states)
    opened, data, closed = await nearest(chunks), await nearest(chunks), await nearest(chunks)
    assert (opened.opened, data.data, data.received_ns, closed.closed) == (True, b"plots", 7, True)
    assert opened.peer == data.peer == closed.peer == f"127.0.0.1:{port}"
    again = asyncio.ensure_future(nearest(chunks))
    await asleep(clock)
    assert states.told[-1][0] is FeedState.LOST
    clock.advance(0.5)
    assert (await again).opened
    await chunks.aclose()
    server.close()


async def test_a_server_that_is_not_there_is_dialled_with_growing_pauses() -> None:
    clock, states = ManualClock(), States()
    chunks = dial_tcp("127.0.0.1", free_port(), clock=clock, pauses=Pauses(), on_state=states)
    waiting = asyncio.ensure_future(anext(chunks))
    for pause_s in (0.5, 1.0, 2.0):
        await asleep(clock)
        assert f"{pause_s:g} s" in states.told[-1][1]
        clock.advance(pause_s)
    waiting.cancel()


async def test_a_listening_link_tells_its_peers_apart_and_can_answer_them() -> None:
    port, states = free_port(), States()
    chunks = listen_tcp("127.0.0.1", port, clock=ManualClock(), on_state=states)
    first = asyncio.ensure_future(nearest(chunks))
    reader, writer = await dialled(port)
    opened = await first
    assert opened.opened and opened.reply is not None
    await opened.reply(b"ack 1\n")
    assert await asyncio.wait_for(reader.readline(), 5.0) == b"ack 1\n"
    writer.write(b"x" * 10)
    assert (await nearest(chunks)).data == b"x" * 10
    writer.close()
    assert (await nearest(chunks)).closed
    await chunks.aclose()


async def test_a_peer_too_many_is_turned_away_and_said() -> None:
    port, states = free_port(), States()
    chunks = listen_tcp("127.0.0.1", port, clock=ManualClock(), on_state=states, connections_max=1)
    first = asyncio.ensure_future(nearest(chunks))
    _, writer = await dialled(port)
    await first
    reader, one_too_many = await dialled(port)
    assert await asyncio.wait_for(reader.read(), 5.0) == b""
    assert states.told[-1] == (FeedState.CONNECTED, f"1 connected to 127.0.0.1:{port}, 1 turned away")
    writer.close()
    one_too_many.close()
    await chunks.aclose()


async def test_a_port_in_use_is_an_error_that_names_it_and_the_remedy() -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} on 127.0.0.1 is in use .* choose another port"):
            await anext(listen_tcp("127.0.0.1", port, clock=ManualClock(), on_state=States()))


async def test_a_udp_port_in_use_is_an_error_too() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as occupant:
        occupant.bind(("127.0.0.1", 0))
        with pytest.raises(InputError, match="is in use"):
            await anext(bind_udp("127.0.0.1", occupant.getsockname()[1], clock=ManualClock(), on_state=States()))


async def test_a_bound_port_yields_datagrams_with_who_sent_them() -> None:
    port = free_port(socket.SOCK_DGRAM)
    chunks = bind_udp("127.0.0.1", port, clock=ManualClock(9), on_state=States())
    first = asyncio.ensure_future(nearest(chunks))
    await asyncio.sleep(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(b"knock", ("127.0.0.1", port))
            await asyncio.sleep(0.005)
            if first.done():
                break
        here = f"127.0.0.1:{sender.getsockname()[1]}"
    assert await first == Chunk(b"knock", 9, here)
    await chunks.aclose()


async def test_datagrams_beyond_the_buffer_are_dropped_and_counted_in_the_next_chunk() -> None:
    inlet = Datagrams(ManualClock(), States(), "here", datagrams_max=2)
    for number in range(5):
        inlet.take(b"%d" % number, ("10.0.0.1", 1))
    assert [(await inlet.next()).data for _ in range(2)] == [b"0", b"1"]
    inlet.take(b"5", ("10.0.0.1", 1))
    after = await inlet.next()
    assert (after.data, after.dropped) == (b"5", 3)


async def test_a_sender_that_floods_fills_its_own_share_of_the_buffer_and_nobody_elses() -> None:
    inlet = Datagrams(ManualClock(), States(), "here", datagrams_max=10)
    for number in range(100):
        inlet.take(b"flood %d" % number, ("10.0.0.1", 1))
    for number in range(5):
        inlet.take(b"%d" % number, ("10.0.0.2", 1))
    got = [await inlet.next() for _ in range(10)]
    assert [chunk.data for chunk in got if chunk.peer == "10.0.0.2:1"] == [b"0", b"1", b"2", b"3", b"4"]
    assert [chunk.peer for chunk in got[:4]] == ["10.0.0.1:1", "10.0.0.2:1"] * 2, "senders take turns"
    inlet.take(b"last", ("10.0.0.1", 1))
    assert (await inlet.next()).dropped + sum(chunk.dropped for chunk in got) == 95


async def test_what_the_system_dropped_is_counted_too() -> None:
    lost = iter([0, 7, 7])
    clock = ManualClock(10**12)
    inlet = Datagrams(clock, States(), "here", datagrams_max=10, lost_by_system=lambda: next(lost))
    told = []
    for _ in range(3):
        inlet.take(b"1", ("10.0.0.1", 1))
        told.append((await inlet.next()).dropped)
        clock.advance(2.0)
    assert told == [0, 7, 0]


async def test_the_system_tells_what_it_dropped_on_a_socket_and_on_no_other() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as full,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as at,
    ):
        full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        full.bind(("127.0.0.1", 0))
        assert dropped_by_system(full) == 0
        for _ in range(200):
            at.sendto(bytes(500), full.getsockname())
        kept = 0
        full.setblocking(False)  # noqa: FBT003
        while True:
            try:
                full.recv(1000)
            except BlockingIOError:
                break
            kept += 1
        assert dropped_by_system(full) == 200 - kept > 0
        assert dropped_by_system(at) == 0


async def test_the_systems_counter_begins_again_at_its_end() -> None:
    lost, clock = iter([0, 2**32 - 3, 4]), ManualClock(10**12)
    inlet = Datagrams(clock, States(), "here", datagrams_max=10, lost_by_system=lambda: next(lost))
    told = []
    for _ in range(3):
        inlet.take(b"1", ("10.0.0.1", 1))
        told.append((await inlet.next()).dropped)
        clock.advance(2.0)
    assert told == [0, 2**32 - 3, 7]


async def test_what_a_flood_lost_is_told_to_the_last_datagram_though_its_sender_falls_silent() -> None:
    port = free_port(socket.SOCK_DGRAM)
    chunks = bind_udp("127.0.0.1", port, clock=WallClock(), on_state=States(), datagrams_max=10)
    first = asyncio.ensure_future(nearest(chunks))
    await asyncio.sleep(0.01)
    sent = 20_000  # more than the system's buffer holds, and much more than ours
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(sent):
            sender.sendto(bytes(500), ("127.0.0.1", port))
    heard = [await first]
    while len([one for one in heard if one.peer]) + sum(one.dropped for one in heard) < sent:
        heard.append(await asyncio.wait_for(anext(chunks), 5.0))
    assert (heard[-1].data, heard[-1].peer) == (b"", "")
    assert heard[-1].dropped > 0
    assert len([one for one in heard if one.peer]) + sum(one.dropped for one in heard) == sent
    await chunks.aclose()


async def test_a_connection_that_floods_does_not_stand_before_the_others() -> None:
    port = free_port(socket.SOCK_STREAM)
    chunks = listen_tcp("127.0.0.1", port, clock=ManualClock(), on_state=States())
    first = asyncio.ensure_future(nearest(chunks))
    await asyncio.sleep(0.01)
    _, flood = await asyncio.open_connection("127.0.0.1", port)
    flood.write(bytes(8 * 1024 * 1024))
    await first
    await asyncio.sleep(0.2)
    _, quiet = await asyncio.open_connection("127.0.0.1", port)
    quiet.write(b"hello")
    await quiet.drain()
    await asyncio.sleep(0.2)
    before = 0
    async for chunk in chunks:
        if chunk.data == b"hello":
            break
        before += len(chunk.data)
    assert before < 1024 * 1024
    for writer in (flood, quiet):
        writer.close()
    await chunks.aclose()

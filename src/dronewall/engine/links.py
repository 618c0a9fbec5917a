"""Links: the sockets of the house. They dial, listen and move bytes; what the bytes mean is for others.

All buffers are bounded. A TCP peer that sends faster than we read is slowed down by TCP itself; datagrams that find
the buffer full are dropped and counted in the next chunk. Times are taken when bytes leave the socket.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from dronewall.engine.clock import Clock
from dronewall.model.errors import InputError
from dronewall.model.status import FeedState

READ_BYTES = 64 * 1024
CHUNKS_WAITING_MAX = 64
CONNECT_TIMEOUT_S = 10.0
KEEPALIVE_IDLE_S = 5
KEEPALIVE_INTERVAL_S = 2
KEEPALIVE_PROBES = 3
UNANSWERED_MS = 15_000
UDP_BUFFER_BYTES = 4 * 1024 * 1024

Reply = Callable[[bytes], Awaitable[None]]
OnState = Callable[[FeedState, str], None]
"""Told each change of a link's state, with the reason in words."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they came off one connection, or news of that connection.

    `peer` names the connection ("host:port"); it stays the same from `opened` to `closed`, whose chunks carry no data.
    `reply` writes back to the peer, or is None where nothing can. `dropped` counts the datagrams that were lost
    before this one because the buffer was full.
    """

    data: bytes
    received_ns: int
    peer: str
    reply: Reply | None = None
    opened: bool = False
    closed: bool = False
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait before the next attempt: `first_s`, doubling up to `longest_s`."""

    first_s: float = 0.5
    longest_s: float = 30.0

    def after(self, failures: int) -> float:
        """Return the pause in seconds after so many failures in a row, the first being 1."""
        return min(self.first_s * 2.0 ** min(max(failures - 1, 0), 30), self.longest_s)


async def dial_tcp(
    host: str, port: int, *, clock: Clock, pauses: Pauses, on_state: OnState
) -> AsyncGenerator[Chunk, None]:
    """Connect to a server and yield what it sends; reconnect for ever, with growing pauses.

    Each connection begins with an `opened` chunk and ends with a `closed` one. The pauses start over once a
    connection has brought data.
    """
    failures = 0
    while True:
        on_state(FeedState.CONNECTING, f"dialling {host}:{port}")
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(host, port, limit=READ_BYTES)
        except OSError as error:
            reason = _reason(error)
        else:
            on_state(FeedState.CONNECTED, f"{host}:{port}")
            ended = _Ended()
            async with aclosing(_read(reader, writer, clock, ended)) as chunks:
                async for chunk in chunks:
                    failures = 0 if chunk.data else failures
                    yield chunk
            reason = ended.reason
        failures += 1
        pause_s = pauses.after(failures)
        on_state(FeedState.LOST, f"{reason}; next attempt in {pause_s:g} s")
        await clock.sleep(pause_s)


async def listen_tcp(
    host: str, port: int, *, clock: Clock, on_state: OnState, connections_max: int = 32
) -> AsyncGenerator[Chunk, None]:
    """Wait for peers on a port and yield what all of them send.

    A peer beyond `connections_max` is turned away at once, and the state says so.

    Raises:
        InputError: the address cannot be listened on, for instance because it is in use.
    """
    waiting: asyncio.Queue[Chunk] = asyncio.Queue(CHUNKS_WAITING_MAX)
    here = f"{host}:{port}"
    guests: set[asyncio.Task[None]] = set()
    turned_away = 0

    def tell() -> None:
        also = f", {turned_away} turned away" if turned_away else ""
        if guests:
            on_state(FeedState.CONNECTED, f"{len(guests)} connected to {here}{also}")
        else:
            on_state(FeedState.LOST, f"nobody is connected{also}")
            on_state(FeedState.CONNECTING, f"listening on {here}{also}")

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turned_away
        task = asyncio.current_task()
        if task is None or len(guests) >= connections_max:
            turned_away += 1
            writer.close()
            tell()
            return
        guests.add(task)
        tell()
        try:
            async for chunk in _read(reader, writer, clock, _Ended()):
                await waiting.put(chunk)
        except asyncio.CancelledError:  # the link is being closed: nobody is left to tell
            writer.close()
            return
        finally:
            guests.discard(task)
        tell()

    try:
        server = await asyncio.start_server(receive, host, port, limit=READ_BYTES, reuse_address=True)
    except OSError as error:
        raise _cannot_bind(host, port, error) from error
    on_state(FeedState.CONNECTING, f"listening on {here}")
    try:
        while True:
            yield await waiting.get()
    finally:
        server.close()
        for guest in tuple(guests):
            guest.cancel()


async def bind_udp(
    host: str, port: int, *, clock: Clock, on_state: OnState, datagrams_max: int = 4096
) -> AsyncGenerator[Chunk, None]:
    """Yield the datagrams that arrive on a port; a multicast group as `host` is joined on every interface.

    Raises:
        InputError: the address cannot be bound, for instance because it is in use.
    """
    inlet = Datagrams(clock, on_state, f"{host}:{port}", datagrams_max)
    try:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: inlet, sock=_udp_socket(host, port)
        )
    except OSError as error:
        raise _cannot_bind(host, port, error) from error
    try:
        while True:
            yield await inlet.next()
    finally:
        transport.close()


class _Ended:
    """Why a connection ended."""

    __slots__ = ("reason",)

    def __init__(self) -> None:
        self.reason = "the peer closed the connection"


async def _read(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Clock, ended: _Ended
) -> AsyncGenerator[Chunk, None]:
    """Yield one connection from `opened` to `closed`; never raises for what the network does."""
    _keep_alive(writer)
    peer = _peer_name(writer)

    async def reply(data: bytes) -> None:
        with suppress(ConnectionError, OSError):  # the reading side finds out and says so
            writer.write(data)
            await writer.drain()

    try:
        yield Chunk(b"", clock.now_ns(), peer, reply, opened=True)
        while True:
            try:
                data = await reader.read(READ_BYTES)
            except OSError as error:
                ended.reason = _reason(error)
                break
            if not data:
                break
            yield Chunk(data, clock.now_ns(), peer, reply)
        yield Chunk(b"", clock.now_ns(), peer, None, closed=True)
    finally:
        writer.close()


class Datagrams(asyncio.DatagramProtocol):
    """The bounded buffer behind a bound port."""

    def __init__(self, clock: Clock, on_state: OnState, here: str, datagrams_max: int) -> None:
        self._clock = clock
        self._on_state = on_state
        self._here = here
        self._waiting: deque[Chunk] = deque()
        self._datagrams_max = datagrams_max
        self._dropped = 0
        self._arrived = asyncio.Event()
        self._heard = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say that the port is open."""
        self._on_state(FeedState.CONNECTING, f"listening on {self._here}")

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep a datagram with its instant, or count it as dropped where there is no room."""
        if not self._heard:
            self._heard = True
            self._on_state(FeedState.CONNECTED, f"first datagram from {addr[0]}:{addr[1]}")
        if len(self._waiting) >= self._datagrams_max:
            self._dropped += 1
            return
        self._waiting.append(Chunk(data, self._clock.now_ns(), f"{addr[0]}:{addr[1]}", dropped=self._dropped))
        self._dropped = 0
        self._arrived.set()

    async def next(self) -> Chunk:
        """Return the oldest datagram that waits; it tells how many were dropped before it."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()


def _udp_socket(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.settimeout(0)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_BUFFER_BYTES)
        if family == socket.AF_INET and 224 <= int(str(address[0]).split(".")[0]) <= 239:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            member = socket.inet_aton(str(address[0])) + struct.pack("=I", socket.INADDR_ANY)
            bound.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Notice a peer that vanished without a word, within about fifteen seconds where the system can."""
    connection = writer.get_extra_info("socket")
    if connection is None:
        return
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_S),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_S),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
        ("TCP_USER_TIMEOUT", UNANSWERED_MS),
    ):
        if hasattr(socket, name):  # each system knows another subset
            with suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _peer_name(writer: asyncio.StreamWriter) -> str:
    address = writer.get_extra_info("peername")
    return f"{address[0]}:{address[1]}" if address else "unknown"


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    return (error.strerror or str(error) or type(error).__name__).lower()


def _cannot_bind(host: str, port: int, error: OSError) -> InputError:
    if error.errno == errno.EADDRINUSE:
        return InputError(
            f"port {port} on {host} is in use by another program",
            f"End that program or choose another port, for instance {port + 1}.",
        )
    if error.errno == errno.EACCES:
        return InputError(f"port {port} on {host} may not be opened by this user", "Choose a port above 1023.")
    return InputError(
        f"cannot listen on {host}:{port}: {_reason(error)}", "Choose an address of this machine, such as 127.0.0.1."
    )

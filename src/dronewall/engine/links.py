"""Links: the sockets of the house. They dial, listen and move bytes; what the bytes mean is for others.

All buffers are bounded. A TCP peer that sends faster than we read is slowed down by TCP itself; datagrams that find
the buffer full are dropped and counted in the next chunk. Times are taken when bytes leave the socket.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from dronewall.engine.clock import NS_PER_S, Clock
from dronewall.engine.tls import told
from dronewall.model.errors import InputError
from dronewall.model.status import FeedState

READ_BYTES = 64 * 1024
CHUNKS_WAITING_EACH = 4
"""So many pieces of one connection wait for their reader, 256 KiB: one that floods stands before nobody else's."""
CONNECT_TIMEOUT_S = 10.0
KEEPALIVE_IDLE_S = 5
KEEPALIVE_INTERVAL_S = 2
KEEPALIVE_PROBES = 3
UNANSWERED_MS = 15_000

Reply = Callable[[bytes], Awaitable[None]]
OnState = Callable[[FeedState, str], None]
"""Told each change of a link's state, with the reason in words."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they came off one connection, or news of that connection.

    `peer` names the connection ("host:port"); it stays the same from `opened` to `closed`, whose chunks carry no data.
    `reply` writes back to the peer, or is None where nothing can. `dropped` counts the datagrams that were lost
    before this one because the buffer was full; a chunk without data and `peer` tells nothing else.
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
    """How long to wait before the next attempt: `first_s`, doubling up to `longest_s`.

    With a `name` each pause is shortened by up to half, by another part for every name and attempt, so that many who
    lost the same peer do not all come back at once; the same name always waits the same.
    """

    first_s: float = 0.5
    longest_s: float = 30.0
    name: str = ""

    def after(self, failures: int) -> float:
        """Return the pause in seconds after so many failures in a row, the first being 1."""
        pause_s = min(self.first_s * 2.0 ** min(max(failures - 1, 0), 30), self.longest_s)
        if not self.name:
            return pause_s
        drawn = hashlib.blake2b(f"{self.name}:{failures}".encode(), digest_size=4).digest()
        return pause_s * (1.0 - 0.5 * int.from_bytes(drawn, "big") / 2**32)


async def dial_tcp(
    host: str,
    port: int,
    *,
    clock: Clock,
    pauses: Pauses,
    on_state: OnState,
    tls: ssl.SSLContext | None = None,
    tls_server_name: str = "",
    silent_after_s: float | None = None,
) -> AsyncGenerator[Chunk, None]:
    """Connect to a server and yield what it sends; reconnect for ever, with growing pauses.

    Each connection begins with an `opened` chunk and ends with a `closed` one. The pauses start over once a
    connection has brought data.

    Args:
        host: where to.
        port: where to.
        clock: tells the times of receipt, and waits.
        pauses: between attempts.
        on_state: told each change of the link's state.
        tls: with it the connection is encrypted and the server's certificate checked.
        tls_server_name: whom the certificate must name; `host` if empty.
        silent_after_s: a connection that brings nothing for so long is given up and dialled again.
    """
    failures = 0
    name = (tls_server_name or host) if tls else None
    while True:
        on_state(FeedState.CONNECTING, f"dialling {host}:{port}")
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(
                    host, port, limit=READ_BYTES, ssl=tls, server_hostname=name
                )
        except OSError as error:
            reason = _reason(error)
        else:
            on_state(FeedState.CONNECTED, f"{host}:{port}")
            ended = _Ended()
            async with aclosing(_read(reader, writer, clock, ended, silent_after_s)) as chunks:
                async for chunk in chunks:
                    failures = 0 if chunk.data else failures
                    yield chunk
            reason = ended.reason
        failures += 1
        pause_s = pauses.after(failures)
        on_state(FeedState.LOST, f"{reason}; next attempt in {pause_s:.2g} s")
        await clock.sleep(pause_s)


async def listen_tcp(
    host: str,
    port: int,
    *,
    clock: Clock,
    on_state: OnState,
    connections_max: int = 32,
    tls: ssl.SSLContext | None = None,
    silent_after_s: float | None = None,
) -> AsyncGenerator[Chunk, None]:
    """Wait for peers on a port and yield what all of them send.

    A peer beyond `connections_max` is turned away at once; one whose TLS handshake fails is refused. Both are counted,
    and the state says so. A peer that sends nothing for `silent_after_s` is hung up on.

    Raises:
        InputError: the address cannot be listened on, for instance because it is in use.
    """
    guests = _Guests(f"{host}:{port}", clock, on_state, connections_max, tls, silent_after_s)
    try:
        server = await asyncio.start_server(guests.receive, host, port, limit=READ_BYTES, reuse_address=True)
    except OSError as error:
        raise cannot_bind(host, port, error) from error
    on_state(FeedState.CONNECTING, f"listening on {host}:{port}")
    try:
        while True:
            chunk, taken = await guests.waiting.get()
            taken.release()
            yield chunk
    finally:
        server.close()
        guests.send_away()


class _Guests:
    """Who is connected to a listening link, and who was not let in."""

    def __init__(
        self,
        here: str,
        clock: Clock,
        on_state: OnState,
        connections_max: int,
        tls: ssl.SSLContext | None,
        silent_after_s: float | None,
    ) -> None:
        self.waiting: asyncio.Queue[tuple[Chunk, asyncio.Semaphore]] = asyncio.Queue()
        self._here = here
        self._clock = clock
        self._on_state = on_state
        self._connections_max = connections_max
        self._tls = tls
        self._silent_after_s = silent_after_s
        self._present: set[asyncio.Task[None]] = set()
        self._turned_away = self._refused = 0
        self._why_refused = ""

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection from its beginning to its end."""
        task = asyncio.current_task()
        if task is None or len(self._present) >= self._connections_max:
            self._turned_away += 1
            writer.close()
            self._tell()
            return
        self._present.add(task)
        try:
            # Before anything is awaited, so that the peer's first bytes go to the handshake and not to the reader.
            if await self._shook_hands(writer):
                self._tell()
                room = asyncio.Semaphore(CHUNKS_WAITING_EACH)
                async for chunk in _read(reader, writer, self._clock, _Ended(), self._silent_after_s):
                    await room.acquire()
                    self.waiting.put_nowait((chunk, room))
        except asyncio.CancelledError:  # the link is being closed: nobody is left to tell
            writer.close()
            return
        finally:
            self._present.discard(task)
        self._tell()

    def send_away(self) -> None:
        """Hang up on everybody."""
        for task in tuple(self._present):
            task.cancel()

    async def _shook_hands(self, writer: asyncio.StreamWriter) -> bool:
        if self._tls is None:
            return True
        try:
            await writer.start_tls(self._tls, ssl_handshake_timeout=CONNECT_TIMEOUT_S)
        except OSError as error:
            self._refused, self._why_refused = self._refused + 1, _reason(error)
            return False
        return True

    def _tell(self) -> None:
        also = f", {self._turned_away} turned away" if self._turned_away else ""
        also += f", {self._refused} refused (the last: {self._why_refused})" if self._refused else ""
        if self._present:
            self._on_state(FeedState.CONNECTED, f"{len(self._present)} connected to {self._here}{also}")
        else:
            self._on_state(FeedState.LOST, f"nobody is connected{also}")
            self._on_state(FeedState.CONNECTING, f"listening on {self._here}{also}")


class _Ended:
    """Why a connection ended."""

    __slots__ = ("reason",)

    def __init__(self) -> None:
        self.reason = "the peer closed the connection"


class _Ear:
    """Gives up a connection that has brought nothing for so long: half of it may be gone without a word."""

    def __init__(self, writer: asyncio.StreamWriter, clock: Clock, ended: _Ended, silent_after_s: float) -> None:
        self.heard_ns = clock.now_ns()
        self._watching = asyncio.create_task(self._watch(writer, clock, ended, silent_after_s))

    async def _watch(self, writer: asyncio.StreamWriter, clock: Clock, ended: _Ended, silent_after_s: float) -> None:
        while (left_s := silent_after_s - (clock.now_ns() - self.heard_ns) / NS_PER_S) > 0:
            await clock.sleep(left_s)
        ended.reason = f"nothing was heard for {silent_after_s:g} s"
        writer.transport.abort()

    def close(self) -> None:
        """Listen no longer."""
        self._watching.cancel()


async def _read(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    clock: Clock,
    ended: _Ended,
    silent_after_s: float | None,
) -> AsyncGenerator[Chunk, None]:
    """Yield one connection from `opened` to `closed`; never raises for what the network does."""
    _keep_alive(writer)
    peer = _peer_name(writer)
    ear = None if silent_after_s is None else _Ear(writer, clock, ended, silent_after_s)

    async def reply(data: bytes) -> None:
        if writer.is_closing():
            return
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
            now_ns = clock.now_ns()
            if ear is not None:
                ear.heard_ns = now_ns
            yield Chunk(data, now_ns, peer, reply)
        yield Chunk(b"", clock.now_ns(), peer, None, closed=True)
    finally:
        if ear is not None:
            ear.close()
        writer.close()


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
    if isinstance(error, ssl.SSLError):
        return told(error)
    if isinstance(error, TimeoutError):
        return "no answer"
    return (error.strerror or str(error) or type(error).__name__).lower()


def cannot_bind(host: str, port: int, error: OSError) -> InputError:
    """Return the error about an address that cannot be had."""
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

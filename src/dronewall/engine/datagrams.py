"""Datagrams: what arrives on a port of UDP, in a bounded buffer that is shared by its senders.

A sender that floods fills its own share and nobody else's. What is lost is counted: what found the buffer full by
sender, and what the system itself dropped, as far as it tells. Losses are told with the next datagram, and when none
comes, by themselves.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace

from dronewall.engine.clock import NS_PER_S, Clock
from dronewall.engine.links import Chunk, OnState, cannot_bind
from dronewall.model.status import FeedState

UDP_BUFFER_BYTES = 4 * 1024 * 1024
WAITING_BYTES_MAX = 512 * 1024
"""Half a second of a very busy port: what waits longer is stale, and would still be decoded long after a flood."""
SENDERS_COUNTED_MAX = 1024
GATHERS_S = 0.01
GATHERED_MOST, GATHERED_BYTES = 64, 8 * 1024
"""What is decoded at once keeps everybody else waiting: no more than some ten milliseconds' work."""
READ_AT_ONCE = 64
DATAGRAM_BYTES = 65_536
TOLD_WITHIN_S = 1.0
"""When nothing more comes, what was lost is told after so long."""
SO_MEMINFO, MEMINFO, DROPS = 55, struct.Struct("=9I"), 8
"""Linux, asm-generic/socket.h and linux/sock_diag.h: figures of one socket; the last is how many it dropped."""
COUNTER_ENDS = 2**32


async def bind_udp(
    host: str, port: int, *, clock: Clock, on_state: OnState, datagrams_max: int = 4096
) -> AsyncGenerator[Chunk, None]:
    """Yield the datagrams that arrive on a port one by one; otherwise as `bind_udp_gathered`."""
    gathered = bind_udp_gathered(host, port, clock=clock, on_state=on_state, datagrams_max=datagrams_max)
    async with aclosing(gathered):
        async for chunks in gathered:
            for chunk in chunks:
                yield chunk


async def bind_udp_gathered(
    host: str, port: int, *, clock: Clock, on_state: OnState, datagrams_max: int = 4096
) -> AsyncGenerator[list[Chunk], None]:
    """Yield the datagrams that arrive on a port, those of ten milliseconds at once.

    A multicast group as `host` is joined on every interface.

    Raises:
        InputError: the address cannot be bound, for instance because it is in use.
    """
    try:
        bound = _udp_socket(host, port)
    except OSError as error:
        raise cannot_bind(host, port, error) from error
    async with aclosing(heard(bound, f"{host}:{port}", clock, on_state, datagrams_max)) as gathered:
        async for chunks in gathered:
            yield chunks


async def heard(
    bound: socket.socket, here: str, clock: Clock, on_state: OnState, datagrams_max: int
) -> AsyncGenerator[list[Chunk], None]:
    """Yield what arrives on a bound socket, which is closed in the end; `here` is the port in words."""
    inlet = Datagrams(clock, on_state, here, datagrams_max, lost_by_system=lambda: dropped_by_system(bound))
    loop = asyncio.get_running_loop()
    loop.add_reader(bound.fileno(), lambda: _read(bound, inlet))
    on_state(FeedState.CONNECTING, f"listening on {here}")
    try:
        while True:
            yield await inlet.gathered()
    finally:
        loop.remove_reader(bound.fileno())
        bound.close()


def _read(bound: socket.socket, inlet: Datagrams) -> None:
    """Take what waits in the system's buffer: one turn of the loop for many, for a flood has thousands a second."""
    with suppress(OSError):  # nothing waits any more
        for _ in range(READ_AT_ONCE):
            inlet.take(*bound.recvfrom(DATAGRAM_BYTES))


class Datagrams:
    """The bounded buffer behind a bound port.

    Args:
        clock: tells the times of receipt.
        on_state: told each change of the port's state.
        here: the port in words.
        datagrams_max: how many may wait, of all senders together.
        lost_by_system: tells how many datagrams the system has dropped on this port so far, counted up to 2^32 and then
            from 0 again; asked once a second.
    """

    def __init__(
        self,
        clock: Clock,
        on_state: OnState,
        here: str,
        datagrams_max: int,
        *,
        lost_by_system: Callable[[], int] = lambda: 0,
    ) -> None:
        self._clock = clock
        self._on_state = on_state
        self._here = here
        self._waiting: dict[str, deque[Chunk]] = {}
        self._held = self._held_bytes = 0
        self._datagrams_max = datagrams_max
        self._dropped: Counter[str] = Counter()
        self._lost_by_system = lost_by_system
        self._lost = 0
        self._asked_ns = 0
        self._arrived = asyncio.Event()
        self._heard = False

    def take(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep a datagram with its instant; where there is no room, the sender with the most waiting loses one."""
        peer = f"{addr[0]}:{addr[1]}"
        if not self._heard:
            self._heard = True
            self._on_state(FeedState.CONNECTED, f"first datagram from {peer}")
        if self._held >= self._datagrams_max or self._held_bytes >= WAITING_BYTES_MAX:
            most = max(self._waiting, key=lambda one: len(self._waiting[one]))
            known = most in self._dropped or len(self._dropped) < SENDERS_COUNTED_MAX
            if len(self._waiting.get(peer, ())) >= len(self._waiting[most]) - 1:
                self._dropped[peer if known else most] += 1
                return
            lost = self._waiting[most].pop()
            self._dropped[most] += 1 + lost.dropped
            self._held -= 1
            self._held_bytes -= len(lost.data)
        chunk = Chunk(data, self._clock.now_ns(), peer, dropped=self._dropped.pop(peer, 0))
        self._waiting.setdefault(peer, deque()).append(chunk)
        self._held += 1
        self._held_bytes += len(data)
        self._arrived.set()

    async def gathered(self) -> list[Chunk]:
        """Return the datagrams that wait, after a moment in which more may come: many cost little more than one.

        When none comes and some were lost before, one without bytes and sender tells how many.
        """
        while not self._held:
            with suppress(TimeoutError):
                async with asyncio.timeout(TOLD_WITHIN_S):
                    await self._any()
            if not self._held and (lost := self._lost_untold()):
                return [Chunk(b"", self._clock.now_ns(), "", dropped=lost)]
        if self._held < GATHERED_MOST and self._held_bytes < GATHERED_BYTES:
            await asyncio.sleep(GATHERS_S)
        chunks: list[Chunk] = []
        size = 0
        while self._held and len(chunks) < GATHERED_MOST and size < GATHERED_BYTES:
            chunks.append(self._next())
            size += len(chunks[-1].data)
        return chunks

    async def next(self) -> Chunk:
        """Return the next datagram, of each sender in turn; it tells how many were dropped before it."""
        await self._any()
        return self._next()

    async def _any(self) -> None:
        while not self._held:
            self._arrived.clear()
            await self._arrived.wait()

    def _next(self) -> Chunk:
        peer, waiting = next(iter(self._waiting.items()))
        chunk = waiting.popleft()
        self._held -= 1
        self._held_bytes -= len(chunk.data)
        del self._waiting[peer]
        if waiting:
            self._waiting[peer] = waiting  # at the end of the round
        if lost := self._newly_lost(chunk.received_ns):
            chunk = replace(chunk, dropped=chunk.dropped + lost)
        return chunk

    def _newly_lost(self, now_ns: int) -> int:
        if now_ns < self._asked_ns + NS_PER_S:
            return 0
        self._asked_ns = now_ns
        before, self._lost = self._lost, self._lost_by_system()
        return (self._lost - before) % COUNTER_ENDS

    def _lost_untold(self) -> int:
        """Return what was lost and no datagram told, of all senders; from now on it counts as told."""
        self._asked_ns = 0
        lost = self._dropped.total() + self._newly_lost(self._clock.now_ns())
        self._dropped.clear()
        return lost


def dropped_by_system(bound: socket.socket) -> int:
    """Return how many datagrams the system dropped on a socket, for its buffer was full; 0 where it does not tell."""
    with suppress(OSError, struct.error):
        return int(MEMINFO.unpack(bound.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size))[DROPS])
    return 0


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

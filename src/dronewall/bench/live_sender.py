"""The load: a process that sends a scene's reports over the loopback as they fall due, and hears what is safe."""

from __future__ import annotations

import json
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np
import psutil

from dronewall.bench.live_bytes import datagrams, lines
from dronewall.bench.live_scene import Hits, Scene
from dronewall.engine.clock import NS_PER_S, WallClock

PIECES_PER_SLICE = 5
"""What falls due in a slice of 0.1 s is sent in so many pieces, as it would come from many sensors."""
BEHIND_MOST_S = 5.0
"""A sender that has fallen so far behind leaves out what falls due: nobody takes it any more."""
SOCKET_BYTES = 256 * 1024


@dataclass(slots=True)
class Sent:
    """What became of the load so far; delays are from falling due to being acknowledged, in ms, one a piece."""

    due: int = 0
    sent: int = 0
    left_out: int = 0
    acknowledged: int = 0
    behind_ms: float = 0.0
    worst_behind_ms: float = 0.0
    cpu_s: float = 0.0
    delays_ms: list[float] = field(default_factory=list)


class Line:
    """One connection to a wall that listens for lines; what it does not take waits here."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10.0)
        self.socket.settimeout(0.0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        self._waiting: deque[tuple[memoryview, int, int]] = deque()  # bytes, lines in them, due
        self._unsafe: deque[tuple[int, int]] = deque()  # number of its last line, due
        self._sent_lines = 0
        self._half = b""

    def put(self, data: bytes, count: int, due_ns: int) -> None:
        """Let lines wait for their turn."""
        self._waiting.append((memoryview(data), count, due_ns))

    @property
    def waits(self) -> bool:
        """Whether there is something to send."""
        return bool(self._waiting)

    def behind_ns(self, now_ns: int) -> int:
        """Return how long the oldest line has been waiting."""
        return now_ns - self._waiting[0][2] if self._waiting else 0

    def send(self) -> int:
        """Send what the wall takes now; return how many lines that ended."""
        ended = 0
        while self._waiting:
            data, count, due_ns = self._waiting[0]
            try:
                taken = self.socket.send(data)
            except BlockingIOError:
                break
            if taken < len(data):
                self._waiting[0] = (data[taken:], count, due_ns)
                break
            self._waiting.popleft()
            self._sent_lines += count
            self._unsafe.append((self._sent_lines, due_ns))
            ended += count
        return ended

    def hear(self, now_ns: int) -> tuple[int, list[float]]:
        """Return how many lines are safe by now, and the delays of the pieces that have become so."""
        delays: list[float] = []
        safe = 0
        try:
            heard = self.socket.recv(65_536)
        except BlockingIOError:
            return safe, delays
        if not heard:
            raise ConnectionError("the wall hung up")
        *told, self._half = (self._half + heard).split(b"\n")
        for text in told:
            safe = int(json.loads(text)["acknowledged"])
            while self._unsafe and self._unsafe[0][0] <= safe:
                delays.append((now_ns - self._unsafe.popleft()[1]) / 1e6)
        return safe, delays


class Load:
    """Sends one scene at its own pace until told to stop."""

    def __init__(self, scene: Scene, begun_ns: int) -> None:
        self.sent = Sent()
        self._scene = scene
        self._begun_ns = begun_ns
        self._clock = WallClock()

    def over_tcp(self, port: int, connections: int, stop: threading.Event) -> None:
        """Send lines over so many connections, the radars dealt out among them."""
        links = [Line(port) for _ in range(connections)]
        safe = [0] * connections
        with selectors.DefaultSelector() as ready:
            for number, link in enumerate(links):
                ready.register(link.socket, selectors.EVENT_READ, number)
            for hits, due_ns in self._due(stop, lambda seconds: self._wait(ready, links, safe, seconds)):
                text = lines(hits, self._begun_ns)
                for number, link in enumerate(links):
                    own = text[hits.radar % connections == number]
                    if link.behind_ns(due_ns) > BEHIND_MOST_S * NS_PER_S:
                        self.sent.left_out += len(own)
                    elif len(own):
                        link.put(own.tobytes(), len(own), due_ns)
        for link in links:
            link.socket.close()

    def over_udp(self, port: int, stop: threading.Event) -> None:
        """Send blocks of ASTERIX 048, each radar's with others' of its piece."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for hits, _ in self._due(stop, stop.wait):
                for _, count, block in datagrams(hits, self._begun_ns):
                    sender.sendto(block, ("127.0.0.1", port))
                    self.sent.sent += count

    def _due(self, stop: threading.Event, wait: Callable[[float], object]) -> Iterator[tuple[Hits, int]]:
        """Yield what falls due, when it does."""
        slice_ns = round(self._scene.slice_s * NS_PER_S)
        number = 0
        while not stop.is_set():
            hits = self._scene.hits(number)
            for piece, rows in enumerate(np.array_split(np.arange(len(hits.radar)), PIECES_PER_SLICE)):
                due_ns = self._begun_ns + number * slice_ns + (piece + 1) * slice_ns // PIECES_PER_SLICE
                while not stop.is_set():
                    wait(max(0.0, (due_ns - self._clock.now_ns()) / NS_PER_S))
                    if self._clock.now_ns() >= due_ns:
                        break
                self.sent.due += len(rows)
                yield hits.take(rows), due_ns
            number += 1

    def _wait(self, ready: selectors.BaseSelector, links: list[Line], safe: list[int], seconds: float) -> None:
        """Send and listen for a while."""
        for link in links:
            self.sent.sent += link.send()
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.waits else 0)
            if ready.get_key(link.socket).events != events:
                ready.modify(link.socket, events, ready.get_key(link.socket).data)
        for key, mask in ready.select(seconds):
            if mask & selectors.EVENT_READ:
                told, delays = links[key.data].hear(self._clock.now_ns())
                safe[key.data] = max(told, safe[key.data])
                self.sent.delays_ms += delays
        now_ns = self._clock.now_ns()
        self.sent.acknowledged = sum(safe)
        self.sent.behind_ms = max(link.behind_ns(now_ns) for link in links) / 1e6
        self.sent.worst_behind_ms = max(self.sent.worst_behind_ms, self.sent.behind_ms)


def run_load(orders: Connection, scene: Scene, transport: str, port: int, connections: int) -> None:
    """Be the process: send until told "stop"; answer every other word with what became of the load so far."""
    stop = threading.Event()
    load = Load(scene, WallClock().now_ns())

    def answer() -> None:
        own = psutil.Process()
        while not stop.is_set():
            if orders.recv() == "stop":
                stop.set()
            times = own.cpu_times()
            load.sent.cpu_s = times.user + times.system
            orders.send(load.sent)

    answering = threading.Thread(target=answer, daemon=True)
    answering.start()
    if transport == "udp":
        load.over_udp(port, stop)
    else:
        load.over_tcp(port, connections, stop)
    answering.join()

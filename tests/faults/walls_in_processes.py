"""A wall in a process of its own, and a sensor that talks to it and keeps a witness of what was acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dronewall.engine.clock import WallClock

MAIN = "from dronewall.cli import main; main()"
COMMAND = (sys.executable, "-c", MAIN)
STARTS_WITHIN_S = 180.0
"""Long enough to compile every kernel on a slow machine with an empty cache."""
SENSOR = {
    "sensor_id": "radar-1",
    "kind": "radar_3d",
    "lat_deg": 54.0,
    "lon_deg": 25.0,
    "hae_m": 100.0,
    "sigma": {"range_m": 30.0, "azimuth_deg": 0.1, "elevation_deg": 0.2},
    "period_s": 1.0,
    "range_max_m": 200000,
}
OBJECTS = 20
CLOCK = WallClock()


def command_after(change: str) -> tuple[str, ...]:
    """Return the command of a wall in which some lines of Python have changed something first."""
    return (sys.executable, "-c", f"{change}\n{MAIN}")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def written_sensors(folder: Path, *others: dict[str, Any]) -> Path:
    path = folder / "sensors.jsonl"
    path.write_text("".join(json.dumps(sensor) + "\n" for sensor in (SENSOR, *others)))
    return path


@dataclass(eq=False)
class WallProcess:
    """`dronewall run` on a listening feed of plots, and others if asked."""

    sensors: Path
    journal: Path
    feed_port: int = field(default_factory=free_port)
    page_port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None
    before: tuple[str, ...] = ()
    """What stands before its command, for instance `FaultyDisk.command`."""
    command: tuple[str, ...] = COMMAND
    """What is run; see `command_after`."""
    more_feeds: tuple[str, ...] = ()
    """URLs of feeds besides the one of plots."""

    async def start(self) -> None:
        urls = (f"plots+tcp://127.0.0.1:{self.feed_port}?listen=true", *self.more_feeds)
        feeds = [part for url in urls for part in ("--feed", url)]
        self.process = await asyncio.create_subprocess_exec(
            *self.before, *self.command, "run", *feeds, "--sensors", str(self.sensors), "--journal", str(self.journal),
            "--listen", f"127.0.0.1:{self.page_port}", "--json",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def running(self) -> None:
        """Wait until the wall shows pictures."""
        async with asyncio.timeout(STARTS_WITHIN_S):
            while True:
                assert self.process is not None
                assert self.process.returncode is None, (await self.process.communicate())[1].decode()
                with contextlib.suppress(OSError, ValueError):
                    if (await self.get("/api/v1/status"))["phase"] == "running":
                        return
                await asyncio.sleep(0.05)

    async def failed(self) -> tuple[dict[str, Any], str]:
        """Wait until the wall says that it has failed and ends with status 1; return its status then, and its words."""
        assert self.process is not None
        async with asyncio.timeout(120.0):
            while True:
                status = await self.get("/api/v1/status")
                if status["phase"] == "failed":
                    break
                await asyncio.sleep(0.05)
        alerts = await self.get("/api/v1/alerts")
        assert "wall-failed" in json.dumps(alerts)
        out, err = await asyncio.wait_for(self.process.communicate(), 60.0)
        assert (self.process.returncode, out, b"Traceback" in err) == (1, b"", False), err.decode()
        return status, err.decode()

    async def get(self, path: str) -> Any:
        """Return what the page answers, from JSON."""
        return json.loads(await self.read(path))

    async def read(self, path: str) -> bytes:
        """Return what the page answers, as it is."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.page_port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
        if b" 200 " not in head.splitlines()[0]:
            raise ValueError(head.splitlines()[0])
        return _unchunked(body) if b"chunked" in head.lower() else body

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.communicate()

    async def end(self) -> tuple[int, dict[str, Any], str]:
        """Interrupt it as a person would; return its exit status, its summary and what it said."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(self.process.communicate(), 60.0)
        assert self.process.returncode is not None
        return self.process.returncode, json.loads(out), err.decode()


def _unchunked(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        parts.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(parts)


class Witness:
    """Keeps what was acknowledged in a file of its own, written through to the disk at each word."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a")
        self._path = path

    def write(self, number: int) -> None:
        self._file.write(f"{number}\n")

    def seal(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def numbers(self) -> list[int]:
        return [int(line) for line in self._path.read_text().split()]


class Sensor:
    """A radar that sees objects fly past and numbers its plots (`track_ref`).

    Each object claims its own address, so that whoever looks at tracks can tell objects apart. Without `source` it says
    nothing twice. With one it opens each connection with a hello, keeps what is not acknowledged, and sends it again.

    Args:
        port: where the wall listens.
        witness: told each number that was acknowledged.
        every_s: the pause between bursts.
        burst: how many plots it sends at a time.
        objects: how many it sees.
        source: its name in the hello.
    """

    def __init__(
        self,
        port: int,
        witness: Witness,
        *,
        every_s: float = 0.05,
        burst: int = 1,
        objects: int = OBJECTS,
        source: str = "",
    ) -> None:
        self._port = port
        self._witness = witness
        self._every_s = every_s
        self._burst = burst
        self._objects = objects
        self._source = source
        self._kept: dict[int, bytes] = {}
        self.sent = 0
        self.acknowledged = 0

    async def run(self) -> None:
        """Talk to the wall for ever; when it is gone, try again."""
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                await self._talk(reader, writer)
            await asyncio.sleep(0.05)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(iter(self._kept), self.sent + 1) if self._source else self.sent + 1
        hearing = asyncio.create_task(self._hear(reader, known=first - 1, shift=0 if self._source else first - 1))
        try:
            if self._source:
                hello = {"hello": {"source": self._source, "boot": 1, "next": first}}
                writer.write(json.dumps(hello).encode() + b"\n" + b"".join(self._kept.values()))
            while not hearing.done():
                lines = [self.next_line() for _ in range(self._burst)]
                writer.write(b"".join(lines))
                await writer.drain()
                await asyncio.sleep(self._every_s)
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
            writer.close()

    def next_line(self) -> bytes:
        """Return the next line, numbered."""
        self.sent += 1
        line = self._line(self.sent)
        if self._source:
            self._kept[self.sent] = line
        return line

    async def _hear(self, reader: asyncio.StreamReader, *, known: int, shift: int) -> None:
        while line := await reader.readline():
            safe = json.loads(line)["acknowledged"] + shift
            for number in range(known + 1, safe + 1):
                self._witness.write(number)
                self._kept.pop(number, None)
            self._witness.seal()
            known = max(known, safe)
            self.acknowledged = known

    def _line(self, number: int) -> bytes:
        now_ns = CLOCK.now_ns()
        which = number % self._objects
        row, column = divmod(which, OBJECTS)
        along_m = 5_000.0 + 60.0 * ((now_ns / 1e9) % 1_000.0) + 4_000.0 * row
        east_m, north_m, up_m = 4_000.0 * (column - OBJECTS / 2) + 2_000.0, along_m, 1_000.0 + 150.0 * column
        range_m = math.sqrt(east_m**2 + north_m**2 + up_m**2)
        plot = {
            "sensor_id": "radar-1",
            "at_ns": now_ns,
            "received_ns": now_ns,
            "range_m": range_m,
            "azimuth_deg": math.degrees(math.atan2(east_m, north_m)) % 360.0,
            "elevation_deg": math.degrees(math.asin(up_m / range_m)),
            "track_ref": str(number),
            "claims": {"icao24": f"{0xABC000 + which:06X}"},
        }
        return json.dumps(plot).encode() + b"\n"


@contextlib.contextmanager
def going(task: asyncio.Task[None]) -> Iterator[None]:
    try:
        yield
    finally:
        task.cancel()

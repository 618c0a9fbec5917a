"""Who looks and who disturbs: a reader of pictures on a real WebSocket, and a process that keeps the disk busy."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from dronewall.engine.clock import WallClock
from dronewall.outlets.web.frames import HEADER, FrameKind

DISTURBANCE_BYTES = 8 * 1024 * 1024
DISTURBANCE_FILE_BYTES = 256 * 1024 * 1024
ENDS_WITHIN_S = 5.0


@dataclass(slots=True)
class Seen:
    """What a reader has seen: frames, bytes, and the pauses between frames in ms."""

    frames: int = 0
    fulls: int = 0
    bytes: int = 0
    pauses_ms: list[float] = field(default_factory=list)


class Reader:
    """Takes every frame of a wall's page in a thread of its own; a context manager."""

    def __init__(self, url: str) -> None:
        self.seen = Seen()
        self._url = url.replace("http://", "ws://") + "ws/v1/picture"
        self._open = ExitStack()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        connection = connect(self._url, max_size=None, compression=None, proxy=None)
        frames = self._open.enter_context(connection)
        self._thread = threading.Thread(target=self._read, args=(frames,), name="reader", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        if self._thread is not None:
            self._thread.join(ENDS_WITHIN_S)

    def afresh(self) -> None:
        """Begin to count anew."""
        self.seen = Seen()

    def _read(self, frames: ClientConnection) -> None:
        clock = WallClock()
        before_ns = clock.now_ns()
        try:
            while True:
                frame = frames.recv()
                now_ns = clock.now_ns()
                seen = self.seen
                seen.frames += 1
                seen.fulls += HEADER.unpack_from(frame)[2] == FrameKind.FULL  # type: ignore[arg-type]
                seen.bytes += len(frame)
                seen.pauses_ms.append((now_ns - before_ns) / 1e6)
                before_ns = now_ns
        except ConnectionClosed:
            return


def run_disturbance(folder: Path) -> None:
    """Be a process that writes and synchronises without a pause, until ended."""
    block = bytes(DISTURBANCE_BYTES)
    with (folder / "disturbance").open("wb") as file:
        while True:
            file.write(block)
            file.flush()
            os.fsync(file.fileno())
            if file.tell() >= DISTURBANCE_FILE_BYTES:
                file.seek(0)

"""The page's server: Litestar on uvicorn inside a loop that others own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import uvicorn
from litestar import Litestar, Response, get
from litestar.config.compression import CompressionConfig
from litestar.exceptions import HTTPException
from litestar.response import File
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp

from dronewall.model.identity import Identity
from dronewall.model.picture import Picture
from dronewall.model.sensors import Sensors
from dronewall.model.status import WallStatus
from dronewall.outlets.loopback import bound_socket, loopback_address
from dronewall.outlets.web.acts import acts_router
from dronewall.outlets.web.api import api_router, openapi_config, refused
from dronewall.outlets.web.board import Act, Board, shows_only
from dronewall.outlets.web.guard import Guard
from dronewall.outlets.web.live import live_handlers
from dronewall.outlets.web.metrics import CONTENT_TYPE, metrics_text
from dronewall.outlets.web.sockets import STALLED_AFTER_S, BoundedWebSocket

STATIC = Path(__file__).parent / "static"
LEAST_BETWEEN_PICTURES_S = 0.08
"""A little less than the wall's tick, so that a picture made on time never waits for the next one's turn."""
CLOSE_WITHIN_S = 1


class _EmbeddedServer(uvicorn.Server):
    """uvicorn without its signal handlers: whoever runs the loop decides what an interrupt means."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebOutlet:
    """The common operational picture at `http://host:port`.

    Args:
        host: a loopback address or `localhost`.
        port: 0 picks a free one; `url` tells which.
        sensors: returns the register of sensors as it is now; called on the loop.
        explain: returns a track's identity with its reasons, or None.
        act: does what a person said to a track; without it the page shows only.
        on_sent: told a picture's `seq` and the instant, in ns, when its first frame was handed to a client's socket.
        clock: ns UTC.
        stalled_after_s: a client that takes nothing for so long is dropped.

    Raises:
        ConfigError: `host` is not a loopback address.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sensors: Callable[[], Sensors],
        explain: Callable[[int], Identity | None],
        act: Act = shows_only,
        on_sent: Callable[[int, int], None],
        clock: Callable[[], int],
        stalled_after_s: float = STALLED_AFTER_S,
    ) -> None:
        self._stalled_after_s = stalled_after_s
        self._host, self._port = loopback_address(host), port
        self._board = Board(sensors=sensors, explain=explain, act=act, on_sent=on_sent, clock=clock)
        self._slot: tuple[Picture, WallStatus] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._filled = asyncio.Event()
        self._socket: socket.socket | None = None

    @property
    def url(self) -> str:
        """Where the page is; the port is known once bound."""
        port = self._socket.getsockname()[1] if self._socket else self._port
        return f"http://[{self._host}]:{port}/" if ":" in self._host else f"http://{self._host}:{port}/"

    @property
    def clients(self) -> int:
        """How many WebSockets are open."""
        return self._board.clients

    def bind(self) -> str:
        """Take the port now, so that a wrong one is known before anything else starts; return the URL.

        Raises:
            RequestError: the port is in use or not allowed.
        """
        if self._socket is None:
            self._socket = bound_socket(self._host, self._port)
        return self.url

    def publish(self, picture: Picture, status: WallStatus) -> None:
        """Put the newest picture into the slot; from any thread, at once."""
        self._slot = (picture, status)
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop closed between the two lines
                loop.call_soon_threadsafe(self._filled.set)

    async def serve(self) -> None:
        """Serve until cancelled.

        Raises:
            RequestError: the port is in use.
        """
        self.bind()
        bound, self._loop = self._socket, asyncio.get_running_loop()
        assert bound is not None  # noqa: S101  bind() made it
        if self._slot is not None:
            self._filled.set()
        server = _EmbeddedServer(_uvicorn_config(application(self._board), self._stalled_after_s))
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        pumping = asyncio.create_task(self._pump())
        try:
            done, _ = await asyncio.wait({serving, pumping}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._loop = None
            server.should_exit = True
            pumping.cancel()
            await asyncio.gather(serving, pumping, return_exceptions=True)
            bound.close()
            self._socket = None

    async def _pump(self) -> None:
        """Move pictures from the slot to the board, at most ten a second."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            if self._slot is not None:
                self._board.put(*self._slot)
            await asyncio.sleep(LEAST_BETWEEN_PICTURES_S)


def application(board: Board) -> ASGIApp:
    """Return the ASGI application over a board."""

    @get("/", include_in_schema=False, sync_to_thread=False)
    def page() -> File:
        return File(STATIC / "index.html", media_type="text/html", content_disposition_type="inline")

    @get("/metrics", include_in_schema=False, sync_to_thread=False)
    def metrics() -> Response[bytes]:
        picture = board.cut.picture if board.cut else None
        return Response(metrics_text(board.status, picture, clients=board.clients), media_type=CONTENT_TYPE)

    files = create_static_files_router("/static", directories=[STATIC], include_in_schema=False)
    app = Litestar(
        route_handlers=[page, metrics, files, api_router(board), acts_router(board), *live_handlers(board)],
        exception_handlers={HTTPException: refused},
        openapi_config=openapi_config(),
        compression_config=CompressionConfig(backend="gzip", gzip_compress_level=1, minimum_size=4096),
        logging_config=None,
    )
    return Guard(app)


def _uvicorn_config(app: ASGIApp, stalled_after_s: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws=cast(type[asyncio.Protocol], partial(BoundedWebSocket, stalled_after_s=stalled_after_s)),
        ws_max_size=4096,
        ws_per_message_deflate=False,  # costs ten milliseconds per client and message
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSE_WITHIN_S,
    )

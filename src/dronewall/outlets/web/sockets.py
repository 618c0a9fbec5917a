"""WebSockets whose clients may stall: what waits for one is bounded, and who takes nothing for a while is dropped.

A client that does not read holds at most one frame and a small buffer of the system's; the next frame is made only when
that one is gone. A stalled connection cannot be closed politely, for the farewell would wait behind the frame: it is
cut, and its slot is free. A browser that comes back to life connects again by itself.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

STALLED_AFTER_S = 10.0
SEND_BUFFER_BYTES = 256 * 1024
"""What the system may hold for a client: enough for a far browser, little enough that pictures do not age in it."""


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One client's connection.

    Args:
        stalled_after_s: a client that has not made room for so long is dropped.
    """

    def __init__(self, *args: Any, stalled_after_s: float = STALLED_AFTER_S, **named: Any) -> None:
        super().__init__(*args, **named)
        self._stalled_after_s = stalled_after_s
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound what the system holds for the client."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def pause_writing(self) -> None:
        """Begin to wait for the client to make room."""
        super().pause_writing()
        self._patience = self.loop.call_later(self._stalled_after_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has made room."""
        self._end_patience()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._end_patience()
        super().connection_lost(exc)

    def _end_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

"""The two WebSockets. Each client has one slot: what it has not taken when the next picture comes, it never gets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler

from dronewall.model.picture import Picture
from dronewall.outlets.web.answers import alert_view, event_view, feed_view
from dronewall.outlets.web.board import Board
from dronewall.outlets.web.views import (
    AlertsEvent,
    FeedsEvent,
    SensorsEvent,
    SensorView,
    StatusEvent,
    TrackEventsEvent,
    View,
    WaitingEvent,
)

HEARTBEAT_S = 1.0

Socket = WebSocket[Any, Any, Any]


def live_handlers(board: Board) -> list[WebsocketRouteHandler]:
    """Return the handlers of `/ws/v1/picture` and `/ws/v1/events`."""

    @websocket("/ws/v1/picture")
    async def picture(socket: Socket) -> None:
        await _serve(board, socket, lambda: _send_pictures(board, socket))

    @websocket("/ws/v1/events")
    async def events(socket: Socket) -> None:
        await _serve(board, socket, lambda: _send_events(board, socket))

    return [picture, events]


async def _serve(board: Board, socket: Socket, send: Callable[[], Awaitable[None]]) -> None:
    """Accept a client and send to it until it leaves; what it says is not listened to."""
    await socket.accept()
    board.clients += 1
    sending = asyncio.ensure_future(send())
    leaving = asyncio.ensure_future(_left(socket))
    try:
        done, _ = await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except WebSocketDisconnect:
        return
    finally:
        board.clients -= 1
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)


async def _left(socket: Socket) -> None:
    while True:
        await socket.receive_data(mode="binary")


async def _send_pictures(board: Board, socket: Socket) -> None:
    number = 0
    while True:
        cut = await board.cut_after(number)
        await socket.send_data(cut.frame_after(number), mode="binary")
        number = cut.number
        board.sent(cut)


async def _send_events(board: Board, socket: Socket) -> None:
    """Send the status each second, and the rest when it changes."""
    told = Told()
    while True:
        news = board.news
        for event in told.news(board):
            await socket.send_data(msgspec.json.encode(event).decode(), mode="text")
        try:
            await asyncio.wait_for(news.wait(), HEARTBEAT_S)
        except TimeoutError:
            continue


class Told:
    """What one client has been told, so that only changes are said again."""

    def __init__(self) -> None:
        self._feeds: FeedsEvent | None = None
        self._alerts: AlertsEvent | None = None
        self._sensors: list[tuple[str, str]] | None = None
        self._event_number = -1

    def news(self, board: Board) -> list[View]:
        """Return the events this client has not heard yet."""
        status = board.status_view()
        events: list[View] = [WaitingEvent() if status is None else StatusEvent(status)]
        if board.status is not None:
            events += self._changed_feeds(FeedsEvent(tuple(feed_view(feed) for feed in board.status.feeds)))
        if board.cut is not None:
            events += self._changed_alerts(AlertsEvent(tuple(alert_view(a) for a in board.cut.picture.alerts)))
            events += self._new_track_events(board.cut.picture)
        return events + self._changed_sensors(board.sensor_views())

    def _changed_feeds(self, event: FeedsEvent) -> list[View]:
        changed, self._feeds = event != self._feeds, event
        return [event] if changed else []

    def _changed_alerts(self, event: AlertsEvent) -> list[View]:
        changed, self._alerts = event != self._alerts, event
        return [event] if changed else []

    def _new_track_events(self, picture: Picture) -> list[View]:
        new = [event for event in picture.track_events if event.number > self._event_number]
        if not new:
            return []
        self._event_number = new[-1].number
        return [TrackEventsEvent(tuple(event_view(event) for event in new))]

    def _changed_sensors(self, views: tuple[SensorView, ...]) -> list[View]:
        # When each was last heard changes all the time; only its health is news.
        held = [(view.sensor_id, view.health) for view in views]
        changed, self._sensors = held != self._sensors, held
        return [SensorsEvent(views)] if changed else []

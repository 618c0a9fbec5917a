"""REST and the documents around it. Every answer is a type of `views`; every refusal an `ErrorView`."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Contact, License
from litestar.params import FromPath

from dronewall import __version__
from dronewall.outlets.web.answers import (
    alert_view,
    ended_view,
    feed_view,
    sensor_views,
    track_detail,
    tracks_view,
)
from dronewall.outlets.web.board import Board, Cut
from dronewall.outlets.web.views import (
    AlertView,
    ErrorView,
    FeedView,
    SensorView,
    StatusView,
    TrackDetailView,
    TracksView,
    ZoneView,
)

SHOWN_ID = re.compile(r"T-(?:(\d{1,5})-)?(\d{1,15})", re.IGNORECASE)
TRACK_ID_BITS = 63
WAIT_REMEDY = "Ask again when the wall has warmed up; /api/v1/status says how far it is"


class NotYetException(HTTPException):
    """The wall has not published anything yet."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE


def _remedy(remedy: str) -> dict[str, Any]:
    return {"remedy": remedy}


def track_id_from(asked: str) -> int:
    """Return a track's number from its integer or from the form people see, `T-000123` or `T-2-000123`.

    Raises:
        ValidationException: it is neither.
    """
    if shown := SHOWN_ID.fullmatch(asked):
        number = (int(shown[1] or 0) << 48) | int(shown[2])
    elif asked.isascii() and asked.isdigit():
        number = int(asked)
    else:
        number = -1
    if not 0 <= number < 1 << TRACK_ID_BITS:
        raise ValidationException(f"{asked!r} is not a track number", extra=_remedy("Use 123 or T-000123"))
    return number


def api_router(board: Board) -> Router:
    """Return `/api/v1` over a board."""

    def newest() -> Cut:
        if board.cut is None:
            raise NotYetException("there is no picture yet", extra=_remedy(WAIT_REMEDY))
        return board.cut

    @get("/tracks", summary="Every track that is confirmed or coasting, and remote tracks", sync_to_thread=False)
    def tracks() -> TracksView:
        cut = newest()
        return tracks_view(cut.picture, cut.shown, board.sensors())

    @get("/tracks/{track_id:str}", summary="One track with its sources and evidence")
    async def track(track_id: FromPath[str]) -> TrackDetailView:
        number, cut = track_id_from(track_id), newest()
        # Whoever explains may wait for a step of the pipeline; the other clients shall not.
        identity = await asyncio.to_thread(board.explain, number)
        detail = track_detail(cut.picture, cut.shown, number, identity)
        if detail is None:
            became = ended_view(cut.picture, number)
            problem = f"the picture holds no track {track_id}" + (f": {became}" if became else "")
            raise NotFoundException(problem, extra=_remedy("" if became else "It may have been dropped"))
        return detail

    @get("/sensors", summary="The register of sensors, each with its health", sync_to_thread=False)
    def sensors() -> list[SensorView]:
        at_ns = board.cut.picture.at_ns if board.cut else board.clock()
        return list(sensor_views(board.sensors(), board.status, at_ns))

    @get("/feeds", summary="Every feed: decoded, refused and why, unplaceable", sync_to_thread=False)
    def feeds() -> list[FeedView]:
        return [feed_view(feed) for feed in board.status.feeds] if board.status else []

    @get("/alerts", summary="What a person must look at", sync_to_thread=False)
    def alerts() -> list[AlertView]:
        return [alert_view(alert) for alert in board.cut.picture.alerts] if board.cut else []

    @get("/zones", summary="Airspace control measures; none are read yet", sync_to_thread=False)
    def zones() -> list[ZoneView]:
        return []

    @get("/status", summary="How the wall is doing: phase, latency, counts", sync_to_thread=False)
    def status() -> StatusView:
        view = board.status_view()
        if view is None:
            raise NotYetException("the wall has not said anything yet", extra=_remedy(WAIT_REMEDY))
        return view

    handlers = [tracks, track, sensors, feeds, alerts, zones, status]
    return Router("/api/v1", route_handlers=handlers, tags=["picture"])


def refused(_: Request[Any, Any, Any], fault: HTTPException) -> Response[ErrorView]:
    """Turn a refusal into JSON that says what to do."""
    told = fault.extra if isinstance(fault.extra, dict) else {}
    remedy = told.get("remedy", "See /docs for what can be asked")
    return Response(
        ErrorView(int(fault.status_code), fault.detail, remedy),
        status_code=fault.status_code,
        media_type=MediaType.JSON,
        headers=fault.headers,
    )


class DocsPage(OpenAPIRenderPlugin):
    """`/docs`: Swagger UI from vendored files, with no inline script and nothing from outside."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page; its script fetches the schema."""
        return DOCS_HTML.encode()


DOCS_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>dronewall API</title>
<link rel="icon" href="/static/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/vendor/swagger-ui/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/static/vendor/swagger-ui/swagger-ui-bundle.js"></script>
<script type="module" src="/static/js/docs.js"></script>
</body>
</html>
"""


def openapi_config() -> OpenAPIConfig:
    """Return what the schema says of itself, and where it is served."""
    return OpenAPIConfig(
        title="dronewall",
        version=__version__,
        description="The common operational picture, on loopback only: all of it can be read, and tracks can be merged,"
        " split and dropped by a named person. Binary pictures come by"
        " `/ws/v1/picture`, events by `/ws/v1/events`; docs/page.md tells their layout.",
        license=License(name="Apache-2.0"),
        contact=Contact(name="dronewall"),
        path="/docs",
        render_plugins=[DocsPage(path="/")],
    )

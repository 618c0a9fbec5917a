"""What people do to tracks by the API, merge, split and drop, and what became of tracks.

Each act is named, has a reason and is journalled first. Acts keep the picture in order; none of them asks anything of a
sensor or a responder.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Router, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath, JSONBody

from dronewall.model.errors import ActRefused
from dronewall.model.track_acts import ACTOR_LENGTH_MAX, NOBODY, REASON_LENGTH_MAX, ActKind, TrackAct
from dronewall.outlets.web.answers import event_view
from dronewall.outlets.web.api import track_id_from
from dronewall.outlets.web.board import Board
from dronewall.outlets.web.views import TrackEventView

TAKEN_WITHIN_S = 10.0
PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
"""Something on one line that can be read."""

By = Annotated[str, msgspec.Meta(max_length=ACTOR_LENGTH_MAX, pattern=PLAIN, description="Who says so.")]
Reason = Annotated[str, msgspec.Meta(max_length=REASON_LENGTH_MAX, pattern=PLAIN, description="Why.")]


class DropRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The track is no object."""

    by: By
    reason: Reason


class MergeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The track and `into` are one object, which goes on as `into`: 123 or T-000123."""

    into: str | int
    by: By
    reason: Reason


class SplitRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`off`, a number once merged into the track, is an object of its own; without it the track gets a new number."""

    by: By
    reason: Reason
    off: str | int | None = None


class RefusedException(HTTPException):
    """The act cannot be done."""

    status_code = HTTPStatus.CONFLICT


def acts_router(board: Board) -> Router:
    """Return what changes tracks, and what became of them, under `/api/v1`."""

    async def done(kind: ActKind, asked: str, by: str, reason: str, other_id: int = NOBODY) -> TrackEventView:
        act = TrackAct(kind, track_id_from(asked), by.strip(), reason.strip(), other_id)
        try:
            return event_view(await asyncio.wait_for(board.act(act), TAKEN_WITHIN_S))
        except ActRefused as refusal:
            status = HTTPStatus.NOT_FOUND if refusal.unknown else HTTPStatus.CONFLICT
            raise RefusedException(refusal.problem, status_code=status, extra={"remedy": refusal.remedy}) from refusal
        except TimeoutError as late:
            raise RefusedException(
                f"the act was not taken within {TAKEN_WITHIN_S:.0f} s",
                status_code=HTTPStatus.SERVICE_UNAVAILABLE,
                extra={"remedy": "It may still be: look at /api/v1/track-events"},
            ) from late

    @get(
        "/track-events", summary="What became of tracks: merged, split, dropped; the newest last", sync_to_thread=False
    )
    def track_events() -> list[TrackEventView]:
        return [event_view(event) for event in board.cut.picture.track_events] if board.cut else []

    @post("/tracks/{track_id:str}/merge", summary="Two tracks are one object", status_code=HTTPStatus.OK)
    async def merge(track_id: FromPath[str], data: JSONBody[MergeRequest]) -> TrackEventView:
        return await done(ActKind.MERGE, track_id, data.by, data.reason, track_id_from(str(data.into)))

    @post(
        "/tracks/{track_id:str}/split",
        summary="One track is two objects, or another one than its number stood for",
        status_code=HTTPStatus.OK,
    )
    async def split(track_id: FromPath[str], data: JSONBody[SplitRequest]) -> TrackEventView:
        off = NOBODY if data.off is None else track_id_from(str(data.off))
        return await done(ActKind.SPLIT, track_id, data.by, data.reason, off)

    @post("/tracks/{track_id:str}/drop", summary="A track is no object", status_code=HTTPStatus.OK)
    async def drop(track_id: FromPath[str], data: JSONBody[DropRequest]) -> TrackEventView:
        return await done(ActKind.DROP, track_id, data.by, data.reason)

    handlers: list[Any] = [track_events, merge, split, drop]
    return Router("/api/v1", route_handlers=handlers, tags=["acts"])

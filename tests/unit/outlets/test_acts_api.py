"""Merging, splitting and dropping tracks by the API: who, why, what came of it, and every refusal in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from litestar.testing import TestClient

from dronewall.bench.page_sky import made_up_sky, picture_of, status_of
from dronewall.model.errors import ActRefused
from dronewall.model.track_acts import NOBODY, ActKind, TrackAct, TrackEvent, TrackEventKind
from dronewall.outlets.web.board import Board
from dronewall.outlets.web.live import Told
from dronewall.outlets.web.server import application

AT_NS = 1_700_000_000_000_000_000
SKY = made_up_sky(5, begun_ns=AT_NS, arrays=0)
MERGED = TrackEvent(7, AT_NS, TrackEventKind.MERGED, 99, 3, "one contact", "kalnina", 41)
WHO = {"by": "kalnina", "reason": "one contact"}
Client = Any


class Wall:
    """Keeps what it is asked to do, and refuses what concerns track 5."""

    def __init__(self) -> None:
        self.asked: list[TrackAct] = []

    async def act(self, act: TrackAct) -> TrackEvent:
        self.asked.append(act)
        if act.track_id == 5:
            raise ActRefused("it answers as an aircraft", "Wait.")
        if act.track_id == 88:
            raise ActRefused("there is no such track", "Look.", unknown=True)
        return TrackEvent(1, AT_NS, TrackEventKind.DROPPED, act.track_id, act.other_id, act.reason, act.by, 12)


def board_of(wall: Wall | None) -> Board:
    act = {} if wall is None else {"act": wall.act}
    board = Board(
        sensors=lambda: SKY.sensors, explain=lambda _: None, on_sent=lambda _, __: None, clock=lambda: AT_NS, **act
    )
    picture = replace(picture_of(SKY, at_ns=AT_NS, seq=4), track_events=(MERGED,))
    board.put(picture, status_of(SKY, at_ns=AT_NS))
    return board


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def client(wall: Wall) -> Iterator[Client]:
    with TestClient(application(board_of(wall)), base_url="http://127.0.0.1:8080") as opened:
        yield opened


def test_what_is_asked_reaches_the_wall_and_what_came_of_it_is_the_answer(client: Client, wall: Wall) -> None:
    asked = [
        ("merge", {"into": "T-000002"}),
        ("merge", {"into": 2}),
        ("split", {}),
        ("split", {"off": 9}),
        ("drop", {}),
    ]
    answers = [client.post(f"/api/v1/tracks/T-000003/{what}", json={**WHO, **more}) for what, more in asked]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert [(act.kind, act.other_id) for act in wall.asked] == [
        (ActKind.MERGE, 2), (ActKind.MERGE, 2), (ActKind.SPLIT, NOBODY), (ActKind.SPLIT, 9), (ActKind.DROP, NOBODY),
    ]  # fmt: skip
    assert {(act.track_id, act.by, act.reason) for act in wall.asked} == {(3, "kalnina", "one contact")}
    assert answers[-1].json() == {
        "number": 1, "at_ns": AT_NS, "kind": "dropped", "track_id": 3, "id": "T-000003", "other_id": None,
        "reason": "one contact", "by": "kalnina", "declared_seq": 12,
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "why"},
        {"by": "kalnina"},
        {"by": "", "reason": "why"},
        {"by": "  ", "reason": "why"},
        {"by": "kalnina", "reason": "two\nlines"},
        {"by": "k" * 65, "reason": "why"},
        {"by": "kalnina", "reason": "w" * 301},
        {"by": "kalnina", "reason": "why", "order": "engage"},
        {"by": 7, "reason": "why"},
    ],
)
def test_an_act_without_a_name_or_a_reason_is_refused(client: Client, wall: Wall, body: dict[str, Any]) -> None:
    answer = client.post("/api/v1/tracks/3/drop", json=body)
    assert answer.status_code == 400
    assert answer.json()["problem"]
    assert wall.asked == []


def test_refusals_say_why_and_what_to_do(client: Client) -> None:
    answer = client.post("/api/v1/tracks/5/drop", json=WHO)
    assert (answer.status_code, answer.json()["problem"]) == (409, "it answers as an aircraft")
    assert answer.json()["remedy"] == "Wait."
    assert client.post("/api/v1/tracks/88/drop", json=WHO).status_code == 404
    assert client.post("/api/v1/tracks/here/drop", json=WHO).status_code == 400
    assert client.post("/api/v1/tracks/3/engage", json=WHO).status_code in (404, 405)


def test_nobody_acts_from_another_page(client: Client, wall: Wall) -> None:
    answer = client.post("/api/v1/tracks/3/drop", json=WHO, headers={"origin": "http://elsewhere.example"})
    assert answer.status_code == 403
    assert wall.asked == []


def test_a_replay_changes_nothing() -> None:
    with TestClient(application(board_of(None)), base_url="http://127.0.0.1:8080") as client:
        answer = client.post("/api/v1/tracks/3/drop", json=WHO)
    assert answer.status_code == 409
    assert "only shown" in answer.json()["problem"]


def test_a_track_tells_what_was_merged_into_it_and_one_that_is_gone_where_it_went(client: Client) -> None:
    (event,) = client.get("/api/v1/tracks/3").json()["events"]
    assert (event["kind"], event["track_id"], event["other_id"]) == ("merged", 99, 3)
    gone = client.get("/api/v1/tracks/99").json()
    assert "merged and goes on as T-000003 by kalnina: one contact" in gone["problem"]
    assert client.get("/api/v1/track-events").json() == [event]


def test_each_client_is_told_of_an_event_once() -> None:
    board, told = board_of(Wall()), Told()
    first = [type(event).__name__ for event in told.news(board)]
    assert "TrackEventsEvent" in first
    assert "TrackEventsEvent" not in [type(event).__name__ for event in told.news(board)]

"""REST, the documents and the sockets, asked without a network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.exceptions import ValidationException
from litestar.testing import TestClient

from dronewall.bench.page_sky import made_up_sky, picture_of, status_of
from dronewall.model.identity import Affiliation, Identity
from dronewall.outlets.web.api import track_id_from
from dronewall.outlets.web.board import Board
from dronewall.outlets.web.guard import SECURITY_HEADERS
from dronewall.outlets.web.server import STATIC, application

AT_NS = 1_700_000_000_000_000_000
SKY = made_up_sky(10, begun_ns=AT_NS, arrays=4)


def board_of(*, published: bool) -> Board:
    board = Board(
        sensors=lambda: SKY.sensors,
        explain=lambda track_id: Identity(Affiliation.SUSPECT, ("flies low",)),
        on_sent=lambda seq, sent_ns: None,
        clock=lambda: AT_NS,
    )
    if published:
        board.put(picture_of(SKY, at_ns=AT_NS, seq=4), status_of(SKY, at_ns=AT_NS))
    return board


def client_of(board: Board) -> TestClient:  # type: ignore[type-arg]
    return TestClient(application(board), base_url="http://127.0.0.1:8080")


@pytest.fixture
def client() -> Iterator[TestClient]:  # type: ignore[type-arg]
    with client_of(board_of(published=True)) as opened:
        yield opened


@pytest.mark.parametrize("name", ["tracks", "sensors", "feeds", "alerts", "zones", "status"])
def test_every_resource_answers(client: TestClient, name: str) -> None:  # type: ignore[type-arg]
    answer = client.get(f"/api/v1/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")


def test_a_track_is_found_by_its_number_and_by_the_form_people_see(client: TestClient) -> None:  # type: ignore[type-arg]
    by_number, by_shown = client.get("/api/v1/tracks/3").json(), client.get("/api/v1/tracks/T-000003").json()
    assert by_number == by_shown
    assert by_number["track"]["id"] == "T-000003"
    assert by_number["evidence_for"] == ["flies low"]


def test_a_track_that_is_not_there_is_a_404_that_says_so(client: TestClient) -> None:  # type: ignore[type-arg]
    answer = client.get("/api/v1/tracks/99")
    assert answer.status_code == 404
    assert answer.json() == {
        "status": 404,
        "problem": "the picture holds no track 99",
        "remedy": "It may have been dropped",
    }


def test_what_is_no_track_number_is_a_400_that_says_how(client: TestClient) -> None:  # type: ignore[type-arg]
    answer = client.get("/api/v1/tracks/xyz")
    assert answer.status_code == 400
    assert "T-000123" in answer.json()["remedy"]


def test_an_unknown_path_is_json_too(client: TestClient) -> None:  # type: ignore[type-arg]
    answer = client.get("/api/v1/weapons")
    assert answer.status_code == 404
    assert answer.json()["status"] == 404


def test_no_path_changes_anything(client: TestClient) -> None:  # type: ignore[type-arg]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.request(method, "/api/v1/tracks")
        assert answer.status_code == 405
        assert answer.json()["problem"]


@pytest.mark.parametrize("name", ["tracks", "tracks/3", "status"])
def test_before_the_first_picture_the_answer_is_not_yet(name: str) -> None:
    with client_of(board_of(published=False)) as client:
        answer = client.get(f"/api/v1/{name}")
    assert answer.status_code == 503
    assert "warmed up" in answer.json()["remedy"]


@pytest.mark.parametrize("name", ["sensors", "feeds", "alerts", "zones"])
def test_before_the_first_picture_lists_are_there(name: str) -> None:
    with client_of(board_of(published=False)) as client:
        assert client.get(f"/api/v1/{name}").status_code == 200


@pytest.mark.parametrize(
    ("asked", "number"),
    [("0", 0), ("123", 123), ("T-000123", 123), ("t-000123", 123), ("T-2-000005", (2 << 48) | 5)],
)
def test_track_numbers_are_read_in_both_forms(asked: str, number: int) -> None:
    assert track_id_from(asked) == number


@pytest.mark.parametrize("asked", ["", "-1", "T-", "1e3", "٣", "T-000123x", "9" * 30, "T-99999-1"])
def test_what_is_no_track_number_is_refused(asked: str) -> None:
    with pytest.raises(ValidationException):
        track_id_from(asked)


@pytest.mark.parametrize("path", ["/", "/api/v1/status", "/static/js/main.js", "/docs", "/nowhere"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:  # type: ignore[type-arg]
    answer = client.get(path)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value


def test_a_rebound_name_is_refused_everywhere(client: TestClient) -> None:  # type: ignore[type-arg]
    for path in ("/", "/api/v1/tracks", "/static/js/main.js", "/docs"):
        answer = client.get(path, headers={"host": "rebound.example"})
        assert answer.status_code == 403
        assert "rebound.example" in answer.json()["problem"]


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/..%2fserver.py"])
def test_nothing_outside_the_pages_files_is_served(client: TestClient, path: str) -> None:  # type: ignore[type-arg]
    assert client.get(path).status_code in (400, 404)


def test_the_schema_names_every_path_and_the_docs_ask_nobody(client: TestClient) -> None:  # type: ignore[type-arg]
    schema = client.get("/docs/openapi.json").json()
    assert {"/api/v1/tracks", "/api/v1/tracks/{track_id}", "/api/v1/status"} <= set(schema["paths"])
    assert "TrackView" in "".join(schema["components"]["schemas"])
    page = client.get("/docs").text
    assert "://" not in page
    assert "<script>" not in page


def test_the_picture_socket_sends_a_full_frame_first(client: TestClient) -> None:  # type: ignore[type-arg]
    with client.websocket_connect("/ws/v1/picture", headers={"host": "127.0.0.1:8080"}) as socket:
        frame = socket.receive_bytes(timeout=5)
    assert frame[:4] == b"DWPF"
    assert frame[6] == 0


def test_the_event_socket_tells_everything_once(client: TestClient) -> None:  # type: ignore[type-arg]
    with client.websocket_connect("/ws/v1/events", headers={"host": "127.0.0.1:8080"}) as socket:
        told = [socket.receive_json(timeout=5) for _ in range(4)]
        again = socket.receive_json(timeout=5)
    assert [each["event"] for each in told] == ["status", "feeds", "alerts", "sensors"]
    assert len(told[3]["sensors"]) == len(SKY.sensors)
    assert again["event"] == "status", "what did not change is not said again"


def test_before_the_first_picture_the_event_socket_still_gives_signs_of_life() -> None:
    with (
        client_of(board_of(published=False)) as client,
        client.websocket_connect("/ws/v1/events", headers={"host": "127.0.0.1:8080"}) as socket,
    ):
        told = [socket.receive_json(timeout=5)["event"] for _ in range(3)]
    assert told == ["waiting", "sensors", "waiting"]


def test_the_page_itself_holds_no_inline_script_or_style() -> None:
    html = (STATIC / "index.html").read_text()
    assert "<style" not in html
    assert " style=" not in html
    assert " onclick=" not in html
    assert all('src="/static/' in tag for tag in html.split("<script")[1:])

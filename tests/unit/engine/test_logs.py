"""Lines of the log: constant words, ids always, never so many that a disk fills."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from dronewall.engine.clock import ManualClock
from dronewall.engine.logs import BURST, Event, Logbook, LogFormat, written_to

T0_NS = 1_700_000_000_123_456_789


@contextmanager
def told(kind: LogFormat = LogFormat.JSON) -> Iterator[tuple[Logbook, ManualClock, io.StringIO]]:
    clock, stream = ManualClock(T0_NS), io.StringIO()
    book = Logbook(wall="north", boot_id="b007", clock=clock.now_ns)
    with written_to(stream, kind), closing(book):
        yield book, clock, stream


def objects(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_of_json_holds_time_level_event_and_ids() -> None:
    with told() as (book, _, stream):
        book.tell(Event.FEED_LOST, feed="radar-feed", detail="no answer", sensor=None)
    assert objects(stream) == [
        {
            "time_ns": T0_NS,
            "time": "2023-11-14T22:13:20.123Z",
            "level": "warning",
            "event": "feed lost",
            "wall": "north",
            "boot_id": "b007",
            "feed": "radar-feed",
            "detail": "no answer",
        }
    ]


def test_a_line_for_people_quotes_what_has_spaces_and_stays_one_line() -> None:
    with told(LogFormat.TEXT) as (book, _, stream):
        book.tell(Event.ALERT_RAISED, alert_id="feed-lost:x", detail='two\nlines "quoted"', level=logging.ERROR)
    expected = '2023-11-14T22:13:20.123Z ERROR   alert raised  alert_id=feed-lost:x detail="two\\nlines \\"quoted\\""\n'
    assert stream.getvalue() == expected


def test_a_flood_is_cut_to_a_burst_and_the_rest_is_counted() -> None:
    with told() as (book, clock, stream):
        for _ in range(100_000):
            book.tell(Event.ALERT_RAISED, alert_id="x")
        clock.advance(30.0)
        book.tell(Event.ALERT_RAISED, alert_id="y")
    lines = objects(stream)
    assert len(lines) == BURST + 2
    assert (lines[-2]["event"], lines[-2]["of"], lines[-2]["count"]) == (
        "lines left out",
        "alert raised",
        100_000 - BURST,
    )
    assert lines[-1]["alert_id"] == "y"


def test_a_flood_of_one_event_leaves_room_for_the_others() -> None:
    with told() as (book, _, stream):
        for _ in range(1000):
            book.tell(Event.FRAMES_REFUSED, feed="loud")
        book.tell(Event.FEED_LOST, feed="other")
    assert "feed lost" in [line["event"] for line in objects(stream)]


def test_what_was_left_out_is_told_at_the_end() -> None:
    with told() as (book, _, stream):
        for _ in range(BURST + 3):
            book.tell(Event.PLOTS_SHED, count=1)
    assert objects(stream)[-1]["count"] == 3


def test_a_value_of_a_megabyte_is_cut() -> None:
    with told() as (book, _, stream):
        book.tell(Event.FEED_LOST, detail="x" * 1_000_000)
    assert len(stream.getvalue()) < 1000


class Stuck(io.StringIO):
    """A terminal that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        self.go.wait(20.0)
        return super().write(text)


def test_a_stream_that_takes_nothing_delays_nobody() -> None:
    stream, clock = Stuck(), ManualClock(T0_NS)
    book = Logbook(wall="north", boot_id="b007", clock=clock.now_ns)
    try:
        with written_to(stream, LogFormat.JSON):
            for _ in range(5000):
                clock.advance(10.0)  # never too many a minute: every line finds its way to the queue
                book.tell(Event.FEED_LOST, feed="x")
            stream.go.set()
    finally:
        stream.go.set()
    assert 1 < len(objects(stream)) <= 2002


def test_nothing_is_written_once_it_is_over() -> None:
    with told() as (book, _, stream):
        pass
    book.tell(Event.STARTED)
    assert stream.getvalue() == ""

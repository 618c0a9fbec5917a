from __future__ import annotations

import pytest

from dronewall.wire.avr import LINE_MAX_BYTES, NO_TIME, NOT_AVR, AvrMessages, carries_no_time
from dronewall.wire.refusals import Refusals

GOOD = b"1717664319.147975 *8C3461CE399E40586B4EE4932241;\n"


def read(*pieces: bytes) -> tuple[list[tuple[int, bytes]], list[tuple[str, int]]]:
    refusals = Refusals("test")
    lines = AvrMessages(refusals)
    timed = [message for piece in pieces for message in lines.timed(piece, None)]
    lines.finish()
    return [(one.at_ns, one.message) for one in timed], [(error.reason, error.offset) for error in refusals.taken()]


def test_seconds_become_nanoseconds_without_rounding() -> None:
    messages, refused = read(GOOD, b"7 *5d4d20237a55a6;\r\n")
    assert messages == [
        (1_717_664_319_147_975_000, bytes.fromhex("8C3461CE399E40586B4EE4932241")),
        (7_000_000_000, bytes.fromhex("5D4D20237A55A6")),
    ]
    assert refused == []


@pytest.mark.parametrize(
    "bad",
    [
        b"*8D;",
        b"1.5 *8D4D;x",
        b"1.5 *5D4D20;",
        b"@12345 5D4D20237A55A6;",
        b"-1 *5D4D20237A55A6;",
        b"1e5 *5D4D20237A55A6;",
    ],
)
def test_what_is_not_a_time_and_a_message_is_refused_and_its_neighbours_are_kept(bad: bytes) -> None:
    messages, refused = read(GOOD + bad + b"\n" + GOOD)
    assert len(messages) == 2
    assert refused == [(NOT_AVR, len(GOOD))]


def test_a_line_without_an_end_is_refused_once_and_not_kept() -> None:
    refusals = Refusals("test")
    lines = AvrMessages(refusals)
    for _ in range(50):
        assert lines.timed(b"x" * 100, None) == []
        assert len(lines._lines._pending) <= LINE_MAX_BYTES
    assert len(lines.timed(b"\n" + GOOD, None)) == 1
    assert [(error.reason, error.offset) for error in refusals.taken()] == [(NOT_AVR, 0)]


def test_a_half_line_at_the_end_is_refused() -> None:
    messages, refused = read(GOOD + GOOD[:20])
    assert len(messages) == 1
    assert refused == [("line is cut short", len(GOOD))]


def test_ticks_count_from_midnight_of_the_day_a_recording_begins() -> None:
    refusals = Refusals("test")
    lines = AvrMessages(refusals, day_ns=1_000_000_000)
    (one, two) = lines.timed(b"@0000000000FF5d4d20237a55a6;\n@000000B71B00 5d4d20237a55a6;\n", None)
    assert (one.at_ns, two.at_ns) == (1_000_021_250, 2_000_000_000)


def test_a_line_without_a_time_is_stamped_live_and_refused_in_a_recording() -> None:
    refusals = Refusals("test")
    bare = b"*5d4d20237a55a6;\n"
    (live,) = AvrMessages(refusals).timed(bare, 77)
    assert (live.at_ns, live.received_ns) == (77, 77)
    assert AvrMessages(refusals).timed(bare, None) == []
    assert [error.reason for error in refusals.taken()] == [NO_TIME]


@pytest.mark.parametrize(
    ("beginning", "without"),
    [(b"\n*5d4d20237a55a6;\n", True), (GOOD, False), (b"@0000000000FF5d4d20237a55a6;\n", False), (b"", False)],
)
def test_a_recording_without_times_shows_in_its_first_line(beginning: bytes, without: bool) -> None:
    assert carries_no_time(beginning) is without

from __future__ import annotations

import pytest

from dronewall.wire.avr import LINE_MAX_BYTES, AvrMessages
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
    "bad", [b"*8D;", b"1.5 *8D4D;x", b"1.5 *5D4D20;", b"-1 *5D4D20237A55A6;", b"1e5 *5D4D20237A55A6;"]
)
def test_what_is_not_a_time_and_a_message_is_refused_and_its_neighbours_are_kept(bad: bytes) -> None:
    messages, refused = read(GOOD + bad + b"\n" + GOOD)
    assert len(messages) == 2
    assert refused == [("line is not `seconds *hex;`", len(GOOD))]


def test_a_line_without_an_end_is_refused_once_and_not_kept() -> None:
    refusals = Refusals("test")
    lines = AvrMessages(refusals)
    for _ in range(50):
        assert lines.timed(b"x" * 100, None) == []
        assert len(lines._pending) <= LINE_MAX_BYTES
    assert len(lines.timed(b"\n" + GOOD, None)) == 1
    assert [(error.reason, error.offset) for error in refusals.taken()] == [("line is not `seconds *hex;`", 0)]


def test_a_half_line_at_the_end_is_refused() -> None:
    messages, refused = read(GOOD + GOOD[:20])
    assert len(messages) == 1
    assert refused == [("line is cut short", len(GOOD))]

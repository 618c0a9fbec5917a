from __future__ import annotations

from dronewall.wire.beast.framing import TICKS_WRAP, BeastFrame, BeastFraming, TickClock, encoded
from dronewall.wire.refusals import Refusals

DAY_NS = 1_717_632_000_000_000_000
LONG = BeastFrame(0x33, 0x1A1A_0000_001A, 0x1A, bytes.fromhex("8d40621d58c382d690c8ac1a1a1a"), 0)
SHORT = BeastFrame(0x32, 12, 7, bytes.fromhex("5d4d20237a55a6"), 0)
MODE_AC = BeastFrame(0x31, 12, 7, b"\x1a\x20", 0)


def framed(*pieces: bytes) -> tuple[list[BeastFrame], list[tuple[str, int]]]:
    refusals = Refusals("test")
    framing = BeastFraming(refusals)
    frames = [frame for piece in pieces for frame in framing.frames(piece)]
    framing.finish()
    return frames, [(error.reason, error.offset) for error in refusals.taken()]


def bare(frame: BeastFrame) -> tuple[int, int, int, bytes]:
    return frame.type, frame.ticks, frame.signal, frame.message


def test_frames_of_every_type_come_back_as_they_were_sent() -> None:
    sent = [LONG, SHORT, MODE_AC, LONG]
    frames, refused = framed(b"".join(encoded(frame) for frame in sent))
    assert [bare(frame) for frame in frames] == [bare(frame) for frame in sent]
    assert refused == []


def test_a_frame_knows_the_byte_it_begins_at() -> None:
    frames, _ = framed(encoded(LONG) + encoded(SHORT))
    assert [frame.offset for frame in frames] == [0, len(encoded(LONG))]


def test_a_stream_may_be_cut_between_the_two_bytes_of_an_escape() -> None:
    stream = encoded(LONG) + encoded(SHORT)
    whole, _ = framed(stream)
    assert framed(*(bytes([byte]) for byte in stream)) == (whole, [])


def test_a_truncated_frame_is_refused_once_and_the_next_one_is_read() -> None:
    frames, refused = framed(encoded(LONG)[:-4] + encoded(SHORT))
    assert [bare(frame) for frame in frames] == [bare(SHORT)]
    assert refused == [("frame cut short", 0)]


def test_an_unfinished_frame_at_the_end_is_refused() -> None:
    frames, refused = framed(encoded(SHORT) + encoded(LONG)[:9])
    assert len(frames) == 1
    assert refused == [("frame cut short", len(encoded(SHORT)))]


def test_garbage_between_frames_is_refused_once_with_its_place() -> None:
    frames, refused = framed(encoded(SHORT) + b"\x00\x1a\x1a\x1a9garbage" + encoded(LONG))
    assert len(frames) == 2
    assert refused == [("bytes outside any frame", len(encoded(SHORT)))]


def test_an_endless_stream_of_garbage_is_not_kept() -> None:
    refusals = Refusals("test")
    framing = BeastFraming(refusals)
    for _ in range(200):
        assert framing.frames(b"\x1a3" + b"\x1a\x1a" * 10) == []
        assert len(framing._pending) <= 44
        framing.frames(b"x" * 10_000)
        assert len(framing._stray) <= 14_096


def test_ticks_count_twelve_million_a_second_from_midnight() -> None:
    clock = TickClock(DAY_NS)
    assert clock.at_ns(12_000_000) == DAY_NS + 1_000_000_000


def test_ticks_that_wrap_or_arrive_out_of_order_keep_the_time() -> None:
    clock = TickClock(DAY_NS)
    before = clock.at_ns(TICKS_WRAP - 12)
    after = clock.at_ns(12)
    assert after - before == 2000
    assert clock.at_ns(TICKS_WRAP - 12) == before

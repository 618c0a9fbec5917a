"""A sender that numbers its lines can send them again, cut at other places, and each is known again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dronewall.engine.links import Chunk
from dronewall.feeds.plots import PlotsDecoder, _acknowledgement
from dronewall.wire.plots_hello import LATE

RECEIVED_NS = 1_700_000_001_000_000_000


def line(range_m: float) -> bytes:
    return msgspec.json.encode({"sensor_id": "a", "at_ns": 1_700_000_000_000_000_000, "range_m": range_m}) + b"\n"


def hello(**changed: Any) -> bytes:
    return msgspec.json.encode({"hello": {"source": "gate-7", "boot": 3, "next": 1001, **changed}}) + b"\n"


def reasons(decoder: PlotsDecoder, data: bytes) -> list[str]:
    return [error.reason for error in decoder.decode(data, received_ns=RECEIVED_NS).refused]


def test_lines_after_a_hello_count_from_the_number_it_names() -> None:
    decoder = PlotsDecoder("test")
    decoded = decoder.decode(hello() + line(1.0) + line(2.0) + line(3.0)[:-3], received_ns=RECEIVED_NS)
    assert (len(decoded.plots), decoded.frames, decoded.refused) == (2, 2, ())
    numbered = decoder.numbered
    assert numbered is not None
    message = numbered.message
    assert (message.source, message.boot, message.first, message.last) == ("gate-7", 3, 1001, 1002)
    assert numbered.numbers.tolist() == [1001, 1002]
    assert decoder.safe == 1002


def test_refused_and_empty_lines_use_up_their_numbers() -> None:
    decoder = PlotsDecoder("test")
    decoder.decode(hello() + b"nonsense\n\n" + line(-5.0) + line(1.0) + b"\n", received_ns=RECEIVED_NS)
    numbered = decoder.numbered
    assert numbered is not None
    assert (numbered.message.first, numbered.message.last) == (1001, 1005)
    assert numbered.numbers.tolist() == [1004]
    assert decoder.safe == 1005


def test_without_a_hello_lines_are_counted_and_not_numbered() -> None:
    decoder = PlotsDecoder("test")
    decoder.decode(line(1.0) + line(2.0), received_ns=RECEIVED_NS)
    assert decoder.numbered is None
    assert decoder.safe == 2


def test_a_hello_alone_makes_nothing_safe() -> None:
    decoder = PlotsDecoder("test")
    assert reasons(decoder, hello()) == []
    assert decoder.numbered is None
    assert decoder.safe == 0


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (hello(source="x" * 65), "hello.source: expected str matching regex"),
        (hello(source=""), "hello.source: expected str matching regex"),
        (hello(source="../../etc/passwd"), "hello.source: expected str matching regex"),
        (hello(source="gate 7\n"), "hello.source: expected str matching regex"),
        (hello(source="gate-7\n"), "hello.source: expected str matching regex"),
        (hello(boot=-1), "hello.boot: expected int >= 0"),
        (hello(next=0), "hello.next: expected int >= 1"),
        (hello(next=2**63), "hello.next: expected int <="),
        (hello(password="x"), "unknown field hello.password"),
        (b'{"hello": {"source": "gate-7"}}\n', "hello.boot is missing"),
        (b'{"hello": 3}\n', "hello: expected object, got int"),
    ],
)
def test_a_malformed_hello_is_refused_and_nothing_is_acknowledged_after_it(said: bytes, reason: str) -> None:
    decoder = PlotsDecoder("test")
    (refused,) = reasons(decoder, said + line(1.0))
    assert refused.startswith(reason)
    assert decoder.numbered is None
    assert decoder.safe == 0


@pytest.mark.parametrize("before", [line(1.0), b"\n", hello()])
def test_a_late_hello_is_refused_and_nothing_is_acknowledged_after_it(before: bytes) -> None:
    decoder = PlotsDecoder("test")
    assert reasons(decoder, before + hello(next=5) + line(1.0)) == [LATE]
    assert decoder.numbered is None
    assert decoder.safe == 0


def test_a_sensor_may_be_called_hello() -> None:
    decoder = PlotsDecoder("test")
    decoded = decoder.decode(line(1.0).replace(b'"a"', b'"hello"'), received_ns=RECEIVED_NS)
    assert (len(decoded.plots), decoded.refused) == (1, ())


@given(st.integers(0, 19), st.lists(st.integers(1, 300), max_size=8), st.lists(st.integers(1, 300), max_size=8))
def test_what_is_sent_again_cut_elsewhere_has_the_same_numbers(
    resumed: int, cuts: list[int], others: list[int]
) -> None:
    sent = [line(float(n)) if n % 5 else b"nonsense\n" for n in range(20)]
    first = taken(hello() + b"".join(sent), cuts)
    again = taken(hello(next=1001 + resumed) + b"".join(sent[resumed:]), others)
    assert again == {number: range_m for number, range_m in first.items() if number >= 1001 + resumed}


def taken(stream: bytes, cuts: list[int]) -> dict[int, float]:
    """Return each plot's range by its number, when the stream is read in pieces; spans must join without a gap."""
    decoder = PlotsDecoder("test")
    found: dict[int, float] = {}
    last = 0
    for size in [*cuts, len(stream)]:
        piece, stream = stream[:size], stream[size:]
        plots = decoder.decode(piece, received_ns=RECEIVED_NS).plots
        if decoder.numbered is None:
            assert not len(plots)
            continue
        message = decoder.numbered.message
        assert last in (0, message.first - 1)
        last = message.last
        found.update(zip(decoder.numbered.numbers.tolist(), plots.range_m.tolist(), strict=True))
    return found


class Writer:
    """Keeps what a sender is told."""

    def __init__(self) -> None:
        self.told: list[bytes] = []

    async def reply(self, data: bytes) -> None:
        self.told.append(data)


async def acknowledged(decoder: PlotsDecoder, data: bytes) -> list[bytes]:
    writer = Writer()
    decoder.decode(data, received_ns=RECEIVED_NS)
    acknowledge = _acknowledgement(Chunk(data, RECEIVED_NS, "peer", writer.reply), decoder.safe)
    if acknowledge is not None:
        await acknowledge()
    return writer.told


async def test_a_sender_is_told_its_own_highest_number_that_is_safe() -> None:
    decoder = PlotsDecoder("test")
    assert await acknowledged(decoder, hello() + line(1.0)) == [b'{"acknowledged": 1001}\n']
    assert await acknowledged(decoder, line(2.0) * 3) == [b'{"acknowledged": 1004}\n']


async def test_a_sender_whose_hello_was_refused_is_told_nothing() -> None:
    assert await acknowledged(PlotsDecoder("test"), hello(boot=-1) + line(1.0) * 3) == []

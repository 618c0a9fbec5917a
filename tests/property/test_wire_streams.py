"""Laws of every decoder of a stream: no bytes make it raise, and where the stream is cut changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from dronewall.feeds.asterix_decoder import AsterixDecoder
from dronewall.feeds.feed import Decoded, Decoder
from dronewall.feeds.mode_s import ModeSDecoder, avr_decoder, beast_decoder
from dronewall.feeds.plots import PlotsDecoder
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensors
from dronewall.wire.beast.framing import BeastFrame, encoded
from dronewall.wire.mode_s.transponders import Transponders

NOW_NS = 1_683_028_802_000_000_000
FUZZ_CASES = 3_000
"""About twenty seconds for the four decoders together."""


def beast() -> ModeSDecoder:
    return beast_decoder("fuzz", "receiver", transponders=Transponders())


def avr() -> ModeSDecoder:
    return avr_decoder("fuzz", "receiver", transponders=Transponders())


def asterix_file() -> AsterixDecoder:
    return AsterixDecoder("fuzz", sensors=Sensors(), datagrams=False, day_ns=NOW_NS)


def plots() -> PlotsDecoder:
    return PlotsDecoder("fuzz")


MODE_S = [
    bytes.fromhex(text)
    for text in (
        "8D40621D58C382D690C8AC2863A7",
        "8D40621D58C386435CC412692AD6",
        "8C4841753AAB238733C8CD4020B1",
        "8C4841753A8A35323FAEBDAC702D",
        "5D4D20237A55A6",
        "20000F1F684A6C",
        "1A1A",
    )
]
TYPES = {2: 0x31, 7: 0x32, 14: 0x33}
GOOD_BEAST = st.builds(
    lambda message, ticks, signal: encoded(BeastFrame(TYPES[len(message)], ticks, signal, message, 0)),
    st.sampled_from(MODE_S),
    st.integers(0, 2**48 - 1),
    st.integers(0, 255),
)
GOOD_ASTERIX = st.sampled_from(
    [
        bytes.fromhex(text)
        for text in (
            "30001EFDD00A0B546000A0200040000FC001903C65AB5054D4C318200123",
            "30000EF00A0B546000A020004000",
            "22000BF00A0B0154600000",
            "15000580003000",
        )
    ]
)
GOOD_LINE = st.sampled_from(
    [
        b'{"sensor_id":"a","at_ns":1,"range_m":5.5,"azimuth_deg":7}\n',
        b'{"sensor_id":"b","at_ns":2,"position":{"lat_deg":1,"lon_deg":2}}\r\n',
        b'{"sensor_id":"a","at_ns":3,"position":{"lat_deg":91,"lon_deg":2}}\n',
        b'{"sensor_id":"a","at_ns":4,"empty":true,"scan":3}\n',
        b'{"sensor_id":"a","at_ns":4,"range_m":NaN}\n',
        b"\n",
    ]
)
GOOD_AVR = st.builds(
    lambda message, second: b"%d.%06d *%s;\n" % (second, second % 999_983, message.hex().encode()),
    st.sampled_from(MODE_S),
    st.integers(0, 2_000_000_000),
)
BAD = st.binary(max_size=40)
Maker = Callable[[], Decoder]
DECODERS: dict[str, tuple[Maker, st.SearchStrategy[bytes]]] = {
    "beast": (beast, GOOD_BEAST),
    "avr": (avr, GOOD_AVR),
    "asterix": (asterix_file, GOOD_ASTERIX),
    "plots": (plots, GOOD_LINE),
}


def streams(good: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Streams of good frames with damage: strays between them, cut ends, overwritten bytes."""

    def damaged(parts: Sequence[bytes], overwritten: Sequence[tuple[int, int]]) -> bytes:
        stream = bytearray(b"".join(parts))
        for place, value in overwritten:
            if stream:
                stream[place % len(stream)] = value
        return bytes(stream)

    cut = st.builds(lambda frame, end: frame[:end], good, st.integers(0, 40))
    parts = st.lists(st.one_of(good, good, good, cut, BAD), max_size=12)
    return st.builds(damaged, parts, st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=3))


def drained(decoder: Decoder, pieces: Sequence[bytes], received_ns: int | None) -> list[Decoded]:
    return [decoder.decode(piece, received_ns=received_ns) for piece in pieces] + [decoder.finish()]


def outcome(steps: Sequence[Decoded]) -> tuple[object, ...]:
    merged = Plots.concat([step.plots for step in steps if len(step.plots)])
    ids = [merged.sensor_ids[row] for row in merged.sensor]
    rows = [[repr(cell) for cell in values.tolist()] for name, values in merged.columns() if name != "sensor"]
    refused = [(error.reason, error.offset) for step in steps for error in step.refused]
    unplaceable = [pair for step in steps for pair in step.unplaceable]
    return ids, rows, sum(step.frames for step in steps), refused, sum(count for _, count in unplaceable)


@pytest.mark.parametrize("name", DECODERS)
@given(data=st.data())
def test_where_a_stream_is_cut_changes_nothing(name: str, data: st.DataObject) -> None:
    make, good = DECODERS[name]
    stream = data.draw(streams(good))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole = outcome(drained(make(), [stream], None))
    assert outcome(drained(make(), pieces, None)) == whole
    singly = [stream[:100][at : at + 1] for at in range(len(stream[:100]))]
    assert outcome(drained(make(), [*singly, stream[100:]], None)) == whole


@pytest.mark.parametrize("name", DECODERS)
@given(stream=st.binary(max_size=300), received_ns=st.none() | st.just(NOW_NS))
def test_no_bytes_make_a_decoder_raise(name: str, stream: bytes, received_ns: int | None) -> None:
    make, _ = DECODERS[name]
    steps = drained(make(), [stream], received_ns)
    taken = sum(step.frames + len(step.refused) for step in steps)
    assert taken > 0 or not stream.strip() or stream.startswith(b"\x1a")


@pytest.mark.parametrize("name", DECODERS)
@given(data=st.data())
def test_plots_that_come_out_are_finite_and_in_their_ranges(name: str, data: st.DataObject) -> None:
    make, good = DECODERS[name]
    for step in drained(make(), [data.draw(streams(good))], None):
        plots = step.plots
        if not len(plots):
            continue
        assert not any(np.isinf(values).any() for _, values in plots.columns() if values.dtype.kind == "f")
        assert not (np.abs(plots.lat_deg) > 90.0).any()
        assert not (np.abs(plots.lon_deg) > 180.0).any()
        assert not (plots.range_m < 0.0).any()
        assert ((plots.altitude_datum > 0) == np.isfinite(plots.altitude_m)).all()


@pytest.mark.parametrize("name", DECODERS)
@given(data=st.data())
def test_a_good_frame_after_any_damage_is_still_read(name: str, data: st.DataObject) -> None:
    """At most what a damaged length or half an escape swallows is lost: after two good frames, all is well again."""
    if name == "asterix":
        return  # a damaged length may swallow up to 64 KiB of a file: the next test says what is promised
    make, _ = DECODERS[name]
    sure = {
        "beast": encoded(BeastFrame(0x32, 1, 1, bytes.fromhex("5D4D20237A55A6"), 0)),
        "avr": b"1.5 *5D4D20237A55A6;\n",
        "plots": b'{"sensor_id":"sure","at_ns":1,"azimuth_deg":1}\n',
    }[name]
    decoder = make()
    drained_before = decoder.decode(data.draw(BAD) + (b"\n" if name in ("plots", "avr") else b""), received_ns=None)
    assert drained_before is not None
    assert decoder.decode(sure + sure + sure, received_ns=None).frames >= 2


@given(damage=BAD, received_ns=st.just(NOW_NS))
def test_a_damaged_datagram_never_harms_the_next_one(damage: bytes, received_ns: int) -> None:
    decoder = AsterixDecoder("fuzz", sensors=Sensors(), datagrams=True)
    decoder.decode(damage, received_ns=received_ns)
    good = decoder.decode(bytes.fromhex("30000EF00A0B546000A020004000"), received_ns=received_ns)
    assert (good.frames, good.refused) == (1, ())


@pytest.mark.slow
@pytest.mark.parametrize("name", DECODERS)
def test_long_fuzzing_finds_no_stream_that_raises(name: str) -> None:
    make, good = DECODERS[name]

    @seed(20261122)
    @settings(max_examples=FUZZ_CASES)
    @given(stream=streams(good))
    def fuzz(stream: bytes) -> None:
        drained(make(), [stream, stream[::-1]], NOW_NS)

    fuzz()

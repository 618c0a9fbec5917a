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
from dronewall.feeds.sbs import SbsDecoder
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensors
from dronewall.wire.beast.framing import BeastFrame, encoded
from dronewall.wire.captures.datagrams import Captured, Datagram
from dronewall.wire.captures.pcap import PcapDatagrams
from dronewall.wire.captures.rply import RplyDatagrams
from dronewall.wire.mode_s.transponders import Transponders
from dronewall.wire.refusals import Refusals

NOW_NS = 1_683_028_802_000_000_000
FUZZ_CASES = 3_000
"""About twenty seconds for the decoders together."""


def beast() -> ModeSDecoder:
    return beast_decoder("fuzz", "receiver", transponders=Transponders())


def avr() -> ModeSDecoder:
    return avr_decoder("fuzz", "receiver", transponders=Transponders())


def asterix_file() -> AsterixDecoder:
    return AsterixDecoder("fuzz", sensors=Sensors(), datagrams=False, day_ns=NOW_NS)


def sbs() -> SbsDecoder:
    return SbsDecoder("fuzz", "receiver")


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
            "15002CCD117B198014CE005460002000001000003C65AB06405112120FC001900060080040005054D4C31820",
            "3E00349B5D0D04196454600000800000004000000190FF380FC0C23C65AB5054D4C3182005C82E99000190006084005000640804",
            "3F000CF019640054600017C2",
            "41000CF41964010154600000",
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
    lambda message, second, ticks: (
        b"@%012X%s;\n" % (second, message.hex().encode())
        if ticks
        else b"%d.%06d *%s;\n" % (second, second % 999_983, message.hex().encode())
    ),
    st.sampled_from(MODE_S),
    st.integers(0, 2_000_000_000),
    st.booleans(),
)
GOOD_SBS = st.builds(
    lambda kind, second, lat, speed: (
        b"MSG,%d,1,1,400F99,1,2024/06/06,08:58:%02d.147,2024/06/06,08:58:39.147,BAW3AK,38000,%s,90,%.3f,1.5,64,2312,0,0,0,0\n"
        % (kind, second, speed, lat)
    ),
    st.integers(1, 8),
    st.integers(0, 59),
    st.floats(-95.0, 95.0),
    st.sampled_from([b"", b"420", b"nan", b"1e400"]),
)
BAD = st.binary(max_size=40)
Maker = Callable[[], Decoder]
DECODERS: dict[str, tuple[Maker, st.SearchStrategy[bytes]]] = {
    "beast": (beast, GOOD_BEAST),
    "avr": (avr, GOOD_AVR),
    "sbs": (sbs, GOOD_SBS),
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
        "sbs": b"MSG,8,1,1,400F99,1,2024/06/06,08:58:39.147,2024/06/06,08:58:39.147,,,,,,,,,0,0,0,0\n",
        "plots": b'{"sensor_id":"sure","at_ns":1,"azimuth_deg":1}\n',
    }[name]
    decoder = make()
    drained_before = decoder.decode(
        data.draw(BAD) + (b"\n" if name in ("plots", "avr", "sbs") else b""), received_ns=None
    )
    assert drained_before is not None
    assert decoder.decode(sure + sure + sure, received_ns=None).frames >= 2


CAPTURES: dict[str, tuple[Callable[[Refusals], Captured], bytes]] = {
    "pcap": (PcapDatagrams, bytes.fromhex("D4C3B2A1 02000400 00000000 00000000 FFFF0000 65000000")),
    "pcapng": (
        PcapDatagrams,
        bytes.fromhex(
            "0A0D0D0A 1C000000 4D3C2B1A 01000000 FFFFFFFFFFFFFFFF 1C000000 01000000 14000000 65000000 00000000"
        )
        + bytes.fromhex("14000000"),
    ),
    "rply": (RplyDatagrams, b""),
}


@pytest.mark.parametrize("name", CAPTURES)
@given(data=st.data())
def test_where_a_capture_is_cut_changes_nothing_and_no_bytes_make_it_raise(name: str, data: st.DataObject) -> None:
    make, head = CAPTURES[name]
    packet = bytes.fromhex("4500002100000000 40110000 7F000001 7F000001 0FA02198 000D0000") + b"hello"
    good = {
        "pcap": bytes.fromhex("3CFA2A57 07000000 21000000 21000000") + packet,
        "pcapng": bytes.fromhex("06000000 44000000 00000000 01000000 02000000 21000000 21000000")
        + packet
        + b"\0\0\0"
        + b"\x44\0\0\0",
        "rply": bytes.fromhex("05000000 07000000") + b"hello",
    }[name]
    stream = head + data.draw(streams(st.just(good)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    def read(pieces: Sequence[bytes]) -> tuple[list[Datagram], list[tuple[str, int]]]:
        refusals = Refusals("fuzz")
        capture = make(refusals)
        found = [one for piece in pieces for one in capture.cut(piece)]
        capture.finish()
        return found, [(error.reason, error.offset) for error in refusals.taken()]

    whole = read([stream])
    assert read(pieces) == whole
    assert [one.data for one in read([head + good])[0]] == [b"hello"]


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

"""Frames on paper: bytes as they go over the wire, and the plots they must become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dronewall.feeds.asterix_decoder import AsterixDecoder
from dronewall.feeds.feed import Decoded
from dronewall.feeds.mode_s import beast_decoder
from dronewall.model.sensors import Sensors
from dronewall.wire.beast.framing import BeastFrame, encoded
from dronewall.wire.mode_s.cpr import Place
from dronewall.wire.mode_s.transponders import Transponders

HERE = Path(__file__).parent
TYPE_OF_LENGTH = {2: 0x31, 7: 0x32, 14: 0x33}
RECEIVED_NS = 1_683_028_802_000_000_000  # 2023-05-02 12:00:02


def cases(file: str) -> list[Any]:
    loaded = json.loads((HERE / file).read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["name"]) for case in loaded["cases"]]


def message_from(text: str) -> bytes:
    """Return a message; `@` at its end stands for the checksum."""
    if not text.endswith("@"):
        return bytes.fromhex(text)
    body = bytes.fromhex(text[:-1])
    remainder = 0
    for byte in body:
        remainder ^= byte << 16
        for _ in range(8):
            remainder <<= 1
            if remainder & 0x1000000:
                remainder ^= 0x1FFF409
    return body + remainder.to_bytes(3, "big")


def check(decoded: Decoded, case: dict[str, Any]) -> None:
    assert [error.reason for error in decoded.refused] == case["refused"]
    assert dict(decoded.unplaceable) == case["unplaceable"]
    assert decoded.frames == case["frames"]
    assert len(decoded.plots) == len(case["plots"])
    for row, expected in enumerate(case["plots"]):
        plot = decoded.plots.row(row)
        plot["sensor_id"] = decoded.plots.sensor_ids[plot["sensor"]]
        plot["callsign"], plot["track_ref"] = plot["callsign"].decode(), plot["track_ref"].decode()
        for name, value in expected.items():
            exact = not isinstance(value, float)
            assert plot[name] == (value if exact else pytest.approx(value, rel=1e-4)), name


@pytest.mark.parametrize("case", cases("mode_s_frames.json"))
def test_mode_s_frames_become_the_plots_on_paper(case: dict[str, Any]) -> None:
    site = Place(*case["site"]) if "site" in case else None
    stream = b""
    for index, text in enumerate(case["messages"]):
        message = message_from(text)
        ticks = round(index * case["gap_s"] * 12e6)
        stream += encoded(BeastFrame(TYPE_OF_LENGTH[len(message)], ticks, 100, message, 0))
    decoder = beast_decoder("golden", "receiver", transponders=Transponders(site=site))
    check(decoder.decode(stream, received_ns=None), case)


@pytest.mark.parametrize("case", cases("asterix_frames.json"))
def test_asterix_datagrams_become_the_plots_on_paper(case: dict[str, Any]) -> None:
    decoder = AsterixDecoder("golden", sensors=Sensors(), datagrams=True)
    check(decoder.decode(bytes.fromhex(case["datagram"].replace(" ", "")), received_ns=RECEIVED_NS), case)

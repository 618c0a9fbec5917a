from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest

from dronewall.model.plots import Datum
from dronewall.wire.mode_s.accuracy import sigma_position_m, sigma_velocity_mps
from dronewall.wire.mode_s.cpr import Place, encoded_place
from dronewall.wire.mode_s.messages import ModeSReader, TimedMessage
from dronewall.wire.mode_s.transponders import Transponders
from dronewall.wire.refusals import Refusals
from dronewall.wire.rows import PlotRows

S = 1_000_000_000
A = "A05629"
TARGET_STATE = "8DA05629EA21485CBF3F8CADAEEB"
"""Type 29 of aircraft A05629, from textbooks: NACp 9."""
VELOCITY = "99440994083817"
"""Type 19, from textbooks: 159 kt towards 182.88 degrees, falling 832 ft a minute."""
HERE = Place(49.8, 24.0)


def checked(body: bytes, *, address: int = 0) -> bytes:
    """Return a message with its checksum, overlaid with an address where the format says so."""
    remainder = 0
    for byte in body:
        remainder ^= byte << 16
        for _ in range(8):
            remainder = (remainder << 1) ^ (0x1FFF409 if remainder & 0x800000 else 0)
    return body + (remainder ^ address).to_bytes(3, "big")


def position(*, odd: bool, type_code: int = 11, address: str = A, surface: bool = False) -> bytes:
    half = encoded_place(HERE, odd=odd, surface=surface)
    places = (odd << 34) | (round(half.y * 131_072) << 17) | round(half.x * 131_072)
    register = (type_code << 51) | (0 if surface else 0xC38 << 36) | places
    return checked(bytes.fromhex("8D" + address) + register.to_bytes(7, "big"))


class Receiver:
    """Takes messages one by one and keeps what became of them."""

    def __init__(self) -> None:
        self.refusals = Refusals("test")
        self.rows = PlotRows()
        self.unplaceable: Counter[str] = Counter()
        self._reader = ModeSReader("receiver", Transponders(site=HERE), self.refusals)

    def hears(self, message: bytes | str, at_s: float) -> None:
        raw = bytes.fromhex(message) if isinstance(message, str) else message
        at_ns = round(at_s * S) + 1_700_000_000 * S
        self._reader.read([TimedMessage(raw, at_ns, at_ns, 0)], self.rows, self.unplaceable)

    def hears_a_position(self, at_s: float, **given: Any) -> dict[str, Any]:
        """Let both halves of a position arrive and return the last plot."""
        self.hears(position(odd=False, **given), at_s - 0.5)
        self.hears(position(odd=True, **given), at_s)
        return self.rows.plots().row(len(self.rows) - 1)


def test_an_accuracy_is_claimed_for_a_minute_and_its_sigma_follows() -> None:
    receiver = Receiver()
    receiver.hears(TARGET_STATE, 0.0)
    fresh = receiver.hears_a_position(10.0)
    assert (fresh["nacp"], fresh["nic"]) == (9, 8)
    assert fresh["sigma_position_m"] == pytest.approx(30.0 / 2.448, rel=1e-3)
    stale = receiver.hears_a_position(61.5)
    assert stale["nacp"] == -1
    assert stale["sigma_position_m"] == pytest.approx(185.2 / 2.448, rel=1e-3)


def test_a_velocity_goes_with_positions_for_five_seconds_and_gets_vaguer() -> None:
    receiver = Receiver()
    receiver.hears(checked(bytes.fromhex("8D" + A + VELOCITY)), 0.0)
    fresh = receiver.hears_a_position(1.0)
    assert fresh["velocity_north_mps"] == pytest.approx(159.20 * 1852 / 3600 * math.cos(math.radians(182.88)), rel=1e-3)
    assert fresh["velocity_up_mps"] == pytest.approx(-832 * 0.3048 / 60)
    late = receiver.hears_a_position(4.9)
    assert late["sigma_velocity_mps"] > fresh["sigma_velocity_mps"] > 0.0
    assert math.isnan(receiver.hears_a_position(5.7)["velocity_north_mps"])


def test_claims_of_one_aircraft_never_go_with_the_position_of_another() -> None:
    receiver = Receiver()
    receiver.hears(checked(bytes.fromhex("8D" + A + "202CC371C32CE0")), 0.0)
    assert receiver.hears_a_position(1.0)["callsign"] == b"KLM1023"
    assert receiver.hears_a_position(2.0, address="3C65AB")["callsign"] == b""


def test_a_squawk_in_a_reply_goes_with_the_next_position_of_a_known_aircraft() -> None:
    receiver = Receiver()
    reply = checked(bytes.fromhex("28000AAA"), address=int(A, 16))  # DF 5
    receiver.hears(reply, 0.0)  # nobody known yet: the address is only as good as the checksum
    assert receiver.hears_a_position(1.0)["squawk"] == -1
    receiver.hears(reply, 2.0)
    squawk = receiver.hears_a_position(3.0)["squawk"]
    assert squawk >= 0
    assert set(f"{squawk:04d}") <= set("01234567")


def test_an_aircraft_on_the_ground_has_the_altitude_of_its_last_reply_for_ten_seconds() -> None:
    receiver = Receiver()
    without = receiver.hears_a_position(1.0, type_code=7, surface=True)
    assert without["altitude_datum"] == Datum.ABSENT
    receiver.hears(checked(bytes.fromhex("20000330"), address=int(A, 16)), 2.0)  # DF 4
    told = receiver.hears_a_position(3.0, type_code=7, surface=True)
    assert told["altitude_datum"] == Datum.PRESSURE
    assert math.isnan(receiver.hears_a_position(13.0, type_code=7, surface=True)["altitude_m"])


@pytest.mark.parametrize(("type_code", "datum"), [(9, Datum.PRESSURE), (18, Datum.PRESSURE), (20, Datum.WGS84_HAE)])
def test_the_type_of_a_position_tells_from_what_its_altitude_is_measured(type_code: int, datum: Datum) -> None:
    row = Receiver().hears_a_position(1.0, type_code=type_code)
    assert row["altitude_datum"] == datum
    assert row["altitude_m"] == pytest.approx(38_000 * 0.3048)


def test_what_nobody_says_gives_no_sigma() -> None:
    assert sigma_position_m(nacp=None, nic=0, speed_mps=100.0) is None
    assert sigma_position_m(nacp=0, nic=None, speed_mps=None) is None
    assert sigma_position_m(nacp=10, nic=8, speed_mps=250.0) == pytest.approx(math.hypot(10.0 / 2.448, 25.0))
    assert sigma_velocity_mps(nacv=2, age_s=0.0) == pytest.approx(3.0 / 2.448)
    assert sigma_velocity_mps(nacv=None, age_s=3.0) == pytest.approx(math.hypot(5.0, 6.0))

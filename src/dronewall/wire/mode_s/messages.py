"""Mode S messages become plots: one for each position that can be told, with what the aircraft claims of itself.

A message that carries no position keeps its claims for the next position of the same address. Messages are decoded by
rs1090; the halves of positions are put together in `transponders`.

    DF 0, 4, 16, 20   pressure altitude         DF 5, 21   squawk            DF 11   address
    DF 17, 18         type 1-4 callsign, 5-8 position on the ground, 9-18 position with pressure altitude, 19 velocity,
                      20-22 position with height above the ellipsoid, 28 squawk, 29 and 31 accuracy
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rs1090

from dronewall.model.plots import Datum
from dronewall.wire.mode_s.accuracy import NIC_OF_TYPE_CODE, sigma_position_m, sigma_velocity_mps
from dronewall.wire.mode_s.cpr import CELLS, Encoded, Place
from dronewall.wire.mode_s.transponders import NS_PER_S, Heard, Transponders, Unlocated, Velocity
from dronewall.wire.refusals import Refusals
from dronewall.wire.rows import PlotRows

FOOT_M = 0.3048
KNOT_MPS = 1852.0 / 3600.0
VELOCITY_MAX_AGE_S = 5.0
ALTITUDE_MAX_AGE_S = 10.0
CLAIM_MAX_AGE_S = 600.0
ACCURACY_MAX_AGE_S = 60.0
AIRCRAFT_OWN = ("ADSB_ES_NT", "TISB_ADSB")
"""Kinds of DF 18 that repeat an aircraft's own words; the others are a ground station's tracks."""


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """One Mode S message, the instants it stands for, and the byte its frame begins at."""

    message: bytes
    at_ns: int
    received_ns: int
    offset: int


class ModeSReader:
    """Reads the messages of one receiver, in order.

    Args:
        sensor_id: the receiver, under which plots are reported.
        transponders: what was heard before; changed by reading.
        refusals: where messages go that are not taken.
    """

    def __init__(self, sensor_id: str, transponders: Transponders, refusals: Refusals) -> None:
        self._sensor_id = sensor_id
        self._transponders = transponders
        self._refusals = refusals

    def read(self, messages: Sequence[TimedMessage], rows: PlotRows, unplaceable: Counter[str]) -> int:
        """Add a plot for each position and return how many messages were understood.

        Args:
            messages: long ones of 14 bytes and short ones of 7, in the order received.
            rows: where plots go.
            unplaceable: where positions are counted that cannot be told yet.
        """
        if not messages:
            return 0
        decoded: Sequence[Any] = rs1090.decode([timed.message.hex() for timed in messages])
        return sum(
            self._take(timed, fields, rows, unplaceable) for timed, fields in zip(messages, decoded, strict=True)
        )

    def _take(
        self, timed: TimedMessage, fields: dict[str, Any] | None, rows: PlotRows, unplaceable: Counter[str]
    ) -> bool:
        if fields is None:
            self._refusals.refuse("checksum or format is wrong", offset=timed.offset, frame=timed.message)
            return False
        kind = fields["df"]
        if kind in ("17", "18"):
            if fields.get("tisb", AIRCRAFT_OWN[0]) not in AIRCRAFT_OWN:
                self._refusals.refuse("a ground station's track (TIS-B) is not read", offset=timed.offset)
                return False
            return self._squitter(timed, fields, rows, unplaceable)
        address = int(fields["icao24"], 16) if "icao24" in fields else 0
        if kind == "11":
            self._transponders.heard(address)
        elif (heard := self._transponders.known(address)) is not None:
            # The address of a reply is only as good as its checksum, so a reply makes no transponder known.
            _hear_reply(heard, fields, timed.at_ns)
        return True

    def _squitter(self, timed: TimedMessage, fields: dict[str, Any], rows: PlotRows, unplaceable: Counter[str]) -> bool:
        address = int(fields["icao24"], 16)
        register = fields["bds"]
        if register not in ("05", "06"):
            _hear_squitter(self._transponders.heard(address), fields, timed.at_ns)
            return True
        half = _half(fields, timed.at_ns)
        place = self._transponders.located(address, half)
        heard = self._transponders.heard(address)
        _hear_position(heard, fields, timed.at_ns)
        if isinstance(place, Unlocated):
            if place.refused:
                self._refusals.refuse(place.value, offset=timed.offset, frame=timed.message)
                return False
            unplaceable[place.value] += 1
            return True
        rows.add(self._sensor_id, **_cells(address, heard, fields, place, timed))
        return True


def _half(fields: dict[str, Any], at_ns: int) -> Encoded:
    odd, surface = fields["parity"] == "odd", fields["bds"] == "06"
    return Encoded(fields["lat_cpr"] / CELLS, fields["lon_cpr"] / CELLS, odd, surface, at_ns)


def _hear_squitter(heard: Heard, fields: dict[str, Any], at_ns: int) -> None:
    if callsign := fields.get("callsign"):
        _hear_callsign(heard, callsign, at_ns)
    if squawk := fields.get("squawk"):
        heard.squawk, heard.squawk_at_ns = int(squawk), at_ns
    if (nacp := fields.get("NACp")) is not None:
        heard.nacp, heard.nacp_at_ns = nacp, at_ns
    if fields["bds"] == "09":
        _hear_velocity(heard, fields, at_ns)


def _hear_callsign(heard: Heard, callsign: str, at_ns: int) -> None:
    said = callsign.strip()
    if said and "#" not in said and said.isascii():
        heard.callsign, heard.callsign_at_ns = said.encode("ascii")[:8], at_ns


def _hear_velocity(heard: Heard, fields: dict[str, Any], at_ns: int) -> None:
    """Keep a velocity over ground; airspeed and heading say nothing of it."""
    speed_kt, track_deg, climb = fields.get("groundspeed"), fields.get("track"), fields.get("vertical_rate")
    if speed_kt is None or track_deg is None:
        return
    track, speed = math.radians(track_deg), speed_kt * KNOT_MPS
    up = None if climb is None else climb * FOOT_M / 60.0
    heard.velocity = Velocity(speed * math.sin(track), speed * math.cos(track), up, fields.get("NACv"), at_ns)


def _hear_position(heard: Heard, fields: dict[str, Any], at_ns: int) -> None:
    if fields["bds"] == "06":
        _hear_velocity(heard, {**fields, "vertical_rate": 0.0}, at_ns)
    elif fields.get("source") == "barometric" and fields.get("altitude") is not None:
        heard.altitude_m, heard.altitude_at_ns = fields["altitude"] * FOOT_M, at_ns


def _hear_reply(heard: Heard, fields: dict[str, Any], at_ns: int) -> None:
    if (altitude_ft := fields.get("altitude")) is not None:
        heard.altitude_m, heard.altitude_at_ns = altitude_ft * FOOT_M, at_ns
    if squawk := fields.get("squawk"):
        heard.squawk, heard.squawk_at_ns = int(squawk), at_ns
    # Which register a reply holds is a guess from its bits; only an unrivalled guess is believed.
    registers = [name for name in fields if name.startswith("bds")]
    if registers == ["bds20"]:
        _hear_callsign(heard, fields["bds20"].get("callsign") or "", at_ns)


def _cells(address: int, heard: Heard, fields: dict[str, Any], place: Place, timed: TimedMessage) -> dict[str, Any]:
    """Return the columns of one position."""
    at_ns = timed.at_ns
    velocity = heard.velocity if _fresh(heard.velocity, at_ns) else None
    nacp = heard.nacp if at_ns - heard.nacp_at_ns <= ACCURACY_MAX_AGE_S * NS_PER_S else None
    nic = NIC_OF_TYPE_CODE.get(fields.get("tc", -1))
    speed = math.hypot(velocity.east_mps, velocity.north_mps) if velocity else None
    cells = {
        "at_ns": at_ns,
        "received_ns": timed.received_ns,
        "lat_deg": place.lat_deg,
        "lon_deg": place.lon_deg,
        "sigma_position_m": sigma_position_m(nacp=nacp, nic=nic, speed_mps=speed),
        "icao24": address,
        "nic": nic,
        "nacp": nacp,
        **_altitude(heard, fields, at_ns),
    }
    return {**cells, **told_before(heard, at_ns)}


def told_before(heard: Heard, at_ns: int) -> dict[str, Any]:
    """Return the columns of what an aircraft said in other messages and that is still believed."""
    cells: dict[str, Any] = {}
    if at_ns - heard.callsign_at_ns <= CLAIM_MAX_AGE_S * NS_PER_S:
        cells["callsign"] = heard.callsign
    if at_ns - heard.squawk_at_ns <= CLAIM_MAX_AGE_S * NS_PER_S:
        cells["squawk"] = heard.squawk
    if (velocity := heard.velocity) is not None and _fresh(velocity, at_ns):
        age_s = abs(at_ns - velocity.at_ns) / NS_PER_S
        cells["velocity_east_mps"], cells["velocity_north_mps"] = velocity.east_mps, velocity.north_mps
        cells["velocity_up_mps"] = velocity.up_mps
        cells["sigma_velocity_mps"] = sigma_velocity_mps(nacv=velocity.nacv, age_s=age_s)
    return cells


def _altitude(heard: Heard, fields: dict[str, Any], at_ns: int) -> dict[str, Any]:
    """Return the altitude in the message with its datum; on the ground, the one heard last in another message."""
    altitude_ft = fields.get("altitude")
    if fields["bds"] == "05" and altitude_ft is not None:
        datum = Datum.PRESSURE if fields.get("source") == "barometric" else Datum.WGS84_HAE
        return {"altitude_m": altitude_ft * FOOT_M, "altitude_datum": datum}
    if heard.altitude_m is not None and abs(at_ns - heard.altitude_at_ns) <= ALTITUDE_MAX_AGE_S * NS_PER_S:
        return {"altitude_m": heard.altitude_m, "altitude_datum": Datum.PRESSURE}
    return {}


def _fresh(velocity: Velocity | None, at_ns: int) -> bool:
    return velocity is not None and abs(at_ns - velocity.at_ns) <= VELOCITY_MAX_AGE_S * NS_PER_S

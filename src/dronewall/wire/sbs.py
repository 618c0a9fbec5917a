"""SBS-1, or BaseStation: one line of text for each message, its fields between commas, as dump1090 and readsb print it.

    MSG,3,1,1,400F99,1,2024/06/06,08:58:39.147,2024/06/06,08:58:39.147,,38000,,,51.47,-0.45,,,0,0,0,0

Fields from 0: kind, type, -, -, address, -, date and time generated, date and time logged, callsign, altitude in ft,
speed in kt, track, latitude, longitude, climb in ft/min, squawk, then four flags. Each type fills a few of them, so
what one aircraft said lately is joined to its positions. Dates and times have no zone and are taken as UTC.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dronewall.model.plots import Datum
from dronewall.wire.lines import Line, Lines
from dronewall.wire.mode_s.messages import ALTITUDE_MAX_AGE_S, FOOT_M, KNOT_MPS, told_before
from dronewall.wire.mode_s.transponders import NS_PER_S, Heard, Transponders, Velocity
from dronewall.wire.refusals import Refusals
from dronewall.wire.rows import PlotRows

LINE_MAX_BYTES = 512
FIELDS = 22
NO_MESSAGES = (b"SEL", b"ID", b"AIR", b"STA", b"CLK")
"""Kinds of lines about the receiver's list of aircraft: understood, and nothing is in them."""
POSITION_TYPES = (b"2", b"3")
NUMBER_MAX = 1e6
CLOCK_OFF_MAX_S = 10.0
"""A receiver whose clock is further off the time of receipt keeps another zone's time, or none that is any use."""

NOT_SBS = "line is not a BaseStation message"
NO_TIME = "date or time cannot be"
NO_ADDRESS = "address is not six hexadecimal digits"
NO_NUMBER = "a field is not a number"
OUTSIDE = "position is outside the earth"
MULTILATERATION = "a position made up from multilateration"
NO_POSITION = "position is not told"

_ADDRESS = re.compile(rb"[0-9A-Fa-f]{6}")
_DATE = re.compile(rb"(\d{4})/(\d\d)/(\d\d)")
_TIME = re.compile(rb"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class SbsMessage:
    """One line's fields, the instants they stand for and where the line begins; no fields if it is no message."""

    fields: tuple[bytes, ...]
    address: int
    at_ns: int
    received_ns: int
    line: Line


class _BadLine(Exception):
    """A line breaks a rule; carries the reason to the place that counts."""


class SbsMessages:
    """Cuts a stream into messages; keeps a half line until its end arrives."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._lines = Lines(refusals, line_max_bytes=LINE_MAX_BYTES, reason=NOT_SBS)

    def timed(self, data: bytes, received_ns: int | None) -> list[SbsMessage]:
        """Return the messages that `data` completes; without `received_ns` their own times stand for both."""
        messages: list[SbsMessage] = []
        for line in self._lines.cut(data):
            try:
                messages.append(_message(line, received_ns))
            except _BadLine as bad:
                self._refusals.refuse(str(bad), offset=line.offset, frame=line.text)
        return messages

    def finish(self) -> None:
        """Refuse a half line."""
        self._lines.finish()


class SbsReader:
    """Joins the messages of each address and makes a plot of each position.

    Args:
        sensor_id: the receiver, under which plots are reported.
        refusals: where messages go that are not taken.
    """

    def __init__(self, sensor_id: str, refusals: Refusals) -> None:
        self._sensor_id = sensor_id
        self._refusals = refusals
        self._transponders = Transponders()

    def read(self, messages: Sequence[SbsMessage], rows: PlotRows, unplaceable: Counter[str]) -> int:
        """Add a plot for each position and return how many messages were understood."""
        frames = 0
        for message in messages:
            try:
                self._take(message, rows, unplaceable)
                frames += 1
            except _BadLine as bad:
                self._refusals.refuse(str(bad), offset=message.line.offset, frame=message.line.text)
        return frames

    def _take(self, message: SbsMessage, rows: PlotRows, unplaceable: Counter[str]) -> None:
        if not message.fields:
            return
        said = message.fields
        lat_deg, lon_deg = _number(said[14]), _number(said[15])
        heard = _hear(self._transponders.heard(message.address), message)
        if lat_deg is None or lon_deg is None or (lat_deg == 0.0 and lon_deg == 0.0):
            if said[1] in POSITION_TYPES:
                unplaceable[NO_POSITION] += 1
            return
        if abs(lat_deg) > 90.0 or abs(lon_deg) > 180.0:
            raise _BadLine(OUTSIDE)
        rows.add(
            self._sensor_id,
            at_ns=message.at_ns,
            received_ns=message.received_ns,
            lat_deg=lat_deg,
            lon_deg=lon_deg,
            icao24=message.address,
            **_altitude(heard, message.at_ns),
            **told_before(heard, message.at_ns),
        )


def _message(line: Line, received_ns: int | None) -> SbsMessage:
    fields = tuple(field.strip() for field in line.text.split(b","))
    if fields[0] == b"MLAT":
        raise _BadLine(MULTILATERATION)
    if fields[0] in NO_MESSAGES:
        at_ns = received_ns or 0
        return SbsMessage((), 0, at_ns, at_ns, line)
    if fields[0] != b"MSG" or len(fields) < FIELDS:
        raise _BadLine(NOT_SBS)
    if not _ADDRESS.fullmatch(fields[4]) or not int(fields[4], 16):
        raise _BadLine(NO_ADDRESS)
    at_ns = _instant(fields[6], fields[7])
    if received_ns is not None and abs(at_ns - received_ns) > CLOCK_OFF_MAX_S * NS_PER_S:
        at_ns = received_ns
    return SbsMessage(fields, int(fields[4], 16), at_ns, at_ns if received_ns is None else received_ns, line)


def _instant(day: bytes, time: bytes) -> int:
    on, at = _DATE.fullmatch(day), _TIME.fullmatch(time)
    if on is None or at is None:
        raise _BadLine(NO_TIME)
    try:
        whole = datetime(int(on[1]), int(on[2]), int(on[3]), int(at[1]), int(at[2]), int(at[3]), tzinfo=UTC)
    except ValueError as error:
        raise _BadLine(NO_TIME) from error
    return int(whole.timestamp()) * NS_PER_S + int((at[4] or b"0").ljust(9, b"0"))


def _hear(heard: Heard, message: SbsMessage) -> Heard:
    """Keep what a message says for the next position of its aircraft."""
    said, at_ns = message.fields, message.at_ns
    callsign = said[10].decode("ascii", "ignore").strip()
    if callsign:
        heard.callsign, heard.callsign_at_ns = callsign.encode()[:8], at_ns
    if len(said[17]) == 4 and set(said[17]) <= set(b"01234567"):
        heard.squawk, heard.squawk_at_ns = int(said[17]), at_ns
    if (altitude_ft := _number(said[11])) is not None:
        heard.altitude_m, heard.altitude_at_ns = altitude_ft * FOOT_M, at_ns
    speed_kt, track_deg, climb = _number(said[12]), _number(said[13]), _number(said[16])
    if speed_kt is not None and track_deg is not None:
        speed, track = speed_kt * KNOT_MPS, math.radians(track_deg)
        up = None if climb is None else climb * FOOT_M / 60.0
        heard.velocity = Velocity(speed * math.sin(track), speed * math.cos(track), up, None, at_ns)
    return heard


def _altitude(heard: Heard, at_ns: int) -> dict[str, Any]:
    if heard.altitude_m is None or abs(at_ns - heard.altitude_at_ns) > ALTITUDE_MAX_AGE_S * NS_PER_S:
        return {}
    return {"altitude_m": heard.altitude_m, "altitude_datum": Datum.PRESSURE}


def _number(said: bytes) -> float | None:
    """Return a number, or None for an empty field."""
    if not said:
        return None
    try:
        number = float(said)
    except ValueError as error:
        raise _BadLine(NO_NUMBER) from error
    if not abs(number) <= NUMBER_MAX:  # which no NaN is
        raise _BadLine(NO_NUMBER)
    return number

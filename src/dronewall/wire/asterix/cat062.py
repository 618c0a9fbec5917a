"""ASTERIX category 062, tracks of a multi-sensor tracker (ARTAS and others): EUROCONTROL-SPEC-0149-9, editions 1.x.

    I062/010  SAC, SIC                I062/040  track number       I062/060  Mode 3/A      I062/070  time of track
    I062/080  status: simulated       I062/105  position           I062/130  height        I062/135, 136  flight level
    I062/185  velocity                I062/220  climb              I062/245, 380  identification, address
    I062/500  estimated accuracies

Records are decoded by aviconv-asterix (edition 1.20); of items it keeps as raw bytes, 040, 060, 080, 130, 135, 220 and
500 are read here. A row is somebody else's track, never a measurement: `track_ref` is its number, and its sensor must
be declared with `delivers: tracks`. The axes of its velocity are those of the system's own plane, which is turned
against east and north by a few degrees far from its centre.
"""

from __future__ import annotations

import math
from typing import Any

from aviconv_asterix import Cat062Record
from aviconv_asterix.fspec import read_fspec

from dronewall.model.plots import Datum
from dronewall.wire.asterix.records import item, signed, text

FOOT_M = 0.3048
LEVEL_STEP_M = 25.0 * FOOT_M
HEIGHT_STEP_M = 6.25 * FOOT_M
CLIMB_STEP_MPS = 6.25 * FOOT_M / 60.0
METRES_PER_DEGREE = 111_195.0
STEP_DEG = 180.0 / 2**25
SIMULATED = 0x80
NOT_VALIDATED, GARBLED = 0x80, 0x40
QNH_APPLIED = 0x80
ACCURACIES = (("APC", 4), ("COV", 2), ("APW", 4), ("AGA", 1), ("ABA", 1), ("ATV", 2), ("AA", 2), ("ARC", 1))
"""The parts of I062/500 and their lengths in bytes."""

NO_POSITION = "track without a position on the earth"
NO_NUMBER = "track without a number"


def time_of_day_s(record: Cat062Record) -> float | None:
    """Return the time of the track's state."""
    return record.time_of_track_s


def refusal_of(record: Cat062Record, *, range_max_m: float) -> str | None:
    """Return why a track is not to be taken at all, or None; a tracker tells no ranges."""
    status = item(record, "I062/080")
    if len(status) > 1 and status[1] & SIMULATED:
        return "simulated or test target"
    if not item(record, "I062/040"):
        return NO_NUMBER
    if record.lat is not None and record.lon is not None and (abs(record.lat) > 90.0 or abs(record.lon) > 180.0):
        return "position is outside the earth"
    return None


def unplaceable_of(record: Cat062Record) -> str | None:
    """Return why a track gives no row, or None: one in the system's own plane alone has no known place."""
    return NO_POSITION if record.lat is None or record.lon is None else None


def cells(record: Cat062Record) -> dict[str, Any]:
    """Return the columns of one track; instants are the caller's."""
    accuracy = _accuracies(item(record, "I062/500"))
    climb = item(record, "I062/220")
    return {
        "track_ref": b"%d" % int.from_bytes(item(record, "I062/040"), "big"),
        "lat_deg": record.lat,
        "lon_deg": record.lon,
        "velocity_east_mps": record.vx_ms,
        "velocity_north_mps": record.vy_ms,
        "velocity_up_mps": signed(climb) * CLIMB_STEP_MPS if climb else None,
        "icao24": int(record.target_address, 16) if record.target_address else None,
        "callsign": text(record.target_identification) or text(record.callsign),
        "squawk": _squawk(item(record, "I062/060")),
        "sigma_position_m": _sigma_position_m(accuracy, record.lat or 0.0),
        "sigma_velocity_mps": max(accuracy["ATV"]) * 0.25 or None if "ATV" in accuracy else None,
        **_altitude(record, accuracy),
    }


def _altitude(record: Cat062Record, accuracy: dict[str, bytes]) -> dict[str, Any]:
    """Return the tracker's own barometric altitude, else the last level measured, else the height."""
    tracked = item(record, "I062/135")
    level_sigma_m = accuracy["ABA"][0] * LEVEL_STEP_M or None if "ABA" in accuracy else None
    if tracked:
        steps = int.from_bytes(tracked, "big") & 0x7FFF
        steps -= 0x8000 if steps & 0x4000 else 0
        datum = Datum.EGM2008 if tracked[0] & QNH_APPLIED else Datum.PRESSURE
        return {"altitude_m": steps * LEVEL_STEP_M, "altitude_datum": datum, "sigma_altitude_m": level_sigma_m}
    if record.measured_flight_level is not None:
        return {"altitude_m": record.measured_flight_level * 4 * LEVEL_STEP_M, "altitude_datum": Datum.PRESSURE}
    height = item(record, "I062/130")
    if height:
        sigma_m = accuracy["AGA"][0] * HEIGHT_STEP_M or None if "AGA" in accuracy else None
        return {
            "altitude_m": signed(height) * HEIGHT_STEP_M,
            "altitude_datum": Datum.WGS84_HAE,
            "sigma_altitude_m": sigma_m,
        }
    return {}


def _sigma_position_m(accuracy: dict[str, bytes], lat_deg: float) -> float | None:
    """Return the larger of the two axes' errors, or None if the tracker tells none."""
    if "APC" in accuracy:
        return max(_halves(accuracy["APC"])) * 0.5 or None
    if "APW" in accuracy:
        lat, lon = _halves(accuracy["APW"])
        return max(lat, lon * math.cos(math.radians(lat_deg))) * STEP_DEG * METRES_PER_DEGREE or None
    return None


def _halves(part: bytes) -> tuple[int, int]:
    return int.from_bytes(part[:2], "big"), int.from_bytes(part[2:], "big")


def _accuracies(said: bytes) -> dict[str, bytes]:
    """Return the parts that I062/500 holds, by name."""
    if not said:
        return {}
    flags, at = read_fspec(said, 0)
    parts: dict[str, bytes] = {}
    for present, (name, length) in zip(flags, ACCURACIES, strict=False):
        if present:
            parts[name] = said[at : at + length]
            at += length
    return parts


def _squawk(code: bytes) -> int | None:
    """Return the four octal digits read as a decimal number, if they are valid and not garbled."""
    if not code or code[0] & (NOT_VALIDATED | GARBLED):
        return None
    return int(f"{int.from_bytes(code, 'big') & 0x0FFF:04o}")

"""ASTERIX category 048, monoradar target reports: EUROCONTROL-SPEC-0149-4, editions 1.x.

    I048/010  SAC, SIC          I048/020  type of detection      I048/040  slant range, azimuth
    I048/070  Mode 3/A          I048/090  flight level           I048/110  height by a 3D radar
    I048/140  time of day       I048/161  track number           I048/220  aircraft address
    I048/240  identification

Records are decoded by aviconv-asterix (edition 1.32); of items it keeps as raw bytes, 020, 090 and 110 are read here.
The position is relative to the radar, so a plot has a place only if the radar's site is in the register.
"""

from __future__ import annotations

import math
from typing import Any

from aviconv_asterix import Cat048Record

from dronewall.model.plots import Datum
from dronewall.wire.asterix.records import item, text

NAUTICAL_MILE_M = 1852.0
FOOT_M = 0.3048
FLIGHT_LEVEL_M = 100.0 * FOOT_M
HEIGHT_STEP_M = 25.0 * FOOT_M
RANGE_MAX_M = 600_000.0
"""Beyond this no radar of this category reports, so the decoder has misread; a sensor may declare less."""

SIMULATED, FIELD_MONITOR, TEST = 0x10, 0x02, 0x80
NOT_MEASURED = "no measured position"


def time_of_day_s(record: Cat048Record) -> float | None:
    """Return when the target was detected."""
    return record.time_of_day_s


def refusal_of(record: Cat048Record, *, range_max_m: float) -> str | None:
    """Return why a report is not to be taken at all, or None."""
    described = item(record, "I048/020")
    if (described and described[0] & SIMULATED) or (len(described) > 1 and described[1] & TEST):
        return "simulated or test target"
    if described and described[0] & FIELD_MONITOR:
        return "report from a field monitor"
    if record.rho_nm is not None and record.rho_nm * NAUTICAL_MILE_M > range_max_m:
        return "range is beyond the radar's own"
    return None


def unplaceable_of(record: Cat048Record) -> str | None:
    """Return why a report gives no plot, or None.

    A position that the radar's own tracker carried forward was not measured: I048/020 TYP is 0.
    """
    described = item(record, "I048/020")
    detected = not described or described[0] >> 5 != 0
    return None if detected and record.rho_nm and record.theta_deg is not None else NOT_MEASURED


def cells(record: Cat048Record) -> dict[str, Any]:
    """Return the columns of one measured report; instants and scan are the caller's."""
    return {
        "range_m": (record.rho_nm or 0.0) * NAUTICAL_MILE_M,
        "azimuth_rad": math.radians(record.theta_deg or 0.0),
        "icao24": int(record.aircraft_address, 16) if record.aircraft_address else None,
        "callsign": text(record.callsign),
        "squawk": _squawk(record),
        "track_ref": None if record.track_number is None else b"%d" % record.track_number,
        **_altitude(record),
    }


def _altitude(record: Cat048Record) -> dict[str, Any]:
    """Return the flight level, if it is valid and not garbled; else the height a 3D radar measured, above the sea."""
    level = item(record, "I048/090")
    if level and record.flight_level is not None and not level[0] & 0xC0:
        return {"altitude_m": record.flight_level * FLIGHT_LEVEL_M, "altitude_datum": Datum.PRESSURE}
    height = item(record, "I048/110")
    if height:
        steps = int.from_bytes(height, "big") & 0x3FFF
        steps -= 0x4000 if steps & 0x2000 else 0
        return {"altitude_m": steps * HEIGHT_STEP_M, "altitude_datum": Datum.EGM2008}
    return {}


def _squawk(record: Cat048Record) -> int | None:
    """Return the four octal digits read as a decimal number, if they are valid and not garbled."""
    if record.mode3a is None or not record.mode3a_validated or record.mode3a_garbled:
        return None
    return int(record.mode3a)

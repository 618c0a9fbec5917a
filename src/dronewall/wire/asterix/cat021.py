"""ASTERIX category 021, ADS-B reports of a ground station: EUROCONTROL-SPEC-0149-12, editions 2.x.

    I021/010  SAC, SIC            I021/040  kind of address, simulated, doubted     I021/070  Mode 3/A
    I021/071  time of position    I021/072  time of velocity                        I021/073, 077  later times
    I021/080  address             I021/090  quality: NIC, NACp, NACv                I021/130, 131  position
    I021/140  height              I021/145  flight level                            I021/155, 157  climb
    I021/160  ground vector       I021/161  track number                            I021/170  identification
    I021/210  version of the transponder's standard

Records are decoded by aviconv-asterix (edition 2.6); of items it keeps as raw bytes, 040, 072, 077, 090, 140, 155,
157, 161 and 210 are read here. What the aircraft says of itself is a claim, and so is its position.
"""

from __future__ import annotations

import math
from typing import Any

from aviconv_asterix import Cat021Record

from dronewall.model.plots import Datum
from dronewall.wire.asterix.records import item, signed, text
from dronewall.wire.mode_s.accuracy import NIC_OF_TYPE_CODE, sigma_position_m, sigma_velocity_mps

FOOT_M = 0.3048
KNOT_MPS = 1852.0 / 3600.0
FLIGHT_LEVEL_M = 100.0 * FOOT_M
HEIGHT_STEP_M = 6.25 * FOOT_M
CLIMB_STEP_MPS = 6.25 * FOOT_M / 60.0
TIME_STEP_S = 1 / 128
DAY_S = 86_400.0

FIELD_MONITOR = 0x08
SIMULATED, TEST = 0x20, 0x10
DOUBTED = 0x20 | 0x08 | 0x04 | 0x02
"""Independent position check, CPR validation, local decoding or range check failed."""
ICAO_ADDRESS, DUPLICATE_ADDRESS = 0, 1
TYPE_CODE_OF_NUCP_0 = 18
"""NUCp of the first transponders is 18 less the type code of their positions."""
EXCEEDED = 0x80

NO_POSITION = "no position"


def time_of_day_s(record: Cat021Record) -> float | None:
    """Return when the position held; the nearest later time if the station does not say."""
    for told in (record.time_of_applicability_s, record.time_of_reception_s):
        if told is not None:
            return told
    sent = item(record, "I021/077")
    return int.from_bytes(sent, "big") * TIME_STEP_S if sent else None


def refusal_of(record: Cat021Record, *, range_max_m: float) -> str | None:
    """Return why a report is not to be taken at all, or None; a ground station tells no ranges."""
    said = item(record, "I021/040") + b"\0\0\0"
    more = (said[1] if said[0] & 1 else 0, said[2] if said[0] & said[1] & 1 else 0)
    if said[0] & FIELD_MONITOR:
        return "report from a field monitor"
    if more[0] & (SIMULATED | TEST):
        return "simulated or test target"
    if more[1] & DOUBTED:
        return "the ground station doubts the position"
    if record.lat is not None and record.lon is not None and (abs(record.lat) > 90.0 or abs(record.lon) > 180.0):
        return "position is outside the earth"
    return None


def unplaceable_of(record: Cat021Record) -> str | None:
    """Return why a report gives no plot, or None."""
    return NO_POSITION if record.lat is None or record.lon is None else None


def cells(record: Cat021Record) -> dict[str, Any]:
    """Return the columns of one report; instants are the caller's."""
    nic, nacp, nacv = _quality(record)
    velocity = _velocity(record)
    speed_mps = math.hypot(velocity["velocity_east_mps"], velocity["velocity_north_mps"]) if velocity else None
    kind = item(record, "I021/040")
    known = bool(kind) and kind[0] >> 5 in (ICAO_ADDRESS, DUPLICATE_ADDRESS)
    number = item(record, "I021/161")
    if velocity:
        velocity["sigma_velocity_mps"] = sigma_velocity_mps(nacv=nacv, age_s=_age_of_velocity_s(record))
    return {
        "lat_deg": record.lat,
        "lon_deg": record.lon,
        "sigma_position_m": sigma_position_m(nacp=nacp, nic=nic, speed_mps=speed_mps),
        "icao24": int(record.icao_address, 16) if record.icao_address and known else None,
        "callsign": text(record.callsign),
        "squawk": int(record.mode3a) if record.mode3a else None,
        "nic": nic,
        "nacp": nacp,
        "track_ref": b"%d" % (int.from_bytes(number, "big") & 0x0FFF) if number else None,
        **_altitude(record),
        **velocity,
    }


def _quality(record: Cat021Record) -> tuple[int | None, int | None, int | None]:
    """Return NIC, NACp and NACv; transponders of the first version tell NUCp and NUCr in place of NIC and NACv."""
    quality, version = item(record, "I021/090"), item(record, "I021/210")
    if not quality:
        return None, None, None
    nacv, nic = quality[0] >> 5, quality[0] >> 1 & 0x0F
    nacp = quality[1] >> 1 & 0x0F if len(quality) > 1 else None
    if version and version[0] >> 3 & 0x07 == 0:
        return NIC_OF_TYPE_CODE.get(TYPE_CODE_OF_NUCP_0 - nic), None, nacv
    return nic, nacp, nacv


def _altitude(record: Cat021Record) -> dict[str, Any]:
    """Return the flight level, else the height above the ellipsoid."""
    if record.flight_level is not None:
        return {"altitude_m": record.flight_level * FLIGHT_LEVEL_M, "altitude_datum": Datum.PRESSURE}
    height = item(record, "I021/140")
    if height and height != b"\x7f\xff":  # which stands for "higher than can be told"
        return {"altitude_m": signed(height) * HEIGHT_STEP_M, "altitude_datum": Datum.WGS84_HAE}
    return {}


def _velocity(record: Cat021Record) -> dict[str, Any]:
    """Return the velocity over ground; nothing if it is beyond what can be told."""
    vector = item(record, "I021/160")
    if not vector or vector[0] & EXCEEDED or record.ground_speed_kt is None or record.track_angle_deg is None:
        return {}
    track, speed_mps = math.radians(record.track_angle_deg), record.ground_speed_kt * KNOT_MPS
    return {
        "velocity_east_mps": speed_mps * math.sin(track),
        "velocity_north_mps": speed_mps * math.cos(track),
        "velocity_up_mps": _climb_mps(item(record, "I021/157") or item(record, "I021/155")),
    }


def _climb_mps(rate: bytes) -> float | None:
    """Return a vertical rate of 15 bits, below the one that says it is beyond them."""
    if not rate or rate[0] & EXCEEDED:
        return None
    steps = int.from_bytes(rate, "big")
    return (steps - 0x8000 if steps & 0x4000 else steps) * CLIMB_STEP_MPS


def _age_of_velocity_s(record: Cat021Record) -> float:
    """Return how much older the velocity is than the position, over midnight too."""
    told, position_s = item(record, "I021/072"), record.time_of_applicability_s
    if not told or position_s is None:
        return 0.0
    return abs((position_s - int.from_bytes(told, "big") * TIME_STEP_S + DAY_S / 2) % DAY_S - DAY_S / 2)

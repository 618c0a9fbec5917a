"""One line of `plots.jsonl`, and of the TCP stream of the same lines: its fields, their names and types.

Angles stand in degrees here and nowhere behind; absent means not measured.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

LINE_MAX_BYTES = 64 * 1024
INSTANT_MAX_NS = 2**63 - 1

Instant = Annotated[int, Meta(ge=0, le=INSTANT_MAX_NS)]


class _Part(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """What all parts of a line have in common: an unknown field refuses the line."""


class BistaticTransmitter(_Part, frozen=True):
    """Who lights up the target of a passive radar."""

    lat_deg: float
    lon_deg: float
    hae_m: float


class Bistatic(_Part, frozen=True):
    """What a passive radar measures: the way from transmitter to target to receiver."""

    transmitter: BistaticTransmitter
    range_sum_m: float
    range_rate_sum_mps: float | None = None


class Altitude(_Part, frozen=True):
    """An altitude beside range and azimuth, for instance of Mode C."""

    altitude_m: float
    datum: str
    sigma_m: float | None = None


class Position(_Part, frozen=True):
    """A position; its altitude, if given, has a datum."""

    lat_deg: float
    lon_deg: float
    altitude_m: float | None = None
    datum: str | None = None


class Pose(_Part, frozen=True):
    """Where a moving platform was at `at_ns`."""

    lat_deg: float
    lon_deg: float
    hae_m: float
    heading_deg: float | None = None
    sigma_m: float | None = None
    sigma_heading_deg: float | None = None


class LineSigma(_Part, frozen=True):
    """1-σ errors per axis that override the sensor's declared ones."""

    range_m: float | None = None
    azimuth_deg: float | None = None
    elevation_deg: float | None = None
    range_rate_mps: float | None = None
    position_m: float | None = None
    altitude_m: float | None = None
    velocity_mps: float | None = None


class Claims(msgspec.Struct, omit_defaults=True, frozen=True):
    """What an object says of itself; claims we have no use for are let through and not kept."""

    icao24: str | None = None
    callsign: str | None = None
    squawk: str | int | None = None
    uas_id: str | None = None
    operator_id: str | None = None
    nic: Annotated[int, Meta(ge=0, le=15)] | None = None
    nacp: Annotated[int, Meta(ge=0, le=15)] | None = None


class PlotLine(_Part, frozen=True):
    """One report of one sensor."""

    sensor_id: Annotated[str, Meta(min_length=1, max_length=200)]
    at_ns: Instant
    received_ns: Instant | None = None
    scan: Instant | None = None
    scan_end: bool = False
    empty: bool = False
    range_m: float | None = None
    azimuth_deg: float | None = None
    elevation_deg: float | None = None
    range_rate_mps: float | None = None
    bistatic: Bistatic | None = None
    altitude: Altitude | None = None
    position: Position | None = None
    velocity_enu_mps: tuple[float, float, float | None] | None = None
    """East, north, up; up is null where only the motion over ground was measured."""
    covariance: list[float | list[float]] | None = None
    track_ref: str | int | None = None
    pose: Pose | None = None
    sigma: LineSigma | None = None
    claims: Claims | None = None
    classes: dict[str, float] | None = None

"""`sensors.jsonl`, read and written: one JSON object a line, one sensor a line.

It is a file people write by hand, so it is read strictly: an error names the file, the line and the field.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dronewall.model.errors import InputError
from dronewall.model.sensors import KIND_OF_LABEL, Sensor, Sensors, Sigma, Wire

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Azimuth = Annotated[float, Meta(ge=-360, le=360)]
Text = Annotated[str, Meta(max_length=200)]


class _Part(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """What all parts of a line have in common: an unknown key is an error."""


class SigmaFields(_Part, frozen=True):
    """Declared 1-σ errors per axis."""

    range_m: Positive | None = None
    azimuth_deg: Positive | None = None
    elevation_deg: Positive | None = None
    range_rate_mps: Positive | None = None
    position_m: Positive | None = None
    altitude_m: Positive | None = None
    velocity_mps: Positive | None = None


class WireFields(_Part, frozen=True):
    """How the sensor is known on a wire."""

    asterix: Annotated[str, Meta(pattern=r"^\d{1,3}/\d{1,3}$")] | None = None
    """System area code and system identification code, `SAC/SIC`."""
    edition: dict[Annotated[str, Meta(pattern=r"^\d{1,3}$")], Text] | None = None
    """The edition it speaks of each ASTERIX category."""
    sapient: Text | None = None
    feed: Text | None = None


class SensorLine(_Part, frozen=True):
    """One sensor, as its owner declares it."""

    sensor_id: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: str
    lat_deg: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon_deg: Annotated[float, Meta(ge=-180, le=180)] | None = None
    hae_m: Annotated[float, Meta(ge=-2000, le=50_000)] | None = None
    sigma: SigmaFields = SigmaFields()
    period_s: Positive | None = None
    range_min_m: NotNegative | None = None
    range_max_m: Positive | None = None
    height_max_m: Positive | None = None
    azimuth_from_deg: Azimuth | None = None
    azimuth_to_deg: Azimuth | None = None
    elevation_min_deg: Annotated[float, Meta(ge=-90, le=90)] | None = None
    pd: Annotated[float, Meta(gt=0, le=1)] | None = None
    clutter_per_scan: NotNegative | None = None
    delivers: Literal["plots", "tracks"] = "plots"
    owner: Text = ""
    vendor: Text = ""
    model: Text = ""
    wire: WireFields = WireFields()


def sensors_from(path: Path) -> Sensors:
    """Return the register of a `sensors.jsonl` file.

    Raises:
        InputError: the file is missing, or a line is wrong; it says which, where and how to mend it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else (error.strerror or "").lower()
        raise InputError(reason or "it cannot be read", "Check the path.", file=str(path)) from error
    return sensors_from_lines(data, file=str(path))


def sensors_from_lines(data: bytes, *, file: str = "sensors.jsonl") -> Sensors:
    """Return the register that lines of `sensors.jsonl` describe; see `sensors_from`."""
    decoder = msgspec.json.Decoder(SensorLine)
    sensors: list[Sensor] = []
    taken: dict[tuple[str, str], int] = {}
    for number, raw in enumerate(data.split(b"\n"), start=1):
        if raw.strip():
            line = _decoded(decoder, raw, file, number)
            sensor = _sensor(line, file, number)
            _check_unique(sensor, taken, file, number)
            sensors.append(sensor)
    return Sensors(sensors)


def encoded(sensors: Iterable[Sensor]) -> bytes:
    """Return sensors as lines of `sensors.jsonl`."""
    return msgspec.json.Encoder().encode_lines([_line(sensor) for sensor in sensors])


def _decoded(decoder: msgspec.json.Decoder[SensorLine], raw: bytes, file: str, number: int) -> SensorLine:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).replace("`", "").partition(" - at $")
        field = place.lstrip(".")
        if problem.startswith("Object contains unknown field"):
            raise _unknown_key(problem.rpartition(" ")[2], field, file, number) from error
        if problem.startswith("Object missing required field"):
            name = problem.rpartition(" ")[2]
            raise InputError(f"{name} is missing", "Every sensor has one.", file, number, name) from error
        told = problem[:1].lower() + problem[1:]
        raise InputError(told, "Correct the value.", file, number, field or None) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError("the line is not a JSON object", "Write one sensor a line.", file, number) from error


def _unknown_key(name: str, inside: str, file: str, number: int) -> InputError:
    parts: dict[str, type[_Part]] = {"sigma": SigmaFields, "wire": WireFields}
    part = parts.get(inside, SensorLine)
    known = part.__struct_encode_fields__
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Known are: {', '.join(known)}."
    field = f"{inside}.{name}" if inside else name
    return InputError(f"there is no field {name!r}", hint, file, number, field)


def _sensor(line: SensorLine, file: str, number: int) -> Sensor:
    _check_fits(line, file, number)
    given = {
        name: getattr(line, name)
        for name in line.__struct_fields__
        if name not in ("sensor_id", "kind", "sigma", "delivers", "wire")
    }
    wire = line.wire
    return Sensor(
        sensor_id=line.sensor_id,
        kind=KIND_OF_LABEL[line.kind],
        sigma=Sigma(**{name: getattr(line.sigma, name) for name in line.sigma.__struct_fields__}),
        delivers_tracks=line.delivers == "tracks",
        wire=Wire(_plain(wire.asterix), wire.sapient, wire.feed, tuple(sorted((wire.edition or {}).items()))),
        **given,
    )


def _check_fits(line: SensorLine, file: str, number: int) -> None:
    if line.kind not in KIND_OF_LABEL:
        nearest = difflib.get_close_matches(line.kind, KIND_OF_LABEL, n=1)
        hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
        remedy = f"{hint}Known are: {', '.join(KIND_OF_LABEL)}."
        raise InputError(f"there is no kind {line.kind!r}", remedy, file, number, "kind")
    site = (line.lat_deg, line.lon_deg, line.hae_m)
    if None in site and any(part is not None for part in site):
        remedy = "Give lat_deg, lon_deg and hae_m together, or none of them for a moving platform."
        raise InputError("the site is incomplete", remedy, file, number, "lat_deg")
    if line.range_min_m is not None and line.range_max_m is not None and line.range_min_m >= line.range_max_m:
        raise InputError("range_min_m is not below range_max_m", "Swap them.", file, number, "range_min_m")
    if line.wire.asterix and max(map(int, line.wire.asterix.split("/"))) > 255:
        raise InputError("SAC and SIC are at most 255", "Write them as SAC/SIC.", file, number, "wire.asterix")


def _check_unique(sensor: Sensor, taken: dict[tuple[str, str], int], file: str, number: int) -> None:
    named = {
        "sensor_id": sensor.sensor_id,
        "wire.asterix": sensor.wire.asterix,
        "wire.sapient": sensor.wire.sapient,
        "wire.feed": sensor.wire.feed,
    }
    for field, name in named.items():
        if name is None:
            continue
        before = taken.setdefault((field, name), number)
        if before != number:
            raise InputError(
                f"{name!r} stands in line {before} already", "Give each sensor its own.", file, number, field
            )


def _plain(address: str | None) -> str | None:
    """Return SAC/SIC without leading zeros, as decoders write it."""
    return None if address is None else "/".join(str(int(code)) for code in address.split("/"))


def _line(sensor: Sensor) -> SensorLine:
    given = {
        name: getattr(sensor, name)
        for name in SensorLine.__struct_fields__
        if name not in ("kind", "sigma", "delivers", "wire")
    }
    wire = sensor.wire
    return SensorLine(
        kind=sensor.kind.label,
        sigma=SigmaFields(**{name: getattr(sensor.sigma, name) for name in SigmaFields.__struct_fields__}),
        delivers="tracks" if sensor.delivers_tracks else "plots",
        wire=WireFields(wire.asterix, dict(wire.editions) or None, wire.sapient, wire.feed),
        **given,
    )

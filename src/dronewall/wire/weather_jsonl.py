"""`weather.jsonl`, read and written: one JSON object a line, the air at one place and instant.

It is read strictly, as `sensors.jsonl` is: an error names the file, the line and the field, and says how to mend it.
"""

from __future__ import annotations

import difflib
import math
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from dronewall.model.errors import InputError
from dronewall.model.weather import Weather

Wind = Annotated[float, Meta(ge=-150, le=150, description="Metres per second, towards the east or north.")]


class WeatherLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of `weather.jsonl`: the air at one place and instant. Absent means not measured."""

    at_ns: Annotated[int, Meta(ge=0, le=2**63 - 1, description="Nanoseconds UTC since the Unix epoch.")]
    lat_deg: Annotated[float, Meta(ge=-90, le=90, description="Degrees, WGS84.")]
    lon_deg: Annotated[float, Meta(ge=-180, le=180, description="Degrees, WGS84.")]
    hae_m: Annotated[float, Meta(ge=-2000, le=50_000, description="Metres above the WGS84 ellipsoid.")]
    wind_e_mps: Wind | None = None
    wind_n_mps: Wind | None = None
    temperature_c: Annotated[float, Meta(ge=-120, le=70)] | None = None
    qnh_hpa: Annotated[float, Meta(ge=800, le=1100)] | None = None


def weather_from(path: Path) -> Weather:
    """Return the reports of a `weather.jsonl` file.

    Raises:
        InputError: the file is missing, or a line is wrong; it says which, where and how to mend it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else (error.strerror or "").lower()
        raise InputError(reason or "it cannot be read", "Check the path.", file=str(path)) from error
    return weather_from_lines(data, file=str(path))


def weather_from_lines(data: bytes, *, file: str = "weather.jsonl") -> Weather:
    """Return the reports that lines of `weather.jsonl` tell; see `weather_from`."""
    decoder = msgspec.json.Decoder(WeatherLine)
    lines = [
        _decoded(decoder, raw, file, number) for number, raw in enumerate(data.split(b"\n"), start=1) if raw.strip()
    ]
    return Weather.of(
        len(lines), **{name: [_told(line, name) for line in lines] for name in WeatherLine.__struct_fields__}
    )


def encoded(weather: Weather) -> bytes:
    """Return reports as lines of `weather.jsonl`."""
    rows = (weather.row(index) for index in range(len(weather)))
    told = ({name: value for name, value in row.items() if not math.isnan(value)} for row in rows)
    return msgspec.json.Encoder().encode_lines([msgspec.convert(row, WeatherLine) for row in told])


def _told(line: WeatherLine, name: str) -> float:
    value = getattr(line, name)
    return math.nan if value is None else value


def _decoded(decoder: msgspec.json.Decoder[WeatherLine], raw: bytes, file: str, number: int) -> WeatherLine:
    try:
        line = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _wrong(str(error).replace("`", ""), file, number) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError("the line is not a JSON object", "Write one report a line.", file, number) from error
    if (line.wind_e_mps is None) != (line.wind_n_mps is None):
        missing = "wind_n_mps" if line.wind_n_mps is None else "wind_e_mps"
        raise InputError(f"{missing} is missing", "Give both parts of the wind, or none.", file, number, missing)
    return line


def _wrong(told: str, file: str, number: int) -> InputError:
    problem, _, place = told.partition(" - at $")
    name = problem.rpartition(" ")[2]
    if problem.startswith("Object missing required field"):
        return InputError(f"{name} is missing", "Every report has a time, a place and a height.", file, number, name)
    if problem.startswith("Object contains unknown field"):
        known = WeatherLine.__struct_fields__
        nearest = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Known are: {', '.join(known)}."
        return InputError(f"there is no field {name!r}", hint, file, number, name)
    return InputError(problem[:1].lower() + problem[1:], "Correct the value.", file, number, place.lstrip(".") or None)

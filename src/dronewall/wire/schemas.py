"""JSON Schemas of the files that other people's programs write and read: `dronewall schema NAME`.

A schema comes from the very type that reads the file; what is a CSV file is described row by row. Numbers that a type
cannot check alone (a datum beside an altitude, a covariance that is symmetric) are told in the descriptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dronewall.config import Settings
from dronewall.model.errors import InputError
from dronewall.model.identity import Affiliation
from dronewall.model.plots import CLASS_OF_LABEL, Datum
from dronewall.model.sensors import KIND_OF_LABEL
from dronewall.wire.plots_line import PlotLine
from dronewall.wire.sensors_jsonl import SensorLine
from dronewall.wire.weather_jsonl import WeatherLine

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Latitude = Annotated[float, Meta(ge=-90, le=90, description="Degrees, WGS84.")]
Longitude = Annotated[float, Meta(ge=-360, le=360, description="Degrees, WGS84.")]
Height = Annotated[float, Meta(description="Metres above the WGS84 ellipsoid.")]
Speed = Annotated[float, Meta(description="Metres per second, local east, north, up.")]
Instant = Annotated[int, Meta(ge=0, le=2**63 - 1, description="Nanoseconds UTC since the Unix epoch.")]
Sigma = Annotated[float, Meta(ge=0, description="Metres, 1-σ.")]
Share = Annotated[float, Meta(ge=0, le=1)]
ClassName = Annotated[str, Meta(extra_json_schema={"enum": list(CLASS_OF_LABEL)})]
AffiliationName = Annotated[str, Meta(extra_json_schema={"enum": [item.label for item in Affiliation]})]


class TruthRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `truth.csv`: where one object was at one instant. An empty field means not known."""

    at_ns: Instant
    object_id: str
    lat_deg: Latitude
    lon_deg: Longitude
    hae_m: Height
    ve_mps: Speed | None = None
    vn_mps: Speed | None = None
    vu_mps: Speed | None = None
    object_class: ClassName | None = msgspec.field(default=None, name="class")
    affiliation: AffiliationName | None = None
    scored: Annotated[int, Meta(ge=0, le=1, description="0: a track on it counts neither for nor against.")] = 1


class TracksRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `tracks.csv`: one confirmed or coasting track at one sample instant."""

    at_ns: Instant
    track_id: Annotated[int, Meta(ge=0, description="Shard (16 bits) and counter (48 bits), never reused.")]
    status: Annotated[str, Meta(extra_json_schema={"enum": ["confirmed", "coasting"]})]
    lat_deg: Latitude
    lon_deg: Longitude
    hae_m: Height
    ve_mps: Speed
    vn_mps: Speed
    vu_mps: Speed
    sigma_e_m: Sigma
    sigma_n_m: Sigma
    sigma_u_m: Sigma
    existence: Share
    object_class: ClassName = msgspec.field(name="class")
    class_p: Share
    affiliation: AffiliationName
    updated_ns: Annotated[Instant, Meta(description="The newest information in the track; of sound, when it left.")]
    quality: Annotated[int, Meta(ge=0, le=15)]
    sensors: Annotated[str, Meta(description="The kinds of sensors that feed it, separated by semicolons.")]
    alternate_ids: Annotated[str, Meta(description="What others call it, separated by semicolons.")]


_TYPES: Mapping[str, type[msgspec.Struct]] = {
    "wall": Settings,
    "sensors": SensorLine,
    "plots": PlotLine,
    "truth": TruthRow,
    "tracks": TracksRow,
    "weather": WeatherLine,
}
_NOT_YET = {
    "scenario": "scenarios come with `dronewall simulate`",
    "fleet": "fleets come with `dronewall rotate`",
}
_WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("SensorLine", "kind"): tuple(KIND_OF_LABEL),
    ("Position", "datum"): tuple(item.name for item in Datum if item is not Datum.ABSENT),
    ("Altitude", "datum"): tuple(item.name for item in Datum if item is not Datum.ABSENT),
}
"""Fields whose words are checked after decoding, so that a bad line costs only itself; a schema may name them."""

_BESIDE: Mapping[str, Mapping[str, str]] = {
    "plots": {
        "description": "One line of plots.jsonl. In plots.parquet each field is a column of the same name, nested ones"
        " dotted (position.lat_deg, claims.icao24, classes.uav_rotary), and null means not measured."
    },
}

FILE_NAMES = tuple(_TYPES)


def file_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a file: of a whole `wall.toml`, of one line or row of the others.

    Raises:
        InputError: there is no such file, or not yet.
    """
    if name in _NOT_YET:
        raise InputError(f"there is no schema '{name}' yet: {_NOT_YET[name]}", _choice(), field="NAME")
    if name not in _TYPES:
        raise InputError(f"there is no schema '{name}'", _choice(), field="NAME")
    (root,), parts = msgspec.json.schema_components([_TYPES[name]], ref_template="#/$defs/{name}")
    for (part, field), words in _WORDS.items():
        if part in parts:
            parts[part]["properties"][field] = {**_plain(parts[part]["properties"][field]), "enum": _all(part, words)}
    return {"$schema": DIALECT, "title": name, **_BESIDE.get(name, {}), **root, "$defs": parts}


def _choice() -> str:
    return f"Choose one of: {', '.join((*FILE_NAMES, 'api'))}"


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """Return a field's schema without its types: its words say more."""
    return {key: value for key, value in field.items() if key not in ("type", "anyOf")}


def _all(part: str, words: tuple[str, ...]) -> list[str | None]:
    return [*words, None] if part == "Position" else [*words]

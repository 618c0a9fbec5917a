"""The schemas we print describe the files we write and refuse the ones we refuse."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from dronewall.bench.files import TRACKS_COLUMNS, TRUTH_COLUMNS
from dronewall.model.errors import InputError
from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sigma, Wire
from dronewall.wire import plots_jsonl, sensors_jsonl
from dronewall.wire.schemas import FILE_NAMES, file_schema

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


KNOWN = {
    *("$ref", "$schema", "$defs", "title", "description", "default", "type", "anyOf", "enum"),
    *(
        "properties",
        "required",
        "additionalProperties",
        "propertyNames",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
    ),
    *("minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "pattern"),
}


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> Iterator[str]:
    """Yield where a value breaks a schema: the part of the dialect that our schemas use."""
    unknown = set(schema) - KNOWN
    assert not unknown, f"{at}: the checker does not know {unknown}"
    if "$ref" in schema:
        yield from faults(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    if "anyOf" in schema and all(any(faults(value, choice, root, at)) for choice in schema["anyOf"]):
        yield f"{at}: {value!r} fits no choice"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is no word"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[kind]) for kind in kinds):
        yield f"{at}: {value!r} is no {kinds}"
    elif isinstance(value, dict):
        yield from object_faults(value, schema, root, at)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults(item, schema.get("items") or {}, root, f"{at}[{index}]")
    elif isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{at}: {value!r} has another pattern"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if not schema.get("minimum", -np.inf) <= value <= schema.get("maximum", np.inf):
            yield f"{at}: {value} is out of bounds"
        if value <= schema.get("exclusiveMinimum", -np.inf):
            yield f"{at}: {value} is too small"


def object_faults(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    for name in schema.get("required", []):
        if name not in value:
            yield f"{at}.{name} is missing"
    others = schema.get("additionalProperties", True)
    for name, part in value.items():
        inner = schema.get("properties", {}).get(name, others)
        if inner is False:
            yield f"{at}.{name} is unknown"
        elif isinstance(inner, dict):
            yield from faults(part, inner, root, f"{at}.{name}")


def found(name: str, value: Any) -> list[str]:
    schema = file_schema(name)
    return list(faults(value, schema, schema))


def sensor() -> Sensor:
    return Sensor(
        "radar-1",
        SensorKind.RADAR_3D,
        50.0,
        30.0,
        120.0,
        sigma=Sigma(range_m=50.0, azimuth_deg=0.2, elevation_deg=0.4),
        period_s=4.0,
        range_max_m=150_000.0,
        wire=Wire(asterix="20/129", editions=(("48", "1.x"),)),
    )


def plots() -> Plots:
    return Plots.of(
        3,
        at_ns=[1, 2, 3],
        received_ns=[2, 3, 4],
        range_m=[1000.0, np.nan, np.nan],
        azimuth_rad=[0.1, 2.0, np.nan],
        lat_deg=[np.nan, np.nan, 50.0],
        lon_deg=[np.nan, np.nan, 30.0],
        altitude_m=[np.nan, np.nan, 9000.0],
        altitude_datum=[Datum.ABSENT, Datum.ABSENT, Datum.PRESSURE],
        icao24=[0, 0, 0x400F99],
        callsign=[b"", b"", b"EZY12"],
        sensor_ids=("radar-1",),
    )


@pytest.mark.parametrize("name", FILE_NAMES)
def test_every_schema_stands_alone(name: str) -> None:
    schema = file_schema(name)
    used = set(re.findall(r"#/\$defs/(\w+)", msgspec.json.encode(schema).decode()))
    assert used <= set(schema["$defs"])
    assert schema["$schema"].startswith("https://json-schema.org/")


def test_the_sensors_we_write_fit_their_schema() -> None:
    lines = [msgspec.json.decode(line) for line in sensors_jsonl.encoded([sensor()]).splitlines()]
    assert lines
    assert [found("sensors", line) for line in lines] == [[]]
    assert found("sensors", {**lines[0], "kind": "crystal_ball"})
    assert found("sensors", {**lines[0], "lat_deg": 91.0})
    assert found("sensors", {**lines[0], "colour": "green"})


def test_the_plots_we_write_fit_their_schema() -> None:
    lines = [msgspec.json.decode(line) for line in plots_jsonl.encoded(plots()).splitlines()]
    assert len(lines) == 3
    assert [found("plots", line) for line in lines] == [[], [], []]
    assert found("plots", {"at_ns": 1})
    assert found("plots", {"sensor_id": "a", "at_ns": 1, "range": 5.0})
    assert found("plots", {"sensor_id": "a", "at_ns": 1, "altitude": {"altitude_m": 5.0, "datum": "SEA"}})


def test_recorded_sensors_fit_their_schema(recordings: Path) -> None:
    lines = (recordings / "asterix" / "sensors.jsonl").read_text().splitlines()
    assert lines
    for line in lines:
        assert found("sensors", msgspec.json.decode(line)) == []


def test_the_least_wall_fits_its_schema() -> None:
    text = '[wall]\nname = "x"\ntruth_domain = "LIVE"\n[[feeds]]\nurl = "beast://127.0.0.1:30005"\n'
    assert found("wall", tomllib.loads(text)) == []
    assert found("wall", tomllib.loads('[wall]\nname = "x"\ntruth_domain = "REAL"\n'))
    assert found("wall", tomllib.loads("[wal]\n"))


@pytest.mark.parametrize(("name", "columns"), [("truth", TRUTH_COLUMNS), ("tracks", TRACKS_COLUMNS)])
def test_a_row_has_the_columns_of_its_file(name: str, columns: tuple[str, ...]) -> None:
    (row,) = file_schema(name)["$defs"].values()
    assert set(row["properties"]) - {"scored"} == set(columns)


def test_a_row_of_tracks_fits_its_schema() -> None:
    text = "5,1,confirmed,50,30,1020,13,4,0,20,20,20,0.99,balloon,0.8,unknown,0,9,radar_3d;adsb,"
    (fields,) = csv.reader([text])
    row = {
        name: value if not re.fullmatch(r"[-\d.]+", value) else float(value)
        for name, value in zip(TRACKS_COLUMNS, fields, strict=True)
    }
    row = {
        name: int(value) if name in ("at_ns", "track_id", "updated_ns", "quality") else value
        for name, value in row.items()
    }
    assert found("tracks", row) == []
    assert found("tracks", {**row, "status": "tentative"})


@pytest.mark.parametrize("name", ["scenario", "fleet", "nonsense"])
def test_a_schema_that_is_not_there_is_refused_with_a_choice(name: str) -> None:
    with pytest.raises(InputError, match="wall, sensors, plots, truth, tracks, weather, api"):
        file_schema(name)


def test_the_schema_of_plots_tells_how_they_stand_in_parquet() -> None:
    assert "plots.parquet" in file_schema("plots")["description"]

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from dronewall.model.errors import InputError
from dronewall.model.sensors import SensorKind
from dronewall.wire.sensors_jsonl import sensors_from, sensors_from_lines

LEAST: dict[str, Any] = {"sensor_id": "radar-1", "kind": "radar_3d"}


def line(**fields: Any) -> bytes:
    return msgspec.json.encode({**LEAST, **fields}) + b"\n"


WRONG: list[tuple[bytes, str | None, str]] = [
    (line(colour="red"), "colour", "there is no field 'colour'"),
    (line(range_max=1), "range_max", "Did you mean 'range_max_m'?"),
    (line(sigma={"range": 1}), "sigma.range", "Did you mean 'range_m'?"),
    (line(wire={"asterisk": "1/2"}), "wire.asterisk", "Did you mean 'asterix'?"),
    (b'{"kind": "radar_3d"}\n', "sensor_id", "sensor_id is missing"),
    (line(kind="radar3d"), "kind", "Did you mean 'radar_3d'?"),
    (line(lat_deg=91, lon_deg=0, hae_m=0), "lat_deg", "expected float <= 90"),
    (line(lat_deg=1, lon_deg=0), "lat_deg", "the site is incomplete"),
    (line(sigma={"range_m": 0}), "sigma.range_m", "expected float > 0"),
    (line(pd=1.5), "pd", "expected float <= 1"),
    (line(delivers="fish"), "delivers", "invalid enum value"),
    (line(range_min_m=5, range_max_m=4), "range_min_m", "range_min_m is not below range_max_m"),
    (line(wire={"asterix": "20-129"}), "wire.asterix", "expected str matching regex"),
    (line(wire={"asterix": "20/300"}), "wire.asterix", "at most 255"),
    (b"# radars\n", None, "the line is not a JSON object"),
]


@pytest.mark.parametrize(("raw", "field", "told"), WRONG, ids=[told for _, _, told in WRONG])
def test_an_error_names_file_line_and_field_and_says_how_to_mend_it(raw: bytes, field: str | None, told: str) -> None:
    with pytest.raises(InputError) as raised:
        sensors_from_lines(line(sensor_id="first") + b"\n" + raw, file="my.jsonl")
    assert (raised.value.file, raised.value.line, raised.value.field) == ("my.jsonl", 3, field)
    assert told in str(raised.value)
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ({}, {}, "sensor_id"),
        ({"wire": {"asterix": "1/2"}}, {"sensor_id": "b", "wire": {"asterix": "001/02"}}, "wire.asterix"),
        ({"wire": {"feed": "f"}}, {"sensor_id": "b", "wire": {"feed": "f"}}, "wire.feed"),
    ],
)
def test_what_must_be_unique_may_stand_only_once(first: dict[str, Any], second: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match="stands in line 1 already") as raised:
        sensors_from_lines(line(**first) + line(**second))
    assert (raised.value.line, raised.value.field) == (2, field)


def test_a_sensor_keeps_all_that_was_declared() -> None:
    (sensor,) = sensors_from_lines(
        line(
            kind="passive_radar",
            lat_deg=50.5,
            lon_deg=24.25,
            hae_m=210.0,
            sigma={"azimuth_deg": 0.5},
            period_s=2.0,
            delivers="tracks",
            owner="A",
            wire={"asterix": "020/129", "edition": {"48": "1.31"}},
        )
    )
    assert sensor.kind is SensorKind.PASSIVE_RADAR
    assert (sensor.lat_deg, sensor.lon_deg, sensor.hae_m, sensor.sited) == (50.5, 24.25, 210.0, True)
    assert (sensor.sigma.azimuth_deg, sensor.sigma.range_m, sensor.period_s) == (0.5, None, 2.0)
    assert (sensor.delivers_tracks, sensor.owner) == (True, "A")
    assert (sensor.wire.asterix, sensor.wire.editions) == ("20/129", (("48", "1.31"),))


def test_sensors_are_found_by_what_they_are_called_on_the_wire() -> None:
    register = sensors_from_lines(line(wire={"asterix": "20/129"}))
    assert register.id_on_wire("asterix", "20/129") == "radar-1"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file") as raised:
        sensors_from(tmp_path / "none.jsonl")
    assert raised.value.file == str(tmp_path / "none.jsonl")


def test_the_example_register_is_read(recordings: Path) -> None:
    (sensor,) = sensors_from(recordings / "asterix" / "sensors.jsonl")
    assert (sensor.sensor_id, sensor.wire.editions) == ("barcelona-ssr", (("48", "1.x"),))

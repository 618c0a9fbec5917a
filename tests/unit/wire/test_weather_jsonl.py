"""`weather.jsonl`: what is read is what was written, and an error says where and how to mend it."""

import json

import numpy as np
import pytest

from dronewall.model.errors import InputError
from dronewall.wire.schemas import file_schema
from dronewall.wire.weather_jsonl import WeatherLine, encoded, weather_from_lines

LINE = {"at_ns": 1, "lat_deg": 52.0, "lon_deg": 22.0, "hae_m": 10.0, "wind_e_mps": 3.5, "wind_n_mps": -2.0}


def test_what_was_written_is_read_again_and_absent_stays_absent() -> None:
    lines = [LINE, {"at_ns": 2, "lat_deg": 51.5, "lon_deg": 21.0, "hae_m": 0.0, "temperature_c": -5.0}]
    weather = weather_from_lines("\n".join(map(json.dumps, lines)).encode())
    assert weather.wind_e_mps[0] == 3.5 and np.isnan(weather.temperature_c[0]) and np.isnan(weather.wind_e_mps[1])
    assert [json.loads(line) for line in encoded(weather).splitlines()] == lines
    assert len(weather_from_lines(b"")) == 0


@pytest.mark.parametrize(
    ("line", "field", "problem", "remedy"),
    [
        ({**LINE, "wind_east": 1.0}, "wind_east", "there is no field", "wind_e_mps"),
        ({k: v for k, v in LINE.items() if k != "hae_m"}, "hae_m", "hae_m is missing", "height"),
        ({**LINE, "lat_deg": 95.0}, "lat_deg", "<= 90", "Correct"),
        ({k: v for k, v in LINE.items() if k != "wind_n_mps"}, "wind_n_mps", "wind_n_mps is missing", "both"),
    ],
)
def test_a_wrong_line_is_named_with_its_field_and_remedy(line: dict, field: str, problem: str, remedy: str) -> None:
    data = "\n".join(map(json.dumps, [LINE, line])).encode()
    with pytest.raises(InputError) as told:
        weather_from_lines(data, file="air.jsonl")
    error = told.value
    assert (error.file, error.line, error.field) == ("air.jsonl", 2, field)
    assert problem in error.problem and remedy in error.remedy


def test_what_is_no_json_is_named_by_its_line() -> None:
    with pytest.raises(InputError, match="not a JSON object"):
        weather_from_lines(b"at_ns,lat_deg\n")


def test_the_schema_has_every_field_of_a_line() -> None:
    schema = file_schema("weather")
    assert set(schema["$defs"]["WeatherLine"]["properties"]) == set(WeatherLine.__struct_fields__)

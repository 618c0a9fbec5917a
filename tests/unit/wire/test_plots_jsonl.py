from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from dronewall.model.plots import Datum, ObjectClass, Plots
from dronewall.wire.plots_jsonl import CUT_SHORT, TOO_LONG, PlotLines
from dronewall.wire.plots_line import LINE_MAX_BYTES
from dronewall.wire.refusals import Refusals

LEAST: dict[str, Any] = {"sensor_id": "radar-1", "at_ns": 1_700_000_000_000_000_000}
POSITION = {"lat_deg": 50.0, "lon_deg": 24.0}
TRANSMITTER = {"lat_deg": 1.0, "lon_deg": 2.0, "hae_m": 3.0}
UNIT_3 = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]


def line(**fields: Any) -> bytes:
    return msgspec.json.encode({**LEAST, **fields}) + b"\n"


def read(*data: bytes, received_ns: int | None = None) -> tuple[list[Plots], list[tuple[str, int]]]:
    refusals = Refusals("test")
    lines = PlotLines(refusals)
    plots = [lines.read(piece, received_ns=received_ns) for piece in data]
    lines.finish()
    return plots, [(error.reason, error.offset) for error in refusals.taken()]


def only(**fields: Any) -> dict[str, Any]:
    (plots,), refused = read(line(**fields))
    assert refused == []
    assert len(plots) == 1
    return plots.row(0)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"colour": 1}, "unknown field colour"),
    ({"position": {**POSITION, "height_m": 3}}, "unknown field position.height_m"),
    ({"at_ns": 1.5}, "at_ns: expected int, got float"),
    ({"at_ns": "now"}, "at_ns: expected int, got str"),
    ({"at_ns": -1}, "at_ns: expected int >= 0"),
    ({"at_ns": 2**63}, "at_ns: expected int <= 9223372036854775807"),
    ({"sensor_id": ""}, "sensor_id: expected str of length >= 1"),
    ({"range_m": "far"}, "range_m: expected float | null, got str"),
    ({"range_m": -1.0}, "range_m is negative"),
    ({"azimuth_deg": 361.0}, "azimuth_deg is outside -360 to 360"),
    ({"elevation_deg": -91.0}, "elevation_deg is outside -90 to 90"),
    ({"position": {"lat_deg": 90.1, "lon_deg": 0.0}}, "position.lat_deg is outside -90 to 90"),
    ({"position": {"lat_deg": 0.0, "lon_deg": 200.0}}, "position.lon_deg is outside -180 to 180"),
    ({"position": {"lat_deg": 0.0}}, "position.lon_deg is missing"),
    ({"position": {**POSITION, "altitude_m": 3.0}}, "altitude without a datum"),
    ({"position": {**POSITION, "datum": "EGM2008"}}, "position has a datum and no altitude_m"),
    ({"altitude": {"altitude_m": 3.0}}, "altitude.datum is missing"),
    ({"altitude": {"altitude_m": 3.0, "datum": "MSL"}}, "datum is none of WGS84_HAE, EGM2008, PRESSURE"),
    ({"altitude": {"altitude_m": 2e6, "datum": "EGM2008"}}, "altitude is out of this world"),
    (
        {
            "altitude": {"altitude_m": 3.0, "datum": "EGM2008"},
            "position": {**POSITION, "altitude_m": 3.0, "datum": "EGM2008"},
        },
        "two altitudes: one in position, one beside it",
    ),
    ({"covariance": [1.0, 2.0]}, "covariance is neither 3 x 3 nor 6 x 6"),
    ({"covariance": [1.0, 9.0, *UNIT_3[2:]]}, "covariance is not symmetric"),
    ({"covariance": [-1.0, *UNIT_3[1:]]}, "covariance has a variance that is not positive"),
    ({"sigma": {"range_m": 0.0}}, "sigma is not positive"),
    ({"sigma": {"range_m": 1e300}}, "sigma is not finite"),
    ({"bistatic": {"transmitter": TRANSMITTER, "range_sum_m": -1.0}}, "bistatic.range_sum_m is negative"),
    ({"classes": {"dragon": 1.0}}, "class is unknown"),
    ({"classes": {"bird": 1.5}}, "probability of a class is outside 0 to 1"),
    ({"classes": {"bird": 0.9, "decoy": 0.9}}, "probabilities of classes add up to more than 1"),
    ({"claims": {"icao24": "xyz"}}, "claims.icao24 is not six hexadecimal digits"),
    ({"claims": {"icao24": "000000"}}, "claims.icao24 is not six hexadecimal digits"),
    ({"claims": {"squawk": "7800"}}, "claims.squawk is not four octal digits"),
    ({"claims": {"nic": 16}}, "claims.nic: expected int <= 15"),
    ({"claims": {"callsign": "TOOLONG99"}}, "callsign is longer than 8 bytes"),
    ({"track_ref": "a\0b"}, "track_ref holds a zero byte"),
    ({"velocity_enu_mps": [1.0, 2.0]}, "velocity_enu_mps: expected array of length 3"),
]


@pytest.mark.parametrize(("fields", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_a_line_that_breaks_a_rule_is_refused_and_its_neighbours_are_kept(fields: dict[str, Any], reason: str) -> None:
    good = line(range_m=5.0)
    (plots,), refused = read(good + line(**fields) + good)
    assert len(plots) == 2
    assert refused == [(reason, len(good))]


@pytest.mark.parametrize("raw", [b"hello", b'{"sensor_id":', b"\xff\xfe", b'{"sensor_id":"a","at_ns":NaN}', b"{}{}"])
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    (plots,), refused = read(raw + b"\n" + line())
    assert len(plots) == 1
    assert refused in ([("line is not JSON", 0)], [("sensor_id is missing", 0)])


def test_infinite_numbers_are_refused() -> None:
    _, refused = read(line(range_m=0)[:-3] + b"1e999}\n")
    assert refused == [("range_m: number out of range", 0)]


def test_degrees_become_radians_and_azimuths_a_turn() -> None:
    row = only(range_m=10.0, azimuth_deg=-90.0, elevation_deg=30.0, sigma={"azimuth_deg": 1.0})
    assert row["azimuth_rad"] == pytest.approx(1.5 * math.pi)
    assert row["elevation_rad"] == pytest.approx(math.pi / 6)
    assert row["sigma_azimuth_rad"] == pytest.approx(math.radians(1.0))


def test_every_field_finds_its_column() -> None:
    row = only(
        scan=7,
        scan_end=True,
        range_rate_mps=-3.0,
        bistatic={"transmitter": TRANSMITTER, "range_sum_m": 9.0, "range_rate_sum_mps": 1.5},
        position={**POSITION, "altitude_m": 120.0, "datum": "EGM2008"},
        velocity_enu_mps=[1.0, 2.0, 3.0],
        covariance=UNIT_3,
        track_ref=17,
        pose={**POSITION, "hae_m": 5.0, "heading_deg": 180.0, "sigma_m": 2.0, "sigma_heading_deg": 180.0},
        claims={"icao24": "4ca216", "callsign": "EIN5GV ", "squawk": 12, "uas_id": "u", "operator_id": "o", "nic": 8},
        classes={"loitering": 0.25, "bird": 0.5},
    )
    expected = {
        "scan": 7,
        "scan_end": True,
        "range_rate_mps": -3.0,
        "transmitter_hae_m": 3.0,
        "range_sum_m": 9.0,
        "range_rate_sum_mps": 1.5,
        "lat_deg": 50.0,
        "lon_deg": 24.0,
        "altitude_m": 120.0,
        "altitude_datum": Datum.EGM2008,
        "velocity_east_mps": 1.0,
        "velocity_north_mps": 2.0,
        "velocity_up_mps": 3.0,
        "track_ref": b"17",
        "pose_hae_m": 5.0,
        "pose_heading_rad": math.pi,
        "pose_sigma_m": 2.0,
        "icao24": 0x4CA216,
        "callsign": b"EIN5GV",
        "squawk": 12,
        "nic": 8,
        "nacp": -1,
        "uas_id": b"u",
        "operator_id": b"o",
    }
    assert {name: row[name] for name in expected} == expected
    assert [row["covariance"][cell] for cell in (0, 1, 6, 11)] == [1.0, 0.0, 1.0, 1.0]
    assert math.isnan(row["covariance"][20])
    assert row["classes"][ObjectClass.LOITERING] == 0.25


def test_a_nested_covariance_is_read_like_a_flat_one() -> None:
    nested = [UNIT_3[start : start + 3] for start in (0, 3, 6)]
    np.testing.assert_equal(only(covariance=nested)["covariance"], only(covariance=UNIT_3)["covariance"])


def test_the_end_of_a_scan_and_an_empty_scan_survive() -> None:
    (plots,), _ = read(line(scan=1, scan_end=True, range_m=1.0) + line(scan=2, empty=True))
    assert plots.scan_end.tolist() == [True, False]
    assert plots.empty_scan.tolist() == [False, True]
    assert plots.scan.tolist() == [1, 2]


def test_live_lines_are_stamped_by_us_and_recorded_ones_believed() -> None:
    data = line(received_ns=5) + line()
    (live,), _ = read(data, received_ns=99)
    assert live.received_ns.tolist() == [99, 99]
    (recorded,), _ = read(data)
    assert recorded.received_ns.tolist() == [5, LEAST["at_ns"]]


def test_a_half_line_at_the_end_is_refused() -> None:
    good = line()
    (plots,), refused = read(good + line()[:-1])
    assert len(plots) == 1
    assert refused == [(CUT_SHORT, len(good))]


def test_a_line_over_64_kib_is_refused_and_never_kept_whole() -> None:
    refusals = Refusals("test")
    lines = PlotLines(refusals)
    for _ in range(100):
        assert not len(lines.read(b"x" * 10_000, received_ns=None))
        assert len(lines._pending) <= LINE_MAX_BYTES
    assert len(lines.read(b"\n" + line(), received_ns=None)) == 1
    assert [(error.reason, error.offset) for error in refusals.taken()] == [(TOO_LONG, 0)]
    assert lines.lines == 2


def test_every_ended_line_counts_for_the_acknowledgement() -> None:
    lines = PlotLines(Refusals("test"))
    lines.read(line() + b"\nnonsense\n" + line()[:-1], received_ns=None)
    assert lines.lines == 3

"""There and back: what is written to the wire is read back as it was."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dronewall.feeds.plots import PlotsDecoder
from dronewall.model.plots import CLASS_COUNT, COVARIANCE_CELLS, NAN, Datum, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma, Wire
from dronewall.wire.beast.framing import BeastFrame, BeastFraming
from dronewall.wire.beast.framing import encoded as beast_encoded
from dronewall.wire.mode_s.cpr import Place, encoded_place, place_from_pair, place_near
from dronewall.wire.plots_columns import CELLS_OF_3
from dronewall.wire.plots_jsonl import encoded
from dronewall.wire.refusals import Refusals
from dronewall.wire.sensors_jsonl import encoded as sensors_encoded
from dronewall.wire.sensors_jsonl import sensors_from_lines

INSTANT = st.integers(0, 2**63 - 1)
TURN = st.floats(0.0, 6.28)
METRES = st.floats(0.0, 1e6)
SPEED = st.floats(-1e3, 1e3)
SIGMA = st.floats(0.0009765625, 1e4, width=32)
WORD = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=8).map(str.encode)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    row: dict[str, Any] = {
        "sensor": draw(st.integers(0, 2)),
        "at_ns": draw(INSTANT),
        "received_ns": draw(INSTANT),
        "scan": draw(st.just(-1) | INSTANT),
        "scan_end": draw(st.booleans()),
        "empty_scan": draw(st.booleans()),
        "range_m": draw(maybe(METRES)),
        "azimuth_rad": draw(maybe(TURN)),
        "elevation_rad": draw(maybe(st.floats(-1.57, 1.57))),
        "range_rate_mps": draw(maybe(SPEED)),
        "icao24": draw(maybe(st.integers(1, 0xFFFFFF))),
        "callsign": draw(maybe(WORD)),
        "squawk": draw(maybe(st.text("01234567", min_size=4, max_size=4).map(int))),
        "nic": draw(maybe(st.integers(0, 15))),
        "nacp": draw(maybe(st.integers(0, 15))),
        "uas_id": draw(maybe(WORD)),
        "operator_id": draw(maybe(WORD)),
        "track_ref": draw(maybe(WORD)),
    }
    for name in (
        "range_m",
        "azimuth_rad",
        "elevation_rad",
        "range_rate_mps",
        "position_m",
        "altitude_m",
        "velocity_mps",
    ):
        row[f"sigma_{name}"] = draw(maybe(SIGMA))
    if draw(st.booleans()):
        row |= {"lat_deg": draw(st.floats(-90, 90)), "lon_deg": draw(st.floats(-180, 180))}
    if draw(st.booleans()):
        row |= {"altitude_m": draw(st.floats(-400, 1e5)), "altitude_datum": draw(st.sampled_from(list(Datum)[1:]))}
    if draw(st.booleans()):
        row |= {f"velocity_{axis}_mps": draw(SPEED) for axis in ("east", "north")}
        row["velocity_up_mps"] = draw(maybe(SPEED))
    if draw(st.booleans()):
        row |= {"transmitter_lat_deg": 1.0, "transmitter_lon_deg": 2.0, "transmitter_hae_m": 3.0}
        row |= {"range_sum_m": draw(METRES), "range_rate_sum_mps": draw(maybe(SPEED))}
    if draw(st.booleans()):
        row |= {"pose_lat_deg": 1.0, "pose_lon_deg": 2.0, "pose_hae_m": 3.0, "pose_heading_rad": draw(maybe(TURN))}
        row |= {"pose_sigma_m": draw(maybe(SIGMA)), "pose_sigma_heading_rad": draw(maybe(SIGMA))}
    row["covariance"] = draw(st.none() | covariances())
    row["classes"] = draw(st.none() | probabilities())
    return row


@st.composite
def covariances(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    upper = np.full(COVARIANCE_CELLS, NAN, np.float32)
    if draw(st.booleans()):
        upper[:] = 0.0
        upper[[0, 6, 11, 15, 18, 20]] = draw(st.lists(SIGMA, min_size=6, max_size=6))
    else:
        a, b, c = draw(st.lists(SIGMA, min_size=3, max_size=3))
        upper[list(CELLS_OF_3)] = [a, 0.5 * math.sqrt(a) * math.sqrt(b), 0.0, b, 0.0, c]
    return upper


@st.composite
def probabilities(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    weights = np.array(draw(st.lists(st.integers(0, 9), min_size=CLASS_COUNT, max_size=CLASS_COUNT)), float)
    return (weights / max(weights.sum(), 1.0)).astype(np.float32)


def table(drawn: list[dict[str, Any]]) -> Plots:
    columns: dict[str, Any] = {}
    blank = Plots.of(1)
    for name, absent in blank.columns():
        cells = [absent[0] if row.get(name) is None else row[name] for row in drawn]
        columns[name] = np.array(cells, dtype=absent.dtype).reshape(len(drawn), *absent.shape[1:])
    return Plots(**columns, sensor_ids=("radar-1", "array 2", "приймач-3"))


@given(st.lists(rows(), max_size=2).map(table))
def test_plots_written_as_lines_are_read_back_as_they_were(plots: Plots) -> None:
    decoded = PlotsDecoder("test").decode(encoded(plots), received_ns=None)
    assert decoded.refused == ()
    back = decoded.plots
    assert [back.sensor_ids[s] for s in back.sensor] == [plots.sensor_ids[s] for s in plots.sensor]
    for name, values in plots.columns():
        if name == "sensor":
            continue
        got = getattr(back, name)
        if values.dtype.kind == "f":
            exact = not name.endswith("_rad")
            np.testing.assert_allclose(got, values, rtol=0.0 if exact else 1e-6, atol=0.0 if exact else 1e-12)
        else:
            assert (got == values).all(), name


@given(
    ticks=st.integers(0, 2**48 - 1),
    signal=st.integers(0, 255),
    message=st.sampled_from([2, 7, 14]).flatmap(lambda size: st.binary(min_size=size, max_size=size)),
)
def test_any_beast_frame_comes_back_as_it_was_sent(ticks: int, signal: int, message: bytes) -> None:
    kind = {2: 0x31, 7: 0x32, 14: 0x33}[len(message)]
    sent = BeastFrame(kind, ticks, signal, message, 0)
    assert BeastFraming(Refusals("test")).frames(beast_encoded(sent)) == [sent]


@given(lat=st.floats(-86.9, 86.9), lon=st.floats(-180, 180), odd=st.booleans(), surface=st.booleans())
def test_a_position_squeezed_into_messages_comes_out_where_it_was(
    lat: float, lon: float, odd: bool, surface: bool
) -> None:
    place = Place(lat, lon)
    latest, other = (encoded_place(place, odd=which, surface=surface) for which in (odd, not odd))
    near = place_near(latest, Place(max(-89.0, min(89.0, lat + 0.2)), lon))
    assert near is not None
    assert near.distance_m(place) < 10.0
    pair = place_from_pair(latest, other, near=Place(lat, lon))
    # At a border of zones the halves may lie on different sides; then there is no answer rather than a wrong one.
    assert pair is None or pair.distance_m(place) < 10.0


SENSOR = st.builds(
    Sensor,
    sensor_id=st.text(min_size=1, max_size=20).filter(lambda text: text == text.encode("utf-8", "ignore").decode()),
    kind=st.sampled_from(SensorKind),
    sigma=st.builds(Sigma, range_m=maybe(st.floats(0.1, 1e4)), azimuth_deg=maybe(st.floats(0.01, 90))),
    period_s=maybe(st.floats(0.1, 100)),
    pd=maybe(st.floats(0.01, 1.0)),
    delivers_tracks=st.booleans(),
    owner=st.text("abc", max_size=5),
    wire=st.builds(Wire, asterix=st.none() | st.just("20/129"), editions=st.just((("48", "1.31"),))),
)


@given(sensor=SENSOR, sited=st.booleans())
def test_sensors_written_as_lines_are_read_back_as_they_were(sensor: Sensor, sited: bool) -> None:
    register = Sensors([sensor])
    assert list(sensors_from_lines(sensors_encoded(register))) == [sensor]

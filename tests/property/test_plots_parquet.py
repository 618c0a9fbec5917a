"""`plots.parquet` and `plots.jsonl` are one format in two packings: what goes through either comes out the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dronewall.feeds.plots import PlotsDecoder
from dronewall.model.errors import InputError
from dronewall.model.plots import CLASS_COUNT, COVARIANCE_CELLS, NAN, Datum, ObjectClass, Plots
from dronewall.wire.plots_columns import CELLS_OF_3
from dronewall.wire.plots_jsonl import encoded
from dronewall.wire.plots_parquet import COLUMNS, REQUIRED, check_columns, plots_of, table_of
from dronewall.wire.refusals import Refusals

pa = pytest.importorskip("pyarrow")
LABELS = np.array([datum for datum in Datum if datum is not Datum.ABSENT])


def drawn(seed: int, length: int) -> Plots:
    """Return plots with anything in them that may be, and anything missing that may be."""
    rng = np.random.default_rng(seed)

    def sometimes(low: float, high: float, where: Any = True) -> Any:
        there = (rng.random(length) < 0.5) & where
        return np.where(there, rng.uniform(low, high, length), NAN)

    def half() -> Any:
        return rng.random(length) < 0.5

    def beside(there: Any, low: float, high: float) -> Any:
        return np.where(there, rng.uniform(low, high, length), NAN)

    columns: dict[str, Any] = {
        "sensor": rng.integers(0, 3, length),
        "at_ns": rng.integers(0, 2**63 - 1, length),
        "received_ns": rng.integers(0, 2**63 - 1, length),
        "scan": np.where(half(), rng.integers(0, 2**62, length), -1),
        "scan_end": half(),
        "empty_scan": half(),
        "range_m": sometimes(0.0, 1e6),
        "azimuth_rad": sometimes(0.0, 6.28),
        "elevation_rad": sometimes(-1.57, 1.57),
        "range_rate_mps": sometimes(-1e3, 1e3),
        "icao24": np.where(half(), rng.integers(1, 0xFFFFFF, length), 0),
        "callsign": np.where(half(), b"KLM1023", b""),
        "squawk": np.where(half(), 7, -1),
        "nic": rng.integers(-1, 16, length),
        "nacp": rng.integers(-1, 16, length),
        "uas_id": np.where(half(), "приймач".encode(), b""),
        "operator_id": np.where(half(), b"POL123", b""),
        "track_ref": np.where(half(), b"17", b""),
    }
    for name in ("range_m", "azimuth_rad", "elevation_rad", "range_rate_mps", "position_m", "altitude_m"):
        columns[f"sigma_{name}"] = sometimes(0.01, 100.0)
    placed, high, moving, passive, carried = half(), half(), half(), half(), half()
    columns |= {"lat_deg": beside(placed, -90, 90), "lon_deg": beside(placed, -180, 180)}
    columns |= {"altitude_m": beside(high, -400, 1e5), "altitude_datum": np.where(high, rng.choice(LABELS, length), 0)}
    columns |= {f"velocity_{axis}_mps": beside(moving, -300, 300) for axis in ("east", "north")}
    columns["velocity_up_mps"] = sometimes(-50, 50, moving)
    columns |= {f"transmitter_{name}": beside(passive, 1, 60) for name in ("lat_deg", "lon_deg", "hae_m")}
    columns |= {"range_sum_m": beside(passive, 0, 1e5), "range_rate_sum_mps": sometimes(-300, 300, passive)}
    columns |= {f"pose_{name}": beside(carried, 1, 60) for name in ("lat_deg", "lon_deg", "hae_m")}
    columns |= {
        "pose_heading_rad": sometimes(0, 6.28, carried),
        "pose_sigma_m": sometimes(0.1, 9, carried),
        "pose_sigma_heading_rad": sometimes(0.01, 1, carried),
    }
    upper = np.full((length, COVARIANCE_CELLS), NAN, np.float32)
    for row in np.flatnonzero(half()):
        if rng.random() < 0.5:
            upper[row] = 0.0
            upper[row, [0, 6, 11, 15, 18, 20]] = rng.uniform(0.1, 100.0, 6)
        else:
            upper[row, list(CELLS_OF_3)] = [2.5, 0.1, 0.0, 3.5, 0.0, 4.5]
    columns["covariance"] = upper
    weights = rng.random((length, CLASS_COUNT)) * (rng.random((length, CLASS_COUNT)) < 0.2)
    columns["classes"] = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
    return Plots.of(length, **columns, sensor_ids=("radar-1", "array 2", "приймач-3"))


def assert_same(one: Plots, other: Plots) -> None:
    assert [one.sensor_ids[s] for s in one.sensor] == [other.sensor_ids[s] for s in other.sensor]
    for (name, values), (_, others) in zip(one.columns(), other.columns(), strict=True):
        if name != "sensor":
            assert values.tobytes() == others.tobytes(), name


@given(st.integers(0, 2**32 - 1), st.integers(0, 5))
def test_a_table_of_plots_gives_what_the_same_plots_give_as_lines(seed: int, length: int) -> None:
    plots = drawn(seed, length)
    lines = PlotsDecoder("test").decode(encoded(plots), received_ns=None)
    assert lines.refused == ()
    assert_same(plots_of(table_of(plots)), lines.plots)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_a_table_of_plots_gives_the_same_plots_but_for_the_last_digit_of_angles(seed: int, length: int) -> None:
    plots = drawn(seed, length)
    back = plots_of(table_of(plots))
    for (name, values), (_, others) in zip(plots.columns(), back.columns(), strict=True):
        if name.endswith("_rad"):
            np.testing.assert_allclose(others, values, rtol=1e-6)
        elif name != "sensor":
            assert values.tobytes() == others.tobytes(), name


def test_a_file_has_every_column_and_names_those_of_classes() -> None:
    assert table_of(drawn(1, 3)).schema.names == list(COLUMNS)
    assert {f"classes.{kind.label}" for kind in ObjectClass} <= set(COLUMNS)


def row(**cells: Any) -> Any:
    return pa.table({"sensor_id": ["a"], "at_ns": [1], **{name: [value] for name, value in cells.items()}})


def test_the_least_that_is_a_plot_is_one() -> None:
    plots = plots_of(row(azimuth_deg=90.0))
    assert (plots.sensor_ids, plots.at_ns[0], plots.received_ns[0]) == (("a",), 1, 1)
    assert plots.azimuth_rad[0] == np.pi / 2
    assert np.isnan(plots.range_m[0])


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"azimuth_deg": 361.0}, "azimuth_deg is outside -360 to 360"),
        ({"range_m": float("inf")}, "range_m is not finite"),
        ({"position.lat_deg": 49.0}, "position.lon_deg is missing"),
        ({"position.lat_deg": 91.0, "position.lon_deg": 1.0}, "position.lat_deg is outside -90 to 90"),
        ({"altitude.altitude_m": 100.0}, "altitude.datum is missing"),
        ({"claims.nic": 16}, "claims.nic: expected int <= 15"),
        ({"covariance": [1.0, 2.0]}, "covariance is neither 3 x 3 nor 6 x 6"),
        ({"classes.bird": 1.5}, "probability of a class is outside 0 to 1"),
    ],
)
def test_a_row_that_breaks_a_rule_costs_only_itself(cells: dict[str, Any], reason: str) -> None:
    refusals = Refusals("test")
    table = pa.concat_tables([row(), row(**cells), row()], promote_options="default")
    assert len(plots_of(table, refusals, first_row=10)) == 2
    (refused,) = refusals.taken()
    assert (refused.reason, refused.offset) == (reason, 11)
    with pytest.raises(InputError, match="row 1 cannot be used"):
        plots_of(table)


def test_nan_means_absent_as_many_writers_mean_it() -> None:
    assert np.isnan(plots_of(row(range_m=NAN)).range_m[0])


def test_claims_nobody_uses_are_let_through_and_not_kept() -> None:
    table = row(**{"claims.emitter": "A3", "claims.icao24": "3c65ab"})
    check_columns(table.schema)
    assert plots_of(table).icao24[0] == 0x3C65AB


@pytest.mark.parametrize(
    ("schema", "field", "says"),
    [
        ({"azimut_deg": pa.float64()}, "azimut_deg", "Did you mean 'azimuth_deg'?"),
        ({"position.latitude": pa.float64()}, "position.latitude", "Did you mean 'position"),
        ({"range_m": pa.string()}, "range_m", "holds string, and should hold a number. Write it as double."),
        ({"at_ns": pa.timestamp("ns")}, "at_ns", "holds timestamp[ns], and should hold a whole number"),
        ({"covariance": pa.float64()}, "covariance", "should hold a list of numbers"),
    ],
)
def test_a_column_that_cannot_be_used_is_named_with_the_remedy(schema: dict[str, Any], field: str, says: str) -> None:
    least = {"sensor_id": pa.string(), "at_ns": pa.int64()}
    with pytest.raises(InputError) as caught:
        check_columns(pa.schema(list({**least, **schema}.items())), file="night.parquet")
    assert (caught.value.file, caught.value.field) == ("night.parquet", field)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_column_that_every_plot_needs_is_missed(name: str) -> None:
    least = {"sensor_id": pa.string(), "at_ns": pa.int64()}
    del least[name]
    with pytest.raises(InputError, match="this column is missing"):
        check_columns(pa.schema(list(least.items())))


@pytest.mark.parametrize("held", [pa.float32(), pa.int32(), pa.null()])
def test_any_kind_of_number_will_do_for_a_number(held: Any) -> None:
    check_columns(
        pa.schema([("sensor_id", pa.dictionary(pa.int32(), pa.string())), ("at_ns", pa.int64()), ("range_m", held)])
    )

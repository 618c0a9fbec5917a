"""Tables: columns that fit together, read-only, with absent values where nothing was measured."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.model.errors import IllegalMove, InputError
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Wire
from dronewall.model.table import SHARED_ROWS
from dronewall.model.tracks import TrackStatus, shown_id


def test_what_was_not_measured_is_absent() -> None:
    plots = Plots.of(2, range_m=[1.0, 2.0], sensor_ids=("a",))
    assert np.isnan(plots.azimuth_rad).all()
    assert plots.scan.tolist() == [-1, -1]
    assert plots.callsign.tolist() == [b"", b""]


def test_columns_cannot_be_written() -> None:
    plots = Plots.of(1, range_m=5.0)
    with pytest.raises(ValueError, match="read-only"):
        plots.range_m[0] = 6.0


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="rows"):
        Plots.of(2, range_m=[1.0, 2.0, 3.0])


def test_joined_batches_share_one_dictionary_of_sensors() -> None:
    first = Plots.of(2, sensor=[0, 1], sensor_ids=("a", "b"))
    second = Plots.of(2, sensor=[0, 1], sensor_ids=("b", "c"))
    together = Plots.concat([first, second])
    assert [together.sensor_ids[row] for row in together.sensor] == ["a", "b", "b", "c"]


def test_taking_rows_keeps_their_sensors() -> None:
    plots = Plots.of(3, sensor=[0, 1, 0], range_m=[1.0, 2.0, 3.0], sensor_ids=("a", "b"))
    picked = plots.take(np.array([1]))
    assert picked.sensor_ids[picked.sensor[0]] == "b"
    assert picked.row(0)["range_m"] == 2.0


def test_a_track_moves_only_as_its_table_of_moves_allows() -> None:
    assert TrackStatus.TENTATIVE.moved_to(TrackStatus.CONFIRMED) is TrackStatus.CONFIRMED
    assert TrackStatus.COASTING.may_become(TrackStatus.CONFIRMED)
    with pytest.raises(IllegalMove):
        TrackStatus.DROPPED.moved_to(TrackStatus.CONFIRMED)
    with pytest.raises(IllegalMove):
        TrackStatus.CONFIRMED.moved_to(TrackStatus.TENTATIVE)


def test_track_numbers_are_shown_with_their_shard_when_it_is_not_the_first() -> None:
    assert shown_id(123) == "T-000123"
    assert shown_id((3 << 48) + 7) == "T-3-000007"


def test_sensors_are_found_by_id_and_by_wire() -> None:
    ssr = Sensor("bcn", SensorKind.SSR, wire=Wire(asterix="20/129"))
    sensors = Sensors([ssr]).joined_by([Sensor("x", SensorKind.ADSB), Sensor("bcn", SensorKind.ADSB)])
    assert sensors.id_on_wire("asterix", "20/129") == "bcn"
    assert [s.sensor_id for s in sensors] == ["bcn", "x"]
    assert sensors[sensors.row_of("bcn")].kind is SensorKind.SSR
    assert sensors.row_of("nobody") == -1


def test_errors_say_where_and_how_to_mend() -> None:
    error = InputError(
        "a sigma is negative", "Give a positive number", file="sensors.jsonl", line=3, field="sigma.range_m"
    )
    assert str(error) == "sensors.jsonl:3 [sigma.range_m]: a sigma is negative. Give a positive number"


def test_absent_columns_are_one_piece_of_memory_through_taking_and_joining() -> None:
    plots = Plots.of(3, range_m=[1.0, 2.0, 3.0], sensor_ids=("a",))
    picked = plots.take(np.array([True, False, True]))
    together = Plots.concat([plots, picked])
    for table in (plots, picked, together):
        assert np.shares_memory(table.covariance, Plots.of(1).covariance)
        assert np.isnan(table.covariance).all()
    assert together.range_m.tolist() == [1.0, 2.0, 3.0, 1.0, 3.0]
    assert (len(picked.covariance), len(together.covariance)) == (2, 5)
    with pytest.raises(ValueError, match="read-only"):
        together.covariance[0, 0] = 1.0


def test_a_column_with_values_is_joined_to_an_absent_one() -> None:
    together = Plots.concat([Plots.of(1, sensor_ids=("a",)), Plots.of(2, nic=[7, -1], sensor_ids=("a",))])
    assert together.nic.tolist() == [-1, 7, -1]


def test_very_long_tables_have_absent_columns_of_their_own() -> None:
    long = Plots.of(SHARED_ROWS + 1, sensor_ids=("a",))
    assert np.isnan(long.range_m).all()
    assert (len(long.take(slice(0, 2)).range_m), len(Plots.concat([long, long]).range_m)) == (2, 2 * SHARED_ROWS + 2)

"""Tables and messages become bytes and come back to the bit; damage is never taken for data."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from dronewall.engine.envelope import pack, pack_table, unpack, unpack_table
from dronewall.model.errors import JournalError
from dronewall.model.plots import Plots
from dronewall.model.table import Table, column_specs
from dronewall.model.tracks import Tracks


class Note(msgspec.Struct, frozen=True):
    words: str = ""
    sensor_ids: tuple[str, ...] = ()


def same(one: Table, other: Table) -> bool:
    return len(one) == len(other) and all(
        values.tobytes() == getattr(other, name).tobytes() for name, values in one.columns()
    )


@st.composite
def tables(draw: st.DrawFn, table_type: type[Table]) -> Table:
    rows = draw(st.integers(0, 5))
    specs = column_specs(table_type)
    chosen = draw(st.sets(st.sampled_from([spec.name for spec in specs]), max_size=6))
    given_: dict[str, Any] = {
        spec.name: draw(some.arrays(spec.dtype, (rows, *spec.cell))) for spec in specs if spec.name in chosen
    }
    return table_type.of(rows, **given_)


@given(tables(Plots))
def test_plots_come_back_to_the_bit(plots: Plots) -> None:
    _, back = unpack_table(pack_table(Note(), plots), Note, Plots, where="test")
    assert same(plots, back)


@given(tables(Tracks))
def test_any_other_table_comes_back_too(tracks: Tracks) -> None:
    _, back = unpack_table(pack_table(Note(), tracks), Note, Tracks, where="test")
    assert same(tracks, back)


def test_what_stands_beside_the_columns_comes_back_through_the_message() -> None:
    plots = Plots.of(2, sensor=[0, 1], sensor_ids=("a", "b"))
    note, back = unpack_table(pack_table(Note("hello", plots.sensor_ids), plots), Note, Plots, where="test")
    assert (note.words, back.sensor_ids) == ("hello", ("a", "b"))


def test_columns_that_say_nothing_take_no_room() -> None:
    few = pack_table(Note(), Plots.of(1000, at_ns=np.arange(1000)))
    assert 8_000 < len(few) < 8_200


def test_what_is_read_may_not_be_written_and_lies_straight() -> None:
    _, back = unpack_table(pack_table(Note(), Plots.of(3, range_m=[1.0, 2.0, 3.0])), Note, Plots, where="test")
    assert not back.range_m.flags.writeable
    assert all(values.flags.aligned for _, values in back.columns())


def test_a_body_that_lies_askew_in_memory_is_set_straight() -> None:
    body = pack_table(Note(), Plots.of(3, range_m=[1.0, 2.0, 3.0]))
    askew = memoryview(b"x" + body)[1:]
    _, back = unpack_table(askew, Note, Plots, where="test")  # type: ignore[arg-type]
    assert all(values.flags.aligned for _, values in back.columns())


@given(st.data())
def test_any_damaged_byte_is_found(data: st.DataObject) -> None:
    body = bytearray(pack_table(Note("hello"), Plots.of(3, range_m=[1.0, 2.0, 3.0])))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(JournalError, match="damaged"):
        unpack_table(bytes(body), Note, Plots, where="test")


@given(st.integers(0, 200))
def test_a_body_cut_short_is_found(kept: int) -> None:
    body = pack_table(Note("hello"), Plots.of(3, range_m=[1.0, 2.0, 3.0]))
    with pytest.raises(JournalError, match="damaged"):
        unpack_table(body[: min(kept, len(body) - 1)], Note, Plots, where="test")


def test_columns_of_another_version_are_refused() -> None:
    body = pack(Note(), {"colour": np.zeros(3)}, rows=3)
    with pytest.raises(JournalError, match="unknown columns colour"):
        unpack_table(body, Note, Plots, where="test")
    body = pack(Note(), {"range_m": np.zeros(3, np.float32)}, rows=3)
    with pytest.raises(JournalError, match="a column does not fit"):
        unpack_table(body, Note, Plots, where="test")


def test_named_arrays_of_any_shape_come_back() -> None:
    arrays = {"mean": np.arange(12.0).reshape(2, 6), "count": np.array(7), "none": np.zeros((0, 3), np.int8)}
    _, back = unpack(pack(Note(), arrays), Note, where="test")
    assert all(
        back[name].tolist() == values.tolist() and back[name].shape == values.shape for name, values in arrays.items()
    )

"""What flows between the stages: frozen tables of equally long, read-only NumPy columns.

A table is a frozen dataclass whose fields are declared with `column(...)`. Absent means not measured: each column
names the value that stands for it (NaN, -1, 0 or b"").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

SHARED_ROWS = 16_384
"""Columns without a value, up to so many rows, are one and the same piece of memory: most columns of most tables."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column's law: its NumPy type, the shape of one cell, and the value that means absent."""

    name: str
    dtype: np.dtype[Any]
    cell: tuple[int, ...]
    absent: Any


def column(dtype: str, *, absent: Any = 0, cell: tuple[int, ...] = ()) -> Any:
    """Declare a column of a `Table`; `dtype` is a NumPy type string, little-endian where that matters."""
    return field(metadata={"dtype": np.dtype(dtype), "cell": cell, "absent": absent})


def column_specs(table: Any) -> tuple[ColumnSpec, ...]:
    """Return the columns of a table class in the order they are declared."""
    return _column_specs(table)


@cache
def _column_specs(table: Any) -> tuple[ColumnSpec, ...]:
    return tuple(
        ColumnSpec(f.name, f.metadata["dtype"], f.metadata["cell"], f.metadata["absent"])
        for f in fields(table)
        if "dtype" in f.metadata
    )


def absent(spec: ColumnSpec, length: int) -> NDArray[Any]:
    """Return a read-only column of `length` rows that holds nothing but the absent value."""
    shared = _shared(spec)
    return shared[:length] if length <= SHARED_ROWS else _filled(spec, length)


def joined(spec: ColumnSpec, columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return columns of one spec, one after the other."""
    length = sum(map(len, columns))
    if length <= SHARED_ROWS and all(_is_shared(spec, values) for values in columns):
        return absent(spec, length)
    return np.concatenate(columns)


def _is_shared(spec: ColumnSpec, values: NDArray[Any]) -> bool:
    return values.base is _shared(spec)


@cache
def _shared(spec: ColumnSpec) -> NDArray[Any]:
    return _filled(spec, SHARED_ROWS)


def _filled(spec: ColumnSpec, length: int) -> NDArray[Any]:
    values = np.full((length, *spec.cell), spec.absent, dtype=spec.dtype)
    values.flags.writeable = False
    return values


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Base of all tables: checks that columns fit together and makes them read-only."""

    def __post_init__(self) -> None:
        length: int | None = None
        for spec in column_specs(type(self)):
            values: NDArray[Any] = getattr(self, spec.name)
            if values.dtype != spec.dtype or values.shape[1:] != spec.cell:
                raise TypeError(
                    f"{type(self).__name__}.{spec.name} is {values.dtype}{values.shape[1:]},"
                    f" not {spec.dtype}{spec.cell}"
                )
            if length is not None and len(values) != length:
                raise ValueError(f"{type(self).__name__}.{spec.name} has {len(values)} rows, not {length}")
            length = len(values)
            values.flags.writeable = False

    def __len__(self) -> int:
        return len(getattr(self, column_specs(type(self))[0].name))

    @classmethod
    def of(cls, length: int, /, **given: Any) -> Self:
        """Build a table of `length` rows; columns not given hold their absent value.

        A given column is converted to its type; fields that are not columns are passed through.
        """
        columns: dict[str, Any] = {}
        for spec in column_specs(cls):
            if spec.name in given:
                values = np.asarray(given.pop(spec.name), dtype=spec.dtype)
                if values.ndim == len(spec.cell):
                    values = np.broadcast_to(values, (length, *spec.cell))
                columns[spec.name] = np.array(values, order="C")
            else:
                columns[spec.name] = absent(spec, length)
        return cls(**columns, **given)

    @classmethod
    def empty(cls) -> Self:
        """Return the table with no rows."""
        return cls.of(0)

    def columns(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield every column with its name."""
        for spec in column_specs(type(self)):
            yield spec.name, getattr(self, spec.name)

    def take(self, rows: NDArray[Any] | slice) -> Self:
        """Return the rows picked by an index array, a mask or a slice."""
        specs = column_specs(type(self))
        first = np.ascontiguousarray(getattr(self, specs[0].name)[rows])
        picked = {specs[0].name: first}
        for spec in specs[1:]:
            values = getattr(self, spec.name)
            nothing = _is_shared(spec, values) and len(first) <= SHARED_ROWS
            picked[spec.name] = absent(spec, len(first)) if nothing else np.ascontiguousarray(values[rows])
        return type(self)(**{**picked, **self._beside(rows)})

    def _beside(self, rows: NDArray[Any] | slice) -> dict[str, Any]:
        """What a subclass keeps beside its columns, cut to `rows`."""
        return {}

    @classmethod
    def concat(cls, tables: Sequence[Self]) -> Self:
        """Return the rows of all tables, one after the other."""
        if not tables:
            return cls.empty()
        if len(tables) == 1:
            return tables[0]
        return cls(
            **{spec.name: joined(spec, [getattr(table, spec.name) for table in tables]) for spec in column_specs(cls)}
        )

    def row(self, index: int) -> dict[str, Any]:
        """Return one row as plain Python values: for people, edges and tests, never for the hot path."""
        return {
            name: values[index].item() if values.ndim == 1 else values[index].tolist()
            for name, values in self.columns()
        }

"""`plots.parquet`, read and written: the fields of `plots.jsonl` as columns, nested ones dotted, absent is null.

A row is held to the very rules of a line, so both files give the same plots. pyarrow is imported when it is needed.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dronewall.model.errors import InputError
from dronewall.model.plots import Datum, ObjectClass, Plots
from dronewall.wire.plots_columns import CELLS_OF_3, UPPER_3, UPPER_6, plots_from_lines
from dronewall.wire.plots_line import PlotLine
from dronewall.wire.refusals import Refusals
from dronewall.wire.rows import no_plots

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE, NUMBER, TEXT, FLAG, NUMBERS = "a whole number", "a number", "text", "true or false", "a list of numbers"
WORD = "text or a whole number"

COLUMNS: dict[str, str] = {
    "sensor_id": TEXT,
    "at_ns": WHOLE,
    "received_ns": WHOLE,
    "scan": WHOLE,
    "scan_end": FLAG,
    "empty": FLAG,
    "range_m": NUMBER,
    "azimuth_deg": NUMBER,
    "elevation_deg": NUMBER,
    "range_rate_mps": NUMBER,
    "bistatic.transmitter.lat_deg": NUMBER,
    "bistatic.transmitter.lon_deg": NUMBER,
    "bistatic.transmitter.hae_m": NUMBER,
    "bistatic.range_sum_m": NUMBER,
    "bistatic.range_rate_sum_mps": NUMBER,
    "altitude.altitude_m": NUMBER,
    "altitude.datum": TEXT,
    "altitude.sigma_m": NUMBER,
    "position.lat_deg": NUMBER,
    "position.lon_deg": NUMBER,
    "position.altitude_m": NUMBER,
    "position.datum": TEXT,
    "velocity_enu_mps": NUMBERS,
    "covariance": NUMBERS,
    "track_ref": WORD,
    "pose.lat_deg": NUMBER,
    "pose.lon_deg": NUMBER,
    "pose.hae_m": NUMBER,
    "pose.heading_deg": NUMBER,
    "pose.sigma_m": NUMBER,
    "pose.sigma_heading_deg": NUMBER,
    "sigma.range_m": NUMBER,
    "sigma.azimuth_deg": NUMBER,
    "sigma.elevation_deg": NUMBER,
    "sigma.range_rate_mps": NUMBER,
    "sigma.position_m": NUMBER,
    "sigma.altitude_m": NUMBER,
    "sigma.velocity_mps": NUMBER,
    "claims.icao24": TEXT,
    "claims.callsign": TEXT,
    "claims.squawk": WORD,
    "claims.uas_id": TEXT,
    "claims.operator_id": TEXT,
    "claims.nic": WHOLE,
    "claims.nacp": WHOLE,
    **{f"classes.{kind.label}": NUMBER for kind in ObjectClass},
}
"""Every column of the file and what stands in its cells."""

REQUIRED = ("sensor_id", "at_ns")
LET_THROUGH = "claims."
"""Claims we have no use for are let through and not kept, as in lines."""


def table_of(plots: Plots) -> pa.Table:
    """Return plots as the table of a `plots.parquet`, all columns in the order of `COLUMNS`."""
    import pyarrow as pa

    cells = dict(_written(plots))
    return pa.table({name: pa.array(cells[name], _arrow_type(kind)) for name, kind in COLUMNS.items()})


def plots_of(table: pa.Table | pa.RecordBatch, refusals: Refusals | None = None, *, first_row: int = 0) -> Plots:
    """Return the plots of a table or of a batch of its rows.

    Args:
        table: with columns that `check_columns` lets pass.
        refusals: where rows go that break a rule; without it they are an error.
        first_row: the number of the first row in its file, told with what is refused.

    Raises:
        InputError: a row breaks a rule and there is no `refusals`.
    """
    counted = Refusals("plots") if refusals is None else refusals
    rows, infinite = _rows(table)
    lines: list[PlotLine] = []
    kept: list[int] = []
    for number, row in enumerate(rows):
        if number in infinite:
            counted.refuse(f"{infinite[number]} is not finite", offset=first_row + number)
            continue
        try:
            lines.append(msgspec.convert(row, PlotLine))
            kept.append(number)
        except msgspec.ValidationError as error:
            counted.refuse(_reason(error), offset=first_row + number, frame=_shown(row))
    plots, _, reasons = plots_from_lines(lines, received_ns=None) if lines else (no_plots(), None, {})
    for line, reason in reasons.items():
        counted.refuse(reason, offset=first_row + kept[line], frame=_shown(rows[kept[line]]))
    if refusals is None and (refused := counted.taken()):
        raise InputError(f"row {refused[0].offset} cannot be used: {refused[0].reason}", "Mend the row.")
    return plots


def check_columns(schema: pa.Schema, *, file: str | None = None) -> None:
    """Make sure that a file's columns are those of plots.

    Raises:
        InputError: a column is unknown, missing, there twice or of another type; it is named, and so is the remedy.
    """
    seen: set[str] = set()
    for field in schema:
        name = field.name
        if name in seen:
            raise InputError("this column is there twice", "Keep one of the two.", file, None, name)
        seen.add(name)
        if name not in COLUMNS:
            if name.startswith(LET_THROUGH):
                continue
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise InputError("there is no such column", f"{hint}Known are: {', '.join(COLUMNS)}.", file, None, name)
        if not _fits(field.type, COLUMNS[name]):
            remedy = f"Write it as {_arrow_type(COLUMNS[name])}."
            raise InputError(
                f"this column holds {field.type}, and should hold {COLUMNS[name]}", remedy, file, None, name
            )
    for name in REQUIRED:
        if name not in seen:
            raise InputError("this column is missing", "Every plot has its sensor and its instant.", file, None, name)


# Reading.


def _rows(table: pa.Table | pa.RecordBatch) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """Return each row as the object that would stand in a line, and the rows that no line could hold.

    What is null is left out. So is NaN, which JSON cannot hold and many writers mean by absent.
    """
    rows: list[dict[str, Any]] = [{} for _ in range(table.num_rows)]
    infinite: dict[int, str] = {}
    for name in table.schema.names:
        column = table.column(name)
        if name not in COLUMNS or column.null_count == len(column):
            continue
        *parts, leaf = name.split(".")
        kind = COLUMNS[name]
        numbers = kind in (NUMBER, NUMBERS)
        for number, value in enumerate(_cells(column, kind)):
            if value is None or value != value:
                continue
            if numbers and _is_infinite(value):
                infinite.setdefault(number, name)
            inside = rows[number]
            for part in parts:
                inside = inside.setdefault(part, {})
            inside[leaf] = [None if x != x else x for x in value] if isinstance(value, list) else value
    return rows, infinite


def _cells(column: Any, kind: str) -> list[Any]:
    """Return a column's cells as Python values; the way over NumPy, where there is one, is five times as fast."""
    if kind is NUMBER or (kind in (WHOLE, FLAG) and not column.null_count):
        return list(column.to_numpy(zero_copy_only=False).tolist())
    return list(column.to_pylist())


def _is_infinite(value: float | list[float | None]) -> bool:
    cells = value if isinstance(value, list) else [value]
    return any(cell is not None and math.isinf(cell) for cell in cells)


def _reason(error: msgspec.ValidationError) -> str:
    """Return a countable reason: the column and what is wrong with it, never the value."""
    problem, _, place = str(error).replace("`", "").partition(" - at $")
    if problem.startswith("Object missing required field"):
        return f"{(place.lstrip('.') + '.').lstrip('.')}{problem.rpartition(' ')[2]} is missing"
    return f"{place.lstrip('.') or 'row'}: {problem[:1].lower()}{problem[1:]}"


def _shown(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode(row)


def _fits(held: Any, kind: str) -> bool:
    from pyarrow import types

    if types.is_dictionary(held):
        held = held.value_type
    if types.is_null(held):  # what a writer makes of a column in which nothing was measured
        return True
    if kind is WHOLE:
        return bool(types.is_integer(held))
    if kind is NUMBER:
        return bool(types.is_floating(held) or types.is_integer(held))
    if kind is WORD:
        return _fits(held, WHOLE) or _fits(held, TEXT)
    if kind is TEXT:
        return bool(types.is_string(held) or types.is_large_string(held) or types.is_string_view(held))
    if kind is FLAG:
        return bool(types.is_boolean(held))
    listed = types.is_list(held) or types.is_large_list(held) or types.is_fixed_size_list(held)
    return bool(listed and _fits(held.value_type, NUMBER))


def _arrow_type(kind: str) -> Any:
    import pyarrow as pa

    return {
        WHOLE: pa.int64(),
        NUMBER: pa.float64(),
        TEXT: pa.string(),
        WORD: pa.string(),
        FLAG: pa.bool_(),
        NUMBERS: pa.list_(pa.float64()),
    }[kind]


# Writing.

_IN_DEGREES = {
    "azimuth_deg": "azimuth_rad",
    "elevation_deg": "elevation_rad",
    "pose.heading_deg": "pose_heading_rad",
    "pose.sigma_heading_deg": "pose_sigma_heading_rad",
    "sigma.azimuth_deg": "sigma_azimuth_rad",
    "sigma.elevation_deg": "sigma_elevation_rad",
}
_AS_THEY_ARE = {
    "range_m": "range_m",
    "range_rate_mps": "range_rate_mps",
    "bistatic.transmitter.lat_deg": "transmitter_lat_deg",
    "bistatic.transmitter.lon_deg": "transmitter_lon_deg",
    "bistatic.transmitter.hae_m": "transmitter_hae_m",
    "bistatic.range_sum_m": "range_sum_m",
    "bistatic.range_rate_sum_mps": "range_rate_sum_mps",
    "position.lat_deg": "lat_deg",
    "position.lon_deg": "lon_deg",
    "pose.lat_deg": "pose_lat_deg",
    "pose.lon_deg": "pose_lon_deg",
    "pose.hae_m": "pose_hae_m",
    "pose.sigma_m": "pose_sigma_m",
    "sigma.range_m": "sigma_range_m",
    "sigma.range_rate_mps": "sigma_range_rate_mps",
    "sigma.position_m": "sigma_position_m",
    "sigma.altitude_m": "sigma_altitude_m",
    "sigma.velocity_mps": "sigma_velocity_mps",
}
_SAID: dict[str, Callable[[Any], Any]] = {
    "claims.icao24": lambda address: f"{address:06x}" if address else None,
    "claims.squawk": lambda digits: f"{digits:04d}" if digits >= 0 else None,
    "claims.nic": lambda claimed: claimed if claimed >= 0 else None,
    "claims.nacp": lambda claimed: claimed if claimed >= 0 else None,
    "claims.callsign": lambda said: said.decode() or None,
    "claims.uas_id": lambda said: said.decode() or None,
    "claims.operator_id": lambda said: said.decode() or None,
    "track_ref": lambda said: said.decode() or None,
    "scan": lambda scan: scan if scan >= 0 else None,
}


def _written(plots: Plots) -> Iterator[tuple[str, Any]]:
    """Yield each column of the file, absent as None or masked."""
    yield "sensor_id", _spread(list(plots.sensor_ids), plots.sensor)
    yield "at_ns", plots.at_ns
    yield "received_ns", plots.received_ns
    yield "scan_end", plots.scan_end
    yield "empty", plots.empty_scan
    for name, column in _AS_THEY_ARE.items():
        yield name, _told(getattr(plots, column), _whole_part(plots, name))
    for name, column in _IN_DEGREES.items():
        yield name, _told(np.degrees(getattr(plots, column).astype(np.float64)), _whole_part(plots, name))
    for name, said in _SAID.items():
        values, places = np.unique(getattr(plots, name.removeprefix("claims.")), return_inverse=True)
        yield name, _spread([said(value) for value in values.tolist()], places, _arrow_type(COLUMNS[name]))
    yield from _altitudes(plots)
    velocities = np.stack([plots.velocity_east_mps, plots.velocity_north_mps, plots.velocity_up_mps], axis=1)
    yield "velocity_enu_mps", _each(velocities, _velocity)
    yield "covariance", _each(plots.covariance, _covariance)
    for kind in ObjectClass:
        yield f"classes.{kind.label}", _masked(plots.classes[:, kind], plots.classes[:, kind] > 0.0)


def _altitudes(plots: Plots) -> Iterator[tuple[str, Any]]:
    """Yield where altitudes stand: in the position if there is one, else beside range and azimuth."""
    positioned, known = ~np.isnan(plots.lat_deg), ~np.isnan(plots.altitude_m)
    names = [datum.name for datum in Datum]
    for part, there in (("position", positioned & known), ("altitude", ~positioned & known)):
        yield f"{part}.altitude_m", _masked(plots.altitude_m, there)
        yield f"{part}.datum", _spread([None, *names], np.where(there, plots.altitude_datum.astype(np.int32) + 1, 0))
    yield "altitude.sigma_m", [None] * len(plots)  # it stands in sigma.altitude_m


def _whole_part(plots: Plots, name: str) -> NDArray[np.bool_] | bool:
    """Return where the part a column belongs to was measured; half a part would be refused when it is read."""
    key = {"bistatic": plots.range_sum_m, "pose": plots.pose_lat_deg}.get(name.partition(".")[0])
    return True if key is None else ~np.isnan(key)


def _told(values: NDArray[Any], there: NDArray[np.bool_] | bool) -> Any:
    return _masked(values, ~np.isnan(values) & there)


def _masked(values: NDArray[Any], there: NDArray[np.bool_]) -> Any:
    import pyarrow as pa

    return pa.array(np.ascontiguousarray(values, dtype=np.float64), mask=~there)


def _spread(words: list[Any], places: NDArray[Any], kind: Any = None) -> Any:
    """Return a column of few different words, which are made once each and put in their places."""
    import pyarrow as pa

    return pa.array(words, kind or pa.string()).take(pa.array(places, pa.int64()))


def _each(cells: NDArray[Any], told: Callable[[NDArray[Any]], Any]) -> Any:
    """Return what each cell tells; where nothing was measured, which is the rule, nobody looks twice."""
    measured = ~np.isnan(cells[:, 0])
    return [told(cell) if is_measured else None for cell, is_measured in zip(cells, measured.tolist(), strict=True)]


def _velocity(cell: NDArray[np.float64]) -> list[float | None] | None:
    east, north, up = cell.tolist()
    return None if east != east or north != north else [east, north, None if up != up else up]


def _covariance(upper: NDArray[np.float32]) -> list[float] | None:
    if np.isnan(upper[0]):
        return None
    side = 3 if np.isnan(upper[-1]) else 6
    cells, places = (upper[list(CELLS_OF_3)], UPPER_3) if side == 3 else (upper, UPPER_6)
    matrix: NDArray[np.float64] = np.zeros((side, side))
    rows, cols = np.divmod(np.array(places), side)
    matrix[rows, cols] = matrix[cols, rows] = cells
    return list(matrix.ravel().tolist())

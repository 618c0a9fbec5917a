"""Lines of `plots.jsonl` become columns: whole columns at once, each checked at once, for speed.

A line that breaks a rule is left out with a reason; the good ones around it stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import CLASS_COUNT, CLASS_OF_LABEL, Datum, Plots
from dronewall.model.table import column_specs
from dronewall.wire.plots_line import PlotLine

BoolArray = NDArray[np.bool_]

DATUM_OF_LABEL = {datum.name: datum for datum in Datum if datum is not Datum.ABSENT}
ALTITUDE_MIN_M, ALTITUDE_MAX_M = -2000.0, 1_000_000.0
UPPER_6 = tuple(6 * row + col for row in range(6) for col in range(row, 6))
UPPER_3 = tuple(3 * row + col for row in range(3) for col in range(row, 3))
CELLS_OF_3 = (0, 1, 2, 6, 7, 11)
"""Where the upper triangle of the 3 x 3 of position stands in that of the 6 x 6."""
SYMMETRY = 1e-3
_CELL = {spec.name: spec for spec in column_specs(Plots)}

_SIGMAS = {
    "sigma_range_m": "range_m",
    "sigma_azimuth_rad": "azimuth_deg",
    "sigma_elevation_rad": "elevation_deg",
    "sigma_range_rate_mps": "range_rate_mps",
    "sigma_position_m": "position_m",
    "sigma_altitude_m": "altitude_m",
    "sigma_velocity_mps": "velocity_mps",
}


class _BadLine(Exception):
    """One line breaks a rule; carries the reason to the place that counts."""


class _Columns:
    """Columns being filled from lines, and why some rows are refused."""

    def __init__(self, lines: Sequence[PlotLine]) -> None:
        self.lines = lines
        self.columns: dict[str, NDArray[Any]] = {}
        self.reasons: dict[int, str] = {}

    def blank(self, name: str) -> NDArray[Any]:
        """Return a column to fill; rows nobody fills stay absent."""
        if name not in self.columns:
            spec = _CELL[name]
            self.columns[name] = np.full((len(self.lines), *spec.cell), spec.absent, dtype=spec.dtype)
        return self.columns[name]

    def each(self, field: str, fill: Callable[[int, Any], None]) -> None:
        """Call `fill` for each line that has `field`; a line that breaks a rule is refused."""
        for row, line in enumerate(self.lines):
            part = getattr(line, field)
            if part is not None:
                try:
                    fill(row, part)
                except _BadLine as bad:
                    self.reasons.setdefault(row, str(bad))

    def having(self, field: str) -> tuple[list[int], list[Any]]:
        """Return the rows whose line has `field`, and those parts."""
        parts = [getattr(line, field) for line in self.lines]
        rows = [row for row, part in enumerate(parts) if part is not None]
        return rows, (parts if len(rows) == len(parts) else [parts[row] for row in rows])

    def spread(self, name: str, rows: list[int], values: list[Any], *, to_radians: bool = False) -> None:
        """Set the cells of `rows`; None stays absent. Numbers become radians if asked."""
        told = np.array(values, dtype=np.float64)
        if np.isnan(told).all():
            return
        column = self.blank(name)
        given = ~np.isnan(told)
        column[np.array(rows)[given]] = (np.radians(told) if to_radians else told)[given]

    def floats(self, name: str, values: Iterable[float | None]) -> None:
        """Set a column of numbers from values or Nones; all absent makes no column."""
        column = np.array(list(values), dtype=np.float64)
        if not np.isnan(column).all():
            self.columns[name] = column

    def check(self, name: str, reason: str, wrong: Callable[[NDArray[Any]], BoolArray]) -> None:
        """Refuse the rows whose measured value in a column is wrong."""
        if name in self.columns:
            with np.errstate(invalid="ignore"):
                for row in np.flatnonzero(wrong(self.columns[name])):
                    self.reasons.setdefault(int(row), reason)


def plots_from_lines(
    lines: Sequence[PlotLine], *, received_ns: int | None
) -> tuple[Plots, NDArray[np.intp], dict[int, str]]:
    """Return plots, the lines they came from, and a reason for each line that is left out.

    Args:
        lines: in the order received.
        received_ns: when they arrived; None to believe the lines, or `at_ns` where they do not say.
    """
    filled = _Columns(lines)
    sensor_rows: dict[str, int] = {}
    filled.columns["sensor"] = np.array(
        [sensor_rows.setdefault(line.sensor_id, len(sensor_rows)) for line in lines], np.int32
    )
    _fill_instants(filled, received_ns)
    with np.errstate(over="ignore"):  # a sigma too large for its column becomes infinite, and is refused as such
        _fill_measurements(filled)
        _fill_parts(filled)
    _check(filled)
    good = np.array([row for row in range(len(lines)) if row not in filled.reasons], np.intp)
    plots = Plots.of(len(lines), **filled.columns, sensor_ids=tuple(sensor_rows))
    return (plots if len(good) == len(lines) else plots.take(good)), good, filled.reasons


def _fill_instants(filled: _Columns, received_ns: int | None) -> None:
    lines = filled.lines
    filled.columns["at_ns"] = np.array([line.at_ns for line in lines], np.int64)
    if received_ns is None:
        received = [line.at_ns if line.received_ns is None else line.received_ns for line in lines]
        filled.columns["received_ns"] = np.array(received, np.int64)
    else:
        filled.columns["received_ns"] = np.full(len(lines), received_ns, np.int64)
    filled.columns["scan"] = np.array([-1 if line.scan is None else line.scan for line in lines], np.int64)
    filled.columns["scan_end"] = np.array([line.scan_end for line in lines], np.bool_)
    filled.columns["empty_scan"] = np.array([line.empty for line in lines], np.bool_)


def _fill_measurements(filled: _Columns) -> None:
    lines = filled.lines
    filled.floats("range_m", (line.range_m for line in lines))
    filled.floats("range_rate_mps", (line.range_rate_mps for line in lines))
    filled.floats("azimuth_rad", (line.azimuth_deg for line in lines))
    filled.floats("elevation_rad", (line.elevation_deg for line in lines))
    filled.check("azimuth_rad", "azimuth_deg is outside -360 to 360", lambda deg: np.abs(deg) > 360.0)
    filled.check("elevation_rad", "elevation_deg is outside -90 to 90", lambda deg: np.abs(deg) > 90.0)
    for name in ("azimuth_rad", "elevation_rad"):
        if name in filled.columns:
            filled.columns[name] = np.radians(filled.columns[name])
    if "azimuth_rad" in filled.columns:
        filled.columns["azimuth_rad"] = np.mod(filled.columns["azimuth_rad"], 2.0 * np.pi)


def _fill_parts(filled: _Columns) -> None:
    # The commonest parts go column by column, for speed; the rest row by row.
    _fill_positions(filled)
    _fill_velocities(filled)
    filled.each("altitude", lambda row, part: _fill_altitude(filled, row, part))
    _fill_sigmas(filled)
    filled.each("covariance", lambda row, part: _fill_covariance(filled, row, part))
    filled.each("bistatic", lambda row, part: _fill_bistatic(filled, row, part))
    filled.each("pose", lambda row, part: _fill_pose(filled, row, part))
    filled.each("track_ref", lambda row, part: _fill_text(filled, row, "track_ref", str(part)))
    filled.each("claims", lambda row, part: _fill_claims(filled, row, part))
    filled.each("classes", lambda row, part: _fill_classes(filled, row, part))


def _fill_positions(filled: _Columns) -> None:
    rows, parts = filled.having("position")
    if not rows:
        return
    filled.spread("lat_deg", rows, [part.lat_deg for part in parts])
    filled.spread("lon_deg", rows, [part.lon_deg for part in parts])
    filled.spread("altitude_m", rows, [part.altitude_m for part in parts])
    datums = filled.blank("altitude_datum")
    for row, part in zip(rows, parts, strict=True):
        try:
            datums[row] = _datum_of_position(part, beside=filled.lines[row].altitude is not None)
        except _BadLine as bad:
            filled.reasons.setdefault(row, str(bad))


def _datum_of_position(part: Any, *, beside: bool) -> Datum:
    if part.altitude_m is None:
        if part.datum is not None:
            raise _BadLine("position has a datum and no altitude_m")
        return Datum.ABSENT
    if beside:
        raise _BadLine("two altitudes: one in position, one beside it")
    return _datum(part.datum)


def _fill_velocities(filled: _Columns) -> None:
    rows, parts = filled.having("velocity_enu_mps")
    if rows:
        for axis, name in enumerate(("velocity_east_mps", "velocity_north_mps", "velocity_up_mps")):
            filled.spread(name, rows, [part[axis] for part in parts])


def _fill_altitude(filled: _Columns, row: int, part: Any) -> None:
    filled.blank("altitude_m")[row] = part.altitude_m
    filled.blank("altitude_datum")[row] = _datum(part.datum)
    if part.sigma_m is not None:
        filled.blank("sigma_altitude_m")[row] = part.sigma_m


def _fill_sigmas(filled: _Columns) -> None:
    rows, parts = filled.having("sigma")
    if not rows:
        return
    for row, part in zip(rows, parts, strict=True):
        beside = filled.lines[row].altitude
        if part.altitude_m is not None and beside is not None and beside.sigma_m is not None:
            filled.reasons.setdefault(row, "two sigmas of altitude")
    for name, field in _SIGMAS.items():
        values = [getattr(part, field) for part in parts]
        filled.spread(name, rows, values, to_radians=name.endswith("_rad"))


def _datum(label: str | None) -> Datum:
    if label is None:
        raise _BadLine("altitude without a datum")
    if label not in DATUM_OF_LABEL:
        raise _BadLine(f"datum is none of {', '.join(DATUM_OF_LABEL)}")
    return DATUM_OF_LABEL[label]


def _fill_covariance(filled: _Columns, row: int, part: list[float | list[float]]) -> None:
    cells = [cell for item in part for cell in (item if isinstance(item, list) else [item])]
    if len(cells) not in (9, 36):
        raise _BadLine("covariance is neither 3 x 3 nor 6 x 6")
    side = 3 if len(cells) == 9 else 6
    matrix = np.array(cells).reshape(side, side)
    variances = np.diagonal(matrix)
    if (variances <= 0.0).any():
        raise _BadLine("covariance has a variance that is not positive")
    tolerance = SYMMETRY * np.sqrt(np.outer(variances, variances))
    if (np.abs(matrix - matrix.T) > tolerance).any():
        raise _BadLine("covariance is not symmetric")
    column = filled.blank("covariance")
    if side == 6:
        column[row] = matrix.ravel()[list(UPPER_6)]
    else:
        column[row, list(CELLS_OF_3)] = matrix.ravel()[list(UPPER_3)]


def _fill_bistatic(filled: _Columns, row: int, part: Any) -> None:
    filled.blank("transmitter_lat_deg")[row] = part.transmitter.lat_deg
    filled.blank("transmitter_lon_deg")[row] = part.transmitter.lon_deg
    filled.blank("transmitter_hae_m")[row] = part.transmitter.hae_m
    filled.blank("range_sum_m")[row] = part.range_sum_m
    if part.range_rate_sum_mps is not None:
        filled.blank("range_rate_sum_mps")[row] = part.range_rate_sum_mps


def _fill_pose(filled: _Columns, row: int, part: Any) -> None:
    filled.blank("pose_lat_deg")[row] = part.lat_deg
    filled.blank("pose_lon_deg")[row] = part.lon_deg
    filled.blank("pose_hae_m")[row] = part.hae_m
    if part.heading_deg is not None:
        filled.blank("pose_heading_rad")[row] = np.radians(part.heading_deg)
    if part.sigma_m is not None:
        filled.blank("pose_sigma_m")[row] = part.sigma_m
    if part.sigma_heading_deg is not None:
        filled.blank("pose_sigma_heading_rad")[row] = np.radians(part.sigma_heading_deg)


def _fill_claims(filled: _Columns, row: int, part: Any) -> None:
    if part.icao24:
        filled.blank("icao24")[row] = _address(part.icao24)
    if part.squawk not in (None, ""):
        filled.blank("squawk")[row] = _squawk(part.squawk)
    if part.nic is not None:
        filled.blank("nic")[row] = part.nic
    if part.nacp is not None:
        filled.blank("nacp")[row] = part.nacp
    for name in ("callsign", "uas_id", "operator_id"):
        if said := getattr(part, name):
            _fill_text(filled, row, name, said)


def _address(said: str) -> int:
    try:
        address = int(said, 16)
    except ValueError as error:
        raise _BadLine("claims.icao24 is not six hexadecimal digits") from error
    if len(said) != 6 or not 0 < address <= 0xFFFFFF:
        raise _BadLine("claims.icao24 is not six hexadecimal digits")
    return address


def _squawk(said: str | int) -> int:
    digits = f"{said:04d}" if isinstance(said, int) else said
    if len(digits) != 4 or not set(digits) <= set("01234567"):
        raise _BadLine("claims.squawk is not four octal digits")
    return int(digits)


def _fill_text(filled: _Columns, row: int, name: str, said: str) -> None:
    encoded = said.strip().encode()
    width = _CELL[name].dtype.itemsize
    if len(encoded) > width:
        raise _BadLine(f"{name} is longer than {width} bytes")
    if b"\0" in encoded:
        raise _BadLine(f"{name} holds a zero byte")
    filled.blank(name)[row] = encoded


def _fill_classes(filled: _Columns, row: int, part: dict[str, float]) -> None:
    probabilities = np.zeros(CLASS_COUNT, np.float32)
    for label, probability in part.items():
        if label not in CLASS_OF_LABEL:
            raise _BadLine("class is unknown")
        if not 0.0 <= probability <= 1.0:
            raise _BadLine("probability of a class is outside 0 to 1")
        probabilities[CLASS_OF_LABEL[label]] = probability
    if probabilities.sum() > 1.001:
        raise _BadLine("probabilities of classes add up to more than 1")
    filled.blank("classes")[row] = probabilities


def _check(filled: _Columns) -> None:
    """Refuse what cannot be measured: ranges below zero, latitudes beyond the poles, errors that are not positive."""
    filled.check("range_m", "range_m is negative", lambda m: m < 0.0)
    filled.check("range_sum_m", "bistatic.range_sum_m is negative", lambda m: m < 0.0)
    for name, part in (("", "position."), ("transmitter_", "bistatic.transmitter."), ("pose_", "pose.")):
        filled.check(f"{name}lat_deg", f"{part}lat_deg is outside -90 to 90", lambda deg: np.abs(deg) > 90.0)
        filled.check(f"{name}lon_deg", f"{part}lon_deg is outside -180 to 180", lambda deg: np.abs(deg) > 180.0)
    filled.check(
        "altitude_m",
        "altitude is out of this world",
        lambda m: (m < ALTITUDE_MIN_M) | (m > ALTITUDE_MAX_M),
    )
    for name in (*_SIGMAS, "pose_sigma_m", "pose_sigma_heading_rad"):
        filled.check(name, "sigma is not positive", lambda sigma: ~(sigma > 0.0) & ~np.isnan(sigma))
        filled.check(name, "sigma is not finite", np.isinf)

"""`plots.jsonl`, read and written: one JSON object a line, one report a line, in the order received.

The same lines travel over TCP, where a hello may stand before them. Fields are those of `PlotLine`.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import Datum, ObjectClass, Plots
from dronewall.wire.plots_columns import CELLS_OF_3, UPPER_3, UPPER_6, plots_from_lines
from dronewall.wire.plots_hello import LATE, Hello, hello_from, is_hello
from dronewall.wire.plots_line import (
    LINE_MAX_BYTES,
    Altitude,
    Bistatic,
    BistaticTransmitter,
    Claims,
    LineSigma,
    PlotLine,
    Pose,
    Position,
)
from dronewall.wire.refusals import Refusals
from dronewall.wire.rows import no_plots

TOO_LONG = "line is longer than 64 KiB"
CUT_SHORT = "line is cut short"


class PlotLines:
    """Reads a stream of lines; keeps a half line, at most 64 KiB of it, until its end arrives."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._decoder = msgspec.json.Decoder(PlotLine)
        self._pending = b""
        self._offset = 0  # of the first pending byte
        self._too_long_from: int | None = None
        self._begun = False
        self.lines = 0
        """How many lines have ended so far, those refused and the empty ones among them; a hello is none of them."""
        self.hello: Hello | None = None
        """How the stream was opened, if it was."""
        self.hello_refused = False
        """Whether a hello could not be taken: sender and reader then no longer agree on the lines' numbers."""
        self.line_of_plot: NDArray[np.int64] = np.empty(0, np.int64)
        """Which line each plot of the last `read` was, the first one 1."""

    def read(self, data: bytes, *, received_ns: int | None) -> Plots:
        """Return the plots of the lines that `data` completes.

        Args:
            data: the next bytes of the stream.
            received_ns: when they arrived; None to believe the lines.
        """
        stream = self._pending + data
        end = stream.rfind(b"\n") + 1
        whole, self._pending = stream[:end], stream[end:]
        start, self._offset = self._offset, self._offset + end
        if whole and self._too_long_from is not None:
            rest = whole.find(b"\n") + 1
            self._end_too_long()
            start, whole = start + rest, whole[rest:]
        plots = self._plots(whole, start, received_ns)
        if len(self._pending) > LINE_MAX_BYTES:
            self._drop_too_long()
        return plots

    def finish(self) -> None:
        """Refuse a half line, as after a lost connection."""
        if self._too_long_from is not None:
            self._end_too_long()
        elif self._pending.strip():
            self._refusals.refuse(CUT_SHORT, offset=self._offset, frame=self._pending)
        self._offset += len(self._pending)
        self._pending = b""

    def _drop_too_long(self) -> None:
        if self._too_long_from is None:
            self._too_long_from = self._offset
        self._offset += len(self._pending)
        self._pending = b""

    def _end_too_long(self) -> None:
        self._begun = True
        self._refusals.refuse(TOO_LONG, offset=self._too_long_from or 0)
        self._too_long_from = None
        self.lines += 1

    def _plots(self, whole: bytes, start: int, received_ns: int | None) -> Plots:
        lines, offsets, numbers = self._decoded(whole, start)
        self.line_of_plot = np.array(numbers, np.int64)
        if not lines:
            return no_plots()
        plots, good, reasons = plots_from_lines(lines, received_ns=received_ns)
        self.line_of_plot = self.line_of_plot[good]
        for row in sorted(reasons):
            frame = whole[offsets[row] - start : whole.index(b"\n", offsets[row] - start)]
            self._refusals.refuse(reasons[row], offset=offsets[row], frame=frame)
        return plots

    def _decoded(self, whole: bytes, start: int) -> tuple[list[PlotLine], list[int], list[int]]:
        """Return the lines that are well formed, where each begins, and their numbers."""
        lines: list[PlotLine] = []
        offsets: list[int] = []
        numbers: list[int] = []
        offset = start
        for raw in whole.split(b"\n")[:-1]:
            self.lines += 1
            if len(raw) > LINE_MAX_BYTES:
                self._refusals.refuse(TOO_LONG, offset=offset)
            elif raw.strip():
                try:
                    lines.append(self._decoder.decode(raw))
                    offsets.append(offset)
                    numbers.append(self.lines)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    if is_hello(raw):
                        self._greet(raw, offset)
                    else:
                        self._refusals.refuse(_reason(error), offset=offset, frame=raw)
            self._begun = True
            offset += len(raw) + 1
        return lines, offsets, numbers

    def _greet(self, raw: bytes, offset: int) -> None:
        """Take a hello, or refuse it; it does not count as a line."""
        self.lines -= 1
        try:
            hello = hello_from(raw)
        except msgspec.ValidationError as error:
            reason = _reason(error)
        else:
            if not self._begun:
                self.hello = hello
                return
            reason = LATE
        self.hello_refused = True
        self._refusals.refuse(reason, offset=offset, frame=raw)


def _reason(error: Exception) -> str:
    """Return a countable reason: the field and what is wrong with it, never the value."""
    if not isinstance(error, msgspec.ValidationError):
        return "line is not JSON"
    problem, _, place = str(error).partition(" - at `$")
    field = place.rstrip("`").lstrip(".")
    problem = problem.replace("`", "")
    if problem.startswith("Object contains unknown field"):
        return f"unknown field {(field + '.' if field else '') + problem.rpartition(' ')[2]}"
    if problem.startswith("Object missing required field"):
        return f"{(field + '.' if field else '') + problem.rpartition(' ')[2]} is missing"
    return f"{field or 'line'}: {problem[:1].lower()}{problem[1:]}"


def encoded(plots: Plots) -> bytes:
    """Return plots as lines of `plots.jsonl`."""
    columns = {name: values.tolist() for name, values in plots.columns()}
    encoder = msgspec.json.Encoder()
    return encoder.encode_lines([_line(columns, row, plots.sensor_ids) for row in range(len(plots))])


def _line(columns: dict[str, list[Any]], row: int, sensor_ids: tuple[str, ...]) -> PlotLine:
    cell = {name: values[row] for name, values in columns.items()}
    positioned = _told(cell["lat_deg"]) is not None
    return PlotLine(
        sensor_id=sensor_ids[cell["sensor"]],
        at_ns=cell["at_ns"],
        received_ns=cell["received_ns"],
        scan=cell["scan"] if cell["scan"] >= 0 else None,
        scan_end=cell["scan_end"],
        empty=cell["empty_scan"],
        range_m=_told(cell["range_m"]),
        azimuth_deg=_degrees(cell["azimuth_rad"]),
        elevation_deg=_degrees(cell["elevation_rad"]),
        range_rate_mps=_told(cell["range_rate_mps"]),
        bistatic=_bistatic(cell),
        altitude=None if positioned else _altitude(cell),
        position=_position(cell) if positioned else None,
        velocity_enu_mps=_velocity(cell),
        covariance=_covariance(cell["covariance"]),
        track_ref=_text(cell["track_ref"]),
        pose=_pose(cell),
        sigma=_sigma(cell),
        claims=_claims(cell),
        classes={kind.label: cell["classes"][kind] for kind in ObjectClass if cell["classes"][kind] > 0.0} or None,
    )


def _told(value: float) -> float | None:
    return None if math.isnan(value) else value


def _degrees(angle_rad: float) -> float | None:
    return None if math.isnan(angle_rad) else math.degrees(angle_rad)


def _text(said: bytes) -> str | None:
    return said.decode() or None


def _bistatic(cell: dict[str, Any]) -> Bistatic | None:
    if math.isnan(cell["range_sum_m"]):
        return None
    transmitter = BistaticTransmitter(
        cell["transmitter_lat_deg"], cell["transmitter_lon_deg"], cell["transmitter_hae_m"]
    )
    return Bistatic(transmitter, cell["range_sum_m"], _told(cell["range_rate_sum_mps"]))


def _altitude(cell: dict[str, Any]) -> Altitude | None:
    if math.isnan(cell["altitude_m"]):
        return None
    return Altitude(cell["altitude_m"], Datum(cell["altitude_datum"]).name)


def _position(cell: dict[str, Any]) -> Position:
    altitude_m = _told(cell["altitude_m"])
    datum = None if altitude_m is None else Datum(cell["altitude_datum"]).name
    return Position(cell["lat_deg"], cell["lon_deg"], altitude_m, datum)


def _velocity(cell: dict[str, Any]) -> tuple[float, float, float | None] | None:
    east, north, up = cell["velocity_east_mps"], cell["velocity_north_mps"], cell["velocity_up_mps"]
    return None if math.isnan(east) or math.isnan(north) else (east, north, _told(up))


def _covariance(upper: list[float]) -> list[float | list[float]] | None:
    if math.isnan(upper[0]):
        return None
    side = 3 if math.isnan(upper[-1]) else 6
    matrix: NDArray[np.float64] = np.zeros((side, side))
    rows, cols = np.divmod(np.array(UPPER_3 if side == 3 else UPPER_6), side)
    matrix[rows, cols] = np.array(upper)[list(CELLS_OF_3)] if side == 3 else upper
    matrix[cols, rows] = matrix[rows, cols]
    return list(matrix.ravel().tolist())


def _pose(cell: dict[str, Any]) -> Pose | None:
    if math.isnan(cell["pose_lat_deg"]):
        return None
    return Pose(
        cell["pose_lat_deg"],
        cell["pose_lon_deg"],
        cell["pose_hae_m"],
        _degrees(cell["pose_heading_rad"]),
        _told(cell["pose_sigma_m"]),
        _degrees(cell["pose_sigma_heading_rad"]),
    )


def _sigma(cell: dict[str, Any]) -> LineSigma | None:
    sigma = LineSigma(
        range_m=_told(cell["sigma_range_m"]),
        azimuth_deg=_degrees(cell["sigma_azimuth_rad"]),
        elevation_deg=_degrees(cell["sigma_elevation_rad"]),
        range_rate_mps=_told(cell["sigma_range_rate_mps"]),
        position_m=_told(cell["sigma_position_m"]),
        altitude_m=_told(cell["sigma_altitude_m"]),
        velocity_mps=_told(cell["sigma_velocity_mps"]),
    )
    return None if sigma == LineSigma() else sigma


def _claims(cell: dict[str, Any]) -> Claims | None:
    claims = Claims(
        icao24=f"{cell['icao24']:06x}" if cell["icao24"] else None,
        callsign=_text(cell["callsign"]),
        squawk=f"{cell['squawk']:04d}" if cell["squawk"] >= 0 else None,
        uas_id=_text(cell["uas_id"]),
        operator_id=_text(cell["operator_id"]),
        nic=cell["nic"] if cell["nic"] >= 0 else None,
        nacp=cell["nacp"] if cell["nacp"] >= 0 else None,
    )
    return None if claims == Claims() else claims

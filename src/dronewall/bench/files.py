"""`truth.csv` and `tracks.csv`, read strictly: what cannot be read is refused with its file, line and field."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.bench.tables import TrackTable, TruthTable
from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.errors import InputError
from dronewall.model.plots import CLASS_OF_LABEL, ObjectClass

Columns = dict[str, Sequence[str]]

_PLACE = ("lat_deg", "lon_deg", "hae_m")
_VELOCITY = ("ve_mps", "vn_mps", "vu_mps")
_SIGMA = ("sigma_e_m", "sigma_n_m", "sigma_u_m")
TRUTH_COLUMNS = ("at_ns", "object_id", *_PLACE, *_VELOCITY, "class", "affiliation")
TRACKS_COLUMNS = (
    "at_ns",
    "track_id",
    "status",
    *_PLACE,
    *_VELOCITY,
    *_SIGMA,
    "existence",
    "class",
    "class_p",
    "affiliation",
    "updated_ns",
    "quality",
    "sensors",
    "alternate_ids",
)
_SCORED = {"": True, "1": True, "0": False, "true": True, "false": False}
_STATUS = {"confirmed": True, "coasting": True}


def read_truth(path: Path | str) -> TruthTable:
    """Return the rows of a `truth.csv`.

    Raises:
        InputError: with line and field of the first row that cannot be read.
    """
    file = str(path)
    columns = _columns(file, ("at_ns", "object_id", *_PLACE))
    rows = len(columns["at_ns"])
    names, objects = np.unique(np.asarray(columns["object_id"], dtype=np.str_), return_inverse=True)
    at_ns = _integers(file, columns, "at_ns")
    _refuse_repeats(file, at_ns, objects, "object_id")
    position, velocity = _motion(file, columns)
    return TruthTable.of(
        rows,
        at_ns=at_ns,
        object=objects,
        position=position,
        velocity=velocity,
        object_class=_classes(file, columns),
        scored=_looked_up(file, columns, "scored", _SCORED, "1 or 0") if "scored" in columns else True,
        object_ids=tuple(str(name) for name in names),
    )


def read_tracks(path: Path | str) -> TrackTable:
    """Return the rows of a `tracks.csv`.

    Raises:
        InputError: with line and field of the first row that cannot be read.
    """
    file = str(path)
    columns = _columns(file, ("at_ns", "track_id", *_PLACE))
    if "status" in columns:
        _looked_up(file, columns, "status", _STATUS, "confirmed or coasting")
    at_ns, track_id = _integers(file, columns, "at_ns"), _integers(file, columns, "track_id")
    _refuse_repeats(file, at_ns, track_id, "track_id")
    position, velocity = _motion(file, columns)
    return TrackTable.of(
        len(at_ns),
        at_ns=at_ns,
        track_id=track_id,
        position=position,
        velocity=velocity,
        sigma_enu_m=np.column_stack([_numbers(file, columns, name, required=False) for name in _SIGMA]),
        object_class=_classes(file, columns),
    )


def _columns(file: str, required: Sequence[str]) -> Columns:
    """Return every column of a CSV file as text, after checking that each row has as many fields as the header."""
    try:
        with Path(file).open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            header = next(reader, None)
            if not header:
                raise InputError(
                    "the file is empty", f"Its first line must name the columns: {', '.join(required)}", file
                )
            rows = list(reader)
    except FileNotFoundError:
        raise InputError("there is no such file", "Check the path", file) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"the file cannot be read: {error}", "Give a readable UTF-8 CSV file", file) from error
    for name in required:
        if name not in header:
            raise InputError("this column is missing", f"The header has: {', '.join(header)}", file, 1, name)
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            problem = f"the line has {len(row)} fields where the header has {len(header)}"
            raise InputError(problem, "Leave fields empty rather than out", file, line)
    return dict(zip(header, zip(*rows, strict=True) if rows else [()] * len(header), strict=True))


def _integers(file: str, columns: Columns, name: str) -> NDArray[np.int64]:
    return _parsed(file, columns[name], name, np.int64, "a whole number of 64 bits")


def _numbers(file: str, columns: Columns, name: str, *, required: bool) -> NDArray[np.float64]:
    """Return a column of finite numbers; where not required, an empty field or a missing column is NaN."""
    if name not in columns:
        return np.full(len(columns["at_ns"]), np.nan)
    texts = columns[name]
    absent = np.array([not text for text in texts], dtype=bool)
    values = _parsed(file, [text or "0" for text in texts], name, np.float64, "a number")
    wrong = ~np.isfinite(values) | absent if required else ~np.isfinite(values)
    if wrong.any():
        line = int(np.flatnonzero(wrong)[0]) + 2
        raise InputError(
            f"'{texts[line - 2]}' is not a finite number", "Write one, in the unit named", file, line, name
        )
    return np.where(absent, np.nan, values)


def _parsed(file: str, texts: Sequence[str], name: str, dtype: Any, meaning: str) -> NDArray[Any]:
    try:
        return np.array(texts, dtype=np.str_).astype(dtype) if texts else np.empty(0, dtype)
    except (ValueError, OverflowError):
        line = next(index for index, text in enumerate(texts, start=2) if not _reads(dtype, text))
        raise InputError(f"'{texts[line - 2]}' is not {meaning}", "Correct the field", file, line, name) from None


def _reads(dtype: Callable[[str], Any], text: str) -> bool:
    try:
        dtype(text)
    except (ValueError, OverflowError):
        return False
    return True


def _motion(file: str, columns: Columns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return position m and velocity m/s in ECEF; velocity is NaN where the file has none."""
    lat_deg, lon_deg, hae_m = (_numbers(file, columns, name, required=True) for name in _PLACE)
    for name, values, limit in (("lat_deg", lat_deg, 90.0), ("lon_deg", lon_deg, 360.0)):
        beyond = np.flatnonzero(np.abs(values) > limit)
        if len(beyond):
            line = int(beyond[0]) + 2
            raise InputError(f"{values[line - 2]} is not an angle on earth", "Degrees, WGS84", file, line, name)
    enu = np.column_stack([_numbers(file, columns, name, required=False) for name in _VELOCITY])
    return ecef_from_geodetic(lat_deg, lon_deg, hae_m), np.einsum("nji,nj->ni", enu_axes(lat_deg, lon_deg), enu)


def _classes(file: str, columns: Columns) -> NDArray[np.uint8]:
    if "class" not in columns:
        return np.full(len(columns["at_ns"]), ObjectClass.UNKNOWN, np.uint8)
    table = {**CLASS_OF_LABEL, "": ObjectClass.UNKNOWN}
    return _looked_up(file, columns, "class", table, ", ".join(CLASS_OF_LABEL)).astype(np.uint8)


def _looked_up(file: str, columns: Columns, name: str, table: dict[str, Any], choices: str) -> NDArray[Any]:
    """Return what a table makes of each word of a column."""
    words, which = np.unique(np.asarray(columns[name], dtype=np.str_), return_inverse=True)
    for index, word in enumerate(words):
        if str(word) not in table:
            line = int(np.flatnonzero(which == index)[0]) + 2
            raise InputError(f"'{word}' is unknown here", f"Use {choices}", file, line, name)
    return np.array([table[str(word)] for word in words])[which] if len(words) else np.empty(0, int)


def _refuse_repeats(file: str, at_ns: NDArray[np.int64], who: NDArray[Any], name: str) -> None:
    """Refuse a file that says twice where something was at one instant."""
    order = np.lexsort((who, at_ns))
    twice = (np.diff(at_ns[order]) == 0) & (np.diff(who[order]) == 0)
    if twice.any():
        line = int(order[1:][twice].min()) + 2
        raise InputError("the same instant appears twice for it", "Keep one row per instant", file, line, name)

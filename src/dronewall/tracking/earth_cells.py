"""A coarse grid of the earth's surface around sensors: cells of one size in rows of equal latitude."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import ECCENTRICITY_SQ, FloatArray, ecef_from_geodetic
from dronewall.tracking.visibility import EARTH_M

SIZES_M = (2_500.0, 5_000.0, 10_000.0, 20_000.0, 40_000.0, 80_000.0)
CELLS_MOST = 6_000
"""Cells are as small as so many allow: a rim is then a strip, and a step of all of them takes a fraction of a
millisecond."""
ROW_KEYS = 1 << 20
"""A cell's key is its row times this, and its place in the row. It holds for all rows of all sizes."""
INSIDE = 0.71
"""A cell whose middle is no farther beyond a range than so many of its widths may still lie within it in part."""

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class EarthCells:
    """Cells `keys` (n,), ascending, of `size_m` m: row by row from the south pole, each row from 180° west on.

    Latitudes are geocentric. `beside` (n, 4) holds which cells lie west, east, south and north of each, n for none.
    """

    size_m: float
    keys: IntArray
    beside: IntArray

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, ecef: FloatArray) -> IntArray:
        """Return in which cells places (..., 3) lie, the number of cells for none."""
        lat = np.arcsin(ecef[..., 2] / np.linalg.norm(ecef, axis=-1))
        return _found(self.keys, _keys(lat, np.arctan2(ecef[..., 1], ecef[..., 0]), self.size_m))

    def places(self, east: FloatArray, north: FloatArray, height_m: FloatArray) -> FloatArray:
        """Return places (n, 3), ECEF, so far from the cells' middles, as shares of their width, at heights (n,)."""
        lat, lon = _middles(self.keys, self.size_m, east, north)
        geodetic = np.arctan2(np.sin(lat), (1.0 - ECCENTRICITY_SQ) * np.cos(lat))
        return ecef_from_geodetic(np.degrees(geodetic), np.degrees(lon), height_m)


def cells_within(sites: FloatArray, reach_m: Sequence[float] | FloatArray) -> EarthCells:
    """Return the cells that lie within ranges (k,) of sites (k, 3), ECEF, if only in part."""
    largest = _keys_within(sites, reach_m, SIZES_M[-1])
    for size_m in SIZES_M:
        # What is too much by far is not laid out to be counted.
        if len(largest) * (SIZES_M[-1] / size_m) ** 2 > 8 * CELLS_MOST and size_m != SIZES_M[-1]:
            continue
        keys = _keys_within(sites, reach_m, size_m)
        if len(keys) <= CELLS_MOST:
            break
    return EarthCells(size_m, keys, _beside(keys, size_m))


def _keys_within(sites: FloatArray, reach_m: Sequence[float] | FloatArray, size_m: float) -> IntArray:
    parts = [np.empty(0, np.int64)]
    for site, reach in zip(sites, reach_m, strict=True):
        lat, lon = np.arcsin(site[2] / np.linalg.norm(site)), np.arctan2(site[1], site[0])
        far = (reach + size_m) / EARTH_M
        rows = np.arange(max(_row(lat - far, size_m), 0), min(_row(lat + far, size_m), _rows(size_m) - 1) + 1)
        parts += [row * ROW_KEYS + _columns(row, lat, lon, far, size_m) for row in rows.tolist()]
    keys = np.unique(np.concatenate(parts))
    lat, lon = _middles(keys, size_m, np.zeros(1), np.zeros(1))
    middle = EARTH_M * np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    inside = np.zeros(len(keys), np.bool_)
    for site, reach in zip(sites, reach_m, strict=True):
        ground = EARTH_M * site / np.linalg.norm(site)
        inside |= np.linalg.norm(middle - ground, axis=1) <= reach + INSIDE * size_m
    return keys[inside]


def _columns(row: int, lat: float, lon: float, far: float, size_m: float) -> IntArray:
    """Return which cells of a row may be within `far` rad of a place."""
    count = int(_in_row(np.array([row]), size_m)[0])
    least = min(abs(lat) + far, np.pi / 2 - 1e-3)
    width = int(np.ceil(far / np.cos(least) / (2.0 * np.pi) * count)) + 1
    if 2 * width + 1 >= count:
        return np.arange(count)
    middle = int((lon + np.pi) / (2.0 * np.pi) * count)
    return np.arange(middle - width, middle + width + 1) % count


def _rows(size_m: float) -> int:
    return int(np.ceil(np.pi * EARTH_M / size_m))


def _row(lat: float, size_m: float) -> int:
    return int(np.floor((lat + np.pi / 2) * EARTH_M / size_m))


def _in_row(row: IntArray, size_m: float) -> IntArray:
    """Return how many cells rows hold."""
    lat = (row + 0.5) * size_m / EARTH_M - np.pi / 2
    return np.maximum(np.rint(2.0 * np.pi * np.cos(lat) * EARTH_M / size_m), 1.0).astype(np.int64)


def _keys(lat: FloatArray, lon: FloatArray, size_m: float) -> IntArray:
    row = np.clip(np.floor((lat + np.pi / 2) * EARTH_M / size_m), 0, _rows(size_m) - 1).astype(np.int64)
    count = _in_row(row, size_m)
    return row * ROW_KEYS + np.floor((lon + np.pi) / (2.0 * np.pi) * count).astype(np.int64) % count


def _middles(keys: IntArray, size_m: float, east: FloatArray, north: FloatArray) -> tuple[FloatArray, FloatArray]:
    row, column = np.divmod(keys, ROW_KEYS)
    lat = (row + 0.5 + north) * size_m / EARTH_M - np.pi / 2
    return lat, (column + 0.5 + east) / _in_row(row, size_m) * 2.0 * np.pi - np.pi


def _found(keys: IntArray, wanted: IntArray) -> IntArray:
    """Return where keys stand among ascending ones, their number for those that are not there."""
    at = np.searchsorted(keys, wanted)
    there = np.append(keys, -1)[at] == wanted
    return np.where(there, at, len(keys))


def _beside(keys: IntArray, size_m: float) -> IntArray:
    row, column = np.divmod(keys, ROW_KEYS)
    count = _in_row(row, size_m)
    lon = (column + 0.5) / count
    sides = [row * ROW_KEYS + (column + step) % count for step in (-1, 1)]
    for step in (-1, 1):
        other = np.clip(row + step, 0, _rows(size_m) - 1)
        sides.append(other * ROW_KEYS + np.floor(lon * _in_row(other, size_m)).astype(np.int64))
    return np.stack([_found(keys, side) for side in sides], axis=1)

"""Where radars report what is not there: their learned clutter maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

RANGE_CELLS, AZIMUTH_CELLS = 32, 64
MEMORY = 0.04
"""Weight of the newest scan in a cell: a wind farm is learned in a minute or two, and forgotten as fast."""
SPOT_RANGES, SPOT_AZIMUTHS = 128, 360
SPOT_PASSES = 3.0
"""So many plots an object may leave in a small cell while it passes or is not confirmed yet."""
RISES, RISE_FROM, RISE_TO = 28, -0.04, 0.52
RISES_BELIEVED, RISES_KEPT = 100.0, 2_000.0
"""Elevations of clutter are counted in steps of 0.02 rad, held alike at first as if so many plots showed it."""
NEIGHBOURS_WORTH = 0.5
BURST_FROM = 2.0
"""More plots than this in one scan and nine cells, and no established track's, are clutter that has just come."""
SPELL_SCANS = 60
"""So many scans are one spell: what answered in spells before this one was there before whatever has come since."""
SPELLS = 15
"""What a place answers is remembered for about so many spells, an hour of a radar that turns in four seconds."""
FIXED_LEAST = 0.1
"""A place that has answered more often than this, in plots per scan, holds something that stands there for good."""
PRIOR_SCANS = 20.0
"""For how many scans a cell is held to be like the radar's others before its own scans outweigh that."""


STATE = ("mean", "_now", "_last", "spots", "_spots_now", "_fixed", "_spell", "rises", "scans")
"""The tables from which all others follow."""


class ClutterMaps:
    """How many plots without an object one scan of each radar holds, by cell of range and azimuth.

    Small cells beside the large ones hold the spots that answer again and again, turbines and masts: they count beyond
    what an object leaves that passes. What the last scan alone held counts where it is too much to be an object or two:
    rain comes at once.

    What the small cells held in whole spells of scans before the one that is going on tells places that always answer
    from an object that has come to stand there.

    Every table has a row for each radar, so that a step asks once for the plots of all of them.
    """

    def __init__(self) -> None:
        edges = np.arange(RANGE_CELLS + 1) / RANGE_CELLS
        self._areas = np.repeat(np.diff(edges**2)[:, None] / AZIMUTH_CELLS, AZIMUTH_CELLS, axis=1)
        self._reach_m = np.empty(0)
        self.mean = np.zeros((0, RANGE_CELLS, AZIMUTH_CELLS))
        self._now, self._last, self._near, self._burst = (self.mean.copy() for _ in range(4))
        self.spots = np.zeros((0, SPOT_RANGES, SPOT_AZIMUTHS), np.float32)
        self._spots_now, self._fixed, self._spell = (self.spots.copy() for _ in range(3))
        self.rises = np.zeros((0, RISES))
        self.scans = np.zeros(0, np.int64)

    def grow(self, reach_m: FloatArray) -> None:
        """Add maps of radars that see `reach_m` (k,) far, of which nothing is known yet."""
        known, more = len(self.scans), len(reach_m)
        self._reach_m = np.r_[self._reach_m, reach_m]
        for name in (*STATE, "_near", "_burst"):
            grid = getattr(self, name)
            setattr(self, name, np.concatenate([grid, np.zeros((more, *grid.shape[1:]), grid.dtype)]))
        self.rises[known:] = RISES_BELIEVED / RISES

    def add(
        self,
        radar: IntArray,
        range_m: FloatArray,
        azimuth_rad: FloatArray,
        unclaimed: FloatArray,
        elevation_rad: FloatArray,
    ) -> None:
        """Take plots (n,) of the scans that are going on: where they were, and how probably no track caused them."""
        np.add.at(self.rises, (radar, _rise(elevation_rad)), unclaimed)
        np.add.at(self._now, self._cells(radar, range_m, azimuth_rad, self.mean), unclaimed)
        np.add.at(self._spots_now, self._cells(radar, range_m, azimuth_rad, self.spots), unclaimed)

    def close(self, radar: int) -> None:
        """End a radar's scan: let its cells remember what they held."""
        self.scans[radar] += 1
        self.mean[radar] += max(MEMORY, 1.0 / self.scans[radar]) * (self._now[radar] - self.mean[radar])
        self._last[radar] = self._now[radar]
        self._now[radar] = 0.0
        self._derive(radar)
        self.spots[radar] += np.float32(MEMORY) * (self._spots_now[radar] - self.spots[radar])
        self._spell[radar] += self._spots_now[radar]
        self._spots_now[radar] = 0.0
        if self.scans[radar] % SPELL_SCANS == 0:
            weight = np.float32(max(1.0 / SPELLS, SPELL_SCANS / self.scans[radar]))
            self._fixed[radar] += weight * (self._spell[radar] / np.float32(SPELL_SCANS) - self._fixed[radar])
            self._spell[radar] = 0.0
        self.rises[radar] *= min(1.0, RISES_KEPT / self.rises[radar].sum())

    def _derive(self, radar: int) -> None:
        """Compute what follows from a radar's scans: density beside each cell, and what has just come."""
        self._near[radar] = _around(self.mean[radar] / self._areas)
        beyond = np.maximum(_nine(self._last[radar]) - BURST_FROM, 0.0)
        self._burst[radar] = beyond / _nine(self._areas)

    def rising(self, radar: IntArray, elevation_rad: FloatArray) -> FloatArray:
        """Return how clutter spreads over elevation, per rad, at elevations (n,): most of it lies low."""
        told = self.rises[radar, _rise(elevation_rad)] / self.rises.sum(axis=1)[radar]
        return np.asarray(told * RISES / (RISE_TO - RISE_FROM))

    def density(
        self, radar: IntArray, range_m: FloatArray, azimuth_rad: FloatArray, expected: FloatArray
    ) -> FloatArray:
        """Return clutter plots per scan, m and rad (n,) at places (n,).

        A cell seen in few scans is held to hold its share, by area, of the `expected` (n,) plots of a scan.
        """
        cells = self._cells(radar, range_m, azimuth_rad, self.mean)
        scans = np.minimum(self.scans, 1.0 / MEMORY)[radar]
        known = scans / (scans + PRIOR_SCANS)
        held = known * self._near[cells] + (1.0 - known) * expected
        held = np.maximum(held, self._burst[cells]) * self._areas[cells[1:]]
        spot = self.spots[self._cells(radar, range_m, azimuth_rad, self.spots)] - SPOT_PASSES * MEMORY
        return np.maximum(held / self._size(radar, self.mean), spot / self._size(radar, self.spots))

    def always_answer(self, radar: IntArray, range_m: FloatArray, azimuth_rad: FloatArray) -> NDArray[np.bool_]:
        """Return which places (n,), or their neighbours, answered scan after scan before the spell that is going on."""
        _, near, turn = self._cells(radar, range_m, azimuth_rad, self._fixed)
        beside = np.arange(-1, 2)
        ranges = np.clip(near[:, None, None] + beside[:, None], 0, SPOT_RANGES - 1)
        azimuths = (turn[:, None, None] + beside) % SPOT_AZIMUTHS
        return np.any(self._fixed[radar[:, None, None], ranges, azimuths] > FIXED_LEAST, axis=(1, 2))

    def _size(self, radar: IntArray, grid: NDArray[np.floating]) -> FloatArray:
        """Return the size of a grid's cells, m rad."""
        return np.asarray(self._reach_m[radar] / grid.shape[1] * 2.0 * np.pi / grid.shape[2])

    def _cells(
        self, radar: IntArray, range_m: FloatArray, azimuth_rad: FloatArray, grid: NDArray[np.floating]
    ) -> tuple[IntArray, NDArray[np.intp], NDArray[np.intp]]:
        _, ranges, azimuths = grid.shape
        near = np.clip(range_m / self._reach_m[radar] * ranges, 0, ranges - 1).astype(np.intp)
        turn = np.mod(azimuth_rad, 2.0 * np.pi) / (2.0 * np.pi) * azimuths
        return radar, near, np.minimum(turn, azimuths - 1).astype(np.intp)

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays, a row for each radar."""
        return {name.removeprefix("_"): getattr(self, name).copy() for name in STATE}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned of the same radars, the first of those that are known now."""
        known = len(state["scans"])
        for name in STATE:
            getattr(self, name)[:known] = state[name.removeprefix("_")]
        for radar in range(known):
            self._derive(radar)


def _nine(grid: FloatArray) -> FloatArray:
    """Return the sums over each cell and its neighbours in range and azimuth."""
    ringed = np.concatenate([grid[:, -1:], grid, grid[:, :1]], axis=1)
    across = ringed[:, :-2] + ringed[:, 1:-1] + ringed[:, 2:]
    out = across.copy()
    out[1:] += across[:-1]
    out[:-1] += across[1:]
    return out


def _rise(elevation_rad: FloatArray) -> NDArray[np.intp]:
    share = (np.nan_to_num(elevation_rad) - RISE_FROM) / (RISE_TO - RISE_FROM)
    return np.clip(share * RISES, 0, RISES - 1).astype(np.intp)


def _around(density: FloatArray) -> FloatArray:
    """Return each cell's density, or its neighbours, worth less, if that is more: rain drifts."""
    ringed = np.concatenate([density[:, -1:], density, density[:, :1]], axis=1)
    across = np.maximum(ringed[:, :-2], ringed[:, 2:])
    along = np.zeros_like(density)
    along[1:] = density[:-1]
    along[:-1] = np.maximum(along[:-1], density[1:])
    return np.maximum(density, NEIGHBOURS_WORTH * np.maximum(across, along))

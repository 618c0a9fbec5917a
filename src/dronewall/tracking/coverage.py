"""Where a radar reports what is not there: its learned clutter map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

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
PRIOR_SCANS = 20.0
"""For how many scans a cell is held to be like the radar's others before its own scans outweigh that."""


class ClutterMap:
    """How many plots without an object one scan of one radar holds, by cell of range and azimuth.

    Small cells beside the large ones hold the spots that answer again and again, turbines and masts: they count beyond
    what an object leaves that passes. What the last scan alone held counts where it is too much to be an object or two:
    rain comes at once.
    """

    NAMES = ("mean", "now", "last", "spots", "spots_now", "rises", "scans")

    def __init__(self, reach_m: float) -> None:
        self._reach_m = reach_m
        edges = np.arange(RANGE_CELLS + 1) / RANGE_CELLS
        self._areas = np.repeat(np.diff(edges**2)[:, None] / AZIMUTH_CELLS, AZIMUTH_CELLS, axis=1)
        self.mean = np.zeros((RANGE_CELLS, AZIMUTH_CELLS))
        self._near = self.mean.copy()
        self._last = self.mean.copy()
        self._burst = self.mean.copy()
        self.scans = 0
        self._now = np.zeros_like(self.mean)
        self.spots = np.zeros((SPOT_RANGES, SPOT_AZIMUTHS), np.float32)
        self._spots_now = np.zeros_like(self.spots)
        self.rises = np.full(RISES, RISES_BELIEVED / RISES)

    def add(
        self,
        range_m: FloatArray,
        azimuth_rad: FloatArray,
        unclaimed: FloatArray,
        elevation_rad: FloatArray | None = None,
    ) -> None:
        """Take plots (n,) of the scan that is going on: where they were, and how probably no track caused them."""
        if elevation_rad is not None:
            np.add.at(self.rises, _rise(elevation_rad), unclaimed)
        np.add.at(self._now, self._cells(range_m, azimuth_rad, self.mean), unclaimed)
        np.add.at(self._spots_now, self._cells(range_m, azimuth_rad, self.spots), unclaimed)

    def close(self) -> None:
        """End the scan: let cells remember what they held."""
        self.scans += 1
        self.mean += max(MEMORY, 1.0 / self.scans) * (self._now - self.mean)
        self._near = _around(self.mean / self._areas)
        self._last, self._now = self._now, np.zeros_like(self._now)
        self._burst = self._burst_of(self._last)
        self.spots += np.float32(MEMORY) * (self._spots_now - self.spots)
        self._spots_now[:] = 0.0
        self.rises *= min(1.0, RISES_KEPT / self.rises.sum())

    def rising(self, elevation_rad: FloatArray) -> FloatArray:
        """Return how clutter spreads over elevation, per rad, at elevations (n,): most of it lies low."""
        return self.rises[_rise(elevation_rad)] / self.rises.sum() * RISES / (RISE_TO - RISE_FROM)

    def density(self, range_m: FloatArray, azimuth_rad: FloatArray, *, expected: float) -> FloatArray:
        """Return clutter plots per scan, m and rad (n,) at places (n,).

        A cell seen in few scans is held to hold its share, by area, of the `expected` plots of a scan.
        """
        cells = self._cells(range_m, azimuth_rad, self.mean)
        scans = min(self.scans, 1.0 / MEMORY)
        known = scans / (scans + PRIOR_SCANS)
        held = known * self._near[cells] + (1.0 - known) * expected
        held = np.maximum(held, self._burst[cells]) * self._areas[cells]
        spot = self.spots[self._cells(range_m, azimuth_rad, self.spots)] - SPOT_PASSES * MEMORY
        return np.maximum(held / self._size(self.mean), spot / self._size(self.spots))

    def _burst_of(self, scan: FloatArray) -> FloatArray:
        """Return what one scan held around each cell beyond an object or two, as plots of a whole scan."""
        return np.maximum(_nine(scan) - BURST_FROM, 0.0) / _nine(self._areas)

    def _size(self, grid: NDArray[np.floating]) -> float:
        """Return the size of a grid's cells, m rad."""
        return self._reach_m / grid.shape[0] * 2.0 * np.pi / grid.shape[1]

    def _cells(
        self, range_m: FloatArray, azimuth_rad: FloatArray, grid: NDArray[np.floating]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        ranges, azimuths = grid.shape
        near = np.clip(range_m / self._reach_m * ranges, 0, ranges - 1).astype(np.intp)
        turn = np.mod(azimuth_rad, 2.0 * np.pi) / (2.0 * np.pi) * azimuths
        return near, np.minimum(turn, azimuths - 1).astype(np.intp)

    def checkpoint(self) -> dict[str, NDArray[np.floating]]:
        """Return the state as named arrays."""
        return {
            "mean": self.mean.copy(),
            "now": self._now.copy(),
            "last": self._last.copy(),
            "spots": self.spots.copy(),
            "spots_now": self._spots_now.copy(),
            "rises": self.rises.copy(),
            "scans": np.array([float(self.scans)]),
        }

    def restore(self, state: dict[str, NDArray[np.floating]]) -> None:
        """Become what `checkpoint` returned."""
        self.mean, self._now, self._last = (state[name].astype(float) for name in ("mean", "now", "last"))
        self.spots, self._spots_now = state["spots"].astype(np.float32), state["spots_now"].astype(np.float32)
        self.rises = state["rises"].astype(float)
        self.scans = int(state["scans"][0])
        self._near = _around(self.mean / self._areas)
        self._burst = self._burst_of(self._last)


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

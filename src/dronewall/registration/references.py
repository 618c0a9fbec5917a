"""References: what trusted aircraft last said of their position, kept apart from everything that we estimate.

A fused track that took a radar's plots carries that radar's errors and cannot show them. So this board holds only the
aircraft's own reports, and nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.altitude import hae_from_altitude
from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.plots import Datum, Plots
from dronewall.registration.reference_kernels import enter_reports

FloatArray = NDArray[np.float64]

REPORTS = 8
"""Reports kept of each aircraft: some seconds."""
STALE_S = 30.0
"""An aircraft not heard for so long is taken off the board."""
LEAST_NIC, LEAST_NACP = 7, 8
"""Within 370 m for sure and within 93 m in 95 of 100 cases; who states neither is taken at the sensor's word."""
SIGMA_MOST_M = 100.0
SIGMA_VELOCITY_MPS = 3.0
"""Per axis, of who does not say."""
TIMELY_S = 10.0
"""Reports whose time is further from now are not used."""


class Board(NamedTuple):
    """One row per aircraft, in the order of addresses; the last reports of each in a ring, `newest` says where.

    ECEF m and m/s. `sigma_m` is per horizontal axis; `velocity` NaN where neither said nor to be had from positions.
    `doubted_ns` is until when an aircraft that jumped is not used.
    """

    address: NDArray[np.uint32]
    newest: NDArray[np.int32]
    at_ns: NDArray[np.int64]
    position: FloatArray
    velocity: FloatArray
    sigma_m: FloatArray
    sigma_velocity_mps: FloatArray
    pressure: NDArray[np.bool_]
    doubted_ns: NDArray[np.int64]


def _board(count: int) -> Board:
    ring = (count, REPORTS)
    return Board(
        address=np.zeros(count, np.uint32),
        newest=np.zeros(count, np.int32),
        at_ns=np.zeros(ring, np.int64),
        position=np.zeros((*ring, 3)),
        velocity=np.full((*ring, 3), np.nan),
        sigma_m=np.zeros(ring),
        sigma_velocity_mps=np.zeros(ring),
        pressure=np.zeros(count, np.bool_),
        doubted_ns=np.zeros(count, np.int64),
    )


class References:
    """The board, kept up to date."""

    def __init__(self) -> None:
        self.board = _board(0)
        self._swept_ns = 0

    def take(self, plots: Plots, rows: NDArray[np.intp], declared_m: FloatArray, *, now_ns: int) -> None:
        """Enter the reports `rows`, whose sensors declare a horizontal 1-σ (k,) for what says none itself."""
        if now_ns - self._swept_ns > STALE_S / 2 * 1e9:
            self._sweep(now_ns)
        rows, sigma_m = _trusted(plots, rows, declared_m, now_ns)
        if not len(rows):
            return
        address = plots.icao24[rows]
        self._make_room(address)
        lat, lon, datum = plots.lat_deg[rows], plots.lon_deg[rows], plots.altitude_datum[rows]
        hae, _ = hae_from_altitude(plots.altitude_m[rows], datum, lat, lon)
        up = plots.velocity_up_mps[rows]
        up[np.isnan(up)] = 0.0
        enu = np.stack([plots.velocity_east_mps[rows], plots.velocity_north_mps[rows], up], axis=1)
        stated = plots.sigma_velocity_mps[rows].astype(float)
        stated[np.isnan(stated)] = SIGMA_VELOCITY_MPS
        enter_reports(
            self.board,
            np.searchsorted(self.board.address, address),
            plots.at_ns[rows],
            ecef_from_geodetic(lat, lon, hae),
            np.einsum("nji,nj->ni", enu_axes(lat, lon), enu),
            sigma_m,
            np.clip(stated, 0.3, 20.0),
            datum == Datum.PRESSURE,
        )

    def rows_of(self, address: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Return the board's rows of addresses, -1 where there is none; 0 is nobody's address."""
        known = self.board.address
        if not len(known):
            return np.full(address.shape, -1, np.int32)
        at = np.minimum(np.searchsorted(known, address), len(known) - 1)
        return np.where((known[at] == address) & (address != 0), at, -1).astype(np.int32)

    def latest(self) -> tuple[NDArray[np.int64], FloatArray]:
        """Return the instant and the position of each aircraft's newest report."""
        rows = np.arange(len(self.board.address))
        return self.board.at_ns[rows, self.board.newest], self.board.position[rows, self.board.newest]

    def _make_room(self, address: NDArray[np.uint32]) -> None:
        unknown = self.rows_of(address) < 0
        if unknown.any():
            new = np.unique(address[unknown])
            grown = _board(len(new))
            grown.address[:] = new
            pairs = zip(Board._fields, self.board, grown, strict=True)
            together = Board(**{name: np.concatenate([known, added]) for name, known, added in pairs})
            self.board = _picked(together, np.argsort(together.address, kind="stable"))

    def _sweep(self, now_ns: int) -> None:
        self._swept_ns = now_ns
        at_ns, _ = self.latest()
        heard = (now_ns - at_ns) / 1e9 < STALE_S
        if not heard.all():
            self.board = _picked(self.board, heard)

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        columns = {f"references.{name}": values.copy() for name, values in self.board._asdict().items()}
        return {**columns, "references.swept_ns": np.array([self._swept_ns], np.int64)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self.board = Board(**{name: np.array(state[f"references.{name}"]) for name in Board._fields})
        self._swept_ns = int(state["references.swept_ns"][0])


def _picked(board: Board, rows: NDArray[Any]) -> Board:
    return Board(**{name: column[rows] for name, column in board._asdict().items()})


def _trusted(
    plots: Plots, rows: NDArray[np.intp], declared_m: FloatArray, now_ns: int
) -> tuple[NDArray[np.intp], FloatArray]:
    """Return which of the reports `rows` may serve as references, and their horizontal 1-σ, m."""
    stated = plots.sigma_position_m[rows].astype(float)
    sigma_m = np.where(np.isfinite(stated) & (stated > 0), stated, declared_m)
    nic, nacp = plots.nic[rows], plots.nacp[rows]
    sure = ((nic < 0) | (nic >= LEAST_NIC)) & ((nacp < 0) | (nacp >= LEAST_NACP)) & (sigma_m <= SIGMA_MOST_M)
    placed = (np.abs(plots.lat_deg[rows]) <= 90.0) & (np.abs(plots.lon_deg[rows]) <= 360.0)
    placed &= (plots.altitude_datum[rows] != Datum.ABSENT) & (np.abs(plots.altitude_m[rows]) < 3e4)
    timely = np.abs((now_ns - plots.at_ns[rows]) / 1e9) < TIMELY_S
    good = sure & placed & timely & (plots.icao24[rows] != 0)
    return rows[good], np.clip(sigma_m[good], 3.0, SIGMA_MOST_M)

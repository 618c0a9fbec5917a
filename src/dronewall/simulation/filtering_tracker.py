"""A maker's tracker that is a Kalman filter over its own radar: it tells tracks, or the plots that it makes them of.

What it tells as plots and as tracks comes of the same measurements, so that fusing the tracks can be compared with
having had the plots. It never confuses objects and has no clutter: it is for judging how tracks are fused, not how a
tracker associates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray, enu_axes, enu_from_spherical, geodetic_from_ecef
from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor
from dronewall.simulation.sites import Sites
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import in_order_received, ns_of
from dronewall.simulation.streams import stream

DELAY_S = 0.3
FIRST_SPEED_SIGMA_MPS = 150.0
LOOKS_UNTIL_TOLD = 3
UPPER = np.triu_indices(6)


@dataclass(frozen=True, slots=True)
class Tells:
    """What is told of a track: its covariance whole, of position only, or not at all; and how much too small it is."""

    covariance: bool = True
    velocity_covariance: bool = True
    boast: float = 1.0
    """The covariance told is the filter's, divided by this."""


class FilteringTracker:
    """One radar with its tracker as a source; a window is one look at all objects.

    The sensor declares the radar's sigmas and period; whether it delivers tracks decides what it tells. `q_level` is
    the density of white acceleration that its filter assumes, m²/s³, a fifth of it upright.
    """

    def __init__(
        self, sensor: Sensor, sky: Sky, *, seed: int, q_level: float = 1.0, tells: Tells | None = None
    ) -> None:
        if sensor.range_max_m is None or sensor.period_s is None:
            raise ValueError("a simulated tracker declares its range and period")
        self._sensor, self._sky, self._seed = sensor, sky, seed
        self._range_m, self._period_s = sensor.range_max_m, sensor.period_s
        self._q, self._tells = q_level, tells or Tells()
        self._sites = Sites.of([sensor])
        self._told: dict[int, tuple[NDArray[np.int64], FloatArray, FloatArray]] = {}
        self._looked = -1
        self._count = np.zeros(len(sky), np.int64)
        self._mean, self._cov = np.zeros((len(sky), 6)), np.zeros((len(sky), 6, 6))

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The tracker."""
        return (self._sensor,)

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the looks that may be received in the interval."""
        first = int(np.floor((from_s - DELAY_S) / self._period_s))
        return range(max(first, 0), max(int(np.ceil(to_s / self._period_s)), 0))

    def plots(self, window: int) -> Plots:
        """Return what one look gave, as plots or as tracks."""
        return self._as_tracks(window) if self._sensor.delivers_tracks else self._as_plots(window)

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether the radar sees each object."""
        return self._sites.reach(ecef, np.full(len(rows), self._range_m), radio=True)

    def _measured(self, window: int) -> tuple[NDArray[np.int64], FloatArray]:
        """Rows of the objects in sight, and range, azimuth, elevation (n, 3) as measured."""
        at_s = window * self._period_s
        rows = np.flatnonzero((self._sky.movers.start_s <= at_s) & (at_s < self._sky.movers.end_s))
        position, _ = self._sky.movers.state(rows, at_s)
        seen = self.reaches(self._sky, rows, position)
        rows, position = rows[seen], position[seen]
        noise = stream(self._seed, "filtering-tracker", window).standard_normal((len(self._sky), 3))[rows]
        true = np.stack(self._sites.look(np.zeros(len(rows), np.int64), position), axis=1)
        return rows, true + noise * self._sigmas()

    def _sigmas(self) -> FloatArray:
        sigma = self._sensor.sigma
        return np.array([sigma.range_m, np.radians(sigma.azimuth_deg or 0.0), np.radians(sigma.elevation_deg or 0.0)])

    def _as_plots(self, window: int) -> Plots:
        rows, z = self._measured(window)
        at_s = np.full(len(rows), window * self._period_s)
        return in_order_received(
            len(rows),
            (self._sensor.sensor_id,),
            at_ns=ns_of(at_s),
            received_ns=ns_of(at_s + DELAY_S),
            scan=window,
            scan_end=np.arange(len(rows)) == len(rows) - 1,
            range_m=z[:, 0],
            azimuth_rad=np.mod(z[:, 1], 2 * np.pi),
            elevation_rad=z[:, 2],
        )

    def _as_tracks(self, window: int) -> Plots:
        self._look_until(window)
        rows, mean, cov = self._told[window]
        at_s = np.full(len(rows), window * self._period_s)
        lat, lon, hae = geodetic_from_ecef(mean[:, :3])
        axes = enu_axes(lat, lon)
        enu = np.einsum("nij,nj->ni", axes, mean[:, 3:])
        return in_order_received(
            len(rows),
            (self._sensor.sensor_id,),
            at_ns=ns_of(at_s),
            received_ns=ns_of(at_s + DELAY_S),
            lat_deg=lat,
            lon_deg=lon,
            altitude_m=hae,
            altitude_datum=Datum.WGS84_HAE,
            velocity_east_mps=enu[:, 0],
            velocity_north_mps=enu[:, 1],
            velocity_up_mps=enu[:, 2],
            covariance=self._covariances(axes, cov),
            track_ref=np.array([f"F{row:04d}" for row in rows], "S36"),
        )

    def _covariances(self, axes: FloatArray, cov: FloatArray) -> NDArray[np.float32]:
        turn = np.zeros((len(cov), 6, 6))
        turn[:, :3, :3] = turn[:, 3:, 3:] = axes
        enu = turn @ cov @ np.swapaxes(turn, 1, 2) / self._tells.boast
        if not self._tells.velocity_covariance:
            enu[:, 3:, :] = enu[:, :, 3:] = np.nan
        cells = enu[:, UPPER[0], UPPER[1]].astype(np.float32)
        return cells if self._tells.covariance else np.full_like(cells, np.nan)

    def _look_until(self, window: int) -> None:
        """Filter all looks up to one; a filter has a memory, so looks are kept."""
        while self._looked < window:
            self._looked += 1
            rows, z = self._measured(self._looked)
            self._filter(rows, z)
            told = rows[self._count[rows] >= LOOKS_UNTIL_TOLD]
            self._told[self._looked] = told, self._mean[told].copy(), self._cov[told].copy()

    def _filter(self, rows: NDArray[np.int64], z: FloatArray) -> None:
        lost = np.setdiff1d(np.arange(len(self._sky)), rows)
        self._count[lost] = 0
        place, noise = self._converted(z)
        new = self._count[rows] == 0
        self._mean[rows[new]] = np.concatenate([place[new], np.zeros((new.sum(), 3))], axis=1)
        self._cov[rows[new]] = 0.0
        self._cov[rows[new], :3, :3] = noise[new]
        self._cov[rows[new], 3:, 3:] = FIRST_SPEED_SIGMA_MPS**2 * np.eye(3)
        known = rows[~new]
        self._update(known, place[~new], noise[~new])
        self._count[rows] += 1

    def _converted(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return measurements as ECEF positions (n, 3) with covariances (n, 3, 3)."""
        axes = self._sites.axes[0]
        place = self._sites.ecef[0] + enu_from_spherical(*z.T) @ axes
        step = np.stack(
            [enu_from_spherical(*(z + d).T) - enu_from_spherical(*(z - d).T) for d in np.diag(self._sigmas())], axis=2
        )
        spread = np.einsum("ki,nkl->nil", axes, step / 2.0)
        return place, spread @ np.swapaxes(spread, 1, 2)

    def _update(self, rows: NDArray[np.int64], place: FloatArray, noise: FloatArray) -> None:
        dt, onward = self._period_s, np.eye(6)
        onward[:3, 3:] = dt * np.eye(3)
        mean, cov = self._mean[rows] @ onward.T, onward @ self._cov[rows] @ onward.T + self._process_noise(place, dt)
        gain = np.swapaxes(np.linalg.solve(cov[:, :3, :3] + noise, cov[:, :3, :]), 1, 2)
        self._mean[rows] = mean + np.einsum("nij,nj->ni", gain, place - mean[:, :3])
        self._cov[rows] = cov - gain @ cov[:, :3, :]

    def _process_noise(self, place: FloatArray, dt: float) -> FloatArray:
        up = place / np.linalg.norm(place, axis=1, keepdims=True)
        q = self._q * (np.eye(3) - 0.8 * up[:, :, None] * up[:, None, :])
        return np.block([[q * dt**3 / 3.0, q * dt**2 / 2.0], [q * dt**2 / 2.0, q * dt]])

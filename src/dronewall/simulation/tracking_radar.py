"""A maker's tracker that really filters: it has a radar of its own and delivers what its Kalman filter makes of it.

Its errors are correlated from one report to the next in just the way a filter's are, and its covariance is honest. It
knows which plot is whose: this is a study of fusing tracks, not of its association.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import (
    FloatArray,
    ecef_from_enu,
    enu_axes,
    enu_from_ecef,
    enu_from_spherical,
    geodetic_from_ecef,
    spherical_from_enu,
)
from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor
from dronewall.simulation.sites import Sites
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import in_order_received, ns_of
from dronewall.simulation.streams import stream

DELAY_S = 0.3
SETTLED_SCANS = 5
"""A track is delivered from its fifth plot on."""
Q_LEVEL, Q_UPRIGHT = 0.3, 0.05
UPPER = np.triu_indices(6)


@dataclass(frozen=True, slots=True)
class OwnRadar:
    """The plots behind the tracks: 1-σ errors and the chance of detection."""

    range_m: float = 40.0
    azimuth_rad: float = 0.004
    elevation_rad: float = 0.006
    pd: float = 0.9


class TrackingRadar:
    """One tracker as a source: a window is one scan of its radar and the tracks after it."""

    def __init__(
        self,
        sensor: Sensor,
        sky: Sky,
        *,
        seed: int,
        seconds: float,
        radar: OwnRadar | None = None,
        with_covariance: bool = True,
    ) -> None:
        """All of its `seconds` are filtered at once, so that a window may be asked for in any order."""
        if sensor.range_max_m is None or sensor.period_s is None or not sensor.sited:
            raise ValueError("a simulated tracker declares its site, range and period")
        self._sensor, self._sky, self._with_covariance = sensor, sky, with_covariance
        self._range_m, self._period_s = sensor.range_max_m, sensor.period_s
        self._origin = (sensor.lat_deg or 0.0, sensor.lon_deg or 0.0, sensor.hae_m or 0.0)
        self._sites, self._radar = Sites.of([sensor]), radar or OwnRadar()
        self._scans = self._filtered(seed, int(seconds / self._period_s))

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The tracker."""
        return (self._sensor,)

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the scans whose tracks may be received in the interval."""
        first = int(np.floor((from_s - DELAY_S) / self._period_s))
        return range(max(first, 0), max(min(int(np.ceil(to_s / self._period_s)), len(self._scans)), 0))

    def plots(self, window: int) -> Plots:
        """Return the tracks after one scan."""
        return self._scans[window]

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether its radar has each object in range."""
        return self._sites.reach(ecef, np.where(sky.signatures.rcs_m2[rows] > 0, self._range_m, 0.0), radio=False)

    def _filtered(self, seed: int, scans: int) -> list[Plots]:
        n = len(self._sky)
        x, cov, hits = np.zeros((n, 6)), np.zeros((n, 6, 6)), np.zeros(n, np.int64)
        move, noise = _motion(self._period_s)
        told = []
        for scan in range(scans):
            at_s = scan * self._period_s
            rng = stream(seed, f"filter.{self._sensor.sensor_id}", scan)
            x, cov = x @ move.T, move @ cov @ move.T + noise
            rows, z, r = self._measured(rng, at_s)
            new, old = rows[hits[rows] == 0], hits[rows] > 0
            _update(x, cov, rows[old], z[old], r[old])
            x[new, :3], x[new, 3:] = z[~old], 0.0
            cov[new] = 0.0
            cov[new, :3, :3], cov[new, 3:, 3:] = r[~old], np.diag([120.0**2, 120.0**2, 10.0**2])
            hits[rows] += 1
            there = (self._sky.movers.start_s <= at_s) & (at_s < self._sky.movers.end_s)
            hits[~there | (np.trace(cov[:, :3, :3], axis1=1, axis2=2) > 3e6)] = 0
            told.append(self._reported(np.flatnonzero(hits >= SETTLED_SCANS), x, cov, at_s))
        return told

    def _measured(self, rng: np.random.Generator, at_s: float) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
        """Rows detected, their measured places in the radar's ENU, and the covariances of those."""
        movers = self._sky.movers
        rows = np.flatnonzero((movers.start_s <= at_s) & (at_s < movers.end_s))
        position, _ = movers.state(rows, at_s)
        seen = self.reaches(self._sky, rows, position) & (rng.random(len(rows)) < self._radar.pd)
        rows = rows[seen]
        r, a, e = spherical_from_enu(enu_from_ecef(position[seen], *self._origin))
        off = rng.standard_normal((3, len(rows)))
        sigma = (self._radar.range_m, self._radar.azimuth_rad, self._radar.elevation_rad)
        r, a, e = r + sigma[0] * off[0], a + sigma[1] * off[1], e + sigma[2] * off[2]
        jac = np.empty((len(rows), 3, 3))
        jac[:, :, 0] = enu_from_spherical(1.0, a, e)
        jac[:, :, 1] = enu_from_spherical(r, a, e)[:, [1, 0, 2]] * (1.0, -1.0, 0.0)
        jac[:, :, 2] = np.stack([-r * np.sin(e) * np.sin(a), -r * np.sin(e) * np.cos(a), r * np.cos(e)], axis=1)
        return rows, enu_from_spherical(r, a, e), jac @ np.diag(np.square(sigma)) @ jac.transpose(0, 2, 1)

    def _reported(self, rows: NDArray[np.int64], x: FloatArray, cov: FloatArray, at_s: float) -> Plots:
        """Estimates turned from the radar's own axes into those at each object's place."""
        ecef = ecef_from_enu(x[rows, :3], *self._origin)
        lat, lon, hae = geodetic_from_ecef(ecef)
        turn = enu_axes(lat, lon) @ enu_axes(*self._origin[:2]).T
        both = np.zeros((len(rows), 6, 6))
        both[:, :3, :3] = both[:, 3:, 3:] = turn
        velocity = np.einsum("nij,nj->ni", turn, x[rows, 3:])
        spread = both @ cov[rows] @ both.transpose(0, 2, 1)
        stated = {"covariance": spread[:, UPPER[0], UPPER[1]].astype(np.float32)} if self._with_covariance else {}
        return in_order_received(
            len(rows),
            (self._sensor.sensor_id,),
            at_ns=ns_of(np.full(len(rows), at_s)),
            received_ns=ns_of(np.full(len(rows), at_s + DELAY_S)),
            lat_deg=lat,
            lon_deg=lon,
            altitude_m=hae,
            altitude_datum=Datum.WGS84_HAE,
            velocity_east_mps=velocity[:, 0],
            velocity_north_mps=velocity[:, 1],
            velocity_up_mps=velocity[:, 2],
            track_ref=np.array([f"F{row}" for row in rows], "S36"),
            **stated,
        )


def _motion(step_s: float) -> tuple[FloatArray, FloatArray]:
    """Return the transition and noise of nearly constant velocity over a scan."""
    move, q = np.eye(6), np.diag([Q_LEVEL, Q_LEVEL, Q_UPRIGHT])
    move[:3, 3:] = np.eye(3) * step_s
    noise = np.block([[q * step_s**3 / 3, q * step_s**2 / 2], [q * step_s**2 / 2, q * step_s]])
    return move, noise


def _update(x: FloatArray, cov: FloatArray, rows: NDArray[np.int64], z: FloatArray, r: FloatArray) -> None:
    """Kalman's update of the rows, in place."""
    gain = cov[rows, :, :3] @ np.linalg.inv(cov[rows, :3, :3] + r)
    x[rows] += np.einsum("nij,nj->ni", gain, z - x[rows, :3])
    cov[rows] -= gain @ cov[rows, :3, :]

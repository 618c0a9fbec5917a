"""A maker's own tracker: it delivers tracks, not plots, with errors that drift as a filter's do."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray, enu_axes, geodetic_from_ecef
from dronewall.model.plots import CLASS_COUNT, Datum, ObjectClass, Plots
from dronewall.model.sensors import Sensor
from dronewall.simulation.sites import Sites
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import in_order_received, ns_of
from dronewall.simulation.streams import stream

LEAST_DELAY_S, MOST_DELAY_S = 0.3, 0.8
SETTLING_S = 20.0
WAVES = 3
SHORTEST_S, LONGEST_S = 25.0, 120.0
VISIBLE_RCS_M2 = 0.01


class VendorTracker:
    """One tracker as a source: a window is one round of track reports.

    Its errors are sums of slow waves, so they are Gaussian enough at an instant and correlated from one report to the
    next: fused as plots they would make a picture far too sure of itself.
    """

    def __init__(self, sensor: Sensor, sky: Sky, *, seed: int) -> None:
        if sensor.range_max_m is None or sensor.period_s is None:
            raise ValueError("a simulated tracker declares its range and period")
        self._sensor, self._sky, self._seed = sensor, sky, seed
        self._range_m, self._period_s = sensor.range_max_m, sensor.period_s
        self._sites = Sites.of([sensor])
        rng = stream(seed, "vendor.errors")
        shape = (len(sky), 3, WAVES)
        self._rate = 2 * np.pi / rng.uniform(SHORTEST_S, LONGEST_S, shape)
        self._phase = rng.uniform(0.0, 2 * np.pi, shape)
        self._number = 4_000 + rng.permutation(len(sky))

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The tracker."""
        return (self._sensor,)

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the rounds that may be received in the interval."""
        first = int(np.floor((from_s - MOST_DELAY_S) / self._period_s))
        return range(max(first, 0), max(int(np.ceil(to_s / self._period_s)), 0))

    def plots(self, window: int) -> Plots:
        """Return one round of track reports."""
        at_s = window * self._period_s
        delay_s = stream(self._seed, "vendor", window).uniform(LEAST_DELAY_S, MOST_DELAY_S)
        rows, position, velocity = self._followed(at_s)
        n = len(rows)
        lat, lon, _ = geodetic_from_ecef(position)
        axes = enu_axes(lat, lon)
        off, drifting = self._errors(rows, at_s)
        said_lat, said_lon, said_hae = geodetic_from_ecef(position + np.einsum("nij,ni->nj", axes, off))
        enu = np.einsum("nij,nj->ni", axes, velocity) + drifting
        return in_order_received(
            n,
            (self._sensor.sensor_id,),
            at_ns=ns_of(np.full(n, at_s)),
            received_ns=ns_of(np.full(n, at_s + delay_s)),
            lat_deg=said_lat,
            lon_deg=said_lon,
            altitude_m=said_hae,
            altitude_datum=Datum.WGS84_HAE,
            velocity_east_mps=enu[:, 0],
            velocity_north_mps=enu[:, 1],
            velocity_up_mps=enu[:, 2],
            covariance=self._covariance(),
            track_ref=np.array([f"K{number}" for number in self._number[rows]], "S36"),
            classes=self._classes(rows),
        )

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether the tracker's own radar could follow each object."""
        return (sky.signatures.rcs_m2[rows] > VISIBLE_RCS_M2) & self._sites.reach(
            ecef, np.full(len(rows), self._range_m), radio=True
        )

    def _followed(self, at_s: float) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
        """Objects in reach now and for long enough that the tracker is sure of them."""
        movers = self._sky.movers
        rows = np.flatnonzero((movers.start_s <= at_s - SETTLING_S) & (at_s < movers.end_s))
        before, _ = movers.state(rows, at_s - SETTLING_S)
        rows = rows[self.reaches(self._sky, rows, before)]
        position, velocity = movers.state(rows, at_s)
        seen = self.reaches(self._sky, rows, position)
        return rows[seen], position[seen], velocity[seen]

    def _errors(self, rows: NDArray[np.int64], at_s: float) -> tuple[FloatArray, FloatArray]:
        """Errors of position (m) and velocity (m/s), ENU: unit waves scaled to the declared sigmas."""
        wave = self._rate[rows] * at_s + self._phase[rows]
        scale = np.sqrt(2.0 / WAVES)
        return (
            self._position_sigma() * scale * np.sin(wave).sum(axis=2),
            self._velocity_sigma() * scale * np.cos(wave).sum(axis=2),
        )

    def _position_sigma(self) -> FloatArray:
        sigma = self._sensor.sigma
        return np.array([sigma.position_m or 0.0, sigma.position_m or 0.0, sigma.altitude_m or 0.0])

    def _velocity_sigma(self) -> float:
        return self._sensor.sigma.velocity_mps or 0.0

    def _covariance(self) -> NDArray[np.float32]:
        variances = np.concatenate([self._position_sigma() ** 2, np.full(3, self._velocity_sigma() ** 2)])
        return np.diag(variances)[np.triu_indices(6)].astype(np.float32)

    def _classes(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """It tells birds from what flies under power, no more."""
        true = self._sky.signatures.object_class[rows]
        classes = np.zeros((len(rows), CLASS_COUNT), np.float32)
        bird = true == ObjectClass.BIRD
        classes[:, ObjectClass.BIRD] = np.where(bird, 0.8, 0.05)
        classes[:, ObjectClass.UNKNOWN] = 1.0 - classes[:, ObjectClass.BIRD]
        return classes

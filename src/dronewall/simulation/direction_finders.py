"""Passive radio: stations that measure the direction of whatever transmits, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor
from dronewall.simulation.sites import Sites
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import in_order_received, ns_of, whole_seconds
from dronewall.simulation.streams import stream

LEAST_DELAY_S, MOST_DELAY_S = 0.1, 0.4
FALSE_PER_S = 0.01


class DirectionFinders:
    """Radio direction finders as a source: a window is one second; each reports every `period_s`."""

    def __init__(self, sensors: Sequence[Sensor], sky: Sky, *, seed: int) -> None:
        self._sensors, self._sky, self._seed = tuple(sensors), sky, seed
        self._ids = tuple(s.sensor_id for s in sensors)
        self._sites = Sites.of(sensors)
        self._range_m, self._period_s, self._pd, sigma_deg = np.array(
            [(s.range_max_m, s.period_s, s.pd, s.sigma.azimuth_deg) for s in sensors], float
        ).T
        self._sigma = np.radians(sigma_deg)
        self._phase = stream(seed, "rf.phase").random(len(sensors))
        self._emitting = np.flatnonzero(sky.signatures.emits)

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The stations."""
        return self._sensors

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the seconds whose reports may be received in the interval."""
        return whole_seconds(from_s - MOST_DELAY_S, to_s)

    def plots(self, window: int) -> Plots:
        """Return the bearings taken in one second, true and false."""
        rng = stream(self._seed, "rf", window)
        station, at_s, azimuth = self._found(rng, window)
        false = np.flatnonzero(rng.random(len(self._sensors)) < FALSE_PER_S)
        at_s = np.concatenate([at_s, window + rng.random(len(false))])
        azimuth = np.concatenate([azimuth, rng.uniform(0.0, 2 * np.pi, len(false))])
        return in_order_received(
            len(at_s),
            self._ids,
            sensor=np.concatenate([station, false]),
            at_ns=ns_of(at_s),
            received_ns=ns_of(at_s + rng.uniform(LEAST_DELAY_S, MOST_DELAY_S, len(at_s))),
            azimuth_rad=np.mod(azimuth, 2 * np.pi),
        )

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether each object transmits in sight and range of a station."""
        return sky.signatures.emits[rows] & self._sites.reach(ecef, self._range_m[:, None], radio=True)

    def _found(self, rng: np.random.Generator, window: int) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
        report_s = (np.ceil(window / self._period_s - self._phase) + self._phase) * self._period_s
        reporting = np.flatnonzero(report_s < window + 1)
        movers = self._sky.movers
        alive = (movers.start_s[self._emitting] <= window) & (window + 1 < movers.end_s[self._emitting])
        rows = self._emitting[alive]
        station, row = np.repeat(reporting, len(rows)), np.tile(rows, len(reporting))
        position, _ = movers.state(row, report_s[station])
        range_m, azimuth, _ = self._sites.look(station, position)
        heard = (range_m < self._range_m[station]) & self._sites.in_sight(station, position)
        found = rng.random(len(row)) < self._pd[station] * heard
        station = station[found]
        noise = self._sigma[station] * rng.standard_normal(len(station))
        return station, report_s[station], azimuth[found] + noise

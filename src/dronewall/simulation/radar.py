"""Surveillance radars: an antenna that turns, a horizon, a chance of detection that falls with range, clutter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray
from dronewall.model.plots import NAN, Plots
from dronewall.model.sensors import Sensor
from dronewall.simulation.sites import Sites
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import in_order_received, ns_of
from dronewall.simulation.streams import stream

LEAST_DELAY_S, MOST_DELAY_S = 0.05, 0.3
HIGHEST_PD = 0.97
FASTEST_MPS = 350.0
SWERLING_1_AT_90 = np.log(1e-6) / np.log(0.9)
"""1 + signal-to-noise at which a Swerling-1 target is detected with 0.9, for a false-alarm probability of 1e-6."""


@dataclass(frozen=True, slots=True)
class RadarModel:
    """How one radar behaves; what it declares of itself stands in its `Sensor`, and is honest.

    `range_90_m` is where 1 m² is detected with 0.9; `elevation_max_rad` bounds its beam; `sectors` is how many pieces
    a scan is delivered in; `phase` (0 to 1) how far its antenna has turned when the night begins. `doppler` radars
    measure range rate.
    """

    sensor: Sensor
    range_90_m: float
    elevation_max_rad: float
    phase: float
    sectors: int = 16
    doppler: bool = False


class Radar:
    """One scanning radar as a source: a window is one turn of its antenna, from north to north."""

    def __init__(self, model: RadarModel, sky: Sky, *, seed: int) -> None:
        self._model, self._sky, self._seed = model, sky, seed
        self._sites = Sites.of([model.sensor])
        sensor = model.sensor
        self._period_s = _declared(sensor.period_s)
        self._range_m = (sensor.range_min_m or 0.0, _declared(sensor.range_max_m))
        self._azimuth_sigma = np.radians(_declared(sensor.sigma.azimuth_deg))
        self._elevation_sigma = np.radians(_declared(sensor.sigma.elevation_deg))

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The radar."""
        return (self._model.sensor,)

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the scans that may deliver something received in the interval."""
        first = int(np.floor((from_s - MOST_DELAY_S) / self._period_s + self._model.phase)) - 1
        last = int(np.ceil(to_s / self._period_s + self._model.phase))
        return range(max(first, 0), max(last + 1, 0))

    def plots(self, window: int) -> Plots:
        """Return one scan, sector by sector, its last plot marked; a scan that saw nothing is one empty row."""
        rng = stream(self._seed, f"radar.{self._model.sensor.sensor_id}", window)
        start_s = (window - self._model.phase) * self._period_s
        seen, false = self._detections(rng, start_s), self._clutter(rng, start_s)
        at_s, range_m, azimuth, elevation, rate = (np.concatenate(pair) for pair in zip(seen, false, strict=True))
        order = np.argsort(at_s, kind="stable")
        if not len(order):
            return self._nothing_seen(rng, start_s, window)
        at_s = at_s[order]
        scan_end = np.zeros(len(order), bool)
        scan_end[-1] = True
        return in_order_received(
            len(order),
            (self._model.sensor.sensor_id,),
            at_ns=ns_of(at_s),
            received_ns=ns_of(self._received(rng, start_s, at_s)),
            scan=window,
            scan_end=scan_end,
            range_m=range_m[order],
            azimuth_rad=azimuth[order],
            elevation_rad=elevation[order],
            range_rate_mps=rate[order],
        )

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether each object is above the horizon and where it would be detected at least every other scan."""
        half = np.log(1e-6) / np.log(0.5)
        reach = self._model.range_90_m * (sky.signatures.rcs_m2[rows] * (SWERLING_1_AT_90 - 1) / (half - 1)) ** 0.25
        return self._sites.reach(ecef, np.minimum(reach, self._range_m[1]), radio=True)

    def _detections(self, rng: np.random.Generator, start_s: float) -> tuple[FloatArray, ...]:
        """Instant, range, azimuth, elevation and range rate of what was detected and measured."""
        rows, at_s, position, velocity = self._swept(start_s)
        site = np.zeros(len(rows), np.int64)
        range_m, azimuth, elevation = self._sites.look(site, position)
        pd = self._pd(self._sky.signatures.rcs_m2[rows], range_m)
        pd[(range_m < self._range_m[0]) | (range_m > self._range_m[1])] = 0.0
        pd[(elevation > self._model.elevation_max_rad) | ~self._sites.in_sight(site, position)] = 0.0
        found = rng.random(len(rows)) < pd
        sight = (position - self._sites.ecef[0]) / np.maximum(range_m, 1.0)[:, None]
        rate = np.sum(sight * velocity, axis=1)[found]
        return (at_s[found], *self._measured(rng, range_m[found], azimuth[found], elevation[found], rate))

    def _swept(self, start_s: float) -> tuple[NDArray[np.int64], FloatArray, FloatArray, FloatArray]:
        """Rows of the objects the beam sweeps over in a scan, the instants it does, and their states then."""
        movers = self._sky.movers
        rows = np.flatnonzero((movers.start_s < start_s + self._period_s) & (movers.end_s > start_s))
        at_s = np.full(len(rows), start_s + self._period_s / 2)
        position, velocity = movers.state(rows, at_s)
        near = np.linalg.norm(position - self._sites.ecef[0], axis=1) < self._range_m[1] + FASTEST_MPS * self._period_s
        rows, at_s, position, velocity = rows[near], at_s[near], position[near], velocity[near]
        site = np.zeros(len(rows), np.int64)
        # The beam meets the object when both are at the same azimuth; four rounds bring them within microseconds.
        for _ in range(4):
            _, azimuth, _ = self._sites.look(site, position)
            before, at_s = at_s, start_s + azimuth / (2 * np.pi) * self._period_s
            position, velocity = movers.state(rows, at_s)
        met = (np.abs(at_s - before) < 1e-3) & (movers.start_s[rows] <= at_s) & (at_s < movers.end_s[rows])
        return rows[met], at_s[met], position[met], velocity[met]

    def _pd(self, rcs_m2: FloatArray, range_m: FloatArray) -> FloatArray:
        """Chance of detection: Swerling 1, signal falling with the fourth power of range."""
        snr = (SWERLING_1_AT_90 - 1) * rcs_m2 * (self._model.range_90_m / np.maximum(range_m, 1.0)) ** 4
        return np.minimum(np.exp(np.log(1e-6) / (1.0 + snr)), HIGHEST_PD)

    def _measured(
        self,
        rng: np.random.Generator,
        range_m: FloatArray,
        azimuth: FloatArray,
        elevation: FloatArray,
        rate: FloatArray,
    ) -> tuple[FloatArray, ...]:
        sigma = self._model.sensor.sigma
        noise = rng.standard_normal((4, len(range_m)))
        return (
            range_m + _declared(sigma.range_m) * noise[0],
            np.mod(azimuth + self._azimuth_sigma * noise[1], 2 * np.pi),
            elevation + self._elevation_sigma * noise[2],
            rate + _declared(sigma.range_rate_mps) * noise[3] if self._model.doppler else np.full(len(rate), NAN),
        )

    def _clutter(self, rng: np.random.Generator, start_s: float) -> tuple[FloatArray, ...]:
        """False plots: evenly over the area out to 60 % of the range, low, in numbers as declared."""
        n = rng.poisson(self._model.sensor.clutter_per_scan or 0.0)
        turned = np.sort(rng.random(n))
        low, high = self._range_m
        return (
            start_s + turned * self._period_s,
            np.sqrt(rng.uniform(low**2, (0.6 * high) ** 2, n)),
            turned * 2 * np.pi,
            np.minimum(rng.exponential(np.radians(1.5), n), self._model.elevation_max_rad),
            rng.normal(0.0, 12.0, n) if self._model.doppler else np.full(n, NAN),
        )

    def _received(self, rng: np.random.Generator, start_s: float, at_s: FloatArray) -> FloatArray:
        """A sector arrives whole, a little after the antenna has left it, and never before the one before it."""
        sectors, length_s = self._model.sectors, self._period_s / self._model.sectors
        jitter = rng.uniform(0.0, min(MOST_DELAY_S - LEAST_DELAY_S, 0.9 * length_s), sectors)
        sector = np.clip(((at_s - start_s) / length_s).astype(np.int64), 0, sectors - 1)
        return start_s + (sector + 1) * length_s + LEAST_DELAY_S + jitter[sector]

    def _nothing_seen(self, rng: np.random.Generator, start_s: float, window: int) -> Plots:
        end_s = start_s + self._period_s
        return in_order_received(
            1,
            (self._model.sensor.sensor_id,),
            at_ns=ns_of(np.array([end_s])),
            received_ns=ns_of(np.array([end_s + rng.uniform(LEAST_DELAY_S, MOST_DELAY_S)])),
            scan=window,
            scan_end=True,
            empty_scan=True,
        )


def _declared(value: float | None) -> float:
    if value is None:
        raise ValueError("a simulated radar declares its period, range and sigmas")
    return value

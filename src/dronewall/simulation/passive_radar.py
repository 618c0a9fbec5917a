"""A passive radar: it hears echoes of others' transmitters, and measures paths from them over objects to itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray, ecef_from_geodetic
from dronewall.model.plots import NAN, Plots
from dronewall.model.sensors import Sensor
from dronewall.simulation.sites import Sites
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import in_order_received, ns_of
from dronewall.simulation.streams import stream

DELAY_S = 0.2
WEAKEST_EXCESS_M = 300.0


@dataclass(frozen=True, slots=True)
class Transmitter:
    """A transmitter of opportunity."""

    lat_deg: float
    lon_deg: float
    hae_m: float

    def ecef(self) -> FloatArray:
        """Return its place, m."""
        return ecef_from_geodetic(self.lat_deg, self.lon_deg, self.hae_m)


class PassiveRadar:
    """One receiver under several transmitters as a source: a window is one integration of all of them.

    The sensor declares its `pd`, period and sigmas, of range sums and their rates; `bearings` tells whether it measures
    azimuths.
    """

    def __init__(
        self, sensor: Sensor, transmitters: Sequence[Transmitter], sky: Sky, *, seed: int, bearings: bool = True
    ) -> None:
        if sensor.range_max_m is None or sensor.period_s is None:
            raise ValueError("a simulated passive radar declares its range and period")
        self._sensor, self._sky, self._seed, self._bearings = sensor, sky, seed, bearings
        self._range_m, self._period_s = sensor.range_max_m, sensor.period_s
        self._transmitters = tuple(transmitters)
        self._sites = Sites.of([sensor])

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The receiver."""
        return (self._sensor,)

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the integrations that may be received in the interval."""
        first = int(np.floor((from_s - DELAY_S) / self._period_s))
        return range(max(first, 0), max(int(np.ceil(to_s / self._period_s)), 0))

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether the receiver is near enough to each object."""
        return self._sites.reach(ecef, np.full(len(rows), self._range_m), radio=True)

    def plots(self, window: int) -> Plots:
        """Return one integration, transmitter by transmitter; one that found nothing is one empty row."""
        rng = stream(self._seed, f"passive.{self._sensor.sensor_id}", window)
        at_s = window * self._period_s
        found = [self._echoes(rng, number, at_s) for number in range(len(self._transmitters))]
        columns = np.concatenate(found)
        count = max(len(columns), 1)
        lit = [self._transmitters[number] for number in columns[:, 0].astype(int).tolist()]
        measured = columns[:, 1:] if len(columns) else np.full((1, 3), NAN)
        return in_order_received(
            count,
            (self._sensor.sensor_id,),
            at_ns=ns_of(np.full(count, at_s)),
            received_ns=ns_of(np.full(count, at_s + DELAY_S)),
            scan=window,
            scan_end=np.arange(count) == count - 1,
            empty_scan=len(columns) == 0,
            azimuth_rad=measured[:, 0] if self._bearings else np.full(count, NAN),
            range_sum_m=measured[:, 1],
            range_rate_sum_mps=measured[:, 2],
            transmitter_lat_deg=[one.lat_deg for one in lit] or [NAN],
            transmitter_lon_deg=[one.lon_deg for one in lit] or [NAN],
            transmitter_hae_m=[one.hae_m for one in lit] or [NAN],
        )

    def _echoes(self, rng: np.random.Generator, number: int, at_s: float) -> FloatArray:
        """Return rows of transmitter, azimuth, range sum and its rate: objects found, and clutter near the ground."""
        movers, sigma = self._sky.movers, self._sensor.sigma
        noise, found = rng.standard_normal((len(self._sky), 3)), rng.random(len(self._sky))
        rows = movers.alive(at_s)
        position, velocity = movers.state(rows, at_s)
        _, azimuth, _ = self._sites.look(np.zeros(len(rows), np.int64), position)
        sum_m, rate, baseline_m = self._paths(number, position, velocity)
        heard = self.reaches(self._sky, rows, position) & (found[rows] < (self._sensor.pd or 0.8))
        heard &= sum_m > baseline_m + WEAKEST_EXCESS_M
        scale = [np.radians(sigma.azimuth_deg or 0.0), sigma.range_m or 0.0, sigma.range_rate_mps or 0.0]
        told = np.stack([azimuth, sum_m, rate], axis=1) + noise[rows] * scale
        return np.concatenate([self._numbered(number, told[heard]), self._clutter(rng, number, baseline_m)])

    def _paths(self, number: int, position: FloatArray, velocity: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Return range sums, their rates (n,) and the baseline of one transmitter."""
        sum_m, rate = np.zeros(len(position)), np.zeros(len(position))
        transmitter, receiver = self._transmitters[number].ecef(), self._sites.ecef[0]
        for site in (transmitter, receiver):
            apart = position - site
            distance = np.linalg.norm(apart, axis=1)
            sum_m += distance
            rate += np.einsum("ni,ni->n", apart, velocity) / distance
        return sum_m, rate, float(np.linalg.norm(transmitter - receiver))

    def _clutter(self, rng: np.random.Generator, number: int, baseline_m: float) -> FloatArray:
        n = rng.poisson((self._sensor.clutter_per_scan or 0.0) / len(self._transmitters))
        azimuth, excess = rng.uniform(0.0, 2 * np.pi, n), rng.uniform(WEAKEST_EXCESS_M, 1.5 * self._range_m, n)
        return self._numbered(number, np.stack([azimuth, baseline_m + excess, rng.normal(0.0, 30.0, n)], axis=1))

    def _numbered(self, number: int, told: FloatArray) -> FloatArray:
        told[:, 0] = np.mod(told[:, 0], 2 * np.pi)
        return np.concatenate([np.full((len(told), 1), float(number)), told], axis=1)

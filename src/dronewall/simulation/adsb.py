"""ADS-B: what aircraft say of themselves, heard by every receiver in sight of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray, enu_axes, geodetic_from_ecef
from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor
from dronewall.simulation.sites import Sites
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import in_order_received, ns_of, whole_seconds
from dronewall.simulation.streams import stream

LEAST_DELAY_S, MOST_DELAY_S = 0.05, 0.35
DECODED = 0.9
"""Share of messages a receiver decodes, well within its range."""
HEIGHT_STEP_M = 7.62
"""Pressure altitude comes in 25 ft steps."""
SPEED_STEP_MPS = 0.514_444
CLIMB_STEP_MPS = 0.325_12
SIGMA_VELOCITY_MPS = 0.6


def pressure_offset_m(lat_deg: FloatArray, lon_deg: FloatArray, hae_m: FloatArray) -> FloatArray:
    """Return how far pressure altitude stands above height over the ellipsoid, m.

    A smooth made-up weather map: a low over the north and a high over the south (some ±70 m), air colder than standard
    by 1.2 % of height, and 25 m between the ellipsoid and the sea. The registration's usual 150 m covers it.
    """
    weather = -70.0 * np.sin(np.radians(6.0 * (lat_deg - 57.0))) - 20.0 * np.cos(np.radians(9.0 * (lon_deg - 24.0)))
    return weather - 25.0 + 0.012 * np.maximum(hae_m, 0.0) * np.cos(np.radians(4.0 * (lat_deg - 50.0)))


class AdsbReceivers:
    """ADS-B receivers as a source: a window is one second of messages sent."""

    def __init__(self, sensors: Sequence[Sensor], sky: Sky, *, seed: int) -> None:
        self._sensors, self._sky, self._seed = tuple(sensors), sky, seed
        self._ids = tuple(s.sensor_id for s in sensors)
        self._sites = Sites.of(sensors)
        self._range_m = np.array([s.range_max_m for s in sensors], float)
        self._speaking = np.flatnonzero(sky.signatures.icao24 > 0)
        self._phase = stream(seed, "adsb.phase").random(len(sky))

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The receivers."""
        return self._sensors

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the seconds whose messages may be received in the interval."""
        return whole_seconds(from_s - MOST_DELAY_S, to_s)

    def plots(self, window: int) -> Plots:
        """Return the reports of one second: one message, one error, whoever hears it."""
        rng = stream(self._seed, "adsb", window)
        rows, at_s = self._messages(window)
        position, velocity = self._sky.movers.state(rows, at_s)
        noise = rng.standard_normal((2, len(rows)))
        slow = rng.standard_normal((3, len(rows)))
        heard = self._heard(rng, position)
        receiver, message = np.nonzero(heard)
        said = self._said(rows, position, velocity, noise, slow)
        received_s = at_s[message] + rng.uniform(LEAST_DELAY_S, MOST_DELAY_S, len(message))
        return in_order_received(
            len(message),
            self._ids,
            sensor=receiver,
            at_ns=ns_of(at_s[message]),
            received_ns=ns_of(received_s),
            **{name: values[message] for name, values in said.items()},
        )

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether each object speaks and a receiver has it in sight and range."""
        return (sky.signatures.icao24[rows] > 0) & self._sites.reach(ecef, self._range_m[:, None], radio=True)

    def _messages(self, window: int) -> tuple[NDArray[np.int64], FloatArray]:
        """Who speaks in this second, and when."""
        period, phase = self._sky.signatures.adsb_period_s[self._speaking], self._phase[self._speaking]
        at_s = (np.ceil(window / period - phase) + phase) * period
        movers = self._sky.movers
        speaks = (at_s < window + 1) & (movers.start_s[self._speaking] <= at_s) & (at_s < movers.end_s[self._speaking])
        return self._speaking[speaks], at_s[speaks]

    def _heard(self, rng: np.random.Generator, position: FloatArray) -> NDArray[np.bool_]:
        distance = self._sites.distances_m(position)
        m, n = distance.shape
        chance = DECODED * np.clip(3.0 * (1.0 - distance / self._range_m[:, None]), 0.0, 1.0)
        site, point = np.repeat(np.arange(m), n), np.tile(np.arange(n), m)
        near = (chance > 0).ravel()
        sight = np.zeros(m * n, bool)
        sight[near] = self._sites.in_sight(site[near], position[point[near]])
        return (rng.random((m, n)) < chance) & sight.reshape(m, n)

    def _said(
        self,
        rows: NDArray[np.int64],
        position: FloatArray,
        velocity: FloatArray,
        noise: FloatArray,
        velocity_noise: FloatArray,
    ) -> dict[str, NDArray[np.generic]]:
        signatures = self._sky.signatures
        lat, lon, hae = geodetic_from_ecef(position)
        axes = enu_axes(lat, lon)
        sigma = signatures.adsb_sigma_m[rows]
        off_east, off_north = sigma * noise
        said_lat, said_lon, _ = geodetic_from_ecef(
            position + axes[:, 0] * off_east[:, None] + axes[:, 1] * off_north[:, None]
        )
        altitude = hae + pressure_offset_m(lat, lon, hae) + signatures.pressure_error_m[rows]
        enu = np.einsum("nij,nj->ni", axes, velocity) + 0.4 * velocity_noise.T
        return {
            "lat_deg": said_lat,
            "lon_deg": said_lon,
            "altitude_m": np.round(altitude / HEIGHT_STEP_M) * HEIGHT_STEP_M,
            "altitude_datum": np.full(len(rows), Datum.PRESSURE, np.uint8),
            "velocity_east_mps": np.round(enu[:, 0] / SPEED_STEP_MPS) * SPEED_STEP_MPS,
            "velocity_north_mps": np.round(enu[:, 1] / SPEED_STEP_MPS) * SPEED_STEP_MPS,
            "velocity_up_mps": np.round(enu[:, 2] / CLIMB_STEP_MPS) * CLIMB_STEP_MPS,
            "sigma_position_m": sigma,
            "sigma_velocity_mps": np.full(len(rows), SIGMA_VELOCITY_MPS),
            "icao24": signatures.icao24[rows],
            "callsign": signatures.callsign[rows],
            "squawk": signatures.squawk[rows],
            "nic": signatures.nic[rows],
            "nacp": signatures.nacp[rows],
        }

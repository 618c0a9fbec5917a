"""A made-up sky for tests of registration: aircraft that fly straight and say so, and radars that read them wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from dronewall.geodesy.wgs84 import (
    FloatArray,
    ecef_from_enu,
    ecef_from_geodetic,
    enu_axes,
    geodetic_from_ecef,
    spherical_from_enu,
)
from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
LAT, LON = 52.0, 22.0
SIGMA = Sigma(range_m=50.0, azimuth_deg=0.15, elevation_deg=0.25)
RADARS = (
    Sensor("west", SensorKind.RADAR_3D, 52.0, 21.5, 120.0, SIGMA, period_s=5.0, range_max_m=250_000.0),
    Sensor("east", SensorKind.RADAR_3D, 52.2, 22.6, 150.0, SIGMA, period_s=5.0, range_max_m=250_000.0),
)
SENSORS = Sensors([*RADARS, Sensor("adsb", SensorKind.ADSB, sigma=Sigma(position_m=15.0))])
IDS = tuple(sensor.sensor_id for sensor in SENSORS)


@dataclass(frozen=True, slots=True)
class Errors:
    """What one radar reads too much."""

    range_m: float = 0.0
    azimuth_deg: float = 0.0
    elevation_deg: float = 0.0
    time_s: float = 0.0


@dataclass
class BiasSky:
    """Aircraft (n) on varied headings; `lies_m` is how far each reports itself east of where it is.

    All noise is simulated: white noise of radars and reports, and each aircraft's own steady latency, position and
    altimeter error.
    """

    seed: int
    aircraft: int = 12
    errors: dict[str, Errors] = field(default_factory=dict)
    lies_m: dict[int, float] = field(default_factory=dict)
    silent: frozenset[int] = frozenset()
    datum: Datum = Datum.WGS84_HAE
    named: bool = False
    latency_s: float = 0.0
    nacp: int = 9
    radars: tuple[Sensor, ...] = RADARS

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        n, rng = self.aircraft, self.rng
        around, away = rng.uniform(0, 2 * np.pi, n), rng.uniform(30e3, 110e3, n)
        heading, speed = rng.uniform(0, 2 * np.pi, n), rng.uniform(150.0, 240.0, n)
        self._start = np.stack([away * np.sin(around), away * np.cos(around), rng.uniform(5e3, 11e3, n)], axis=1)
        self._velocity = np.stack([speed * np.sin(heading), speed * np.cos(heading), np.zeros(n)], axis=1)
        self._latency_s = rng.normal(0.0, 1.0, n) * self.latency_s
        self._steady_m = rng.normal(0.0, 6.0, (n, 2))
        self._altimeter_m = rng.normal(0.0, 30.0, n) if self.datum is Datum.PRESSURE else np.zeros(n)
        self._phase = rng.random((len(self.radars), n))

    def enu(self, who: np.ndarray, at_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return local positions and velocities of aircraft, each at its own time.

        They turn back every five minutes, so that they stay in reach.
        """
        leg = np.floor(at_s / 300.0)
        there = leg % 2 == 0
        along = np.where(there, at_s - leg * 300.0, 300.0 - (at_s - leg * 300.0))
        sign = np.where(there, 1.0, -1.0)[:, None]
        return self._start[who] + self._velocity[who] * along[:, None], sign * self._velocity[who]

    def nearest_m(self, place: FloatArray, at_s: float) -> float:
        """Return how far the nearest aircraft was from a place (3,) ECEF m at a time."""
        enu, _ = self.enu(np.arange(self.aircraft), np.full(self.aircraft, at_s))
        return float(np.linalg.norm(ecef_from_enu(enu, LAT, LON, 0.0) - place, axis=1).min())

    def seconds(self, from_s: int, to_s: int) -> Iterator[tuple[int, Plots]]:
        """Yield second by second what was received in it, with the instant at its end."""
        for second in range(from_s, to_s):
            parts = [self._reports(second), *(self._scan(row, second) for row in range(len(self.radars)))]
            yield T0 + (second + 1) * NS, Plots.concat([part for part in parts if len(part)])

    def _reports(self, second: int) -> Plots:
        who = np.array([i for i in range(self.aircraft) if i not in self.silent], np.intp)
        at_s = second + self.rng.random(len(who))
        enu, velocity = self.enu(who, at_s)
        enu[:, :2] += self._steady_m[who] + self.rng.normal(0.0, 12.0, (len(who), 2))
        enu[:, 0] += [self.lies_m.get(i, 0.0) for i in who.tolist()]
        lat, lon, hae = geodetic_from_ecef(ecef_from_enu(enu, LAT, LON, 0.0))
        said = np.einsum("nij,kj,nk->ni", enu_axes(lat, lon), enu_axes(LAT, LON), velocity)
        # Pressure altitude of a day 60 m off.
        off_m = 60.0 + self._altimeter_m[who] if self.datum is Datum.PRESSURE else 0.0
        count = len(who)
        return Plots.of(
            count,
            sensor=0,
            at_ns=T0 + ((at_s + self._latency_s[who]) * 1e9).astype(np.int64),
            received_ns=T0 + (second + 1) * NS,
            lat_deg=lat,
            lon_deg=lon,
            altitude_m=hae + off_m,
            altitude_datum=self.datum,
            velocity_east_mps=said[:, 0],
            velocity_north_mps=said[:, 1],
            velocity_up_mps=said[:, 2],
            sigma_position_m=12.0,
            icao24=0x400000 + who,
            nic=8,
            nacp=self.nacp,
            sensor_ids=("adsb",),
        )

    def _scan(self, row: int, second: int) -> Plots:
        radar = self.radars[row]
        wrong = self.errors.get(radar.sensor_id, Errors())
        turn = float(radar.period_s or 1.0)
        at_s = (np.floor(second / turn) + self._phase[row]) * turn
        who = np.flatnonzero((at_s >= second) & (at_s < second + 1) & (self.rng.random(self.aircraft) < 0.9))
        at_s = at_s[who]
        enu, _ = self.enu(who, at_s)
        site = ecef_from_geodetic(radar.lat_deg, radar.lon_deg, radar.hae_m)
        local = (ecef_from_enu(enu, LAT, LON, 0.0) - site) @ enu_axes(radar.lat_deg, radar.lon_deg).T
        range_m, azimuth, elevation = spherical_from_enu(local)
        noise = self.rng.standard_normal((3, len(who)))
        return Plots.of(
            len(who),
            sensor=0,
            at_ns=T0 + ((at_s + wrong.time_s) * 1e9).astype(np.int64),
            received_ns=T0 + (second + 1) * NS,
            range_m=range_m + 50.0 * noise[0] + wrong.range_m,
            azimuth_rad=np.mod(azimuth + np.radians(0.15 * noise[1] + wrong.azimuth_deg), 2 * np.pi),
            elevation_rad=elevation + np.radians(0.25 * noise[2] + wrong.elevation_deg),
            icao24=(0x400000 + who) if self.named else 0,
            sensor_ids=(radar.sensor_id,),
        )

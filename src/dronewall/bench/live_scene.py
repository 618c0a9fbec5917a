"""A made-up sky for measuring load: many aircraft that turn for ever under many radars, so that its rate never drifts.

Each aircraft flies a wide circle at its own height; each radar turns and reports what its beam meets. Everything is
drawn from a seed. Nothing here is a claim about real air traffic: it is meant to be heavy, steady and repeatable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray, ecef_from_enu, enu_axes, geodetic_from_ecef
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma, Wire
from dronewall.simulation.sites import Sites, heights_m

LAT_DEG, LON_DEG = 52.0, 22.0
SIDE_M = 400e3
RADARS = 36
TARGETS = 10_000
PD = 0.9
SLOWEST_TURN_S = 5.0
SIGMA_RANGE_M, SIGMA_AZIMUTH_DEG, SIGMA_ELEVATION_DEG = 50.0, 0.1, 0.2
DELAYS_S = 0.05, 0.4
"""How long after the beam a radar's report is sent: least and most of all radars; each has its own."""
SECTORS = 50
"""How many slices a radar's turn is cut into; the beam is somewhere in one of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """What was reported in one slice of time, in the order sent: rows of radars (k,), seconds, m and rad.

    `at_s` is when the beam met the aircraft; it was sent `delay_s` of its radar later.
    """

    radar: NDArray[np.int64]
    at_s: FloatArray
    range_m: FloatArray
    azimuth_rad: FloatArray
    elevation_rad: FloatArray
    height_m: FloatArray

    def take(self, rows: NDArray[np.int64]) -> Hits:
        """Return the reports of some rows."""
        return Hits(*(getattr(self, name)[rows] for name in self.__slots__))


class Scene:
    """Aircraft and radars such that about `plots_per_s` reports come out.

    Radars turn in `turn_s` and reach `reach_m`: the reach is chosen for the rate, and where even seeing everything does
    not suffice they turn faster.
    """

    def __init__(self, plots_per_s: float, *, targets: int = TARGETS, radars: int = RADARS, seed: int = 1) -> None:
        self._rng = np.random.default_rng(seed)
        self._draw_sky(targets)
        sites = _sites(radars, self._rng)
        lat, lon, hae = geodetic_from_ecef(sites)
        self._sites = Sites(sites, enu_axes(lat, lon), np.zeros(radars))
        distances = np.sort(self._sites.distances_m(self.positions(0.0)).ravel())
        pairs = plots_per_s * SLOWEST_TURN_S / PD
        self.turn_s = SLOWEST_TURN_S * min(1.0, len(distances) / pairs)
        self.reach_m = float(distances[min(len(distances), round(pairs)) - 1])
        self.slice_s = self.turn_s / SECTORS
        self._delay_s = self._rng.uniform(*DELAYS_S, radars)
        self._beam_at = self._rng.uniform(0.0, 1.0, radars)
        self.sensors = Sensors(
            [self._sensor(row, float(lat[row]), float(lon[row]), float(hae[row])) for row in range(radars)]
        )
        # Which aircraft each radar meets in which slice of its turn; looked up anew each turn, a slice at a time.
        self._sector = np.full((radars, targets), -1, np.int8)
        self._scheduled: list[NDArray[np.int64]] = []
        for part in range(SECTORS):
            self._plan(part, 0.0)

    def _draw_sky(self, targets: int) -> None:
        rng = self._rng
        self._centre = rng.uniform(-SIDE_M / 2, SIDE_M / 2, (targets, 2))
        self._height_m = rng.uniform(2_000.0, 11_000.0, targets)
        self._radius_m = rng.uniform(15e3, 40e3, targets)
        self._turn_rate = rng.uniform(50.0, 230.0, targets) / self._radius_m * rng.choice((-1.0, 1.0), targets)
        self._phase = rng.uniform(0.0, 2.0 * np.pi, targets)

    def _sensor(self, row: int, lat_deg: float, lon_deg: float, hae_m: float) -> Sensor:
        return Sensor(
            f"radar-{row:02d}",
            SensorKind.RADAR_3D,
            lat_deg,
            lon_deg,
            hae_m,
            sigma=Sigma(
                range_m=SIGMA_RANGE_M, azimuth_deg=SIGMA_AZIMUTH_DEG, elevation_deg=SIGMA_ELEVATION_DEG, altitude_m=60.0
            ),
            period_s=self.turn_s,
            range_max_m=self.reach_m + 1_000.0,
            height_max_m=20_000.0,
            pd=PD,
            wire=Wire(asterix=f"25/{row + 1}"),
        )

    def positions(self, at_s: float | FloatArray, rows: NDArray[np.int64] | slice = slice(None)) -> FloatArray:
        """Return ECEF (k, 3) of the aircraft `rows` at a time, or each at its own."""
        angle = self._phase[rows] + self._turn_rate[rows] * at_s
        enu = np.stack(
            [
                self._centre[rows, 0] + self._radius_m[rows] * np.cos(angle),
                self._centre[rows, 1] + self._radius_m[rows] * np.sin(angle),
                self._height_m[rows],
            ],
            axis=1,
        )
        return ecef_from_enu(enu, LAT_DEG, LON_DEG, 0.0)

    def hits(self, number: int) -> Hits:
        """Return what is reported in the slice of that number, `slice_s` long; to be asked for in order, from 0."""
        from_s = number * self.slice_s
        self._plan(number % SECTORS, from_s)
        turned = (number / SECTORS - self._delay_s / self.turn_s + self._beam_at) % 1.0
        beam = np.floor(turned * SECTORS).astype(np.int8)
        radar, target = np.nonzero(self._sector == beam[:, None])
        mixed = self._rng.permutation(len(radar))
        mixed = mixed[self._rng.random(len(mixed)) < PD]
        radar, target = radar[mixed], target[mixed]
        sent_s = from_s + np.sort(self._rng.uniform(0.0, self.slice_s, len(radar)))
        at_s = sent_s - self._delay_s[radar]
        place = self.positions(at_s, target)
        range_m, azimuth_rad, elevation_rad = self._sites.look(radar, place)
        noise = self._rng.standard_normal((3, len(radar)))
        return Hits(
            radar,
            at_s,
            np.maximum(range_m + SIGMA_RANGE_M * noise[0], 1.0),
            (azimuth_rad + np.radians(SIGMA_AZIMUTH_DEG) * noise[1]) % (2.0 * np.pi),
            elevation_rad + np.radians(SIGMA_ELEVATION_DEG) * noise[2],
            heights_m(place),
        )

    def _plan(self, part: int, at_s: float) -> None:
        """Look up for a fiftieth of the aircraft when each radar will meet them next."""
        rows = np.arange(part, len(self._phase), SECTORS)
        radars = len(self._sites.ecef)
        place = np.tile(self.positions(at_s, rows), (radars, 1))
        range_m, azimuth_rad, _ = self._sites.look(np.repeat(np.arange(radars), len(rows)), place)
        sector = np.floor(azimuth_rad / (2.0 * np.pi) * SECTORS).astype(np.int8) % SECTORS
        self._sector[:, rows] = np.where(range_m <= self.reach_m, sector, -1).reshape(radars, -1)


def _sites(radars: int, rng: np.random.Generator) -> FloatArray:
    """Return ECEF (radars, 3) of sites on a square grid over the sky, shaken a little."""
    side = int(np.ceil(np.sqrt(radars)))
    grid = (np.arange(side) - (side - 1) / 2.0) * SIDE_M / side
    east, north = (axis.ravel()[:radars] for axis in np.meshgrid(grid, grid))
    enu = np.stack([east, north, np.full(radars, 200.0)], axis=1)
    enu[:, :2] += rng.uniform(-10e3, 10e3, (radars, 2))
    return ecef_from_enu(enu, LAT_DEG, LON_DEG, 0.0)

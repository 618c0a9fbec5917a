"""A radar as textbooks have it: a given chance of detection, Gaussian errors, clutter of a given density.

Beside that what real ones do to a tracker: plots of two objects in one resolution cell are one plot, rain and wind
farms answer, the antenna may ride on an aircraft. `radar.py` has the one with a radar equation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import (
    FloatArray,
    ecef_from_geodetic,
    enu_axes,
    geodetic_from_ecef,
    spherical_from_enu,
)
from dronewall.model.plots import NAN, Plots
from dronewall.model.sensors import Sensor, SensorKind
from dronewall.simulation.looks import Looks
from dronewall.simulation.movers import Movers
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import in_order_received, ns_of, radio_horizon_m
from dronewall.simulation.streams import stream

LEAST_DELAY_S, MOST_DELAY_S = 0.05, 0.3
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cell:
    """How close two objects must be for a radar to see one: within all three."""

    range_m: float
    azimuth_rad: float
    elevation_rad: float


@dataclass(frozen=True, slots=True)
class Patch:
    """A place that answers: rain over `radius_m`, or a wind farm of `places` fixed turbines.

    `mean` answers a scan in all; `range_rate_mps` and its spread are what Doppler shows; it drifts east and north.
    """

    lat_deg: float
    lon_deg: float
    radius_m: float
    low_m: float
    high_m: float
    mean: float
    places: int = 0
    range_rate_mps: float = 0.0
    spread_mps: float = 3.0
    drift_mps: tuple[float, float] = (0.0, 0.0)
    from_s: float = 0.0
    until_s: float = 1e9


@dataclass(frozen=True, slots=True)
class Platform:
    """The aircraft a radar rides on: its path and the errors of the pose that it reports."""

    path: Movers
    sigma_m: float = 8.0
    sigma_heading_rad: float = 0.002


@dataclass(frozen=True, slots=True)
class Habits:
    """How a radar behaves beyond what it declares.

    A scan is taken at one instant, or by an antenna that turns when `turning`. `numbered` scans carry their number and
    an end. `box_m` confines clutter to a square about `middle`; without it clutter covers the range.
    """

    phase_s: float = 0.0
    turning: bool = False
    numbered: bool = True
    doppler: bool = False
    horizon: bool = False
    cell: Cell | None = None
    clutter_low_m: float = 50.0
    clutter_high_m: float = 2_000.0
    box_m: float | None = None
    middle: tuple[float, float] | None = None
    patches: tuple[Patch, ...] = ()
    platform: Platform | None = None


PLAIN = Habits()


@dataclass(frozen=True, slots=True, eq=False)
class _Site:
    """Where the antenna is at an instant: ECEF (3,), axes (3, 3), and velocity (3,)."""

    ecef: FloatArray
    axes: FloatArray
    velocity: FloatArray

    def look(self, ecef: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return slant range m, azimuth and elevation rad of points (n, 3)."""
        return spherical_from_enu((ecef - self.ecef) @ self.axes.T)


@dataclass(frozen=True, slots=True, eq=False)
class _Echoes:
    """What comes back in a scan, before it is measured: columns of equal length."""

    at_s: FloatArray
    range_m: FloatArray
    azimuth: FloatArray
    elevation: FloatArray
    rate: FloatArray

    def take(self, rows: NDArray[np.generic]) -> _Echoes:
        return _Echoes(*(getattr(self, name)[rows] for name in self.__slots__))

    @classmethod
    def concat(cls, parts: list[_Echoes]) -> _Echoes:
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


class PlainRadar:
    """One radar as a source: a window is one scan."""

    def __init__(
        self, sensor: Sensor, sky: Sky, *, seed: int, habits: Habits = PLAIN, declared: Sensor | None = None
    ) -> None:
        """`declared` is what its owner says of it, where that is not the truth that `sensor` tells."""
        if sensor.period_s is None or sensor.range_max_m is None or sensor.pd is None:
            raise ValueError("a simulated radar declares its period, range and chance of detection")
        self._sensor, self._sky, self._seed, self._habits = sensor, sky, seed, habits
        self._period_s, self._range_m, self._pd = sensor.period_s, sensor.range_max_m, sensor.pd
        self._declared = declared or sensor
        self._level = sensor.kind is SensorKind.RADAR_2D
        self._turbines = [_scattered(stream(seed, f"farm.{i}"), patch) for i, patch in enumerate(habits.patches)]

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The radar, as declared."""
        return (self._declared,)

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the scans that may deliver something received in the interval."""
        first = int(np.floor((from_s - MOST_DELAY_S - self._habits.phase_s) / self._period_s)) - 1
        return range(max(first, 0), max(int(np.ceil((to_s - self._habits.phase_s) / self._period_s)), 0))

    def plots(self, window: int) -> Plots:
        """Return one scan, its last plot marked if scans are numbered; one that saw nothing is an empty row."""
        rng = stream(self._seed, f"plain.{self._sensor.sensor_id}", window)
        start_s = self._habits.phase_s + window * self._period_s
        site = self._site(start_s)
        pose = self._pose(rng, site)
        seen = self._merged(rng, self._detected(rng, site, start_s))
        echoes = _Echoes.concat([seen, self._clutter(rng, site, start_s), *self._answers(rng, site, start_s)])
        order = np.lexsort((rng.random(len(echoes.at_s)), echoes.at_s))
        echoes = echoes.take(order)
        delay_s = rng.uniform(LEAST_DELAY_S, MOST_DELAY_S)
        if not len(order):
            return self._nothing_seen(start_s, delay_s, window, pose)
        return in_order_received(
            len(order),
            (self._sensor.sensor_id,),
            at_ns=ns_of(echoes.at_s),
            received_ns=ns_of(echoes.at_s + delay_s),
            **self._numbers(window, len(order)),
            **self._measured(rng, echoes),
            **pose,
        )

    def looks(self, window: int) -> Looks:
        """Return who is in range in one scan."""
        start_s = self._habits.phase_s + window * self._period_s
        site = self._site(start_s)
        rows, at_s, _, _ = self._swept(site, start_s)
        sigma, k = self._sensor.sigma, len(rows)
        measured = (
            sigma.range_m or NAN,
            np.radians(sigma.azimuth_deg or NAN),
            NAN if self._level else np.radians(sigma.elevation_deg or NAN),
            (sigma.range_rate_mps or NAN) if self._habits.doppler else NAN,
        )
        return Looks(
            row=rows,
            sensor=np.zeros(k, np.int64),
            at_s=at_s,
            site=np.broadcast_to(site.ecef, (k, 3)),
            axes=np.broadcast_to(site.axes, (k, 3, 3)),
            sigma=np.broadcast_to(np.array(measured), (k, 4)),
            pd=np.full(k, self._pd),
            delay_s=np.zeros(k),
        )

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether each object is in range; a platform's reach is told where it sets out."""
        return self._in_reach(self._site(0.0), sky.signatures.rcs_m2[rows], ecef)

    def _site(self, at_s: float) -> _Site:
        if self._habits.platform is not None:
            position, velocity = self._habits.platform.path.state(np.zeros(1, np.int64), at_s)
            lat, lon, _ = geodetic_from_ecef(position[0])
            return _Site(position[0], enu_axes(lat, lon), velocity[0])
        here = self._sensor.lat_deg or 0.0, self._sensor.lon_deg or 0.0
        return _Site(ecef_from_geodetic(*here, self._sensor.hae_m or 0.0), enu_axes(*here), np.zeros(3))

    def _pose(self, rng: np.random.Generator, site: _Site) -> dict[str, object]:
        """The pose as the platform reports it: its errors turn and shift all plots of a scan together."""
        platform = self._habits.platform
        if platform is None:
            return {}
        off = rng.standard_normal(3) * platform.sigma_m
        lat, lon, hae = geodetic_from_ecef(site.ecef + off)
        east, north, _ = site.axes @ site.velocity
        return {
            "pose_lat_deg": float(lat),
            "pose_lon_deg": float(lon),
            "pose_hae_m": float(hae),
            "pose_heading_rad": float(np.mod(np.arctan2(east, north), 2 * np.pi)),
            "pose_sigma_m": platform.sigma_m,
            "pose_sigma_heading_rad": platform.sigma_heading_rad,
        }

    def _numbers(self, window: int, count: int) -> dict[str, object]:
        if not self._habits.numbered:
            return {}
        last = np.zeros(count, bool)
        last[-1] = True
        return {"scan": window, "scan_end": last}

    def _in_reach(self, site: _Site, rcs_m2: FloatArray, ecef: FloatArray) -> NDArray[np.bool_]:
        """Range falls with the fourth root of what an object reflects, below 1 m²; what reflects nothing is unseen."""
        away = np.linalg.norm(ecef - site.ecef, axis=1)
        within = away < self._range_m * np.minimum(rcs_m2, 1.0) ** 0.25
        if self._habits.horizon:
            _, _, here = geodetic_from_ecef(site.ecef)
            within &= away < radio_horizon_m(here) + radio_horizon_m(geodetic_from_ecef(ecef)[2])
        return within

    def _swept(self, site: _Site, start_s: float) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
        """Return who is in range in a scan, when the beam meets each, and its position and velocity then."""
        movers = self._sky.movers
        rows = np.flatnonzero((movers.start_s <= start_s) & (start_s < movers.end_s))
        at_s = np.full(len(rows), start_s)
        position, velocity = movers.state(rows, at_s)
        near = self._in_reach(site, self._sky.signatures.rcs_m2[rows], position)
        rows, at_s, position, velocity = rows[near], at_s[near], position[near], velocity[near]
        for _ in range(4 if self._habits.turning else 0):
            # The beam meets an object when both are at the same azimuth; four rounds bring them together.
            at_s = start_s + site.look(position)[1] / (2 * np.pi) * self._period_s
            position, velocity = movers.state(rows, at_s)
        return rows, at_s, position, velocity

    def _detected(self, rng: np.random.Generator, site: _Site, start_s: float) -> _Echoes:
        """The echoes of objects, true and not yet measured."""
        rows, at_s, position, velocity = self._swept(site, start_s)
        found = rng.random(len(rows)) < self._pd
        position, velocity, at_s = position[found], velocity[found], at_s[found]
        range_m, azimuth, elevation = site.look(position)
        sight = (position - site.ecef) / np.maximum(range_m, 1.0)[:, None]
        return _Echoes(at_s, range_m, azimuth, elevation, np.sum(sight * (velocity - site.velocity), axis=1))

    def _merged(self, rng: np.random.Generator, echoes: _Echoes) -> _Echoes:
        """Echoes of one resolution cell are one, somewhere between them."""
        cell = self._habits.cell
        if cell is None or len(echoes.at_s) < 2:
            return echoes
        taken = np.zeros(len(echoes.at_s), bool)
        parts: list[_Echoes] = []
        for row in rng.permutation(len(taken)):
            if taken[row]:
                continue
            turn = np.abs(np.mod(echoes.azimuth - echoes.azimuth[row] + np.pi, 2 * np.pi) - np.pi)
            near = (np.abs(echoes.range_m - echoes.range_m[row]) < cell.range_m) & (turn < cell.azimuth_rad)
            near &= (np.abs(echoes.elevation - echoes.elevation[row]) < cell.elevation_rad) & ~taken
            taken |= near
            parts.append(_middle(echoes.take(np.flatnonzero(near)), rng))
        return _Echoes.concat(parts)

    def _clutter(self, rng: np.random.Generator, site: _Site, start_s: float) -> _Echoes:
        """False echoes, evenly over the ground and over the heights that clutter has."""
        n = rng.poisson(self._sensor.clutter_per_scan or 0.0)
        height = rng.uniform(self._habits.clutter_low_m, self._habits.clutter_high_m, n)
        if self._habits.box_m is not None and self._habits.middle is not None:
            lat, lon = self._habits.middle
            level = rng.uniform(-0.5, 0.5, (n, 2)) * self._habits.box_m
            origin, axes = ecef_from_geodetic(lat, lon, 0.0), enu_axes(lat, lon)
        else:
            r, angle = self._range_m * np.sqrt(rng.random(n)), rng.uniform(0.0, 2 * np.pi, n)
            level, origin, axes = np.stack([r * np.sin(angle), r * np.cos(angle)], axis=1), site.ecef, site.axes
        return self._echoes_of(rng, site, start_s, origin + level @ axes[:2], height, np.zeros(n), 15.0)

    def _answers(self, rng: np.random.Generator, site: _Site, start_s: float) -> list[_Echoes]:
        """What rain and wind farms send back."""
        parts = []
        for patch, turbines in zip(self._habits.patches, self._turbines, strict=True):
            if not patch.from_s <= start_s < patch.until_s:
                continue
            n = rng.poisson(patch.mean)
            spots = turbines[rng.integers(0, len(turbines), n)] if patch.places else _scatter(rng, patch, n)
            level = spots[:, :2] + np.array(patch.drift_mps) * (start_s - patch.from_s)
            axes = enu_axes(patch.lat_deg, patch.lon_deg)
            ground = ecef_from_geodetic(patch.lat_deg, patch.lon_deg, 0.0) + level @ axes[:2]
            rate = np.full(n, patch.range_rate_mps)
            parts.append(self._echoes_of(rng, site, start_s, ground, spots[:, 2], rate, patch.spread_mps))
        return parts

    def _echoes_of(
        self,
        rng: np.random.Generator,
        site: _Site,
        start_s: float,
        ground: FloatArray,
        height_m: FloatArray,
        rate: FloatArray,
        spread_mps: float,
    ) -> _Echoes:
        lat, lon, _ = geodetic_from_ecef(ground)
        position = ecef_from_geodetic(lat, lon, height_m)
        range_m, azimuth, elevation = site.look(position)
        turned = azimuth / (2 * np.pi) * self._period_s if self._habits.turning else np.zeros(len(azimuth))
        echoes = _Echoes(
            start_s + turned, range_m, azimuth, elevation, rate + spread_mps * rng.standard_normal(len(rate))
        )
        return echoes.take(self._in_reach(site, np.ones(len(rate)), position))

    def _measured(self, rng: np.random.Generator, echoes: _Echoes) -> dict[str, object]:
        sigma, n = self._sensor.sigma, len(echoes.at_s)
        platform = self._habits.platform
        turn = 0.0 if platform is None else float(rng.standard_normal()) * platform.sigma_heading_rad
        noise = rng.standard_normal((4, n))
        elevation = echoes.elevation + np.radians(sigma.elevation_deg or 0.0) * noise[2]
        rate = echoes.rate + (sigma.range_rate_mps or 0.0) * noise[3]
        return {
            "range_m": np.maximum(echoes.range_m + (sigma.range_m or 0.0) * noise[0], 1.0),
            "azimuth_rad": np.mod(echoes.azimuth + np.radians(sigma.azimuth_deg or 0.0) * noise[1] + turn, 2 * np.pi),
            "elevation_rad": np.full(n, NAN) if self._level else elevation,
            "range_rate_mps": rate if self._habits.doppler else np.full(n, NAN),
        }

    def _nothing_seen(self, start_s: float, delay_s: float, window: int, pose: dict[str, object]) -> Plots:
        if not self._habits.numbered:
            return Plots.of(0, sensor_ids=(self._sensor.sensor_id,))
        return in_order_received(
            1,
            (self._sensor.sensor_id,),
            at_ns=ns_of(np.array([start_s])),
            received_ns=ns_of(np.array([start_s + delay_s])),
            scan=window,
            scan_end=True,
            empty_scan=True,
            **pose,
        )


def _middle(echoes: _Echoes, rng: np.random.Generator) -> _Echoes:
    """Return one echo for many: their mean, weighed by how strong each happens to be."""
    n = len(echoes.at_s)
    weight = rng.exponential(1.0, n) + 1e-3
    weight = weight / weight.sum()
    azimuth = echoes.azimuth[0] + weight @ (np.mod(echoes.azimuth - echoes.azimuth[0] + np.pi, 2 * np.pi) - np.pi)
    means = (weight @ echoes.at_s, weight @ echoes.range_m, azimuth, weight @ echoes.elevation, weight @ echoes.rate)
    return _Echoes(*(np.array([float(mean)]) for mean in means))


def _scatter(rng: np.random.Generator, patch: Patch, n: int) -> FloatArray:
    """Return n places in a patch: east, north of its middle and height above the ellipsoid, m."""
    r, angle = patch.radius_m * np.sqrt(rng.random(n)), rng.uniform(0.0, 2 * np.pi, n)
    return np.stack([r * np.sin(angle), r * np.cos(angle), rng.uniform(patch.low_m, patch.high_m, n)], axis=1)


def _scattered(rng: np.random.Generator, patch: Patch) -> FloatArray:
    return _scatter(rng, patch, patch.places)

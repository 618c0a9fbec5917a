"""What the tracker assumes of each sensor, and which scan of which radar each plot belongs to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import ecef_from_geodetic
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.tracking.coverage import ClutterMaps
from dronewall.tracking.parameters import Parameters
from dronewall.tracking.undetected import Undetected
from dronewall.tracking.visibility import Visibility, visibility_of

SCANNING = (SensorKind.RADAR_3D, SensorKind.RADAR_2D, SensorKind.SSR, SensorKind.PASSIVE_RADAR)
SURVEYING = (SensorKind.RADAR_3D, SensorKind.RADAR_2D)
"""These see whatever flies, where it is: what they do not see is not there."""
PERIOD_AT_LEAST_S, PERIOD_ASSUMED_S = 0.5, 4.0
PD_ASSUMED, PD_AT_MOST = 0.8, 0.9
"""No radar is believed so sure that one silent scan could end a track."""
SIGMA_RANGE_M, SIGMA_AZIMUTH_DEG = 100.0, 0.5
"""Assumed of a radar that declares none, where it is asked how wide its resolution cell is."""
RADAR_REACH_M, ELEVATION_SPAN_RAD, HEIGHT_SPAN_M = 200_000.0, math.radians(30.0), 12_000.0
CLUTTER_MEMORY = 0.1
"""Weight of the newest scan in a radar's clutter, learned as plots that nobody claimed."""
CLAIMED_CLUTTER = 1e-3
"""How much rarer a false plot is that carries a checked address."""

_REACH_M = {
    SensorKind.ACOUSTIC_ARRAY: 12_000.0,
    SensorKind.ACOUSTIC_PRESENCE: 6_000.0,
    SensorKind.RF_DF: 60_000.0,
    SensorKind.CAMERA: 15_000.0,
    SensorKind.OBSERVER: 10_000.0,
}
_UNKNOWN_PER_RAD = {SensorKind.ACOUSTIC_ARRAY: 1.0, SensorKind.RF_DF: 0.5, SensorKind.CAMERA: 1.0}
"""Density of directions that no track explains: false ones, and objects that nobody tracks yet."""
_UNKNOWN_PER_M3 = 1e-13
"""The same for positions: an object nobody tracks yet, per cubic metre and report."""


@dataclass(slots=True)
class Antenna:
    """One scanning radar's state: which scan is going on, since when, its newest plot.

    `pd_told` is its chance of detection as declared; `site` where it stands, ECEF, None if it moves.
    """

    sensor: int
    slot: int
    period_s: float
    pd: float
    reach_m: float
    pd_told: float
    site: NDArray[np.float64] | None
    sigma_range_m: float
    sigma_azimuth_rad: float
    stamp: int = 1
    scan: int = -1
    since_ns: int = -1
    heard_ns: int = -1


class Sensing:
    """The register of sensors as the tracker sees it. Radars keep a state; all others are columns of constants.

    `slot` (sensors,) is each sensor's row among the scanning radars, -1 for others. By slot: `pd`, `radar_reach_m`,
    `learned` clutter plots of a scan and the `unclaimed` plots of the scan that is going on.
    """

    def __init__(self, sensors: Sensors, parameters: Parameters) -> None:
        self._p = parameters
        self.antennas: dict[int, Antenna] = {}
        self.visibility: Visibility = visibility_of((), ())
        self.maps = ClutterMaps()
        self.undetected, self._closed = Undetected(parameters), list[int]()
        self.learned, self.unclaimed, self._declared = np.empty(0), np.empty(0), np.empty(0)
        self.learn(sensors)

    def learn(self, sensors: Sensors) -> None:
        """Take over a register that has grown."""
        new = [
            row
            for row, sensor in enumerate(sensors)
            if sensor.kind in SCANNING and row not in self.antennas and not sensor.delivers_tracks
        ]
        for row in new:
            self.antennas[row] = self._antenna(row, sensors[row])
        self.visibility = visibility_of(
            [sensors[row] for row in self.antennas], [antenna.period_s for antenna in self.antennas.values()]
        )
        self.maps.grow(np.array([self.antennas[row].reach_m for row in new], float))
        self.learned = np.r_[self.learned, np.full(len(new), self._p.clutter_at_first)]
        self.unclaimed = np.r_[self.unclaimed, np.zeros(len(new))]
        told = [sensors[row].clutter_per_scan for row in new]
        self._declared = np.r_[self._declared, [np.nan if clutter is None else clutter for clutter in told]]
        radars = list(self.antennas.values())
        self._keeps_places = np.array(
            [sensors[row].kind is not SensorKind.PASSIVE_RADAR for row in self.antennas], np.bool_
        )
        self._keeps_places &= self.visibility.sited
        self.pd, self.radar_reach_m = np.array([a.pd for a in radars]), np.array([a.reach_m for a in radars])
        surveys = np.array([sensors[row].kind in SURVEYING for row in self.antennas], np.bool_)
        self.undetected.learn(self.visibility, surveys, self.pd)
        self.slot = np.full(len(sensors), -1, np.intp)
        self.slot[list(self.antennas)] = np.arange(len(radars))
        self.kind = np.array([s.kind for s in sensors], np.uint8)
        self.cooperative = np.array([s.kind.cooperative for s in sensors], np.bool_)
        self.reach_m = np.array([s.range_max_m or _REACH_M.get(s.kind, RADAR_REACH_M) for s in sensors])
        self.per_rad = np.array([_UNKNOWN_PER_RAD.get(s.kind, 0.5) for s in sensors])

    def _antenna(self, row: int, sensor: Sensor) -> Antenna:
        return Antenna(
            sensor=row,
            slot=len(self.antennas),
            period_s=max(sensor.period_s or PERIOD_ASSUMED_S, PERIOD_AT_LEAST_S),
            pd=min(sensor.pd or PD_ASSUMED, PD_AT_MOST),
            reach_m=sensor.range_max_m or RADAR_REACH_M,
            pd_told=min(sensor.pd or PD_ASSUMED, 1.0),
            site=_site(sensor),
            sigma_range_m=sensor.sigma.range_m or SIGMA_RANGE_M,
            sigma_azimuth_rad=math.radians(sensor.sigma.azimuth_deg or SIGMA_AZIMUTH_DEG),
        )

    def clutter(self) -> NDArray[np.float64]:
        """Return how many false plots one scan of each radar holds: as declared, else as learned, never none."""
        return np.maximum(np.where(np.isnan(self._declared), self.learned, self._declared), 0.05)

    def births(self) -> NDArray[np.float64]:
        """Return how many new objects each radar's next scan should hold: many at first, few later."""
        stamp = np.array([antenna.stamp for antenna in self.antennas.values()], float)
        return np.asarray(self._p.expected_births + self._p.expected_births_at_first * 0.5 ** (stamp - 1.0))

    def always_answer(self, x: NDArray[np.float64], hit: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return which states (n, 6), ECEF, lie where something always answers a radar that saw them.

        `hit` (n, radars) holds in which scan each radar saw each of them, 0 for never. Moving radars keep no places,
        nor do those that measure sums of ranges.
        """
        row, slot = np.nonzero(hit[:, : len(self.antennas)] * self._keeps_places)
        offset = np.einsum("nij,nj->ni", self.visibility.axes[slot], x[row, :3] - self.visibility.site[slot])
        range_m, azimuth_rad = np.linalg.norm(offset, axis=1), np.arctan2(offset[:, 0], offset[:, 1])
        out = np.zeros(len(x), np.bool_)
        out[row[self.maps.always_answer(slot, range_m, azimuth_rad)]] = True
        return out

    def close(self, antenna: Antenna) -> None:
        """End the scan that is going on: learn its clutter, begin the next."""
        slot = antenna.slot
        if self.unclaimed[slot] > 0.0 or antenna.scan >= 0:
            self.learned[slot] += CLUTTER_MEMORY * (self.unclaimed[slot] - self.learned[slot])
        self.unclaimed[slot] = 0.0
        self.maps.close(slot)
        self._closed.append(slot)
        antenna.stamp += 1
        antenna.scan = -1
        antenna.since_ns = -1

    def look_around(self) -> None:
        """Let the scans closed since the last time thin out what nobody has detected; their plots come before."""
        self.undetected.thin(self._closed)
        self._closed.clear()

    def is_straggler(self, antenna: Antenna, scan: int, at_ns: int) -> bool:
        """Whether a plot belongs to a scan that is over.

        It does if it is older than this scan's beginning, by half a turn if scans are not numbered.
        """
        if antenna.since_ns < 0:
            return at_ns < antenna.heard_ns
        numbered = scan >= 0 and antenna.scan >= 0
        if numbered and scan == antenna.scan:
            return False
        return antenna.since_ns - at_ns > (0.0 if numbered else 0.5e9 * antenna.period_s)

    def begins_anew(self, antenna: Antenna, scan: int, at_ns: int) -> bool:
        """Whether a plot of this scan number and time belongs to a new scan, so that the one going on is over."""
        if antenna.since_ns < 0:
            return False
        if scan >= 0 and antenna.scan >= 0:
            return scan != antenna.scan
        return (at_ns - antenna.since_ns) / 1e9 >= 0.95 * antenna.period_s

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the radars' states as named arrays."""
        rows = [(a.sensor, a.stamp, a.scan, a.since_ns, a.heard_ns) for a in self.antennas.values()]
        return {
            "antennas.states": np.array(rows, np.int64).reshape(-1, 5),
            "antennas.clutter": np.stack([self.learned, self.unclaimed], axis=1),
            **{f"antennas.map.{name}": grid for name, grid in self.maps.checkpoint().items()},
            **self.undetected.checkpoint(),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        of_maps = "antennas.map."
        self.undetected.restore(state)
        self.maps.restore({name.removeprefix(of_maps): state[name] for name in state if name.startswith(of_maps)})
        for n, (row, value) in enumerate(zip(state["antennas.states"], state["antennas.clutter"], strict=True)):
            antenna = self.antennas[int(row[0])]
            antenna.stamp, antenna.scan, antenna.since_ns, antenna.heard_ns = (int(value) for value in row[1:])
            self.learned[n], self.unclaimed[n] = value


def presence_reach_m(sensors: Sensors) -> NDArray[np.float64]:
    """Return how far each sensor hears that has no direction, 0 for all others."""
    only = SensorKind.ACOUSTIC_PRESENCE
    return np.array([(s.range_max_m or _REACH_M[only]) if s.kind is only and s.sited else 0.0 for s in sensors])


def _site(sensor: Sensor) -> NDArray[np.float64] | None:
    """Return where a sensor stands, ECEF m, None if it moves."""
    if sensor.lat_deg is None or sensor.lon_deg is None or sensor.hae_m is None:
        return None
    return ecef_from_geodetic(sensor.lat_deg, sensor.lon_deg, sensor.hae_m)


def kappa_of_direction(per_rad: NDArray[np.float64], raised: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the density of unexplained directions per rad, or per rad² where an elevation was measured too."""
    return np.where(raised, per_rad / ELEVATION_SPAN_RAD, per_rad)


def kappa_of_position(count: int) -> NDArray[np.float64]:
    """Return the density of unexplained positions per m³."""
    return np.full(count, _UNKNOWN_PER_M3)


def kappa_of_range(
    clutter: NDArray[np.float64],
    reach_m: NDArray[np.float64],
    range_m: NDArray[np.float64],
    span: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Return a radar's clutter density in the units of (range, azimuth, third): uniform over the ground it covers.

    `span` is the extent of the third coordinate, 1 where there is none.
    """
    ground = np.maximum(range_m, 0.1 * reach_m)
    return clutter * 2.0 * ground / reach_m**2 / (2.0 * math.pi) / span


def kappa_of_range_sum(clutter: NDArray[np.float64], reach_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a passive radar's density of false range sums per m, where they come without bearings."""
    return clutter / (2.0 * reach_m)


def ranges_m(range_m: NDArray[np.float64], transmitter: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far off plots are, of ranges (n,) or, where there is a transmitter (n, 3), of range sums: half."""
    return np.where(np.isfinite(transmitter[:, 0]), 0.5, 1.0) * range_m


def illuminators(transmitter: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a number (n,) for each transmitter (n, 3) among observations, -1 for none.

    One scan of a passive radar holds a plot of an object for each transmitter that lights it up, so that plots of
    different transmitters are different looks.
    """
    number = np.full(len(transmitter), -1, np.int64)
    lit = np.flatnonzero(np.isfinite(transmitter[:, 0]))
    if len(lit):
        number[lit] = np.unique(transmitter[lit], axis=0, return_inverse=True)[1].ravel()
    return number

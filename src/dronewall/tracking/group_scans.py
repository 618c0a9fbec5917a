"""What each radar's scans say of each group: how many plots lie in it, how far they reach, how many may be false.

A scan's plots are gathered until it is over, then go into means that forget: the formation may change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import enu_axes, geodetic_from_ecef, spherical_from_enu
from dronewall.model.observations import ObservationKind, Observations
from dronewall.tracking.group_count import Seen

GATE_SQ = 14.0
"""A plot lies in a group if it is no farther from the middle, in squared sigmas of members' places and its error."""
MARGIN_M = 50.0
MEMORY = 0.88
"""What a scan counts for when the next has come: the means are worth up to eight scans."""
FALSE_AT_MOST = 0.3
"""No more of a group's plots are thought to be false: where a swarm is new, its plots were taken for clutter."""
STALE_NS = 60_000_000_000

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ScanPlots:
    """Observations with what the tracker assumes of each (n,): the radar's slot (-1 none), its scan, clutter."""

    observations: Observations
    slot: NDArray[np.int64]
    stamp: NDArray[np.int64]
    kappa: FloatArray


@dataclass(slots=True, eq=False)
class Sums:
    """One radar's word on one group: the scan that goes on, and the means over those that are over.

    `now` is plots, false ones expected, sum of deviations (3) and of their products (3, 3), in the radar's sigmas.
    `plots`, `clutter` are means worth `scans`; `products` (3, 3) the deviations' covariance, worth `freedom` plots.
    """

    stamp: int = -1
    at_ns: int = 0
    now: FloatArray = field(default_factory=lambda: np.zeros(14))
    scans: float = 0.0
    plots: float = 0.0
    clutter: float = 0.0
    freedom: float = 0.0
    products: FloatArray = field(default_factory=lambda: np.zeros((3, 3)))

    def begin(self, stamp: int) -> None:
        """Close the scan that goes on, if it is another one."""
        if stamp != self.stamp:
            self.close()
            self.stamp = stamp

    def add(self, deviation: FloatArray, clutter: float, at_ns: int) -> None:
        """Take plots of the scan that goes on: deviations (m, 3) from the group's middle."""
        self.at_ns = max(self.at_ns, at_ns)
        self.now[0] += len(deviation)
        self.now[1] += clutter * len(deviation)
        self.now[2:5] += deviation.sum(axis=0)
        self.now[5:] += (deviation.T @ deviation).ravel()

    def close(self) -> None:
        """Let the scan that goes on become part of the means. One without plots says nothing: it may see nothing."""
        m = float(self.now[0])
        if m > 0:
            false = min(self.now[1] / m, FALSE_AT_MOST * m)
            kept = MEMORY * self.scans
            self.scans = kept + 1.0
            self.plots = (kept * self.plots + m) / self.scans
            self.clutter = (kept * self.clutter + false) / self.scans
            about = self.now[5:].reshape(3, 3) - np.outer(self.now[2:5], self.now[2:5]) / m
            kept = MEMORY * self.freedom
            self.freedom = kept + m - 1.0
            if self.freedom > 0:
                self.products = (kept * self.products + about) / self.freedom
        self.now[:] = 0.0


class GroupScans:
    """All radars' words on all groups, by group and slot of the radar."""

    def __init__(self) -> None:
        self._sums: dict[tuple[int, int], Sums] = {}

    def take(
        self, group_id: int, mean: FloatArray, spread: FloatArray, at_ns: int, plots: ScanPlots
    ) -> NDArray[np.intp]:
        """Take what new plots say of a group whose middle was at `mean` (6,) at `at_ns`, members spread about it.

        Returns the rows of the plots that lie in it.
        """
        o = plots.observations
        later_s = (o.at_ns - at_ns) / 1e9
        off = o.place - mean[:3] - later_s[:, None] * mean[3:]
        reach_sq = np.trace(spread) + 3.0 * MARGIN_M**2 + np.trace(o.spread, axis1=1, axis2=2)
        near = np.flatnonzero(np.sum(off**2, axis=1) < GATE_SQ * reach_sq)
        if not len(near):
            return near
        whole = spread + o.spread[near] + MARGIN_M**2 * np.eye(3)
        inside = np.einsum("ni,ni->n", off[near], np.linalg.solve(whole, off[near][:, :, None])[:, :, 0]) < GATE_SQ
        rows, volume = near[inside], 4.0 / 3.0 * pi * GATE_SQ**1.5 * np.sqrt(np.linalg.det(whole[inside]))
        for part in _by_scan(plots.slot[rows], plots.stamp[rows]):
            mine = rows[part]
            seen = o.take(mine)
            false = np.nan_to_num(plots.kappa[mine] * volume[part] / _volume_per_z(seen))
            sums = self._sums.setdefault((group_id, int(plots.slot[mine[0]])), Sums())
            sums.begin(int(plots.stamp[mine[0]]))
            sums.add(_deviations(seen, mean, later_s[mine]), float(false.mean()), int(seen.at_ns.max()))
        return rows

    def close_before(self, stamps: Mapping[int, int]) -> None:
        """Close every scan that is over: the one that goes on has, by slot, these `stamps`."""
        for (_, slot), sums in self._sums.items():
            if stamps.get(slot, sums.stamp) != sums.stamp:
                sums.close()

    def keep(self, group_ids: Sequence[int], now_ns: int) -> None:
        """Forget groups that are gone, and radars that have not seen theirs for a while."""
        known = set(group_ids)
        self._sums = {
            key: sums for key, sums in self._sums.items() if key[0] in known and now_ns - sums.at_ns < STALE_NS
        }

    def seen(self, group_id: int, pd_of: Mapping[int, float]) -> Seen:
        """Return what all radars say of a group; `pd_of` is by slot."""
        said = [(slot, s) for (group, slot), s in sorted(self._sums.items()) if group == group_id and s.scans > 0]
        return Seen(
            scans=np.array([s.scans for _, s in said]),
            plots=np.array([s.plots for _, s in said]),
            clutter=np.array([s.clutter for _, s in said]),
            pd=np.array([pd_of[slot] for slot, _ in said]),
            extent=np.array([extent(s.products) for _, s in said]).reshape(-1, 3),
        )

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        items = sorted(self._sums.items())
        whole = [(*key, s.stamp, s.at_ns) for key, s in items]
        values = [np.r_[s.now, s.scans, s.plots, s.clutter, s.freedom, s.products.ravel()] for _, s in items]
        return {
            "groups.scans": np.array(whole, np.int64).reshape(-1, 4),
            "groups.sums": np.array(values, float).reshape(-1, 27),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self._sums = {}
        for (group, slot, stamp, at_ns), v in zip(state["groups.scans"].tolist(), state["groups.sums"], strict=True):
            scans, plots, clutter, freedom = v[14:18].tolist()
            now, products = v[:14].copy(), v[18:].reshape(3, 3).copy()
            self._sums[group, slot] = Sums(stamp, at_ns, now, scans, plots, clutter, freedom, products)


def extent(products: FloatArray) -> FloatArray:
    """Return how far plots reach (3,), in sigmas, from the covariance (3, 3) of their deviations in sigmas.

    The side of a box filled evenly has this variance twelve times, once the noise of 1 is taken off. Where range and
    azimuth go together, as along a line seen at an angle, the smaller of both counts what is left of it beside the
    line.
    """
    variance = np.maximum(np.diag(products) - 1.0, 0.0)
    long, short = (0, 1) if variance[0] >= variance[1] else (1, 0)
    if variance[long] > 0.0:
        variance[short] = max(variance[short] - products[0, 1] ** 2 / variance[long], 0.0)
    return np.asarray(np.sqrt(12.0 * variance))


def is_counted(o: Observations) -> NDArray[np.bool_]:
    """Return which observations may count objects: those of radars that measure range and azimuth from one place."""
    ranged = (o.kind == ObservationKind.RANGE_AZIMUTH_ELEVATION) | (o.kind == ObservationKind.RANGE_AZIMUTH_ALTITUDE)
    return np.asarray(ranged & np.isfinite(o.z[:, 1]) & ~np.isfinite(o.transmitter[:, 0]) & (o.icao24 == 0))


def _by_scan(slot: NDArray[np.int64], stamp: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of each radar's each scan, scans in their order."""
    order = np.lexsort((stamp, slot))
    cuts = np.flatnonzero((np.diff(slot[order]) != 0) | (np.diff(stamp[order]) != 0)) + 1
    yield from (part for part in np.split(order, cuts) if len(part))


def _deviations(o: Observations, mean: FloatArray, later_s: FloatArray) -> FloatArray:
    """Return how far plots of one radar lie from a group's middle in range, azimuth and elevation, in their sigmas."""
    lat, lon, _ = geodetic_from_ecef(o.site[0])
    middle = mean[:3] + later_s[:, None] * mean[3:]
    expected = np.stack(spherical_from_enu((middle - o.site) @ enu_axes(lat, lon).T), axis=1)
    off = o.z - expected
    off[:, 1] = np.mod(off[:, 1] + pi, 2.0 * pi) - pi
    off[o.kind != ObservationKind.RANGE_AZIMUTH_ELEVATION, 2] = 0.0
    return np.asarray(off / np.sqrt(np.maximum(np.diagonal(o.noise, axis1=1, axis2=2), 1e-12)))


def _volume_per_z(o: Observations) -> FloatArray:
    """Return how many m³ one unit of (range, azimuth, elevation or height) is, where each plot is."""
    range_m = np.maximum(o.z[:, 0], 1.0)
    raised = o.kind == ObservationKind.RANGE_AZIMUTH_ELEVATION
    return np.where(raised, range_m**2 * np.cos(np.where(raised, o.z[:, 2], 0.0)), range_m)

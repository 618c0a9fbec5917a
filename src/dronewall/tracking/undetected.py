"""How many objects fly that nobody has detected yet, and where: a Poisson field on a grid of the earth's surface.

They come from beyond what radars cover and out of the shadow below the horizon, spread at usual speeds, and are
launched, rarely, anywhere. Each scan finds some of those that it could see, and leaves the others. So few are left
where many radars have looked for minutes, and most plots of something new come from the rim.

A cell holds them by kind: how high they fly, for that decides how far off a horizon hides them, and how well they
reflect. Radars that declare no range, that move, or that see only what answers them take no part: as before they expect
as many new objects everywhere (`Sensing.births`).

Source:
    Williams, Marginal multi-Bernoulli filters, IEEE TAES 51(3), 2015, II: the Poisson intensity of objects that were
    never detected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import enu_from_spherical
from dronewall.tracking.earth_cells import EarthCells, cells_within
from dronewall.tracking.parameters import Parameters
from dronewall.tracking.visibility import Visibility, mark_seen

SHARES = np.array([0.2, 0.15, 0.25, 0.2, 0.2])
HEIGHTS_M = (40.0, 90.0, 400.0, 3_000.0, 400.0)
"""How undetected objects are shared out to kinds, and how high each flies above the lowest radar that reaches it."""
REACHES = (1.0, 1.0, 1.0, 1.0, 0.4)
"""How far each is seen, of what a radar declares: a reflector of 0.03 m² is, where the range is told for 1 m²."""
SPEED_MPS = 60.0
"""Between a drone and what is fast; where it flies to, nobody knows."""
FIRST = 0.5
"""How much of what radars expect in their first scan flies already when they begin: where several look it adds up."""
LAUNCHED = 0.7
"""How much of the new objects that radars expect appears amid what they cover; the rest crosses a border."""
ADVANCE_NS, INFLOW_S, STEPS_MOST = 500_000_000, 2.0, 300
"""What comes into each cell is reckoned anew every two seconds; after a long silence the field has settled anyway."""
SETTLING_STEPS, SETTLING_S = 80, 5.0
RANGES, AZIMUTHS = 64, 128
NONE = 1e-30
"""Objects per m² that are none."""
STRAY = 1.02
"""What a radar reports from farther off than so many of its ranges, it sees by other rules than it declares."""
CORNERS = ((-0.25, -0.25, 0.7), (0.25, -0.25, 1.1), (-0.25, 0.25, 1.4), (0.25, 0.25, 0.9))
"""A cell is judged at four places, as shares of its width from its middle, each at another multiple of a kind's height:
so a shadow fades where it ends."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Coverage(NamedTuple):
    """What one radar sees of the cells: `cells` (k,) of which it sees something, and of each kind there which `share`
    (k, kinds) it detects in a scan; `row` (RANGES, AZIMUTHS) leads from a plot's place to its row among these, k none.
    """

    cells: IntArray
    share: FloatArray
    row: IntArray


class Undetected:
    """The field, in objects per m² by cell and kind, and how each radar's looks thin it out."""

    def __init__(self, parameters: Parameters) -> None:
        self._p = parameters
        self._radars: dict[int, Coverage] = {}
        self._cells = cells_within(np.empty((0, 3)), np.empty(0))
        self._field = self._launched = np.zeros((0, len(SHARES)))
        self._beyond, self._over = np.zeros(len(SHARES)), 0.0
        self._reach_m = np.empty(0)
        self._inflow, self._inflow_s, self._at_ns = self._field, 0.0, -1

    def learn(self, visibility: Visibility, surveys: NDArray[np.bool_], pd: FloatArray) -> None:
        """Take over radars (n,) that have grown in number; `surveys` tells which of them see whatever flies.

        What was known of places that are looked at already stays.
        """
        taken = visibility.sited & np.isfinite(visibility.range_m[:, 1]) & surveys
        rows = np.flatnonzero(taken).tolist()
        if rows == list(self._radars):
            return
        before, known = self._cells, self._field
        self._reach_m = visibility.range_m[:, 1]
        self._cells = cells_within(visibility.site[rows], self._reach_m[rows])
        ground_m = _ground_m(self._cells, visibility, rows)
        self._radars = {row: _coverage(self._cells, visibility, row, ground_m, pd[row]) for row in rows}
        self._lay_tables(len(pd))
        self._begin(visibility.period_s, pd)
        self._remember(before, known)

    def _lay_tables(self, radars: int) -> None:
        """Put the rows of all radars' coverage behind each other, and one that stands for none at the end."""
        of_all = list(self._radars.values())
        self._share = np.concatenate([*(seen.share for seen in of_all), np.zeros((1, len(SHARES)))])
        self._cell = np.concatenate([*(seen.cells for seen in of_all), np.zeros(1, np.int64)])
        best = [seen.share.max(axis=1) / seen.share.max(initial=NONE) for seen in of_all]
        self._unknown = 1.0 - np.concatenate([*best, np.zeros(1)])
        self._row = np.full((radars, RANGES, AZIMUTHS), len(self._unknown) - 1, np.int32)
        begin = 0
        for radar, seen in self._radars.items():
            known = seen.row < len(seen.cells)
            self._row[radar][known] = begin + seen.row[known]
            begin += len(seen.cells)

    def _begin(self, period_s: FloatArray, pd: FloatArray) -> None:
        """Lay out what is launched and what is beyond, so that radars find as many as are expected of them."""
        area_sq_m, size = self._cells.size_m**2, (len(self._cells), len(SHARES))
        self._launched, first, left = np.zeros(size), np.zeros(size), np.ones(size)
        for row, seen in self._radars.items():
            ground_sq_m = max(float((seen.share @ SHARES).sum()) / pd[row], 1.0) * area_sq_m
            self._launched[seen.cells] += LAUNCHED * self._p.expected_births / period_s[row] / ground_sq_m * SHARES
            first[seen.cells] += FIRST * self._p.expected_births_at_first / ground_sq_m * SHARES
            left[seen.cells] *= (1.0 - seen.share) ** (SETTLING_S / period_s[row])
        self._over = SPEED_MPS / (np.pi * self._cells.size_m)
        self._beyond, field, found = SHARES, left * SHARES, 0.0
        for _ in range(SETTLING_STEPS if len(self._radars) else 0):
            field = field + SETTLING_S * self._over * (self._around(field) - 4.0 * field)
            found = float((field * (1.0 - left)).sum()) * area_sq_m / SETTLING_S
            field = field * left
        wanted = sum((1.0 - LAUNCHED) * self._p.expected_births / period_s[row] for row in self._radars)
        scale = wanted / found if found > 0.0 else 0.0
        self._beyond, self._field = scale * SHARES, np.maximum(scale * field, first * (1.0 - left))
        self._inflow, self._inflow_s = np.zeros(size), 0.0

    def _remember(self, before: EarthCells, known: FloatArray) -> None:
        """Keep what was known of places."""
        if not len(known) or not len(self._cells):
            return
        none = np.zeros(1)
        at = before.find(self._cells.places(none, none, np.zeros(len(self._cells))))
        there = at < len(before)
        self._field[there] = known[at[there]]

    def density(self, slot: NDArray[np.intp], range_m: FloatArray, azimuth_rad: FloatArray) -> tuple[FloatArray, ...]:
        """Return how many undetected objects a scan of radars (n,) should find at places (n,), per m².

        Returns:
            The density, and how much of the place the field does not know of, 0 to 1: what is new there is expected
            as if there were no field.
        """
        if not self._radars:
            return np.zeros(len(slot)), np.ones(len(slot))
        away = range_m / self._reach_m[slot]
        near = np.minimum(away * RANGES, RANGES - 1).astype(np.intp)
        turn = np.minimum(np.mod(azimuth_rad, 2.0 * np.pi) / (2.0 * np.pi) * AZIMUTHS, AZIMUTHS - 1).astype(np.intp)
        row = np.where(away > STRAY, len(self._unknown) - 1, self._row[slot, near, turn])
        new = np.einsum("ij,ij->i", self._share[row], self._field[self._cell[row]])
        return new, self._unknown[row]

    def advance(self, *, now_ns: int) -> None:
        """Let time pass until `now_ns`."""
        if not self._radars or (self._at_ns >= 0 and now_ns - self._at_ns < ADVANCE_NS):
            return
        seconds = (now_ns - self._at_ns) / 1e9 if self._at_ns >= 0 else 0.0
        self._at_ns = now_ns
        for _ in range(min(int(np.ceil(seconds / INFLOW_S)), STEPS_MOST)):
            step_s = min(seconds, INFLOW_S)
            seconds -= step_s
            if self._inflow_s >= INFLOW_S:
                self._inflow_s = 0.0
            if self._inflow_s == 0.0:
                self._inflow = self._coming()
            self._inflow_s += step_s
            self._field *= 1.0 - 4.0 * self._over * step_s
            self._field += step_s * self._inflow

    def thin(self, radars: list[int]) -> None:
        """Leave of what `radars` could see in a scan that is over what such a scan misses."""
        for radar in radars:
            if radar in self._radars:
                seen = self._radars[radar]
                self._field[seen.cells] *= 1.0 - seen.share

    def _coming(self) -> FloatArray:
        """Return what comes into each cell, per m² and s: over its sides, and from the ground.

        No place grows fuller than what nobody watches.
        """
        room = np.maximum(1.0 - self._field / np.maximum(self._beyond, NONE), 0.0)
        return np.asarray(self._over * self._around(self._field) + room * self._launched)

    def _around(self, field: FloatArray) -> FloatArray:
        """Return the sums of each cell's four neighbours."""
        ringed = np.concatenate([field, self._beyond[None]])
        west, east, south, north = (ringed[side] for side in self._cells.beside.T)
        return np.asarray(west + east + south + north)

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        return {
            "undetected.field": self._field.copy(),
            "undetected.keys": self._cells.keys.copy(),
            "undetected.size_m": np.array([self._cells.size_m]),
            "undetected.inflow": self._inflow.copy(),
            "undetected.inflow_s": np.array([self._inflow_s]),
            "undetected.at_ns": np.array([self._at_ns], np.int64),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned, under the same radars or more."""
        self._at_ns = int(state["undetected.at_ns"][0])
        keys, size_m = state["undetected.keys"], float(state["undetected.size_m"][0])
        if size_m == self._cells.size_m and np.array_equal(keys, self._cells.keys):
            self._field, self._inflow = state["undetected.field"].copy(), state["undetected.inflow"].copy()
            self._inflow_s = float(state["undetected.inflow_s"][0])
        else:
            before = EarthCells(size_m, keys, np.empty((len(keys), 4), np.int64))
            self._remember(before, state["undetected.field"])


def _ground_m(cells: EarthCells, visibility: Visibility, rows: list[int]) -> FloatArray:
    """Return how high the lowest radar stands that reaches each cell, never below the ellipsoid."""
    none, ground = np.zeros(1), np.full(len(cells), np.inf)
    middle = cells.places(none, none, np.zeros(len(cells)))
    for row in rows:
        near = np.linalg.norm(middle - visibility.site[row], axis=1) < visibility.range_m[row, 1] + cells.size_m
        ground[near] = np.minimum(ground[near], max(visibility.height_m[row], 0.0))
    return np.where(np.isfinite(ground), ground, 0.0)


def _coverage(cells: EarthCells, visibility: Visibility, row: int, ground_m: FloatArray, pd: float) -> Coverage:
    """Return what a radar sees of each cell, from four places in each."""
    site, reach_m = visibility.site[row], float(visibility.range_m[row, 1])
    none = np.zeros(1)
    middle = cells.places(none, none, ground_m)
    near = np.flatnonzero(np.linalg.norm(middle - site, axis=1) < reach_m + cells.size_m)
    around = EarthCells(cells.size_m, cells.keys[near], cells.beside[near])
    share, seen, state = np.zeros((len(near), len(SHARES))), np.empty(len(near), np.bool_), np.zeros((len(near), 6))
    for east, north, factor in CORNERS:
        for kind, (height_m, reach) in enumerate(zip(HEIGHTS_M, REACHES, strict=True)):
            height = ground_m[near] + factor * height_m
            state[:, :3] = around.places(np.array([east]), np.array([north]), height)
            mark_seen(visibility, row, state, seen)
            seen &= np.linalg.norm(state[:, :3] - site, axis=1) < reach * reach_m
            share[:, kind] += pd / len(CORNERS) * seen
    some = share.any(axis=1)
    lit, share = near[some], share[some]
    among = np.full(len(cells) + 1, len(lit))
    among[lit] = np.arange(len(lit))
    range_m, azimuth = (np.arange(RANGES) + 0.5) / RANGES * reach_m, (np.arange(AZIMUTHS) + 0.5) / AZIMUTHS * 2 * np.pi
    polar = np.meshgrid(range_m, azimuth, indexing="ij")
    places = site + enu_from_spherical(*polar, np.zeros((RANGES, AZIMUTHS))) @ visibility.axes[row]
    return Coverage(lit, share, among[cells.find(places)])

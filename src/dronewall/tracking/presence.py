"""Microphones without direction: what hears something, or says that it hears nothing, speaks of tracks within earshot.

A report says that something sounded within the node's range when the sound left, not where. So it moves no track and
begins none; it makes those that it may have come from likelier, by no more than nothing else explains it, and a node
that says that it hears nothing makes those that it should hear less likely. Reports of one node that follow each other
hear the same noise: together they are worth one in ten seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import ndtr

from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.sensors import SensorKind, Sensors
from dronewall.model.tracks import TrackStatus
from dronewall.tracking.measurement import SPEED_OF_SOUND_MPS
from dronewall.tracking.sensing import presence_reach_m
from dronewall.tracking.store import TrackStore

FloatArray = NDArray[np.float64]
Rows = NDArray[np.intp]

HEARD_SHARE, HEARD_SHARE_MOST = 0.5, 0.8
"""How often a node hears what is within its range, where its owner does not declare it; no node is believed surer."""
FALSE_SHARE = 0.3
"""How often a node hears what is no track: a road, a tractor, a drone that nobody tracks and its neighbours hear."""
ONE_IN_S = 10.0
EXISTENCE_MOST, SILENCED_LEAST = 0.9999, 0.5
"""Silence alone ends no established track: gliders, balloons and electric drones are quiet."""
SLOW_MPS = 15.0
"""What is slower may well hang in the air without a sound."""
SPREAD_LEAST_M = 100.0
LAG_MOST_S = 3.0
FASTEST_MPS = 0.95 * SPEED_OF_SOUND_MPS
"""Sound of what flies faster comes after it, from where it was."""


class _Pairs(NamedTuple):
    """Reports and the tracks that each may hear: `hears` is how probably a report is heard, if the track exists."""

    report: Rows
    row: Rows
    hears: FloatArray


class Presence:
    """Weighs what nodes report by the tracks in their range."""

    def __init__(self, sensors: Sensors) -> None:
        self._told_ns = np.empty(0, np.int64)
        self.learn(sensors)

    def learn(self, sensors: Sensors) -> None:
        """Take over a register that has grown."""
        self._reach_m = presence_reach_m(sensors)
        self._pd = np.array([min(s.pd or HEARD_SHARE, HEARD_SHARE_MOST) for s in sensors])
        self._told_ns = np.pad(self._told_ns, (0, len(sensors) - len(self._told_ns)), constant_values=-(1 << 62))

    def weigh(self, o: Observations, store: TrackStore, x: FloatArray, cov: FloatArray, *, now_ns: int) -> None:
        """Change the existence of tracks, `x` (n, 6), `cov` (n, 6, 6) at `now_ns`, by what nodes report."""
        reports = self._reports(o)
        if not len(reports):
            return
        worth = self._worth(o, reports)
        if not store.count:
            return
        pairs = self._pairs(o, reports, x, cov, now_ns)
        heard = o.kind[reports[pairs.report]] == ObservationKind.PRESENCE
        c, n = store.columns, store.count
        ratio, share = _ratios(pairs, c.existence[pairs.row], heard, len(reports))
        # What may make no sound, or may be a crewed aircraft, is not silenced.
        quiet = ~heard & ((np.linalg.norm(x[pairs.row, 3:], axis=1) < SLOW_MPS) | (c.icao24[pairs.row] != 0))
        ratio[quiet] = 0.0
        gain = np.bincount(pairs.row, worth[pairs.report] * ratio, minlength=n)
        _believe(store, gain.astype(float))
        credited = heard & (share > 0.5)
        at_ns = o.at_ns[reports[pairs.report[credited]]]
        np.maximum.at(c.heard_ns, (pairs.row[credited], SensorKind.ACOUSTIC_PRESENCE), at_ns)

    def _reports(self, o: Observations) -> Rows:
        """Return which observations are nodes' words: something is heard, or nothing is."""
        told = np.isin(o.kind, (ObservationKind.PRESENCE, ObservationKind.NOTHING))
        return np.flatnonzero(told & (self._reach_m[o.sensor] > 0.0)) if len(o) else np.empty(0, np.intp)

    def _worth(self, o: Observations, reports: Rows) -> FloatArray:
        """Return how much of an independent report each is, 0 to 1, and take note that it came."""
        order = np.lexsort((o.at_ns[reports], o.sensor[reports]))
        sensor, at_ns = o.sensor[reports][order], o.at_ns[reports][order]
        first = np.ones(len(order), np.bool_)
        first[1:] = sensor[1:] != sensor[:-1]
        before = np.where(first, self._told_ns[sensor], np.r_[0, at_ns[:-1]])
        worth = np.empty(len(order))
        worth[order] = np.clip((at_ns - before) / 1e9 / ONE_IN_S, 0.0, 1.0)
        np.maximum.at(self._told_ns, sensor, at_ns)
        return worth

    def _pairs(self, o: Observations, reports: Rows, x: FloatArray, cov: FloatArray, now_ns: int) -> _Pairs:
        """Return the pairs of reports and tracks that may have been heard, by where they were when the sound left."""
        site, reach_m = o.site[reports], self._reach_m[o.sensor[reports]]
        speed = np.linalg.norm(x[:, 3:], axis=1)
        slower = np.flatnonzero(speed < FASTEST_MPS)
        fastest = float(speed[slower].max(initial=0.0))
        around_m = reach_m + fastest * (reach_m / SPEED_OF_SOUND_MPS + LAG_MOST_S) + 3.0 * SPREAD_LEAST_M
        found = cKDTree(x[slower, :3]).query_ball_point(site, around_m) if len(slower) else [[] for _ in reports]
        report = np.repeat(np.arange(len(reports)), [len(rows) for rows in found])
        row = slower[np.concatenate([np.sort(np.array(rows, np.intp)) for rows in found])] if len(report) else report
        before_s = (now_ns - o.at_ns[reports[report]]) / 1e9
        off = x[row, :3] - before_s[:, None] * x[row, 3:] - site[report]
        gone = off - _delays_s(off, x[row, 3:])[:, None] * x[row, 3:]
        away_m = np.linalg.norm(gone, axis=1)
        ray = gone / np.maximum(away_m, 1.0)[:, None]
        spread_m = np.sqrt(np.maximum(np.einsum("ni,nij,nj->n", ray, cov[row, :3, :3], ray), SPREAD_LEAST_M**2))
        inside = ndtr((reach_m[report] - away_m) / spread_m)
        near = inside > 0.01
        pd = self._pd[o.sensor[reports[report]]]
        return _Pairs(report[near], row[near], (pd * inside)[near])

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        return {"presence.told_ns": self._told_ns.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self._told_ns = state["presence.told_ns"].copy()


def _delays_s(off: FloatArray, velocity: FloatArray) -> FloatArray:
    """Return how long ago sound that arrives now left sources at offsets (n, 3), m, that move at (n, 3), m/s."""
    gap = SPEED_OF_SOUND_MPS**2 - np.sum(velocity**2, axis=1)
    closing = np.sum(off * velocity, axis=1)
    return np.asarray((np.sqrt(closing**2 + gap * np.sum(off**2, axis=1)) - closing) / gap, float)


def _ratios(
    pairs: _Pairs, existence: FloatArray, heard: NDArray[np.bool_], reports: int
) -> tuple[FloatArray, FloatArray]:
    """Return for each pair the log likelihood ratio of the report if the track exists, and its share in what is heard.

    Any of the tracks in range may be what is heard, or something else.
    """
    silent = np.log1p(-pairs.hears * existence)
    others = np.exp(np.bincount(pairs.report, silent, minlength=reports)[pairs.report] - silent)
    without = 1.0 - (1.0 - FALSE_SHARE) * others
    with_it = 1.0 - (1.0 - FALSE_SHARE) * others * (1.0 - pairs.hears)
    ratio = np.where(heard, np.log(with_it / without), np.log1p(-pairs.hears))
    return ratio, existence * pairs.hears / (existence * with_it + (1.0 - existence) * without)


def _believe(store: TrackStore, gain: FloatArray) -> None:
    """Move the tracks' existence by log likelihood ratios `gain` (n,)."""
    c, n = store.columns, store.count
    moved = np.flatnonzero(gain)
    r = c.existence[moved]
    odds = r / np.maximum(1.0 - r, 1e-9) * np.exp(gain[moved])
    new = np.minimum(odds / (1.0 + odds), np.maximum(r, EXISTENCE_MOST))
    established = c.status[:n][moved] != TrackStatus.TENTATIVE
    c.existence[moved] = np.where(established, np.maximum(new, np.minimum(r, SILENCED_LEAST)), new)

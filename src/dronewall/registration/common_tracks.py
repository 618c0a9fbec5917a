"""Common tracks: objects that several sensors see, watched to compare these sensors with each other.

Which plots are of one object is what the tracker found; where the object is plays no part. `docs/registration.md` tells
the method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.model.tracks import Tracks, TrackStatus
from dronewall.registration.alignment import Aligned, align, groups
from dronewall.registration.bias_state import Held, Sites
from dronewall.registration.common_kernels import compare_common
from dronewall.registration.common_state import (
    WATCHED_EACH,
    forget_sensor,
    free,
    no_common_pairs,
    no_objects,
    restored_common,
    saved_common,
    with_pairs,
    with_rows,
)

FloatArray = NDArray[np.float64]
Int64s = NDArray[np.int64]

SEEK_NS, ALIGN_NS = 1_000_000_000, 5_000_000_000
"""How often objects are sought, and sensors aligned."""
WATCHED_NS, ALONE_NS = 300_000_000_000, 30_000_000_000
"""After so long an object makes room, and after so long if only one sensor sees it."""
MEMORY_S = 1_800.0
"""What comparisons told fades in this time: errors wander."""
LEAST_COMPARED = 10.0
RECENT_NS = 60_000_000_000
OFF, OFF_PART = 0.6, 0.7
"""Pairs whose comparisons are mostly refused; a sensor of whose pairs this part is off has changed."""
DOUBLE_M, DOUBLE_ALONE = 3_000.0, 2.0
"""Two tracks within so many m, and so many times further from all others, may be one object placed apart."""
DOUBLE_MPS, DOUBLE_PART = 3.0, 0.15
"""They fly alike: velocities differ by less than this and this part of the speed."""
DOUBTED_NS = 15_000_000_000
"""For so long no sensor may have seen both in one scan before their plots are compared."""
DOUBLES_EACH = 6
"""So many objects are looked at each time for a double."""


class _CommonPlots(NamedTuple):
    """Plots of watched objects, in the order of time: rows of objects, whether of the double, sensors, readings."""

    row: NDArray[np.intp]
    second: NDArray[np.bool_]
    slot: NDArray[np.int32]
    at_ns: Int64s
    z: FloatArray
    noise: FloatArray
    velocity: FloatArray


class CommonTracks:
    """Watches objects, compares the sensors that see them, and aligns these."""

    def __init__(self) -> None:
        self._objects, self._pairs = no_objects(0), no_common_pairs(0)
        self._sought_ns = self._aligned_ns = 0
        self._index()

    def learn(self, sensors: int) -> None:
        """Take over a number of sensors that has grown."""
        self._objects, self._pairs = with_rows(self._objects, sensors), with_pairs(self._pairs, sensors)

    def _index(self) -> None:
        """Note which track is watched as which object."""
        o = self._objects
        rows, doubled = np.flatnonzero(o.number), np.flatnonzero(o.double)
        numbers = np.concatenate([o.number[rows], o.double[doubled]])
        order = np.argsort(numbers, kind="stable")
        self._numbers = numbers[order]
        self._rows = np.concatenate([rows, doubled])[order]
        self._seconds = np.concatenate([np.zeros(len(rows), np.bool_), np.ones(len(doubled), np.bool_)])[order]

    def watched(self, track_of: Int64s) -> NDArray[np.intp]:
        """Return which observations went to a track (n,) that is watched."""
        if not len(self._numbers):
            return np.empty(0, np.intp)
        at = np.minimum(np.searchsorted(self._numbers, track_of), len(self._numbers) - 1)
        return np.flatnonzero(self._numbers[at] == track_of)

    def compare(
        self,
        track_of: Int64s,
        slot: NDArray[np.int32],
        at_ns: Int64s,
        z: FloatArray,
        noise: FloatArray,
        tracks: Tracks,
        sites: Sites,
        held: Held,
    ) -> None:
        """Compare plots of watched tracks with those of other sensors.

        Args:
            track_of: (k,) numbers of watched tracks.
            slot: (k,) sensors.
            at_ns: (k,) times as the sensors gave them.
            z: (k, 3) range, azimuth and elevation as they gave them, NaN for none.
            noise: (k, 3, 3) their covariance.
            tracks: whose velocity shows how late a sensor is.
            sites: where the sensors stand.
            held: what is held of their errors.
        """
        order = np.argsort(at_ns, kind="stable")
        at = np.searchsorted(self._numbers, track_of[order])
        velocity = np.full((len(order), 3), np.nan)
        row, found = _rows_in(tracks, track_of[order])
        velocity[found] = tracks.mean[row[found], 3:]
        plots = _CommonPlots(
            row=self._rows[at],
            second=self._seconds[at],
            slot=slot[order],
            at_ns=at_ns[order],
            z=z[order],
            noise=noise[order],
            velocity=velocity,
        )
        compare_common(plots, sites, held, self._objects, self._pairs)

    # Who is watched.

    def seek(
        self, track_of: Int64s, slot: NDArray[np.int32], tracks: Tracks, referring: NDArray[np.uint32], now_ns: int
    ) -> None:
        """Let go of objects that told enough or are gone, and watch others in their place.

        Args:
            track_of: (k,) numbers of tracks that took plots.
            slot: (k,) the plots' sensors.
            tracks: all there are.
            referring: addresses of aircraft that serve as references: what they tell is counted already.
            now_ns: the step's instant.
        """
        if now_ns - self._sought_ns < SEEK_NS:
            return
        self._sought_ns = now_ns
        usable = (tracks.status != TrackStatus.TENTATIVE) & (tracks.group_id == 0)
        usable &= (tracks.icao24 == 0) | ~np.isin(tracks.icao24, referring)
        self._let_go(tracks, usable, now_ns)
        self._watch_more(track_of, slot, tracks.track_id[usable], now_ns)
        self._seek_doubles(tracks, usable, now_ns)
        self._index()

    def _let_go(self, tracks: Tracks, usable: NDArray[np.bool_], now_ns: int) -> None:
        o = self._objects
        parted = (o.both > 1) & (o.double != 0)
        o.single[parted] = True
        gone = (o.double != 0) & ~np.isin(o.double, tracks.track_id[usable])
        o.double[parted | gone] = o.both[parted | gone] = 0
        for cells in (o.slot, o.at_ns, o.second):
            cells[parted] = -1 if cells is o.slot else 0
        old_s = now_ns - o.since_ns
        alone = ((o.slot >= 0).sum(axis=1) < 2) & (o.double == 0) & (old_s > ALONE_NS)
        over = (o.number != 0) & (alone | (old_s > WATCHED_NS) | ~np.isin(o.number, tracks.track_id[usable]))
        free(o, over)

    def _watch_more(self, track_of: Int64s, slot: NDArray[np.int32], allowed: Int64s, now_ns: int) -> None:
        """Watch more objects for sensors that see few of those watched: a sample of all, drawn by their numbers."""
        o = self._objects
        places = np.flatnonzero(o.number == 0)
        fresh = np.isin(track_of, allowed) & ~np.isin(track_of, self._numbers) & (slot >= 0)
        if not len(places) or not fresh.any():
            return
        pairs = np.unique(np.stack([slot[fresh], track_of[fresh]], axis=1), axis=0)
        salt = np.uint64(now_ns // RECENT_NS)
        drawn = (pairs[:, 1].astype(np.uint64) + salt) * np.uint64(0x9E3779B97F4A7C15)
        pairs = pairs[np.lexsort((drawn, pairs[:, 0]))]
        first = np.searchsorted(pairs[:, 0], pairs[:, 0])
        has = np.bincount(o.slot[o.slot >= 0].ravel(), minlength=int(pairs[:, 0].max()) + 1)
        wanted = np.arange(len(pairs)) - first + has[pairs[:, 0]] < WATCHED_EACH
        chosen = np.unique(pairs[wanted, 1])[: len(places)]
        o.number[places[: len(chosen)]] = chosen
        o.since_ns[places[: len(chosen)]] = now_ns

    def _seek_doubles(self, tracks: Tracks, usable: NDArray[np.bool_], now_ns: int) -> None:
        """Look for tracks that may be of an object that is watched, as sensors place it too far apart for one track."""
        o = self._objects
        asking = np.flatnonzero((o.number != 0) & (o.double == 0) & ~o.single)
        turn = now_ns // SEEK_NS * DOUBLES_EACH
        asking = np.sort(np.roll(asking, -int(turn % len(asking)))[:DOUBLES_EACH]) if len(asking) else asking
        ids, mean = tracks.track_id[usable], tracks.mean[usable]
        for row in asking.tolist():
            me = np.flatnonzero(ids == o.number[row])
            if o.number[row] == 0 or not len(me):
                continue
            other = _only_neighbour(mean, int(me[0]))
            if other < 0 or _only_neighbour(mean, other) != me[0] or np.any(o.double == ids[other]):
                continue
            if np.any(o.single & (o.number == ids[other])):
                continue
            free(o, np.flatnonzero(o.number == ids[other]))
            o.double[row], o.trusted_ns[row], o.both[row] = ids[other], now_ns + DOUBTED_NS, 0
            o.since_ns[row] = now_ns

    # What it told.

    def aligned(
        self, anchored: NDArray[np.bool_], anchors: Callable[[], tuple[FloatArray, FloatArray]], now_ns: int
    ) -> list[tuple[list[int], NDArray[np.int64], Aligned]]:
        """Return groups of sensors, how many others each sees objects with, and what is known of their errors.

        Nothing is returned between two alignments.

        Args:
            anchored: (s,) whose errors are known from elsewhere.
            anchors: gives information (s, OWN, OWN) and score (s, OWN) of each sensor from elsewhere.
            now_ns: the step's instant.
        """
        p = self._pairs
        if now_ns - self._aligned_ns < ALIGN_NS or not p.used[0]:
            return []
        self._aligned_ns = now_ns
        self._fade(now_ns)
        priors = anchors()
        used = slice(0, int(p.used[0]))
        sure = np.all(p.witnesses[used] != 0, axis=1) & (p.compared[used] > LEAST_COMPARED)
        linked = np.flatnonzero(sure)
        out = []
        for group in groups(len(p.row_of), p.slots[linked], p.compared[linked]):
            place = np.full(len(p.row_of), -1, np.int32)
            place[group] = np.arange(len(group))
            local = place[p.slots[linked]]
            inside = np.all(local >= 0, axis=1)
            rows = linked[inside]
            known = align(
                (priors[0][group], priors[1][group]), ~anchored[group], local[inside], p.info[rows], p.score[rows]
            )
            out.append((group, np.bincount(local[inside].ravel(), minlength=len(group)), known))
        return out

    def _fade(self, now_ns: int) -> None:
        p = self._pairs
        used = slice(0, int(p.used[0]))
        passed_s = np.where(p.faded_ns[used] > 0, (now_ns - p.faded_ns[used]) / 1e9, 0.0)
        p.faded_ns[used] = now_ns
        fade = np.exp(-passed_s / MEMORY_S)
        p.info[used] *= fade[:, None, None]
        p.score[used] *= fade[:, None]
        p.compared[used] *= fade

    def changed(self, anchored: NDArray[np.bool_], now_ns: int) -> list[int]:
        """Return sensors that most of those that see the same objects have come to contradict.

        Args:
            anchored: (s,) whose references agree with them: of two that contradict each other it is not such a one.
            now_ns: the step's instant.
        """
        p, count = self._pairs, int(self._pairs.used[0])
        recent = (now_ns - p.last_ns[:count] < RECENT_NS) & np.all(p.witnesses[:count] != 0, axis=1)
        off = recent & (p.off[:count] > OFF)
        if not off.any():
            return []
        sensors = len(p.row_of)
        shared = np.bincount(p.slots[:count][recent].ravel(), minlength=sensors)
        against = np.bincount(p.slots[:count][off].ravel(), minlength=sensors)
        suspect = (against > 0) & (against >= OFF_PART * shared) & ~anchored
        # Of two that are at odds it is the one that more contradict, if that can be told.
        for one, two in p.slots[:count][off].tolist():
            if suspect[one] and suspect[two] and against[one] != against[two]:
                suspect[one if against[one] < against[two] else two] = False
        return np.flatnonzero(suspect).tolist()

    def forget(self, slot: int) -> None:
        """Forget what one sensor's plots told, of it and of others."""
        forget_sensor(self._pairs, slot)

    def counts(self, slot: int) -> tuple[int, int]:
        """Return how many plots of a sensor were compared lately, and how many ever refused."""
        mine = np.any(self._pairs.slots[: self._pairs.used[0]] == slot, axis=1)
        used = slice(0, int(self._pairs.used[0]))
        return round(float(self._pairs.compared[used][mine].sum())), int(self._pairs.refused[used][mine].sum())

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        instants = np.array([self._sought_ns, self._aligned_ns], np.int64)
        return {**saved_common(self._objects, self._pairs), "biases.common.instants": instants}

    def restore(self, state: Mapping[str, NDArray[Any]], sensors: int) -> None:
        """Become what `checkpoint` returned."""
        self._objects, self._pairs = restored_common(state, sensors)
        self._sought_ns, self._aligned_ns = (int(value) for value in state["biases.common.instants"])
        self._index()


def _rows_in(tracks: Tracks, numbers: Int64s) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the rows of numbers in tracks, and which were found."""
    ids = tracks.track_id
    if not len(ids):
        return np.zeros(len(numbers), np.intp), np.zeros(len(numbers), np.bool_)
    order = np.arange(len(ids)) if np.all(ids[1:] > ids[:-1]) else np.argsort(ids, kind="stable")
    row = order[np.minimum(np.searchsorted(ids, numbers, sorter=order), len(ids) - 1)]
    return row, ids[row] == numbers


def _only_neighbour(mean: FloatArray, row: int) -> int:
    """Return the row of the one state near another that flies alike, -1 if there is none or it is not alone."""
    off = np.abs(mean[:, :3] - mean[row, :3])
    near = np.flatnonzero(np.all(off < DOUBLE_ALONE * DOUBLE_M, axis=1))
    away_m = np.linalg.norm(mean[near, :3] - mean[row, :3], axis=1)
    away_m[near == row] = np.inf
    if len(near) < 2:
        return -1
    nearest = np.argsort(away_m, kind="stable")[:2]
    other = int(near[nearest[0]])
    alone = away_m[nearest[0]] < DOUBLE_M and away_m[nearest[1]] > DOUBLE_ALONE * away_m[nearest[0]]
    slack_mps = DOUBLE_MPS + DOUBLE_PART * float(np.linalg.norm(mean[row, 3:]))
    alike = np.linalg.norm(mean[other, 3:] - mean[row, 3:]) < slack_mps
    return other if alone and alike else -1

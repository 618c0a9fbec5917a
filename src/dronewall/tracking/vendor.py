"""Other trackers' tracks, fused with ours without counting anything twice.

Of a source whose covariances are a filter's, only the news since its last report is taken; of any other, the whole
report by covariance intersection, which holds however its errors are correlated with ours. What repeats an instant that
was told already, or gives our own track back to us, is no news at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.tracks import RemoteTracks
from dronewall.tracking.parameters import Parameters
from dronewall.tracking.store import TrackStore
from dronewall.tracking.tracklets import Readings, carried, tracklets, white_acceleration
from dronewall.tracking.vendor_kernels import bring_forward
from dronewall.tracking.vendor_memory import VendorMemory
from dronewall.tracking.vendor_pairs import GATE_SQ, NEAR_SQ, STAY_SQ, Pairing, distances_sq
from dronewall.tracking.vendor_tracks import begin, credit, rows_of
from dronewall.tracking.vendor_update import absorb_correlated, absorb_news, misfits
from dronewall.tracking.vendor_words import Words, own_numbers, rounds, words_from

FloatArray = NDArray[np.float64]
Rows = NDArray[np.intp]

NEWS_WITHIN_S = 15.0
"""A report that follows the last one later than this is taken whole."""
BLUNDER_SQ = 25.0
"""News farther off than this, in squared sigmas per dimension, is no news but a mistake."""
ASTRAY_MOST = 3
"""A pair that does not fit for so many reports is none."""
REPORTS_UNTIL_BORN, SPAN_UNTIL_BORN_S = 4, 3.0
JUDGED_WITHIN_S = 2.0
"""A plot so near in time to a source's last word of the same object can judge it."""


class VendorFusion:
    """Takes remote tracks into the tracker's own; keeps what each source told last and what its words are worth."""

    def __init__(self, parameters: Parameters) -> None:
        self._p = parameters.motion
        self._memory = VendorMemory()

    def judge(self, observations: Observations, track_of: NDArray[np.int64]) -> None:
        """Learn what sources' words are worth from plots of the objects they told of; `track_of` (n,) are our tracks.

        A plot's errors know nothing of a source's, while our tracks, once fused, do.
        """
        memory = self._memory.columns
        if not len(memory["track_id"]):
            return
        plot, slot = _same_track(
            np.where(observations.kind <= ObservationKind.POSITION, track_of, -1), memory["track_id"]
        )
        dt_s = (observations.at_ns[plot] - memory["at_ns"][slot]) / 1e9
        near = np.flatnonzero(np.abs(dt_s) < JUDGED_WITHIN_S)
        if not len(near):
            return
        plot, slot, dt_s = plot[near], slot[near], dt_s[near]
        x, cov = carried(memory["mean"][slot], memory["covariance"][slot], dt_s)
        quiet = np.full(len(slot), self._p.q_level_cruise)
        cov = cov * self._variances(memory["sensor"][slot]) + white_acceleration(x, np.abs(dt_s), quiet, quiet)
        apart = observations.place[plot] - x[:, :3]
        solved = np.linalg.solve(cov[:, :3, :3] + observations.spread[plot], apart[:, :, None])[:, :, 0]
        d_sq = np.einsum("ni,ni->n", apart, solved) / 3.0
        for sensor in np.unique(memory["sensor"][slot]).tolist():
            self._memory.source(sensor).learn_distances(d_sq[memory["sensor"][slot] == sensor])

    def _variances(self, sensor: NDArray[np.int32]) -> FloatArray:
        return np.array([self._memory.source(s).widening for s in sensor.tolist()])[:, None, None]

    def fuse(self, store: TrackStore, told: RemoteTracks, *, now_ns: int) -> NDArray[np.int64]:
        """Take reports in the order received; return for each the number of the track it belongs to (-1 none).

        Call it once a step, after the step's observations and `judge`: tracks are changed in place, and new ones begin.
        """
        self._memory.forget(now_ns)
        track_of = np.full(len(told), -1, np.int64)
        for sensor, rows in rounds(told):
            track_of[rows] = self._take_round(store, sensor, told.take(rows), now_ns)
        return track_of

    def _take_round(self, store: TrackStore, sensor: int, told: RemoteTracks, now_ns: int) -> NDArray[np.int64]:
        """Take one source's reports, one for each of its tracks; return our tracks' numbers."""
        slot = self._memory.rows_of(sensor, told.track_ref)
        memory = self._memory.columns
        words = words_from(told, self._memory.source(sensor))
        news = (told.at_ns > memory["at_ns"][slot]) & ((now_ns - told.at_ns) / 1e9 <= self._p.late_s)
        news &= np.isfinite(words.mean).all(axis=1) & ~self._echoes(store, sensor, told.track_ref, words)
        rows = np.flatnonzero(news)
        if len(rows):
            self._take_news(store, sensor, told.take(rows), words.take(rows), slot[rows])
        return np.asarray(memory["track_id"][slot])

    def _echoes(self, store: TrackStore, sensor: int, refs: NDArray[np.bytes_], words: Words) -> NDArray[np.bool_]:
        """Return which words give our own tracks back to us: they bear a track's number, and lie where it is.

        Once a source has done so, whatever bears a number that we have given is ours.
        """
        number, source = own_numbers(refs), self._memory.source(sensor)
        given = (number > 0) & (number < store.next_id) & (number >> 48 == store.next_id >> 48)
        row = np.where(given, rows_of(store, number), -1)
        living = np.flatnonzero(row >= 0)
        if len(living) and not source.echoes:
            pairing = Pairing(store, self._p)
            d_sq = distances_sq(*pairing.ours(row[living], words.at_ns[living]), words, living)
            source.echoes = bool(np.any(d_sq < GATE_SQ))
        return given & source.echoes

    def _take_news(self, store: TrackStore, sensor: int, told: RemoteTracks, words: Words, slot: Rows) -> None:
        variance = self._memory.source(sensor).variance
        row = self._paired(store, sensor, words, slot)
        mine = np.flatnonzero(row >= 0)
        self._absorb(store, sensor, words.take(mine), slot[mine], row[mine])
        credit(store, row[mine], told.take(mine))
        memory = self._memory.columns
        memory["track_id"][slot[mine]] = store.columns.track_id[row[mine]]
        self._remember(words, slot, row, variance)
        self._begin(store, told, words, slot, row)

    def _paired(self, store: TrackStore, sensor: int, words: Words, slot: Rows) -> Rows:
        """Return each word's track row, -1 for none; pairs that lasted stay, the others are found anew."""
        memory, pairing = self._memory.columns, Pairing(store, self._p)
        row = rows_of(store, memory["track_id"][slot])
        memory["track_id"][slot[row < 0]] = -1
        held = np.flatnonzero(row >= 0)
        fits = pairing.fits(words, held, row[held], STAY_SQ) & _first_of(row[held], memory["told"][slot[held]])
        memory["astray"][slot[held]] = np.where(fits, 0, memory["astray"][slot[held]] + 1)
        row[held[~fits]] = -1
        memory["track_id"][slot[memory["astray"][slot] >= ASTRAY_MOST]] = -1
        memory["astray"][slot[memory["track_id"][slot] < 0]] = 0
        taken = rows_of(store, memory["track_id"][(memory["sensor"] == sensor) & (memory["track_id"] >= 0)])
        asking = np.flatnonzero(memory["track_id"][slot] < 0)
        return np.where(row < 0, pairing.found(words, asking, taken[taken >= 0]), row)

    def _absorb(self, store: TrackStore, sensor: int, words: Words, slot: Rows, row: Rows) -> None:
        """Update tracks by words: by their news where the source is trusted, else by the whole of them."""
        worth, c = self._memory.source(sensor), store.columns
        bring_forward(c, row, words.at_ns, self._p)
        lag_s = (c.at_ns[row] - words.at_ns) / 1e9
        trusted, misfit_sq = worth.trusted, max(worth.misfit, 1.0)
        some = self._with_news(store, words, slot, row)
        news, sound = self._news(words.take(some), slot[some])
        misfit, direction = misfits(c, row[some], news, lag_s[some], self._p)
        self._judge_news(sensor, misfit[sound], direction[sound], slot[some[sound]])
        took = np.flatnonzero(sound & (misfit < BLUNDER_SQ)) if trusted else np.empty(0, np.intp)
        wide = np.sqrt(misfit_sq)
        reading = Readings(news.root[took] / wide, news.about[took], news.offset[took] / wide)
        absorb_news(c, row[some[took]], reading, lag_s[some[took]], self._p)
        rest = np.setdiff1d(np.arange(len(row)), some[took])
        absorb_correlated(c, row[rest], words.mean[rest], words.covariance[rest], lag_s[rest], self._p)

    def _with_news(self, store: TrackStore, words: Words, slot: Rows, row: Rows) -> Rows:
        """Return the words that continue what was told of the same track not long ago, with a filter's covariances."""
        memory = self._memory.columns
        same = memory["track_id"][slot] == store.columns.track_id[row]
        known = same & words.filtered & memory["filtered"][slot]
        rows = np.flatnonzero(known)
        return rows[(words.at_ns[rows] - memory["at_ns"][slot[rows]]) / 1e9 < NEWS_WITHIN_S]

    def _news(self, words: Words, slot: Rows) -> tuple[Readings, NDArray[np.bool_]]:
        memory = self._memory.columns
        since_s = (words.at_ns - memory["at_ns"][slot]) / 1e9
        return tracklets(memory["mean"][slot], memory["covariance"][slot], words.mean, words.stated, since_s)

    def _judge_news(self, sensor: int, misfit: FloatArray, direction: FloatArray, slot: Rows) -> None:
        """Learn whether the source's news is new: of the size it claims to be, and not the same again and again."""
        memory = self._memory.columns
        repetition = np.einsum("ni,ni->n", direction, memory["news"][slot])
        self._memory.source(sensor).learn_news(misfit, repetition)
        memory["news"][slot] = direction

    def _remember(self, words: Words, slot: Rows, row: Rows, variance: float) -> None:
        memory = self._memory.columns
        new = memory["told"][slot] == 0
        memory["first_ns"][slot[new]] = words.at_ns[new]
        memory["at_ns"][slot], memory["mean"][slot] = words.at_ns, words.mean
        memory["covariance"][slot], memory["filtered"][slot] = words.covariance / variance, words.filtered
        memory["told"][slot] += 1
        memory["alone"][slot] = np.where(row < 0, memory["alone"][slot] + 1, 0)

    def _begin(self, store: TrackStore, told: RemoteTracks, words: Words, slot: Rows, row: Rows) -> None:
        """Begin tracks for objects that only the source sees: told of often enough, and near nothing of ours."""
        memory = self._memory.columns
        ripe = (row < 0) & (memory["track_id"][slot] < 0) & (memory["alone"][slot] >= REPORTS_UNTIL_BORN)
        ripe &= (words.at_ns - memory["first_ns"][slot]) / 1e9 >= SPAN_UNTIL_BORN_S
        rows = np.flatnonzero(ripe)
        rows = np.setdiff1d(rows, Pairing(store, self._p).near_any(words, rows, NEAR_SQ))
        if len(rows):
            born = begin(store, words.take(rows), told.take(rows))
            memory["track_id"][slot[rows]] = store.columns.track_id[born]

    def rename(self, old: int, new: int) -> None:
        """Let what was held to be our track `old` be held to be `new`."""
        paired = self._memory.columns["track_id"]
        paired[paired == old] = new

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        return self._memory.checkpoint()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self._memory.restore(state)


def _same_track(first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[Rows, Rows]:
    """Return all pairs of rows of two columns of tracks' numbers that name the same track; -1 names none."""
    order = np.argsort(second, kind="stable")
    low = np.searchsorted(second[order], first, side="left")
    count = np.where(first >= 0, np.searchsorted(second[order], first, side="right") - low, 0)
    one = np.repeat(np.arange(len(first)), count)
    within = np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count)
    return one, order[low[one] + within]


def _first_of(row: Rows, told: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which of the pairs with tracks `row` (n,) may stay: of several with one track, the one told of longest."""
    order = np.lexsort((np.arange(len(row)), -told, row))
    first = np.ones(len(row), np.bool_)
    first[1:] = row[order][1:] != row[order][:-1]
    stays = np.empty(len(row), np.bool_)
    stays[order] = first
    return stays

"""The life of a track: tentative, confirmed, coasting, dropped; and one object one track."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.tracks import TrackStatus
from dronewall.tracking.history import TrackHistory
from dronewall.tracking.parameters import Parameters
from dronewall.tracking.sensing import Sensing
from dronewall.tracking.store import TrackStore
from dronewall.tracking.twins import find_twins

FORGOTTEN_EXISTENCE = 2e-5
"""A tentative track less likely than this began with a false plot."""
TWINS_NEAR_M, TWINS_SQ = 1_500.0, 6.0
"""Tracks nearer than both, in m and in squared sigmas of six dimensions, are looked at as one object."""
STANDING_MPS, STANDING_SIGMAS = 5.0, 2.0
"""What may be no faster than this is thought to stand: masts and turbines answer radars too."""
SLOW_MPS = 15.0
"""What may be no faster than this is not confirmed where something always answers, and what is faster after more plots:
those of neighbours that stand seem to be of one that moves."""
COAST_AFTER_REVISITS, COAST_SLACK_S = 2.5, 1.0

FloatArray = NDArray[np.float64]
NO_PAIRS = np.empty((0, 2), np.int64)


class Lifecycle:
    """Reviews all tracks after each step: who is confirmed, who coasts, who is dropped."""

    def __init__(self, parameters: Parameters) -> None:
        self._p = parameters
        self.confirmed_total = 0
        self._reviewed_s = -1

    def review(
        self,
        store: TrackStore,
        x: FloatArray,
        cov: FloatArray,
        sensing: Sensing,
        *,
        history: TrackHistory,
        apart: NDArray[np.int64] = NO_PAIRS,
        now_ns: int,
    ) -> NDArray[np.bool_]:
        """Move every track along; free the dropped ones' rows and return which (count,) were kept.

        Args:
            store: the tracks; changed in place.
            x: (count, 6) means at `now_ns`.
            cov: (count, 6, 6) their covariances.
            sensing: knows which places always answer.
            history: takes note of what became of established tracks.
            apart: (k, 2) numbers of tracks that a person called two.
            now_ns: the picture's instant.
        """
        spent = self._spent(store, cov, now_ns)
        history.note_ended(store, spent, now_ns=now_ns)
        kept = ~np.logical_or.reduce(list(spent.values()))
        self._confirm(store, kept, x, cov, sensing)
        self._coast(store, now_ns)
        second = now_ns // 1_000_000_000
        if second != self._reviewed_s:
            self._reviewed_s = second
            for reason, into in (
                (
                    "claims an address that another track claims, and nothing but claims supports it",
                    self._outclaimed(store, kept, apart),
                ),
                ("describes what an older track describes", self._twins(store, x, cov, kept, apart)),
            ):
                history.note_merged(store, into, reason, now_ns=now_ns)
                kept &= into < 0
        store.keep(kept)
        return kept

    def _spent(self, store: TrackStore, cov: FloatArray, now_ns: int) -> dict[str, NDArray[np.bool_]]:
        """Return which tracks have ended, by reason: unlikely, unheard for too long, or known too badly."""
        c, n = store.columns, store.count
        tentative = c.status[:n] == TrackStatus.TENTATIVE
        silence_s = (now_ns - c.heard_at_ns[:n]) / 1e9
        level_sigma = np.sqrt(np.trace(cov[:, :3, :3], axis1=1, axis2=2))
        unlikely = c.existence[:n] < np.where(tentative, FORGOTTEN_EXISTENCE, self._p.drop_existence)
        unheard = silence_s > np.where(tentative, self._p.tentative_silence_s, self._p.coast_s)
        unsure = ~tentative & (level_sigma > self._p.coast_level_sigma_m)
        return {
            "unheard for too long": unheard,
            "not seen where it should have been": unlikely,
            "known too badly": unsure,
        }

    def _confirm(
        self, store: TrackStore, kept: NDArray[np.bool_], x: FloatArray, cov: FloatArray, sensing: Sensing
    ) -> None:
        c, n = store.columns, store.count
        claims = c.icao24[:n] != 0
        flies = np.where(_may_be_slower(STANDING_MPS, x, cov), self._p.confirm_hits_standing, self._p.confirm_hits)
        ready = kept & (c.status[:n] == TrackStatus.TENTATIVE) & (c.existence[:n] >= self._p.confirm_existence)
        ready &= c.hits[:n] >= np.where(claims, self._p.confirm_hits_claimed, flies)
        asked = np.flatnonzero(ready & ~claims)
        slow, few = _may_be_slower(SLOW_MPS, x[asked], cov[asked]), c.hits[asked] < self._p.confirm_hits_standing
        ready[asked[sensing.always_answer(x[asked], c.hit[asked]) & (slow | few)]] = False
        c.status[:n][ready] = TrackStatus.CONFIRMED
        self.confirmed_total += int(ready.sum())

    def _coast(self, store: TrackStore, now_ns: int) -> None:
        """Let confirmed tracks coast that were not heard when they should have been, and come back when heard."""
        c, n = store.columns, store.count
        silence_s = (now_ns - c.heard_at_ns[:n]) / 1e9
        silent = silence_s > COAST_AFTER_REVISITS * c.revisit_s[:n] + COAST_SLACK_S
        status = c.status[:n]
        established = status != TrackStatus.TENTATIVE
        status[established & silent] = TrackStatus.COASTING
        status[established & ~silent] = TrackStatus.CONFIRMED

    def _outclaimed(self, store: TrackStore, kept: NDArray[np.bool_], apart: NDArray[np.int64]) -> NDArray[np.int64]:
        """Settle addresses that two established tracks claim: the one heard last keeps it.

        The other loses the address, or its life if nothing but claims ever supported it; the rows (count,) that these
        go on in are returned, -1 for the rest. Two that a person parted keep it both until one claims it anew.
        """
        c, n = store.columns, store.count
        into = np.full(n, -1, np.int64)
        rows = np.flatnonzero(kept & (c.icao24[:n] != 0) & (c.status[:n] != TrackStatus.TENTATIVE))
        rows = rows[np.lexsort((-c.hits[rows], -c.claimed_ns[rows], c.icao24[rows]))]
        again = np.r_[False, c.icao24[rows][1:] == c.icao24[rows][:-1]] if len(rows) else np.empty(0, np.bool_)
        winners = rows[np.maximum.accumulate(np.where(again, 0, np.arange(len(rows))))]
        again &= ~(np.isin(c.track_id[rows], apart) & (c.claimed_ns[rows] == c.claimed_ns[winners]))
        losers, winners = rows[again], winners[again]
        only = c.claims_only[losers]
        into[losers[only]] = winners[only]
        store.claims.callsign[losers] = b""
        c.icao24[losers] = 0
        c.claimed_ns[losers] = c.claims_since_ns[losers] = 0
        return into

    def _twins(
        self, store: TrackStore, x: FloatArray, cov: FloatArray, kept: NDArray[np.bool_], apart: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return by track the row (count,) of the older track that describes its object already, -1 for none."""
        c, n = store.columns, store.count
        rows = np.flatnonzero(kept & (c.status[:n] != TrackStatus.TENTATIVE))
        elder = np.full(n, -1, np.int64)
        order = np.argsort(x[rows, 0], kind="stable")
        find_twins(x, cov, rows, order, c, TWINS_NEAR_M, TWINS_SQ, apart, elder)
        return elder

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        return {"lifecycle": np.array([self.confirmed_total, self._reviewed_s], np.int64)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self.confirmed_total, self._reviewed_s = (int(value) for value in state["lifecycle"])


def _may_be_slower(speed_mps: float, x: FloatArray, cov: FloatArray) -> NDArray[np.bool_]:
    """Return which of states (n, 6) with covariances (n, 6, 6) may well be of something slower than that."""
    sigma = np.sqrt(np.trace(cov[:, 3:, 3:], axis1=1, axis2=2) / 3.0)
    return np.asarray(np.linalg.norm(x[:, 3:], axis=1) < speed_mps + STANDING_SIGMAS * sigma)


def quality(cov: FloatArray) -> NDArray[np.uint8]:
    """Return track quality 0 to 15: 15 for a 1-σ of position up to 25 m, two less for each doubling."""
    sigma = np.sqrt(np.maximum(np.trace(cov[:, :3, :3], axis1=1, axis2=2) / 3.0, 1.0))
    return np.clip(np.floor(15.0 - 2.0 * np.log2(np.maximum(sigma / 25.0, 1.0))), 0, 15).astype(np.uint8)

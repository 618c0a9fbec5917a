"""What people say of tracks: that two are one, that one is two, that one is none. Kept until somebody says otherwise.

The civil protection of a track outlives every act: an address that claims to be an aircraft's goes on with what flies
there, two of them are never made one, and a track that claims one is not dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.model.errors import ActRefused
from dronewall.model.track_acts import NOBODY, ActKind, TrackAct, TrackEventKind
from dronewall.model.tracks import Tracks, TrackStatus, shown_id
from dronewall.tracking.history import TrackHistory
from dronewall.tracking.store import TrackStore

APART_MOST = 200
"""So many pairs that people parted are remembered; each ends with either of its tracks."""
LATEST = ("heard_at_ns", "updated_ns", "claimed_ns", "heard_ns", "visited", "hit", "existence", "hits")
"""Of two tracks made one the larger of these holds."""


class Standing(NamedTuple):
    """What an act is judged by, one row per track: of a picture or of the store, which agree between steps."""

    track_id: NDArray[np.int64]
    status: NDArray[np.uint8]
    icao24: NDArray[np.uint32]
    squawk: NDArray[np.int16]
    uas_id: NDArray[np.bytes_]
    also: NDArray[np.int64]

    def row(self, track_id: int) -> int:
        """Return the row of an established track, -1 if there is none of that number."""
        found = np.flatnonzero((self.track_id == track_id) & (self.status != TrackStatus.TENTATIVE))
        return int(found[0]) if len(found) else -1


def standing_in(tracks: Tracks) -> Standing:
    """Return what acts are judged by in a picture."""
    return Standing(tracks.track_id, tracks.status, tracks.icao24, tracks.squawk, tracks.uas_id, tracks.also)


def _standing_of(store: TrackStore) -> Standing:
    c, claims, n = store.columns, store.claims, store.count
    return Standing(
        c.track_id[:n], c.status[:n], c.icao24[:n], claims.squawk[:n], claims.uas_id[:n], store.also.numbers[:n]
    )


def check(act: TrackAct, tracks: Standing, history: TrackHistory) -> None:
    """Check that an act makes sense.

    Raises:
        ActRefused: it does not; the error says why and what to do instead.
    """
    row = _known(act.track_id, tracks, history)
    if act.kind is ActKind.DROP:
        _check_drop(act, tracks, row)
    elif act.kind is ActKind.MERGE:
        if act.other_id == act.track_id:
            raise ActRefused(f"{shown_id(act.track_id)} is one with itself", "Name two tracks.")
        _check_merge(act, tracks, row, _known(act.other_id, tracks, history))
    elif act.other_id != NOBODY and act.other_id not in tracks.also[row].tolist():
        raise ActRefused(
            f"{shown_id(act.other_id)} was not merged into {shown_id(act.track_id)}",
            "Name one of its alternate ids, or none: then its number is given up and a new one begins.",
        )


def _known(track_id: int, tracks: Standing, history: TrackHistory) -> int:
    row = tracks.row(track_id)
    if row >= 0:
        return row
    became = history.became(track_id)
    if became is None:
        raise ActRefused(
            f"there is no track {shown_id(track_id)}", "Look at /api/v1/tracks for those there are.", unknown=True
        )
    goes_on = "" if became.other_id == NOBODY else f" and goes on as {shown_id(became.other_id)}"
    raise ActRefused(
        f"{shown_id(track_id)} was {became.kind.value}{goes_on}: {became.reason}", "Look at the picture again."
    )


def _check_drop(act: TrackAct, tracks: Standing, row: int) -> None:
    if tracks.icao24[row] or tracks.squawk[row] >= 0:
        raise ActRefused(
            f"{shown_id(act.track_id)} answers as an aircraft, and what may be one is not dropped",
            "It ends by itself when nothing is heard of it any more.",
        )


def _check_merge(act: TrackAct, tracks: Standing, row: int, other: int) -> None:
    for claimed, absent in ((tracks.icao24, 0), (tracks.squawk, -1), (tracks.uas_id, b"")):
        if absent != claimed[row] != claimed[other] != absent:
            raise ActRefused(
                f"{shown_id(act.track_id)} and {shown_id(act.other_id)} say that they are two",
                "Tracks with different addresses, codes or registrations are not merged.",
            )


class Acts:
    """Does what people say to the tracker's own columns; keeps which tracks they parted."""

    def __init__(self) -> None:
        self.apart = np.empty((0, 2), np.int64)

    def do(
        self, act: TrackAct, store: TrackStore, history: TrackHistory, *, at_ns: int, declared_seq: int
    ) -> dict[int, int]:
        """Do an act, or note that it makes no sense any more; return which numbers go on as which others.

        Args:
            act: what to do; taken as it was journalled.
            store: the tracks; changed in place.
            history: takes note of what became of them.
            at_ns: the instant of the step.
            declared_seq: the journal's entry of the act.
        """
        tracks = _standing_of(store)
        renamed: dict[int, int] = {}
        try:
            check(act, tracks, history)
        except ActRefused as refusal:
            kind, other, reason = TrackEventKind.REFUSED, act.other_id, refusal.problem
        else:
            reason = act.reason
            kind, other, renamed = self._done(act, store, tracks)
        history.note(kind, act.track_id, reason, at_ns=at_ns, other_id=other, by=act.by, declared_seq=declared_seq)
        return renamed

    def _done(self, act: TrackAct, store: TrackStore, tracks: Standing) -> tuple[TrackEventKind, int, dict[int, int]]:
        row = tracks.row(act.track_id)
        if act.kind is ActKind.DROP:
            _leave_out(store, row)
            return TrackEventKind.DROPPED, NOBODY, {}
        if act.kind is ActKind.MERGE:
            _merge(store, row, tracks.row(act.other_id))
            return TrackEventKind.MERGED, act.other_id, {act.track_id: act.other_id}
        if act.other_id != NOBODY:
            self._part(store, row, act.other_id)
            return TrackEventKind.SPLIT, act.other_id, {}
        new = _renumber(store, row)
        return TrackEventKind.SPLIT, new, {act.track_id: new}

    def _part(self, store: TrackStore, row: int, number: int) -> None:
        """Let a number that was merged into the track of `row` begin again where that is now."""
        mine = store.also.numbers
        kept = mine[row][(mine[row] != number) & (mine[row] != 0)]
        mine[row] = 0
        mine[row, : len(kept)] = kept
        copy = store.copy_row(row)
        store.columns.track_id[copy] = number
        store.also.numbers[copy] = 0
        pair = [[store.columns.track_id[row], number]]
        self.apart = np.concatenate([self.apart, np.array(pair, np.int64)])[-APART_MOST:]
        store.sort()

    def forget_ended(self, store: TrackStore) -> None:
        """Forget pairs of which a track has ended."""
        if len(self.apart):
            self.apart = self.apart[np.isin(self.apart, store.columns.track_id[: store.count]).all(axis=1)]

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        return {"acts.apart": self.apart.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self.apart = state["acts.apart"].reshape(-1, 2).copy()


def _leave_out(store: TrackStore, row: int) -> None:
    kept = np.ones(store.count, np.bool_)
    kept[row] = False
    store.keep(kept)


def _merge(store: TrackStore, gone: int, stays: int) -> None:
    """Let the track of `stays` go on with the estimate of whichever was heard last, and with what both claim."""
    c, claims = store.columns, store.claims
    store.remember_numbers(stays, gone)
    number, newer = int(c.track_id[stays]), gone if c.heard_at_ns[gone] > c.heard_at_ns[stays] else stays
    larger = {name: np.maximum(getattr(c, name)[gone], getattr(c, name)[stays]) for name in LATEST}
    born_ns, only = min(c.born_ns[gone], c.born_ns[stays]), bool(c.claims_only[gone] and c.claims_only[stays])
    claimant = stays if c.icao24[stays] else gone
    icao24, since_ns = c.icao24[claimant], c.claims_since_ns[claimant]
    for column in c:
        column[stays] = column[newer]
    for name, value in larger.items():
        getattr(c, name)[stays] = value
    c.track_id[stays], c.born_ns[stays], c.claims_only[stays] = number, born_ns, only
    c.icao24[stays], c.claims_since_ns[stays] = icao24, since_ns
    for said, absent in ((claims.callsign, b""), (claims.squawk, -1), (claims.uas_id, b"")):
        if said[stays] == absent:
            said[stays] = said[gone]
    _leave_out(store, gone)


def _renumber(store: TrackStore, row: int) -> int:
    """Let what flies there go on under a new number, of no known class; what it claims, it still claims."""
    new, store.next_id = store.next_id, store.next_id + 1
    store.columns.track_id[row] = new
    store.columns.class_score[row] = 0.0
    store.also.numbers[row] = 0
    store.sort()
    return new

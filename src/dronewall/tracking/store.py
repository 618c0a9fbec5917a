"""The tracker's own columns: every track's modes and life, grown and compacted in place, saved and restored whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import CLASS_COUNT
from dronewall.model.tracks import ALSO_MOST, KIND_COUNT, TrackStatus
from dronewall.tracking.parameters import MODES


class TrackColumns(NamedTuple):
    """One row per track; rows at and beyond the store's count are free.

    `mean`, `cov`, `weight` are the modes of the IMM at `at_ns`. `visited` and `hit` hold, per scanning radar, the stamp
    of the last scan in which the track had a candidate plot, and in which one was taken as its own. `revisit_s` is how
    often it is heard. `claims_only` tells that nothing but the object's own word supports it. `group` is the group it
    flies in, 0 for none.
    """

    track_id: NDArray[np.int64]
    mean: NDArray[np.float64]
    cov: NDArray[np.float64]
    weight: NDArray[np.float64]
    at_ns: NDArray[np.int64]
    existence: NDArray[np.float64]
    status: NDArray[np.uint8]
    hits: NDArray[np.int32]
    born_ns: NDArray[np.int64]
    heard_at_ns: NDArray[np.int64]
    updated_ns: NDArray[np.int64]
    revisit_s: NDArray[np.float64]
    heard_ns: NDArray[np.int64]
    claims_only: NDArray[np.bool_]
    icao24: NDArray[np.uint32]
    claimed_ns: NDArray[np.int64]
    claims_since_ns: NDArray[np.int64]
    class_score: NDArray[np.float64]
    group: NDArray[np.int64]
    visited: NDArray[np.int32]
    hit: NDArray[np.int32]


class Claims(NamedTuple):
    """What each track's object last said of itself in words; beside `TrackColumns` because kernels read no text."""

    callsign: NDArray[np.bytes_]
    squawk: NDArray[np.int16]
    uas_id: NDArray[np.bytes_]


class Also(NamedTuple):
    """The numbers (n, ALSO_MOST) each track also had, the newest first, 0 for none."""

    numbers: NDArray[np.int64]


def _also(capacity: int) -> Also:
    return Also(np.zeros((capacity, ALSO_MOST), np.int64))


def _claims(capacity: int) -> Claims:
    return Claims(np.zeros(capacity, "S8"), np.full(capacity, -1, np.int16), np.zeros(capacity, "S24"))


def _columns(capacity: int, radars: int) -> TrackColumns:
    zeros: dict[str, NDArray[Any]] = {
        "track_id": np.zeros(capacity, np.int64),
        "mean": np.zeros((capacity, MODES, 6)),
        "cov": np.zeros((capacity, MODES, 6, 6)),
        "weight": np.zeros((capacity, MODES)),
        "at_ns": np.zeros(capacity, np.int64),
        "existence": np.zeros(capacity),
        "status": np.full(capacity, TrackStatus.TENTATIVE, np.uint8),
        "hits": np.zeros(capacity, np.int32),
        "born_ns": np.zeros(capacity, np.int64),
        "heard_at_ns": np.zeros(capacity, np.int64),
        "updated_ns": np.zeros(capacity, np.int64),
        "revisit_s": np.zeros(capacity),
        "heard_ns": np.zeros((capacity, KIND_COUNT), np.int64),
        "claims_only": np.zeros(capacity, np.bool_),
        "icao24": np.zeros(capacity, np.uint32),
        "claimed_ns": np.zeros(capacity, np.int64),
        "claims_since_ns": np.zeros(capacity, np.int64),
        "class_score": np.zeros((capacity, CLASS_COUNT)),
        "group": np.zeros(capacity, np.int64),
        "visited": np.zeros((capacity, radars), np.int32),
        "hit": np.zeros((capacity, radars), np.int32),
    }
    return TrackColumns(**zeros)


class TrackStore:
    """Tracks as columns with room to grow. `count` rows are in use; numbers are given once and never again."""

    def __init__(self, *, shard: int = 0, capacity: int = 1024, radars: int = 1) -> None:
        self.count = 0
        self.next_id = (shard << 48) + 1
        self.columns = _columns(capacity, radars)
        self.claims = _claims(capacity)
        self.also = _also(capacity)

    @property
    def capacity(self) -> int:
        """How many tracks fit without growing."""
        return len(self.columns.track_id)

    def remember_numbers(self, row: int, gone: int) -> None:
        """Let the track of `row` also be known by the number of row `gone` and by those that this had, newest first."""
        mine, theirs = self.also.numbers[row], self.also.numbers[gone]
        numbers = [int(self.columns.track_id[gone]), *theirs.tolist(), *mine.tolist()]
        known = dict.fromkeys(number for number in numbers if number)
        mine[:] = (*known, *(0,) * ALSO_MOST)[:ALSO_MOST]

    def remember_published(self, published: TrackStore) -> None:
        """Let tracks also be known by the numbers by which those of their numbers in `published` are."""
        mine = self.columns.track_id[: self.count]
        ours, theirs = np.isin(mine, published.columns.track_id[: published.count]), published.columns.track_id
        also = dict(zip(theirs[: published.count].tolist(), published.also.numbers.tolist(), strict=False))
        living = set(mine.tolist())
        for row in np.flatnonzero(ours).tolist():
            more = [number for number in also[int(mine[row])] if number and number not in living]
            if more:
                numbers = dict.fromkeys([*(n for n in self.also.numbers[row].tolist() if n), *more])
                self.also.numbers[row] = (*numbers, *(0,) * ALSO_MOST)[:ALSO_MOST]

    def make_room(self, births: int, radars: int) -> None:
        """Grow, if need be, to hold `births` more tracks and columns for `radars` scanning radars."""
        wanted = self.count + births
        if wanted <= self.capacity and radars <= self.columns.visited.shape[1]:
            return
        capacity = max(self.capacity, 1 << (wanted - 1).bit_length())
        old: tuple[NDArray[Any], ...] = (*self.columns, *self.claims, *self.also)
        self.columns = _columns(capacity, max(radars, self.columns.visited.shape[1]))
        self.claims = _claims(capacity)
        self.also = _also(capacity)
        grown: tuple[NDArray[Any], ...] = (*self.columns, *self.claims, *self.also)
        for new, before in zip(grown, old, strict=True):
            used = tuple(slice(0, length) for length in (self.count, *before.shape[1:]))
            new[used] = before[: self.count]

    def clear_claims(self, first: int) -> None:
        """Forget what rows `first` to `count` said in words and were called: new tracks have taken them."""
        self.claims.callsign[first : self.count] = b""
        self.claims.squawk[first : self.count] = -1
        self.claims.uas_id[first : self.count] = b""
        self.also.numbers[first : self.count] = 0

    def keep(self, wanted: NDArray[np.bool_]) -> None:
        """Keep the tracks marked in `wanted` (count,), in their order, and free the rows of the others."""
        dropped = np.flatnonzero(~wanted)
        if not len(dropped):
            return
        # What lies before the first gap stays where it is: most of what ends began lately, and lies behind.
        first = int(dropped[0])
        rows = first + np.flatnonzero(wanted[first:])
        left = first + len(rows)
        for column in (*self.columns, *self.claims, *self.also):
            column[first:left] = column[rows]
        self.count = left

    def copy_row(self, row: int) -> int:
        """Copy a track into a new row at the end, which is returned; its number has to be changed."""
        self.make_room(1, self.columns.visited.shape[1])
        for column in (*self.columns, *self.claims, *self.also):
            column[self.count] = column[row]
        self.count += 1
        return self.count - 1

    def sort(self) -> None:
        """Put the tracks in the order of their numbers."""
        order = np.argsort(self.columns.track_id[: self.count], kind="stable")
        for column in (*self.columns, *self.claims, *self.also):
            column[: self.count] = column[order]

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return all there is to know, as named arrays."""
        named = {**self.columns._asdict(), **self.claims._asdict(), "also": self.also.numbers}
        used = {f"tracks.{name}": column[: self.count].copy() for name, column in named.items()}
        return {**used, "tracks.next_id": np.array([self.next_id], np.int64)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self.count = len(state["tracks.track_id"])
        self.next_id = int(state["tracks.next_id"][0])
        capacity = max(1024, 1 << max(self.count - 1, 1).bit_length())
        self.columns = _columns(capacity, state["tracks.visited"].shape[1])
        self.claims = _claims(capacity)
        self.also = _also(capacity)
        for name, column in {**self.columns._asdict(), **self.claims._asdict(), "also": self.also.numbers}.items():
            column[: self.count] = state[f"tracks.{name}"]

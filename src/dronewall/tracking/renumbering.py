"""Numbers through a rerun: what was published keeps its number, and what is new gets one that nobody ever had.

A rerun gives provisional numbers, from the next free one on. They are told apart by where tracks began: at the same
observation is the same track. Where an established track is left without one that goes on under its number, the nearest
established track that agrees with it and has no such number takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.tracks import Tracks, TrackStatus

AGREE_SQ, AGREE_M, AGREE_MPS = 16.0, 50.0, 5.0
"""Two estimates of one object differ by less than this in squared sigmas, each widened by so much."""
TRACKS, GROUPS, ALSO = (
    ("tracks.track_id", "sound.held.track_id", "sound.edges.track_id", "vendor.track_id", "acts.apart"),
    ("tracks.group", "groups.whole", "groups.scans"),
    "tracks.also",
)
"""Where a tracker's state holds numbers of tracks, of groups, and numbers that went into others."""
NUMBERED = ("sound.held.track_id", "sound.edges.track_id", "tracks.track_id")
"""What is kept in the order of numbers."""
NOBODY = -1

State = Mapping[str, NDArray[Any]]
IntArray = NDArray[np.int64]


class Names:
    """What numbers become: those of `became`, and of all others, those from `first` on are nobody's."""

    def __init__(self, first: int, became: Mapping[int, int]) -> None:
        self._first = first
        self._before = np.array(sorted(became), np.int64)
        self._after = np.array([became[number] for number in self._before.tolist()], np.int64)

    @property
    def beyond(self) -> int:
        """The first number beyond all that are given."""
        return int(self._after.max(initial=-1)) + 1

    def of(self, numbers: IntArray) -> IntArray:
        """Return what `numbers` become, in their shape."""
        out = np.where(numbers >= self._first, NOBODY, numbers)
        if len(self._before):
            at = np.minimum(np.searchsorted(self._before, numbers), len(self._before) - 1)
            out = np.where(self._before[at] == numbers, self._after[at], out)
        return np.asarray(out, np.int64)


@dataclass(frozen=True, slots=True)
class Renumbering:
    """What numbers of tracks and of groups become."""

    tracks: Names
    groups: Names

    def applied(self, state: State) -> dict[str, NDArray[Any]]:
        """Return a tracker's state, or a part of it, under the new numbers and in their order."""
        out = dict(state)
        for key in TRACKS:
            if key in out:
                out[key] = self.tracks.of(out[key])
        if ALSO in out:
            out[ALSO] = _closed_up(np.maximum(self.tracks.of(out[ALSO]), 0))
        for key in GROUPS:
            if key in out:
                numbers = out[key] if out[key].ndim == 1 else out[key][:, :1]
                new = np.maximum(self.groups.of(numbers), 0)
                out[key] = new if out[key].ndim == 1 else np.concatenate([new, out[key][:, 1:]], axis=1)
        for key in NUMBERED:
            if key in out:
                _sort_by(out, key)
        return out


def _closed_up(also: IntArray) -> IntArray:
    """Return alternate numbers (n, k) with those that are none, 0, behind the others."""
    order = np.argsort(also == 0, axis=1, kind="stable")
    return np.take_along_axis(also, order, axis=1)


def _sort_by(state: dict[str, NDArray[Any]], key: str) -> None:
    table = key.rpartition(".")[0] + "."
    order = np.argsort(state[key], kind="stable")
    if np.array_equal(order, np.arange(len(order))):
        return
    for name in [name for name in state if name.startswith(table) and name != "tracks.next_id"]:
        state[name] = state[name][order]


def agreeing(ours: Tracks, theirs: Tracks) -> list[tuple[int, int]]:
    """Return pairs of rows that describe one object at one instant, nearest first; each row is in one pair at most."""
    if not len(ours) or not len(theirs):
        return []
    off = ours.mean[:, None] - theirs.mean[None]
    spread = ours.covariance[:, None] + theirs.covariance[None]
    spread = spread + np.diag([AGREE_M**2] * 3 + [AGREE_MPS**2] * 3)
    d_sq = np.einsum("mni,mni->mn", off, np.linalg.solve(spread, off[..., None])[..., 0])
    one, other = np.nonzero(d_sq < AGREE_SQ)
    pairs: list[tuple[int, int]] = []
    for k in np.lexsort((other, one, d_sq[one, other])).tolist():
        a, b = int(one[k]), int(other[k])
        if all(a != c and b != d for c, d in pairs):
            pairs.append((a, b))
    return pairs


def numbers_of(published: Tracks, rerun: Tracks, named: Mapping[int, int], *, first: int) -> dict[int, int]:
    """Return the number that each of a rerun's tracks is to have, by the one it has, NOBODY where a fresh one is due.

    Args:
        published: the tracks of the picture as it is.
        rerun: the rerun's tracks at the same instant; those from number `first` on are provisional.
        named: the published numbers of provisional ones, by where they began.
        first: the first provisional number.
    """
    number = {i: (i if i < first else named.get(i, NOBODY)) for i in rerun.track_id.tolist()}
    row_of = {number[i]: row for row, i in enumerate(rerun.track_id.tolist()) if number[i] != NOBODY}
    stands, stood = (tracks.status != TrackStatus.TENTATIVE for tracks in (rerun, published))
    gone = np.array([not (i in row_of and stands[row_of[i]]) for i in published.track_id.tolist()], np.bool_)
    shown = set(published.track_id[stood].tolist())
    free = np.array([number[i] not in shown for i in rerun.track_id.tolist()], np.bool_)
    lost, seeking = np.flatnonzero(stood & gone), np.flatnonzero(stands & free)
    for a, b in agreeing(published.take(lost), rerun.take(seeking)):
        mine, taker = int(published.track_id[lost[a]]), int(rerun.track_id[seeking[b]])
        for holder in [i for i, told in number.items() if told == mine]:
            number[holder] = number[taker]
        number[taker] = mine
    return number


def groups_of(published: Tracks, rerun: Tracks, *, first: int) -> dict[int, int]:
    """Return the same for groups: the number of the published group of most members, NOBODY where a fresh one is due.

    `rerun` are the rerun's tracks under their final numbers; its groups from `first` on are provisional.
    """
    group_of = dict(zip(published.track_id.tolist(), published.group_id.tolist(), strict=True))
    used = set(rerun.group_id.tolist())
    out = {group: group for group in used if group}
    for group in sorted(one for one in used if one >= first):
        members = rerun.track_id[rerun.group_id == group].tolist()
        before = [group_of[i] for i in members if group_of.get(i, 0) not in used | {0}]
        out[group] = max(sorted(set(before)), key=before.count) if before else NOBODY
        used.add(out[group])
    return out


def complete(
    number: Mapping[int, int], others: Iterable[int], named: Mapping[int, int], *, first: int, fresh: int
) -> dict[int, int]:
    """Return what numbers become that are not to stay, each another; fresh ones are given from `fresh` on.

    Args:
        number: the number that each track is to have, by the one it has, NOBODY where a fresh one is due.
        others: the numbers of tracks that did not outlive the rerun, but are in a state from within it.
        named: as for `numbers_of`.
        first: the first provisional number.
        fresh: the first number that nobody ever had.
    """
    out = {i: told for i, told in number.items() if told != NOBODY}
    used = set(out.values())
    for i in sorted({*number, *others} - set(out)):
        wanted = NOBODY if i in number else (i if i < first else named.get(i, NOBODY))
        if wanted == NOBODY or wanted in used:
            wanted, fresh = fresh, fresh + 1
        out[i] = wanted
        used.add(wanted)
    return {i: told for i, told in out.items() if told != i or i >= first}

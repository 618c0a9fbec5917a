"""A rerun: a second tracker that goes through the last half minute again, a piece at a time, up to now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dronewall.model.track_acts import TrackEvent, TrackEventKind
from dronewall.tracking.renumbering import NOBODY, Names, Renumbering, complete, groups_of, numbers_of
from dronewall.tracking.tracker import Tracked, Tracker
from dronewall.tracking.window import NumberedAct, Saved, Window

IntArray = NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Rerun:
    """Where a rerun stands: it goes on with piece `at`, and numbers what begins from `first` and `first_group` on.

    `named` are the published numbers of provisional ones that began where published ones did, `begun_by` the serial
    number of the observation that began each. `dirty` is the first piece that it went through before all of it had
    come, `saved` the states that it passed, `used` the published numbers that are no other track's any more.
    """

    tracker: Tracker
    at: int
    first: int
    first_group: int
    named: dict[int, int] = field(default_factory=dict)
    begun_by: dict[int, int] = field(default_factory=dict)
    dirty: int | None = None
    saved: list[Saved] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    def spoilt(self, place: int) -> None:
        """Take note that something was laid in piece `place`."""
        self.saved = [one for one in self.saved if one.before <= place]
        if place < self.at:
            self.dirty = place if self.dirty is None else min(self.dirty, place)

    def go_on(self, window: Window, told: Sequence[TrackEvent]) -> Tracked:
        """Go through the next piece; `told` are the published events of tracks."""
        piece = window.pieces[self.at - window.first]
        if piece.marked and (self.dirty is None or self.dirty >= self.at):
            self.saved.append(Saved(self.at, self.tracker.checkpoint()))
        observations, serials, remote = piece.whole()
        before = self.tracker.next_numbers[0]
        tracked = self.tracker.step(observations, remote, acts=self._as_here(piece.acts), now_ns=piece.end_ns)
        for serial, number in births(tracked.track_of_observation, observations.at_ns, serials, before).items():
            self.begun_by[number] = serial
            published = window.births.get(serial, NOBODY)
            if published != NOBODY and published not in self.used:
                self.named[number] = published
                self.used.add(published)
        if piece.acts:
            self._name_parted(told)
        self.at += 1
        return tracked

    def _as_here(self, acts: Sequence[NumberedAct]) -> list[NumberedAct]:
        """Return acts on published numbers as acts on ours."""
        if not acts:
            return []
        here = {published: number for number, published in self.named.items()}
        return [
            (seq, replace(act, track_id=self._here(act.track_id, here), other_id=self._here(act.other_id, here)))
            for seq, act in acts
        ]

    def _here(self, number: int, here: Mapping[int, int]) -> int:
        return here.get(number, number if number < self.first else NOBODY)

    def _name_parted(self, told: Sequence[TrackEvent]) -> None:
        """Let what a person parted have the number that it got when it was parted."""
        parted = {e.declared_seq: e.other_id for e in told if e.kind is TrackEventKind.SPLIT and e.other_id != NOBODY}
        for event in self.tracker.events:
            if event.kind is TrackEventKind.SPLIT and event.other_id >= self.first and event.declared_seq in parted:
                self.named.setdefault(event.other_id, parted[event.declared_seq])

    def renumbering(self, published: Tracked, rerun: Tracked, fresh: tuple[int, int]) -> Renumbering:
        """Return what the numbers become; those that nobody ever had are given from `fresh` on, tracks' and groups'."""
        number = numbers_of(published.tracks, rerun.tracks, self.named, first=self.first)
        states = [one.state for one in self.saved]
        others = {i for state in states for i in state["tracks.track_id"].tolist()}
        became = complete(number, others, self.named, first=self.first, fresh=fresh[0])
        tracks = Names(self.first, became)
        renamed = replace(rerun.tracks, track_id=tracks.of(rerun.tracks.track_id))
        group = groups_of(published.tracks, renamed, first=self.first_group)
        other_groups = {i for state in states for i in state["groups.whole"][:, 0].tolist()}
        other_groups |= set(rerun.groups.group_id.tolist())
        groups = complete(group, other_groups, {}, first=self.first_group, fresh=fresh[1])
        return Renumbering(tracks, Names(self.first_group, groups))

    def told(self) -> dict[str, Any]:
        """Return where it stands, in plain values; its tracker and the states that it passed are told beside."""
        return {
            "at": self.at,
            "first": self.first,
            "first_group": self.first_group,
            "named": list(self.named.items()),
            "begun_by": list(self.begun_by.items()),
            "dirty": self.dirty,
            "used": sorted(self.used),
            "saved": [one.before for one in self.saved],
        }

    @classmethod
    def from_told(cls, told: Mapping[str, Any], tracker: Tracker, saved: list[Saved]) -> Self:
        """Return the rerun of which `told` told."""
        named, begun_by = dict(told["named"]), dict(told["begun_by"])
        begun = (told["at"], told["first"], told["first_group"], named, begun_by, told["dirty"])
        return cls(tracker, *begun, saved, set(told["used"]))


def births(track_of: IntArray, at_ns: IntArray, serials: IntArray, before: int) -> dict[int, int]:
    """Return which observation, by serial number, began which track: those numbered from `before` on.

    It is the oldest of those that a track took in its first step.
    """
    rows = np.flatnonzero(track_of >= before)
    rows = rows[np.lexsort((rows, at_ns[rows], track_of[rows]))]
    numbers, first = np.unique(track_of[rows], return_index=True)
    return dict(zip(serials[rows[first]].tolist(), numbers.tolist(), strict=True))

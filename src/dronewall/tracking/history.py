"""What became of tracks: the newest events, numbered, so that a number that is gone can be explained."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.track_acts import NOBODY, TrackEvent, TrackEventKind
from dronewall.model.tracks import TrackStatus
from dronewall.tracking.store import TrackStore

EVENTS_MOST = 500
"""So many events are told in a picture; older ones stand in the journal's replay only."""

REPLACED = "with what came late, there is no such track"


class TrackHistory:
    """Takes note of events in their order; `told` are the newest, oldest first."""

    def __init__(self) -> None:
        self.told: tuple[TrackEvent, ...] = ()
        self._coming: list[TrackEvent] = []
        self._number = 0

    def note(
        self,
        kind: TrackEventKind,
        track_id: int,
        reason: str,
        *,
        at_ns: int,
        other_id: int = NOBODY,
        by: str = "",
        declared_seq: int = 0,
    ) -> None:
        """Take note of an event; it is told from the end of the step on."""
        self._number += 1
        self._coming.append(TrackEvent(self._number, at_ns, kind, track_id, other_id, reason, by, declared_seq))

    def end_step(self) -> None:
        """Let what was noted be told, and forget the oldest of too many."""
        if self._coming:
            self.told = (*self.told, *self._coming)[-EVENTS_MOST:]
            self._coming = []

    def became(self, track_id: int) -> TrackEvent | None:
        """Return the event by which a number went out of use, None if that is not known."""
        ended = (TrackEventKind.DROPPED, TrackEventKind.MERGED, TrackEventKind.SPLIT)
        return next((e for e in reversed(self.told) if e.track_id == track_id and e.kind in ended), None)

    def note_ended(self, store: TrackStore, reasons: Mapping[str, NDArray[np.bool_]], *, now_ns: int) -> None:
        """Take note of the established tracks of `store` that end, by reason (count,); the first that holds is told."""
        established = store.columns.status[: store.count] != TrackStatus.TENTATIVE
        for reason, ends in reasons.items():
            for row in np.flatnonzero(ends & established).tolist():
                self.note(TrackEventKind.DROPPED, int(store.columns.track_id[row]), reason, at_ns=now_ns)
                established[row] = False

    def note_merged(self, store: TrackStore, into: NDArray[np.int64], reason: str, *, now_ns: int) -> None:
        """Take note that tracks go on as others; rows `into` (count,), -1 for the rest. These take over the numbers."""
        for row in np.flatnonzero(into >= 0).tolist():
            end = row
            while into[end] >= 0:
                end = int(into[end])
            track_id, other_id = (int(store.columns.track_id[i]) for i in (row, end))
            store.remember_numbers(end, row)
            self.note(TrackEventKind.MERGED, track_id, reason, at_ns=now_ns, other_id=other_id)

    def note_replaced(
        self,
        before: TrackStore,
        after: TrackStore,
        rerun: TrackHistory,
        named: Callable[[NDArray[np.int64]], NDArray[np.int64]],
        *,
        now_ns: int,
    ) -> None:
        """Take note of the established tracks of `before` that are not in `after`, which a rerun came to.

        What its history `rerun` knows of one, under numbers that `named` translates, is told; else that it ended.
        """
        c = before.columns
        stood = c.track_id[: before.count][c.status[: before.count] != TrackStatus.TENTATIVE]
        gone = stood[~np.isin(stood, after.columns.track_id[: after.count])]
        if not len(gone):
            return
        merged = [event for event in rerun.told if event.kind is TrackEventKind.MERGED]
        pairs = named(np.array([(e.track_id, e.other_id) for e in merged], np.int64).reshape(-1, 2)).tolist()
        became = {one: (other, e.reason) for (one, other), e in zip(pairs, merged, strict=True) if other != NOBODY}
        for number in gone.tolist():
            if number in became:
                other, reason = became[number]
                self.note(TrackEventKind.MERGED, number, reason, at_ns=now_ns, other_id=other)
            else:
                self.note(TrackEventKind.DROPPED, number, REPLACED, at_ns=now_ns)

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        lines = [
            [e.number, e.at_ns, e.kind.value, e.track_id, e.other_id, e.reason, e.by, e.declared_seq] for e in self.told
        ]
        body = json.dumps([self._number, lines]).encode()
        return {"history": np.frombuffer(body, np.uint8).copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self._number, lines = json.loads(state["history"].tobytes())
        self.told = tuple(
            TrackEvent(number, at_ns, TrackEventKind(kind), *rest) for number, at_ns, kind, *rest in lines
        )
        self._coming = []

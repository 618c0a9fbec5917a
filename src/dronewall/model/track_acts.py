"""What people do to tracks as entries of the picture, and what became of tracks: ended, merged, parted.

An act keeps the picture in order and nothing else: it moves no sensor, asks nothing of a responder and changes nobody's
identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

NOBODY = -1
"""Stands for the number of no track."""
ACTOR_LENGTH_MAX, REASON_LENGTH_MAX = 64, 300


class ActKind(Enum):
    """What a person may do to a track."""

    MERGE = "merge"
    SPLIT = "split"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class TrackAct:
    """An act of a person on track `track_id`, named and with a reason.

    MERGE: it and `other_id` are one object, which goes on under the number `other_id`. SPLIT: `other_id`, a number that
    was merged into it, is an object of its own again; without `other_id` its number is given up and what flies there
    goes on under a new one. DROP: it is no object.
    """

    kind: ActKind
    track_id: int
    by: str
    reason: str
    other_id: int = NOBODY


class TrackEventKind(Enum):
    """What became of a track."""

    MERGED = "merged"
    SPLIT = "split"
    DROPPED = "dropped"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """What became of track `track_id` at the step to `at_ns`; events are numbered from 1 and none is left out.

    MERGED: it goes on as `other_id`. SPLIT: `other_id` goes on beside it, or instead of it if that is a new number.
    REFUSED: an act made no sense any more when its step came. `by` names the person, "" for the tracker itself;
    `declared_seq` is the journal's entry of the act, 0 for none.
    """

    number: int
    at_ns: int
    kind: TrackEventKind
    track_id: int
    other_id: int
    reason: str
    by: str = ""
    declared_seq: int = 0

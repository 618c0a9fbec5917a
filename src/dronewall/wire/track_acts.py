"""A person's act on a track as the statement that the journal keeps: JSON, its fields in this order, nothing else.

{"declaration": "track", "act": "merge", "track_id": 12, "other_id": 9, "by": "kalnina", "reason": "one contact"}
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from dronewall.engine.entries import Declared
from dronewall.model.track_acts import ActKind, TrackAct

Number = Annotated[int, msgspec.Meta(ge=-1, le=(1 << 63) - 1)]


class _Statement(msgspec.Struct, frozen=True):
    declaration: Literal["track"]
    act: ActKind
    track_id: Number
    other_id: Number
    by: str
    reason: str


def declared(act: TrackAct) -> Declared:
    """Return what the journal keeps of an act. It is not signed, for people have no keys yet."""
    said = _Statement("track", act.kind, act.track_id, act.other_id, act.by, act.reason)
    return Declared(act.by, msgspec.json.encode(said), b"")


def act_in(said: Declared) -> TrackAct | None:
    """Return the act that a person declared, None if what was declared is something else."""
    try:
        statement = msgspec.json.decode(said.statement, type=_Statement)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return TrackAct(statement.act, statement.track_id, said.person, statement.reason, statement.other_id)

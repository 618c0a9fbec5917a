"""The last half minute as it should have come: pieces of at most a second, and the tracker's states between them.

What comes late is laid where it belongs. States from behind that place are void then, for they know nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.model.observations import Observations
from dronewall.model.table import Table, column_specs
from dronewall.model.track_acts import ActKind, TrackAct
from dronewall.model.tracks import RemoteTracks
from dronewall.tracking.renumbering import Names

NS = 1_000_000_000
WINDOW_NS = 32 * NS
"""A plot may be 30 s late when it is received; its step may come a moment later."""
PIECE_MOST = 4_000
"""A piece that holds so many observations gets no more: whoever reruns must be able to stop between two of them."""
SAVED_EVERY_NS = 10 * NS
"""How far apart states are kept: a rerun begins up to so much before the plot that it is for."""
PIECE_COST, TRACKS_PER_COST = 1_500, 4
"""What going through a piece costs beside its observations, in observations: for itself, and for so many tracks one."""
BEGINNING_NS = -(1 << 62)

State = dict[str, NDArray[Any]]
IntArray = NDArray[np.int64]
NumberedAct = tuple[int, TrackAct]


@dataclass(slots=True, eq=False)
class Piece:
    """What a step, or several of one second, took: observations with their serial numbers, others' tracks, acts.

    The acts are done before anything else. `marked` tells that a state belongs before it; `tracks` were there then.
    """

    end_ns: int
    marked: bool
    acts: tuple[NumberedAct, ...] = ()
    tracks: int = 0
    observations: list[Observations] = field(default_factory=list)
    serials: list[IntArray] = field(default_factory=list)
    remote: list[RemoteTracks] = field(default_factory=list)
    count: int = 0

    def add(self, observations: Observations, serials: IntArray) -> None:
        """Add observations in the order received."""
        if len(observations):
            self.observations.append(observations)
            self.serials.append(serials)
            self.count += len(observations)

    @property
    def cost(self) -> int:
        """What going through it costs, in observations."""
        return PIECE_COST + self.count + self.tracks // TRACKS_PER_COST

    def whole(self) -> tuple[Observations, IntArray, RemoteTracks]:
        """Return all observations in the order of time, with their serial numbers, and others' tracks as they came."""
        observations = Observations.concat(self.observations)
        serials = np.concatenate(self.serials) if self.serials else np.empty(0, np.int64)
        order = np.lexsort((observations.scan_end, observations.sensor, observations.at_ns))
        return observations.take(order), serials[order], RemoteTracks.concat(self.remote)


class Saved(NamedTuple):
    """The tracker's whole state before piece `before`, all that belongs before it taken into account."""

    before: int
    state: State


class Window:
    """Pieces `first` to `last`, by a number that is never used again, and the states before some of them.

    `begun_ns` is the instant before which nothing can be laid. `births` holds which observation, by its serial number,
    began the track of which number.
    """

    def __init__(self) -> None:
        self.first = 0
        self.pieces: list[Piece] = []
        self.saved: list[Saved] = []
        self.births: dict[int, int] = {}
        self.begun_ns = BEGINNING_NS
        self._serial = 0

    @property
    def is_open(self) -> bool:
        """Whether it keeps what comes."""
        return bool(self.saved)

    @property
    def last(self) -> int:
        """The number of the newest piece."""
        return self.first + len(self.pieces) - 1

    def open(self, state: State, *, begun_ns: int) -> None:
        """Begin to keep what comes after `state`."""
        self.first += len(self.pieces)
        self.pieces, self.births, self.begun_ns = [], {}, begun_ns
        self.saved = [Saved(self.first, state)]

    def close(self) -> None:
        """Forget everything, and keep nothing more."""
        self.first += len(self.pieces)
        self.pieces, self.saved, self.births = [], [], {}

    def begins_piece(self, now_ns: int, acts: Sequence[NumberedAct]) -> bool:
        """Whether a step to `now_ns` begins a new piece."""
        if not self.pieces or acts or self.pieces[-1].count >= PIECE_MOST:
            return True
        return _slot(now_ns, NS) != _slot(self.pieces[-1].end_ns, NS)

    def is_marked(self, now_ns: int) -> bool:
        """Whether a state belongs before the piece that a step to `now_ns` begins."""
        return bool(self.pieces) and _slot(now_ns, SAVED_EVERY_NS) != _slot(self.pieces[-1].end_ns, SAVED_EVERY_NS)

    def begin_piece(self, now_ns: int, acts: Sequence[NumberedAct], *, tracks: int) -> None:
        """Begin a new piece."""
        self.pieces.append(Piece(now_ns, self.is_marked(now_ns), tuple(acts), tracks))

    def numbered(self, count: int) -> IntArray:
        """Return serial numbers for `count` new observations."""
        self._serial += count
        return np.arange(self._serial - count, self._serial)

    def places(self, at_ns: IntArray) -> IntArray:
        """Return the pieces (n,) that would have taken observations of the instants (n,), had they come in time."""
        ends = np.array([piece.end_ns for piece in self.pieces], np.int64)
        return np.minimum(np.searchsorted(ends, at_ns, side="left") + self.first, self.last)

    def lay(self, observations: Observations, serials: IntArray, place: IntArray) -> None:
        """Lay observations in the pieces `place` (n,), and drop the states that this makes void."""
        for index in np.unique(place).tolist():
            rows = np.flatnonzero(place == index)
            self.pieces[index - self.first].add(observations.take(rows), serials[rows])
        if len(place):
            self.saved = [one for one in self.saved if one.before <= int(place.min())]

    def rename_births(self, begun_by: Mapping[int, int], names: Names) -> None:
        """Take over which observation began which track, by the provisional number of each."""
        numbers = names.of(np.array([*begun_by], np.int64)).tolist()
        began = {number: serial for number, serial in zip(numbers, begun_by.values(), strict=True) if number >= 0}
        self.births = {serial: number for serial, number in self.births.items() if number not in began}
        self.births.update({serial: number for number, serial in began.items()})

    def keep(self, saved: Sequence[Saved]) -> None:
        """Add states, each in the stead of one before the same piece."""
        together = {one.before: one for one in (*self.saved, *saved)}
        self.saved = [together[index] for index in sorted(together)]

    def before(self, index: int) -> Saved:
        """Return the newest state from before piece `index`."""
        return max((one for one in self.saved if one.before <= index), key=lambda one: one.before)

    def cost_from(self, index: int) -> int:
        """What going through all pieces from `index` on costs, in observations."""
        return sum(piece.cost for piece in self.pieces[index - self.first :])

    def count_from(self, index: int) -> int:
        """Return how many observations lie in the pieces from `index` on."""
        return sum(piece.count for piece in self.pieces[index - self.first :])

    def prune(self, needed: int, *, now_ns: int) -> None:
        """Forget what lies before the newest state that piece `needed` and those of the last half minute may need."""
        recent = int(np.searchsorted([piece.end_ns for piece in self.pieces], now_ns - WINDOW_NS, side="right"))
        base = self.before(max(min(needed, self.first + recent), self.first)).before
        gone, self.pieces = self.pieces[: base - self.first], self.pieces[base - self.first :]
        if gone:
            self.begun_ns = gone[-1].end_ns
            self.first = base
            self.saved = [one for one in self.saved if one.before >= base]
            forgotten = {serial for piece in gone for serials in piece.serials for serial in serials.tolist()}
            self.births = {serial: number for serial, number in self.births.items() if serial not in forgotten}

    def checkpoint(self) -> State:
        """Return the state as named arrays."""
        told = {
            "first": self.first,
            "begun_ns": self.begun_ns,
            "serial": self._serial,
            "births": list(self.births.items()),
            "saved": [one.before for one in self.saved],
            "pieces": [
                {
                    "end_ns": piece.end_ns,
                    "marked": piece.marked,
                    "tracks": piece.tracks,
                    "acts": [[seq, {**asdict(act), "kind": act.kind.value}] for seq, act in piece.acts],
                    "observations": piece.count,
                    "remote": sum(map(len, piece.remote)),
                }
                for piece in self.pieces
            ],
        }
        serials = [serials for piece in self.pieces for serials in piece.serials]
        return {
            "window.told": np.frombuffer(json.dumps(told).encode(), np.uint8).copy(),
            "window.serials": np.concatenate([np.empty(0, np.int64), *serials]),
            **_columns("window.observations.", Observations, [o for piece in self.pieces for o in piece.observations]),
            **_columns("window.remote.", RemoteTracks, [r for piece in self.pieces for r in piece.remote]),
            **states_named("window.saved", self.saved),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        told = json.loads(state["window.told"].tobytes())
        self.first, self.begun_ns, self._serial = told["first"], told["begun_ns"], told["serial"]
        self.births = dict(told["births"])
        self.saved = states_from(state, "window.saved", told["saved"])
        observations: Observations = _table(state, "window.observations.", Observations)
        remote: RemoteTracks = _table(state, "window.remote.", RemoteTracks)
        self.pieces = []
        seen = heard = 0
        for line in told["pieces"]:
            acts = tuple((seq, TrackAct(**{**act, "kind": ActKind(act["kind"])})) for seq, act in line["acts"])
            piece = Piece(line["end_ns"], line["marked"], acts, line["tracks"])
            rows, more = slice(seen, seen + line["observations"]), slice(heard, heard + line["remote"])
            piece.add(observations.take(rows), np.array(state["window.serials"][rows], np.int64))
            piece.remote = [remote.take(more)] if line["remote"] else []
            seen, heard = rows.stop, more.stop
            self.pieces.append(piece)


def states_named(name: str, saved: Sequence[Saved]) -> State:
    """Return several whole states as one."""
    return {f"{name}.{n}.{key}": values for n, one in enumerate(saved) for key, values in one.state.items()}


def states_from(state: Mapping[str, NDArray[Any]], name: str, indices: Sequence[int]) -> list[Saved]:
    """Return the states that `states_named` made one."""
    heads = [f"{name}.{n}." for n in range(len(indices))]
    return [
        Saved(index, {key.removeprefix(head): values for key, values in state.items() if key.startswith(head)})
        for index, head in zip(indices, heads, strict=True)
    ]


def _slot(at_ns: int, length_ns: int) -> int:
    """Return which stretch of time an instant ends or lies in: a step to a whole second is of the second before it."""
    return (at_ns - 1) // length_ns


def _columns(name: str, kind: type[Table], tables: Sequence[Any]) -> State:
    return {f"{name}{column}": np.array(values) for column, values in kind.concat(tables).columns()}


def _table(state: Mapping[str, NDArray[Any]], name: str, kind: Any) -> Any:
    return kind(**{spec.name: np.array(state[f"{name}{spec.name}"]) for spec in column_specs(kind)})

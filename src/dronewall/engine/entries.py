"""What the journal's entries mean: contents to entries and back.

A replay needs nothing else: sensors that joined, plots as they came, and each step with its `now` and how far it read.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from dronewall.engine.envelope import pack, pack_table, unpack, unpack_table
from dronewall.engine.log import Checkpoint, Entry, EntryKind, Stored
from dronewall.engine.messages import Message
from dronewall.model.errors import FrameError
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor
from dronewall.model.weather import Weather

FRAME_BYTES_MAX = 4096
SAMPLES_MAX = 16
"""How many refused frames of one feed and tick are kept whole; all of them are counted."""


@dataclass(frozen=True, slots=True)
class WallBegan:
    """A wall began to write: its version, its name, its truth domain."""

    version: str
    name: str
    truth_domain: str


@dataclass(frozen=True, slots=True)
class SensorsJoined:
    """Sensors were declared; those known already keep their first declaration."""

    sensors: tuple[Sensor, ...]


@dataclass(frozen=True, slots=True)
class WeatherTold:
    """The weather was told, in whole: what was told before no longer counts."""

    weather: Weather


@dataclass(frozen=True, slots=True)
class PlotsCame:
    """One batch of a feed: its plots, the frames they came in, and the reports without a place, by reason.

    `message` is what its source called it, if it numbers what it sends.
    """

    feed: str
    plots: Plots
    frames: int = 0
    unplaceable: tuple[tuple[str, int], ...] = ()
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class Stepped:
    """The pipeline stepped to `now_ns` with all plots up to entry `through_seq`."""

    now_ns: int
    through_seq: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused frame as a sample: its bytes cut to 4 KiB."""

    reason: str
    offset: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class FramesRefused:
    """Frames of one feed that were not understood, all counted by reason, some kept."""

    feed: str
    counts: tuple[tuple[str, int], ...]
    samples: tuple[Refusal, ...] = ()

    @classmethod
    def of(cls, feed: str, refused: tuple[FrameError, ...]) -> FramesRefused:
        """Return what is to be remembered of refused frames."""
        counts: dict[str, int] = {}
        for error in refused:
            counts[error.reason] = counts.get(error.reason, 0) + 1
        samples = tuple(
            Refusal(error.reason, error.offset, error.frame[:FRAME_BYTES_MAX]) for error in refused[:SAMPLES_MAX]
        )
        return cls(feed, tuple(counts.items()), samples)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a person said, through the second door: the statement as it was signed, and the signature.

    The journal keeps its place among plots and steps and does not read it. Until people have keys the signature is
    empty; who may declare what comes with them.
    """

    person: str
    statement: bytes
    signature: bytes


Content = WallBegan | SensorsJoined | WeatherTold | PlotsCame | Stepped | FramesRefused | Declared


class _Came(msgspec.Struct, array_like=True, frozen=True):
    feed: str
    frames: int
    unplaceable: tuple[tuple[str, int], ...]
    sensor_ids: tuple[str, ...]


class _Weather(msgspec.Struct, array_like=True, frozen=True):
    """Nothing stands beside the columns of the weather."""


class _State(msgspec.Struct, frozen=True):
    version: str
    sensors: tuple[Sensor, ...]


_KINDS: dict[type[WallBegan | SensorsJoined | Stepped | FramesRefused | Declared], EntryKind] = {
    WallBegan: EntryKind.WALL,
    SensorsJoined: EntryKind.SENSORS,
    Stepped: EntryKind.STEP,
    FramesRefused: EntryKind.REFUSED,
    Declared: EntryKind.DECLARATION,
}
_TYPES = {kind: content for content, kind in _KINDS.items()}


def entry_of(content: Content, *, at_ns: int) -> Entry:
    """Return a content as the entry to be appended at `at_ns`."""
    if isinstance(content, PlotsCame):
        message = _Came(content.feed, content.frames, content.unplaceable, content.plots.sensor_ids)
        return Entry(EntryKind.PLOTS, at_ns, pack_table(message, content.plots), content.message)
    if isinstance(content, WeatherTold):
        return Entry(EntryKind.WEATHER, at_ns, pack_table(_Weather(), content.weather))
    return Entry(_KINDS[type(content)], at_ns, pack(content))


def content_of(stored: Stored, *, journal: str) -> Content:
    """Return what an entry means.

    Raises:
        JournalError: the entry is damaged; the error names it.
    """
    where = f"{journal}, entry {stored.seq}"
    if stored.entry.kind is EntryKind.PLOTS:
        came, plots = unpack_table(stored.entry.body, _Came, Plots, where=where)
        return PlotsCame(came.feed, plots, came.frames, came.unplaceable, stored.entry.message)
    if stored.entry.kind is EntryKind.WEATHER:
        return WeatherTold(unpack_table(stored.entry.body, _Weather, Weather, where=where)[1])
    content, _ = unpack(stored.entry.body, _TYPES[stored.entry.kind], where=where)
    return content


@dataclass(frozen=True, slots=True)
class State:
    """What a checkpoint holds: the version that wrote it, the register of sensors, the pipeline's arrays by name."""

    version: str
    sensors: tuple[Sensor, ...]
    arrays: dict[str, NDArray[np.generic]]


def checkpoint_of(state: State, *, seq: int) -> Checkpoint:
    """Return a state as it was right after entry `seq`, as bytes to keep."""
    return Checkpoint(seq, pack(_State(state.version, state.sensors), state.arrays))


def state_of(checkpoint: Checkpoint, *, journal: str) -> State:
    """Return the state a checkpoint holds.

    Raises:
        JournalError: it is damaged.
    """
    head, arrays = unpack(checkpoint.body, _State, where=f"{journal}, checkpoint {checkpoint.seq}")
    return State(head.version, head.sensors, arrays)

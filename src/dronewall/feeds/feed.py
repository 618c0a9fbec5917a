"""The seam between the world and the wall: what every feed, of ours or of a vendor's, is and promises.

A feed has two halves. The pure one, a `Decoder`, turns bytes into plots and knows no socket and no clock. The live one
moves bytes from a link into its decoder and hands on batches. A `FeedPlugin` makes both; plugins are entry points of
the group `dronewall.feeds`, found when `compose` asks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from dronewall.engine.clock import Clock
from dronewall.engine.messages import Message
from dronewall.model.errors import FrameError
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, Sensors
from dronewall.model.status import FeedStatus
from dronewall.wire.rows import no_plots


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one piece of input gave.

    Every frame counts once: in `frames` when it was understood, whether or not it held a position, or in `refused`.
    `unplaceable` counts, by reason, those understood frames whose position cannot be told, so that they gave no plot.
    """

    plots: Plots = field(default_factory=no_plots)
    frames: int = 0
    refused: tuple[FrameError, ...] = ()
    unplaceable: tuple[tuple[str, int], ...] = ()


class Decoder(Protocol):
    """The pure half of a feed: bytes in, plots out.

    Laws: it never raises on bad bytes, but refuses and counts them and finds the next frame; cutting the same stream
    at other places gives the same plots and the same refusals; what it keeps between calls is bounded; plots come out
    in the order their frames came in.
    """

    def decode(self, data: bytes, *, received_ns: int | None) -> Decoded:
        """Take a piece of a byte stream, or one datagram.

        Args:
            data: the bytes; a frame may begin in one piece and end in another.
            received_ns: when they arrived, ns UTC; None for a recording that carries its own time, which then
                stands in both `at_ns` and `received_ns`.
        """
        ...

    def finish(self) -> Decoded:
        """Refuse what is left of a frame that will not be completed, and start afresh."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Numbered:
    """How a source that numbers what it sends named a batch, so that what is sent twice is known again.

    `message` spans all numbers the batch used up, those of refused and empty ones too; `numbers` (k,) is the number of
    each plot, growing with the rows.
    """

    message: Message
    numbers: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """One live step of a feed.

    `acknowledge` is awaited only once the journal's `append` has returned: from that moment the batch cannot be lost,
    and not before it may the sender forget it. None when the protocol has no way to say so.
    `numbered` tells the source's own numbers; None from a source that has none.
    """

    decoded: Decoded
    acknowledge: Callable[[], Awaitable[None]] | None = None
    numbered: Numbered | None = None


class Feed(Protocol):
    """One live source of plots."""

    @property
    def name(self) -> str:
        """What people call it; unique in a wall."""
        ...

    @property
    def url(self) -> str:
        """Where it comes from."""
        ...

    def assumed_sensors(self) -> tuple[Sensor, ...]:
        """Return the sensors this feed implies, with cautious errors, for a register that lacks them."""
        ...

    def status(self) -> FeedStatus:
        """Return its health; counts are since it was opened."""
        ...

    def batches(self) -> AsyncIterator[Batch]:
        """Yield batches as they arrive.

        A lost connection is taken up again with growing pauses; the iteration ends only when a finite source does.
        """
        ...


class FeedPlugin(Protocol):
    """What an entry point of the group `dronewall.feeds` refers to."""

    @property
    def schemes(self) -> tuple[str, ...]:
        """The URL schemes it opens."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The file names' endings whose recordings it reads, for instance `.beast` or `.plots.jsonl`."""
        ...

    @property
    def Settings(self) -> type[msgspec.Struct]:  # noqa: N802 - it is a type
        """Its settings: one field per option, unknown ones refused; `url` is always among them."""
        ...

    def open(self, settings: Any, *, sensors: Sensors, clock: Clock) -> Feed:
        """Return a feed that is not connected yet.

        Args:
            settings: an instance of `Settings`.
            sensors: the register, for the sensors' ids on the wire.
            clock: tells the time of receipt and waits between attempts to connect.

        Raises:
            ConfigError: a setting cannot be used.
        """
        ...

    def assumed_in(self, path: Path) -> tuple[Sensor, ...]:
        """Return the sensors a recording implies when the register lacks them."""
        ...

    def recording(self, path: Path, *, sensors: Sensors, date: date) -> Iterator[Decoded]:
        """Yield a recording in pieces of 0.1 to 1 s of its own time, in order; it is never held whole in memory.

        Args:
            path: the file.
            sensors: the register, for the sensors' ids on the wire.
            date: the day it begins, UTC, for formats that do not say.

        Raises:
            InputError: the file is missing or cannot be read; raised by the call, before the first piece.
        """
        ...

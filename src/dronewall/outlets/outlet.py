"""The seam through which the picture leaves the house.

Outlets are plugins as feeds are: entry points of the group `dronewall.outlets`, found when `compose` asks. Our page
comes in by the same door as everything else.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from dronewall.engine.clock import Clock
from dronewall.model.identity import Identity
from dronewall.model.picture import Picture
from dronewall.model.sensors import Sensors
from dronewall.model.status import WallStatus
from dronewall.model.track_acts import TrackAct, TrackEvent


class House(Protocol):
    """What an outlet may ask of the wall behind it; all of it is asked on the loop."""

    def sensors(self) -> Sensors:
        """Return the register as it is now."""
        ...

    def explain(self, track_id: int) -> Identity | None:
        """Return a track's identity with its reasons; None if there is no such track."""
        ...

    async def act(self, act: TrackAct) -> TrackEvent:
        """Do what a person said to a track, once it is journalled; return what became of the track.

        Raises:
            ActRefused: it makes no sense, or nothing can be changed here.
        """
        ...

    def sent(self, seq: int, sent_ns: int) -> None:
        """Be told that the first byte of a picture was handed to a reader's socket: latency is measured by it."""
        ...


class Outlet(Protocol):
    """Somewhere the picture is shown or sent. `tests/contract` holds every implementation to these laws.

    1. `publish` returns at once and never raises, whatever becomes of the readers; it may be called from any thread,
       before `serve` and after it.
    2. There is one slot, not a queue: a picture that nobody took before the next one came is never sent.
    3. What is sent is in the order of publishing, and nothing is sent twice to the same reader as if it were new.
    4. A slow reader delays neither `publish` nor another reader.
    5. `serve` runs until it is cancelled, then releases every socket and returns by raising `CancelledError`.
    """

    async def serve(self) -> None:
        """Serve readers until cancelled.

        Raises:
            RequestError: the outlet cannot be opened as asked, for instance because its port is in use.
        """
        ...

    def publish(self, picture: Picture, status: WallStatus) -> None:
        """Put the newest picture and the wall's health into the slot."""
        ...


class OutletPlugin(Protocol):
    """What an entry point of the group `dronewall.outlets` refers to."""

    @property
    def schemes(self) -> tuple[str, ...]:
        """The URL schemes it opens."""
        ...

    @property
    def Settings(self) -> type[msgspec.Struct]:  # noqa: N802 - it is a type
        """Its settings: one field per option, unknown ones refused; `url` is always among them."""
        ...

    def open(self, settings: Any, *, house: House, clock: Clock) -> Outlet:
        """Return an outlet whose port is taken, so that a wrong one is known before anything else starts.

        Args:
            settings: an instance of `Settings`.
            house: the wall behind it.
            clock: tells the time, and waits.

        Raises:
            ConfigError: a setting cannot be used, for instance an address that others could reach.
            RequestError: the port cannot be had.
        """
        ...

"""The board: the newest picture, cut into frames once for all clients. One slot, never a queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from dronewall.model.errors import ActRefused
from dronewall.model.identity import Identity
from dronewall.model.picture import Picture
from dronewall.model.sensors import Sensors
from dronewall.model.status import WallStatus
from dronewall.model.track_acts import TrackAct, TrackEvent
from dronewall.outlets.web.answers import sensor_views, status_view
from dronewall.outlets.web.display import Shown, shown
from dronewall.outlets.web.frames import delta_frame, full_frame
from dronewall.outlets.web.views import SensorView, StatusView

FULL_EVERY_NS = 950_000_000
"""A full frame each second; the rest is for a publisher whose second is a little short."""

Act = Callable[[TrackAct], Awaitable[TrackEvent]]


async def shows_only(act: TrackAct) -> TrackEvent:
    """Refuse an act where the picture is only shown."""
    raise ActRefused(
        f"{act.kind.value} is not possible here: this picture is only shown", "Ask the wall that writes the journal."
    )


@dataclass(slots=True, eq=False)
class Cut:
    """One picture as frames, each encoded when the first client needs it and then shared."""

    number: int
    picture: Picture
    shown: Shown
    base: int
    before: Shown | None
    clock: Callable[[], int]
    superseded: asyncio.Event = field(default_factory=asyncio.Event)
    _full: bytes | None = None
    _delta: bytes | None = None

    def frame_after(self, number: int) -> bytes:
        """Return what a client must get that has frame `number` (0 for none)."""
        if self.before is None or number != self.base:
            if self._full is None:
                self._full = full_frame(self.picture, self.shown, number=self.number, sent_ns=self.clock())
            return self._full
        if self._delta is None:
            self._delta = delta_frame(
                self.picture, self.shown, self.before, number=self.number, base=self.base, sent_ns=self.clock()
            )
        return self._delta


class Board:
    """Holds what readers ask for. Only the event loop touches it.

    Args:
        sensors: returns the register of sensors as it is now.
        explain: returns a track's identity with its reasons, or None.
        act: does what a person said to a track and returns what became of it.
        on_sent: told a picture's sequence number and the instant, once, when its first frame was handed to a socket.
        clock: ns UTC.
    """

    def __init__(
        self,
        *,
        sensors: Callable[[], Sensors],
        explain: Callable[[int], Identity | None],
        act: Act = shows_only,
        on_sent: Callable[[int, int], None],
        clock: Callable[[], int],
    ) -> None:
        self.sensors = sensors
        self.explain = explain
        self.act = act
        self.clock = clock
        self.cut: Cut | None = None
        self.status: WallStatus | None = None
        self.published_ns = 0
        self.clients = 0
        self.news = asyncio.Event()
        self._on_sent = on_sent
        self._told_number = 0
        self._told_seq = -1
        self._full_ns = 0
        self._first = asyncio.Event()
        self._views: tuple[int, tuple[SensorView, ...]] = (-1, ())

    def put(self, picture: Picture, status: WallStatus) -> None:
        """Cut a new picture; those who wait for one wake up."""
        now_ns = self.clock()
        urgent = self.status is None or self.status.phase is not status.phase
        self.status, self.published_ns = status, now_ns
        before = self.cut
        full_is_due = before is None or not 0 <= now_ns - self._full_ns < FULL_EVERY_NS
        if full_is_due:
            self._full_ns = now_ns
        self.cut = Cut(
            number=1 if before is None else before.number + 1,
            picture=picture,
            shown=shown(picture),
            base=0 if before is None else before.number,
            before=None if before is None or full_is_due else before.shown,
            clock=self.clock,
        )
        if before is not None:
            before.superseded.set()
            urgent = urgent or before.picture.alerts != picture.alerts
        self._first.set()
        if urgent:
            self.news.set()
            self.news = asyncio.Event()

    async def cut_after(self, number: int) -> Cut:
        """Return the newest cut whose number is above `number`, waiting for it if need be."""
        await self._first.wait()
        while True:
            cut = self.cut
            assert cut is not None  # noqa: S101  `_first` is set by the first `put`
            if cut.number > number:
                return cut
            await cut.superseded.wait()

    def sent(self, cut: Cut) -> None:
        """Note that a frame of this cut was handed to a socket; the first time for each picture counts."""
        if cut.number > self._told_number and cut.picture.seq != self._told_seq:
            self._told_seq = cut.picture.seq
            self._on_sent(cut.picture.seq, self.clock())
        self._told_number = max(self._told_number, cut.number)

    def sensor_views(self) -> tuple[SensorView, ...]:
        """Return every sensor with its health, made once for each cut: there may be many of them, and many clients."""
        number = 0 if self.cut is None else self.cut.number
        if self._views[0] != number or self.cut is None:
            at_ns = self.clock() if self.cut is None else self.cut.picture.at_ns
            self._views = (number, sensor_views(self.sensors(), self.status, at_ns))
        return self._views[1]

    def status_view(self) -> StatusView | None:
        """Return the wall's health, or None before anything was published."""
        if self.status is None:
            return None
        return status_view(
            self.status,
            self.cut.picture if self.cut else None,
            self.cut.shown if self.cut else None,
            now_ns=self.clock(),
            published_ns=self.published_ns,
            clients=self.clients,
        )

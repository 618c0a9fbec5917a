"""Acts of people on tracks, from the asking to the step that took them. What is asked is journalled first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dronewall.engine.entries import Content, Declared
from dronewall.model.errors import ActRefused
from dronewall.model.picture import Picture
from dronewall.model.track_acts import TrackAct, TrackEvent, TrackEventKind
from dronewall.wire.track_acts import declared

WAITING_MOST = 100


class AskedActs:
    """Holds who waits for what became of an act; all calls on the loop."""

    def __init__(self) -> None:
        self._asked: list[tuple[Declared, asyncio.Future[TrackEvent]]] = []
        self._drained: dict[int, asyncio.Future[TrackEvent]] = {}
        self._journalled: dict[int, asyncio.Future[TrackEvent]] = {}

    def ask(self, act: TrackAct) -> asyncio.Future[TrackEvent]:
        """Let an act be journalled with the next tick; the future tells what became of it.

        Raises:
            ActRefused: too many wait.
        """
        if len(self._asked) >= WAITING_MOST:
            raise ActRefused("too many acts wait to be journalled", "Ask again in a second.")
        future: asyncio.Future[TrackEvent] = asyncio.get_running_loop().create_future()
        self._asked.append((declared(act), future))
        return future

    def contents(self) -> list[Content]:
        """Return what is to be journalled now."""
        asked, self._asked = self._asked, []
        self._drained = {id(said): future for said, future in asked}
        return [said for said, _ in asked]

    def journalled(self, numbered: Sequence[tuple[int, Content]]) -> None:
        """Take note of the numbers that journalled acts got."""
        for seq, content in numbered:
            if (future := self._drained.pop(id(content), None)) is not None:
                self._journalled[seq] = future

    def shown(self, picture: Picture) -> None:
        """Tell those who wait what became of their acts in a picture."""
        if not self._journalled:
            return
        for event in picture.track_events:
            future = self._journalled.pop(event.declared_seq, None)
            if future is None or future.done():
                continue
            if event.kind is TrackEventKind.REFUSED:
                future.set_exception(ActRefused(event.reason, "Look at the picture again."))
            else:
                future.set_result(event)
        for seq in [seq for seq, future in self._journalled.items() if future.done()]:
            del self._journalled[seq]  # who asked waits no longer

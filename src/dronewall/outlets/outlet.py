"""The seam through which the picture leaves the house."""

from __future__ import annotations

from typing import Protocol

from dronewall.model.picture import Picture
from dronewall.model.status import WallStatus


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

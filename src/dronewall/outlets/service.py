"""The outlet to a service manager: says that the wall is ready, that it is alive, and in one line how it is.

A sign of life is given only when the loop goes round, which is when `publish` is called, and the pipeline's steps bring
new pictures. It counts rounds rather than seconds, so that a clock that somebody sets kills nobody.
"""

from __future__ import annotations

import asyncio

from dronewall.engine.systemd import Notifier
from dronewall.engine.watchdog import LoopWatchdog
from dronewall.model.picture import Picture
from dronewall.model.status import FeedState, WallPhase, WallStatus

ALIVE_EVERY_ROUNDS = 5
TOLD_EVERY_ROUNDS = 50
STANDING_ROUNDS_MAX = 50
"""After so many rounds (five seconds of them) without a new picture the pipeline is no longer taken for alive."""
LONGER_S = 60.0


class ServiceOutlet:
    """An outlet that shows nothing and tells the service manager; see `Outlet` for the laws."""

    clients = 0

    def __init__(self, notifier: Notifier, watchdog: LoopWatchdog | None = None) -> None:
        self._notifier = notifier
        self._watchdog = watchdog
        self._rounds = 0
        self._standing = 0
        self._sign: tuple[object, ...] = ()
        self._ready = False
        self._ended = False

    async def serve(self) -> None:
        """Wait to be cancelled: there is nothing to serve."""
        await asyncio.Event().wait()

    def publish(self, picture: Picture, status: WallStatus) -> None:
        """Take note of one round of the loop."""
        if self._watchdog is not None:
            self._watchdog.alive()
        sign = (picture.seq, status.phase, status.compiled, status.detail)
        self._standing = 0 if sign != self._sign else self._standing + 1
        self._sign = sign
        if status.phase in (WallPhase.FINISHED, WallPhase.FAILED):
            self.stopping(status.detail)
            return
        if status.phase is WallPhase.RUNNING and not self._ready:
            self._ready = True
            self._notifier.ready()
        if self._standing <= STANDING_ROUNDS_MAX and self._rounds % ALIVE_EVERY_ROUNDS == 0:
            self._notifier.alive()
        if self._rounds % TOLD_EVERY_ROUNDS == 0:
            self._tell(picture, status)
        self._rounds += 1

    def stopping(self, why: str = "") -> None:
        """Say that the wall ends; only the first time counts."""
        if not self._ended:
            self._ended = True
            if self._watchdog is not None:
                self._watchdog.close()
            self._notifier.stopping()
            self._notifier.status(why or "stopping")

    def _tell(self, picture: Picture, status: WallStatus) -> None:
        if not self._ready and self._standing <= STANDING_ROUNDS_MAX:
            self._notifier.needs_longer(LONGER_S)
        self._notifier.status(line_of(picture, status))


def line_of(picture: Picture, status: WallStatus) -> str:
    """Return how the wall is, for one line of `systemctl status`."""
    if status.phase is WallPhase.COMPILING:
        compiling = f"compiling {status.compiled} of {status.to_compile} kernels" if status.to_compile else "starting"
        return status.detail or compiling
    connected = sum(feed.state is FeedState.CONNECTED for feed in status.feeds)
    troubled = sum(bool(sensor.problems) for sensor in status.sensors)
    return (
        f"{len(picture.tracks)} tracks; {connected} of {len(status.feeds)} feeds connected;"
        f" {troubled} sensors in trouble; {len(picture.alerts)} alerts"
    )

"""The housekeeper: room on the disk. Beside the loop it seals, prunes what is sealed, and looks how much is left.

Long before the disk is full people are told when it will be; when the reserve begins, bulk is shed before anybody was
told that it is safe; and before the last of it nothing is taken at all. So the journal never meets the end of the disk
in the middle of a sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from dronewall.engine.clock import NS_PER_S, Clock
from dronewall.engine.disk import RESERVE_BYTES, DiskRoom, DiskSample, Room, RoomState
from dronewall.engine.log import Log
from dronewall.model.picture import Alert, AlertPriority
from dronewall.run.pace import ROOM_MOST
from dronewall.run.parts import Archiving, Parts
from dronewall.run.scribe import Scribe

if TYPE_CHECKING:
    from dronewall.run.archive import ArchiveReport

R = TypeVar("R")

LOOKS_EVERY_S = 5.0
BETWEEN_BITES_S = 0.05
ROOM_WHEN_CRITICAL = 200
NOTHING_BELOW_BYTES = 64 * 1024**2


class Housekeeper:
    """Keeps the house of one wall. `keep` runs until it is cancelled.

    Args:
        archiving: seals and removes; None where nothing is sealed.
        look: returns how the disk is at an instant, told how many bytes the journal takes with its segments.
        reserve_bytes: how much of the disk is left free.
    """

    def __init__(
        self,
        log: Log,
        scribe: Scribe,
        clock: Clock,
        *,
        archiving: Archiving | None,
        look: Callable[[int, int], DiskSample],
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        self._log = log
        self._scribe = scribe
        self._clock = clock
        self._archiving = archiving
        self._look = look
        self._disk = DiskRoom(reserve_bytes=reserve_bytes)
        self._thread = ThreadPoolExecutor(1, "archive")
        self._report: ArchiveReport | None = None
        self.room: Room | None = None
        self.sealed_seq = 0

    @property
    def plots_most(self) -> int:
        """How many reports a tick may take, as far as the disk is concerned."""
        if self.room is None or self.room.state is not RoomState.CRITICAL:
            return ROOM_MOST
        return 0 if self.room.free_bytes < NOTHING_BELOW_BYTES else ROOM_WHEN_CRITICAL

    @property
    def journal_bytes(self) -> int:
        """What the journal takes, sealed segments included."""
        return self._log.size_bytes + (self._report.sealed_bytes if self._report else 0)

    def alerts(self, *, now_ns: int) -> tuple[Alert, ...]:
        """Return what must be told about the disk and the archive."""
        told = self._report.alerts if self._report else ()
        return (*told, *([] if self.room is None else room_alerts(self.room, now_ns=now_ns)))

    async def keep(self) -> None:
        """Look at the disk, seal, and prune, again and again."""
        while True:
            now_ns = self._clock.now_ns()
            look = partial(self._look, now_ns, self.journal_bytes)
            self.room = self._disk.take(await self._in_the_thread(look))
            more = self._archiving is not None and await self._archive(self._archiving, now_ns)
            await self._clock.sleep(BETWEEN_BITES_S if more else LOOKS_EVERY_S)

    def close(self) -> None:
        """Let go of the thread; what it was sealing is sealed next time."""
        if self._archiving is not None:
            self._archiving.stop()
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _archive(self, archiving: Archiving, now_ns: int) -> bool:
        """Do a piece of the archive's work and prune a little of what is sealed; tell whether there is more to do."""
        report = await self._in_the_thread(lambda: archiving.work(now_ns))
        self._report = report
        if report.sealed is not None:
            self.sealed_seq = report.sealed.manifest.last_seq
        pruned = 0
        if report.prune_through_seq:
            pruned = await self._scribe.working(lambda: self._log.prune(report.prune_through_seq))
        return report.more or pruned > 0

    async def _in_the_thread(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def housekeeper_of(parts: Parts, scribe: Scribe) -> Housekeeper | None:
    """Return the housekeeper of a wall's parts; None where there is no disk to keep."""
    if parts.look_at_disk is None:
        return None
    return Housekeeper(
        parts.log,
        scribe,
        parts.clock,
        archiving=parts.archiving,
        look=parts.look_at_disk,
        reserve_bytes=parts.reserve_bytes,
    )


def room_alerts(room: Room, *, now_ns: int) -> tuple[Alert, ...]:
    """Return the alert about a disk that runs out of room, if it does."""
    if room.state is RoomState.AMPLE:
        return ()
    free = f"{room.free_bytes / 1e9:.1f} GB are free"
    when = (
        f", and none at {datetime.fromtimestamp(room.full_ns / NS_PER_S, UTC):%Y-%m-%d %H:%M} UTC"
        if room.full_ns
        else ""
    )
    if room.state is RoomState.LOW:
        remedy = "Free some room, or lower [journal] keep_days or max_gb."
        return (
            Alert("disk-low", AlertPriority.WARNING, now_ns, "The disk is running full", f"{free}{when}. {remedy}"),
        )
    detail = f"{free}{when}. Bulk reports are left out before they are acknowledged. Free some room at once."
    return (Alert("disk-critical", AlertPriority.CRITICAL, now_ns, "The disk is nearly full", detail),)

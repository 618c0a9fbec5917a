"""The housekeeper seals and prunes beside the loop, and slows the intake long before the disk is full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from fakes_of_run import FakeFeed, FakeOutlet, KeptLog, batch

from dronewall.engine.clock import ManualClock
from dronewall.engine.disk import DiskSample
from dronewall.engine.log import Checkpoint, Entry, EntryKind
from dronewall.model.picture import Alert, AlertPriority, Picture
from dronewall.model.status import WallStatus
from dronewall.run.archive import ArchiveReport
from dronewall.run.housekeeper import NOTHING_BELOW_BYTES, ROOM_WHEN_CRITICAL, Housekeeper
from dronewall.run.pace import ROOM_MOST
from dronewall.run.scribe import Scribe

GB = 10**9
NOW = 1_000_000_000_000


class Sealed:
    """An archivist that says that everything up to an entry is sealed."""

    def __init__(self, through_seq: int, alert: Alert | None = None) -> None:
        self._through_seq = through_seq
        self._alerts = () if alert is None else (alert,)
        self.calls = 0
        self.stopped = False

    def work(self, now_ns: int) -> ArchiveReport:
        self.calls += 1
        return ArchiveReport(None, (), self._through_seq, 1000, 500, more=False, alerts=self._alerts)

    def stop(self) -> None:
        self.stopped = True


def filled(entries: int) -> KeptLog:
    log = KeptLog()
    log.append([Entry(EntryKind.STEP, n, b"") for n in range(entries)])
    for seq in (entries - 2, entries - 1):
        log.keep(Checkpoint(seq, b""))
    return log


def disk(free_bytes: int) -> Callable[[int, int], DiskSample]:
    return lambda now_ns, journal_bytes: DiskSample(now_ns, free_bytes, 100 * GB, journal_bytes)


async def kept_until(keeper: Housekeeper, done: Callable[[], bool]) -> None:
    keeping = asyncio.ensure_future(keeper.keep())
    while not done():  # noqa: ASYNC110  the housekeeper's own thread
        await asyncio.sleep(0.001)
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    keeper.close()


async def test_what_is_sealed_is_pruned_and_counted_with_its_segments() -> None:
    log, archivist = filled(20), Sealed(10)
    keeper = Housekeeper(log, Scribe(log), ManualClock(NOW), archiving=archivist, look=disk(50 * GB))
    await kept_until(keeper, lambda: log.first_seq == 11)
    assert keeper.journal_bytes == log.size_bytes + 1000
    assert archivist.stopped


async def test_what_the_archivist_says_is_told() -> None:
    alert = Alert("archive-failed", AlertPriority.CRITICAL, NOW, "The journal cannot be archived", "why")
    log, archivist = filled(5), Sealed(0, alert)
    keeper = Housekeeper(log, Scribe(log), ManualClock(NOW), archiving=archivist, look=disk(50 * GB))
    await kept_until(keeper, lambda: bool(keeper.alerts(now_ns=NOW)))
    assert keeper.alerts(now_ns=NOW) == (alert,)
    assert log.first_seq == 1


@pytest.mark.parametrize(
    ("free_bytes", "room", "told"),
    [
        (50 * GB, ROOM_MOST, ()),
        (5 * GB, ROOM_MOST, ("The disk is running full",)),
        (GB // 2, ROOM_WHEN_CRITICAL, ("The disk is nearly full",)),
        (NOTHING_BELOW_BYTES - 1, 0, ("The disk is nearly full",)),
    ],
)
async def test_the_less_room_the_disk_has_the_less_is_taken(free_bytes: int, room: int, told: tuple[str, ...]) -> None:
    log = filled(3)
    keeper = Housekeeper(log, Scribe(log), ManualClock(NOW), archiving=None, look=disk(free_bytes))
    await kept_until(keeper, lambda: keeper.room is not None)
    assert keeper.plots_most == room
    assert tuple(alert.title for alert in keeper.alerts(now_ns=NOW)) == told


async def test_a_wall_on_a_full_disk_takes_nothing_acknowledges_nothing_and_ends_when_told() -> None:
    from test_wall import parts

    from dronewall.run.wall import Wall

    acknowledged: list[int] = []

    async def acknowledge() -> None:
        acknowledged.append(1)

    stop, outlet = asyncio.Event(), FakeOutlet()

    class Late(FakeFeed):
        async def batches(self):  # type: ignore[no-untyped-def]  # as in the fake
            await wall.ready.wait()
            while wall.status().disk_free_bytes != 1:  # noqa: ASYNC110  the housekeeper's own thread
                await asyncio.sleep(0.001)
            shown = len(outlet.published)
            while len(outlet.published) < shown + 3:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            yield batch(1.0, acknowledge=acknowledge)
            stop.set()

    log = KeptLog()
    wall = Wall(parts(Late(), log=log, look_at_disk=disk(1)))
    await asyncio.wait_for(wall.run([outlet], stop=stop), 20.0)
    assert acknowledged == []
    picture, status = outlet.published[-1]
    assert "The disk is nearly full" in [alert.title for alert in picture.alerts]
    assert picture.plots_total == 0
    assert status.disk_free_bytes == 1


async def test_an_alert_about_the_disk_bears_the_instant_since_when_it_stands() -> None:
    from test_wall import parts

    from dronewall.run.wall import Wall

    stop = asyncio.Event()
    seen: list[tuple[int, int]] = []

    class Ending(FakeOutlet):
        def publish(self, picture: Picture, status: WallStatus) -> None:
            seen.extend((one.raised_at, picture.at_ns) for one in picture.alerts if one.title.startswith("The disk"))
            if len({at_ns for _, at_ns in seen}) > 10:
                stop.set()

    wall = Wall(parts(FakeFeed(waits=True), look_at_disk=disk(5 * GB)))
    await asyncio.wait_for(wall.run([Ending()], stop=stop), 20.0)
    assert len({raised_at for raised_at, _ in seen}) == 1

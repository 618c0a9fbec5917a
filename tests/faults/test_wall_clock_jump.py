"""The machine's clock leaps while a wall runs: steps never go back, nothing acknowledged is lost, people are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kills import contents_in, everything_acknowledged_is_in_the_journal_once, stored_in
from walls_in_processes import Sensor, Witness, free_port, going, written_sensors

from dronewall.compose import Composed, composed
from dronewall.config import JournalSettings, PageSettings, SensorsSettings, Settings, Source
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.engine.entries import Stepped
from dronewall.engine.segments import REMOVED, sealed_folder, segments_in
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.picture import Picture
from dronewall.model.status import WallStatus

HOUR_S = 3_600.0
EIGHT_DAYS_S = 8 * 24 * HOUR_S
PICTURES = 10


class Computer:
    """A computer whose clock can be set, and that can be put to sleep."""

    def __init__(self, set_by_s: float = 0.0) -> None:
        true = WallClock()
        self._set_by_ns = round(set_by_s * NS_PER_S)
        self._asleep_ns = 0
        self.clock = WallClock(
            time_ns=lambda: true.now_ns() + self._set_by_ns + self._asleep_ns,
            monotonic_ns=true.now_ns,
            boottime_ns=lambda: true.now_ns() + self._asleep_ns,
        )

    def is_set(self, by_s: float) -> None:
        self._set_by_ns += round(by_s * NS_PER_S)

    def sleeps(self, seconds: float) -> None:
        self._asleep_ns += round(seconds * NS_PER_S)


class Noticed:
    """An outlet that counts pictures and keeps the alerts that stood beside the newest one."""

    clients = 1

    def __init__(self) -> None:
        self.pictures: list[int] = []
        self.alerts: dict[str, str] = {}

    def publish(self, picture: Picture, status: WallStatus) -> None:
        if picture.seq and picture.seq not in self.pictures[-1:]:
            self.pictures.append(picture.seq)
        self.alerts = {alert.alert_id: alert.title for alert in picture.alerts}

    async def serve(self) -> None:
        await asyncio.Event().wait()


def wall_in(folder: Path, port: int, computer: Computer, **journal: float) -> Composed:
    settings = Settings(
        feeds=({"url": f"plots+tcp://127.0.0.1:{port}?listen=true"},),
        sensors=SensorsSettings(file=str(folder / "sensors.jsonl")),
        journal=JournalSettings(path=str(folder / "wall.journal"), **journal),  # type: ignore[arg-type]
        page=PageSettings(listen="127.0.0.1:0"),
    )
    return composed(settings, Source(None), base=folder, clock=computer.clock)


@contextlib.asynccontextmanager
async def running(made: Composed) -> AsyncIterator[Noticed]:
    """Run a wall in this process until the block ends; then let it end cleanly."""
    stop, noticed = asyncio.Event(), Noticed()
    task = asyncio.create_task(made.wall.run([noticed], stop=stop))
    try:
        yield noticed
    finally:
        stop.set()
        await task


async def goes_on(noticed: Noticed, sensor: Sensor) -> None:
    """Wait until the wall has shown more pictures and acknowledged more reports."""
    pictures, safe = len(noticed.pictures) + PICTURES, sensor.acknowledged + 100
    async with asyncio.timeout(120.0):
        while True:
            if len(noticed.pictures) >= pictures and sensor.acknowledged >= safe:
                return
            await asyncio.sleep(0.05)


def never_back(instants: list[int]) -> bool:
    return instants == sorted(instants)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("set_by_s", "asleep_s", "restarted_at_s", "told"),
    [
        (HOUR_S, 0.0, 0.0, {"clock-stepped-forward": "leapt forward by 3600."}),
        (-HOUR_S, 0.0, -HOUR_S, {"clock-stepped-back": "set back by 3600.", "clock-apart": "ahead of this machine"}),
        (0.0, HOUR_S, HOUR_S, {"clock-suspended": "suspended for 3600."}),
    ],
    ids=["an hour forward, and right again at the restart", "an hour back", "suspended for an hour"],
)
async def test_the_clock_leaps_and_the_journal_never_goes_back(
    tmp_path: Path, set_by_s: float, asleep_s: float, restarted_at_s: float, told: dict[str, str]
) -> None:
    written_sensors(tmp_path)
    port, journal, witness = free_port(), tmp_path / "wall.journal", Witness(tmp_path / "witness")
    sensor, computer = Sensor(port, witness, burst=5, every_s=0.02, source="gate"), Computer()
    sending = asyncio.create_task(sensor.run())
    with going(sending):
        async with running(wall_in(tmp_path, port, computer)) as noticed:
            await goes_on(noticed, sensor)
            assert [name for name in noticed.alerts if name.startswith("clock")] == []
            computer.is_set(set_by_s)
            computer.sleeps(asleep_s)
            await goes_on(noticed, sensor)
            assert {name for name in noticed.alerts if name.startswith("clock")} == told.keys()
            assert [name for name, part in told.items() if part not in noticed.alerts[name]] == []
        before = stored_in(journal)

        async with running(wall_in(tmp_path, port, Computer(restarted_at_s))) as noticed:
            await goes_on(noticed, sensor)
    stored = stored_in(journal)
    assert len(stored) > len(before)
    assert never_back([one.entry.at_ns for one in stored])
    steps = [content.now_ns for content in contents_in(journal) if isinstance(content, Stepped)]
    assert len(steps) >= 3 * PICTURES
    assert never_back(steps)
    everything_acknowledged_is_in_the_journal_once(journal, witness)


def sealed_in(folder: Path) -> list[str]:
    """Return the names of the sealed segments of a wall's journal, the oldest first."""
    return [segment.folder.name for segment in segments_in(sealed_folder(folder / "wall.journal"))]


async def more_sealed(folder: Path, than: list[str]) -> None:
    """Wait until more is sealed and what was sealed before no longer stands in the journal: it might be removed."""
    async with asyncio.timeout(120.0):
        while True:
            log = SqliteLog(folder / "wall.journal", read_only=True)
            first_seq = log.first_seq
            log.close()
            if len(sealed_in(folder)) > len(than) + 1 and first_seq > int(than[-1].split("-")[1]):
                return
            await asyncio.sleep(0.2)


@pytest.mark.slow
async def test_a_clock_set_eight_days_forward_before_a_start_and_again_later_removes_nothing_of_seven_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dronewall.run.housekeeper.LOOKS_EVERY_S", 0.2)
    monkeypatch.setattr("dronewall.run.wall.CHECKPOINT_EVERY_S", 2.0)
    written_sensors(tmp_path)
    port = free_port()
    sensor = Sensor(port, Witness(tmp_path / "witness"), burst=5, every_s=0.02, source="gate")
    small = {"segment_hours": 2.0 / HOUR_S, "keep_days": 7.0}
    with going(asyncio.create_task(sensor.run())):
        async with running(wall_in(tmp_path, port, Computer(), **small)) as noticed:
            await goes_on(noticed, sensor)
            while len(sealed_in(tmp_path)) < 3:  # noqa: ASYNC110  another thread seals
                await asyncio.sleep(0.2)
        before, computer = sealed_in(tmp_path), Computer(EIGHT_DAYS_S)
        async with running(wall_in(tmp_path, port, computer, **small)) as noticed:
            await more_sealed(tmp_path, than=before)
            computer.is_set(EIGHT_DAYS_S)
            await goes_on(noticed, sensor)
            await more_sealed(tmp_path, than=sealed_in(tmp_path))
    assert sealed_in(tmp_path)[: len(before)] == before
    assert not (sealed_folder(tmp_path / "wall.journal") / REMOVED).exists()

"""A disk that is full, read-only, slow, or refuses to synchronise, under a whole wall."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from faulty_disk import FaultyDisk
from kills import everything_acknowledged_is_in_the_journal_once
from walls_in_processes import Sensor, WallProcess, Witness, going, written_sensors

from dronewall.engine.entries import PlotsCame, content_of
from dronewall.engine.sqlite_log import SqliteLog

SEED = 20_262
LINES_AT_LEAST = 200
SLOW_MS = 100


async def acknowledged(sensor: Sensor, least: int) -> None:
    """Wait until so many lines are safe."""
    async with asyncio.timeout(60.0):
        while True:
            if sensor.acknowledged >= least:
                return
            await asyncio.sleep(0.05)


def wall_on(disk: FaultyDisk, folder: Path) -> WallProcess:
    """Return a wall whose journal lies on a faulty disk."""
    return WallProcess(written_sensors(folder), disk.folder / "wall.journal", before=disk.command)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "problem", "remedy"),
    [
        ("fail_sync 3", "the disk refused to write or read", "See that the disk is sound"),
        ("room 300000", "the disk is full", "Free some space"),
        ("read_only", "", "start again"),
    ],
)
async def test_a_disk_that_refuses_stops_the_wall_loudly_and_nothing_is_acknowledged_after_it(
    disk: FaultyDisk, tmp_path: Path, order: str, problem: str, remedy: str
) -> None:
    wall, witness = wall_on(disk, tmp_path), Witness(tmp_path / "witness")
    sensor = Sensor(wall.feed_port, witness, burst=20, objects=40, source="gate")
    sending = asyncio.create_task(sensor.run())
    with going(sending):
        await wall.start()
        await wall.running()
        await acknowledged(sensor, LINES_AT_LEAST)
        disk.order(order)
        status, said = await wall.failed()
        assert "wall.journal" in status["detail"]
        assert problem in said
        assert remedy in said
        safe = sensor.acknowledged
        everything_acknowledged_is_in_the_journal_once(wall.journal, witness)
        disk.order()
        await wall.start()
        await wall.running()
        await acknowledged(sensor, safe + LINES_AT_LEAST)
    assert (await wall.end())[0] == 0
    everything_acknowledged_is_in_the_journal_once(wall.journal, witness)


@pytest.mark.slow
async def test_a_slow_disk_makes_latency_grow_as_it_must_and_loses_nothing(disk: FaultyDisk, tmp_path: Path) -> None:
    wall, witness = wall_on(disk, tmp_path), Witness(tmp_path / "witness")
    sensor = Sensor(wall.feed_port, witness, burst=20, objects=40, source="gate")
    sending = asyncio.create_task(sensor.run())
    with going(sending):
        await wall.start()
        await wall.running()
        await acknowledged(sensor, LINES_AT_LEAST)
        disk.order(f"sync_ms {SLOW_MS}")
        await acknowledged(sensor, sensor.sent + 5 * LINES_AT_LEAST)
        status = await wall.get("/api/v1/status")
        figures = (await wall.read("/metrics")).decode()
    assert status["phase"] == "running"
    slowest = re.search(r'^dronewall_stage_seconds\{quantile="0.99",stage="journal"\} (\S+)', figures, re.MULTILINE)
    assert slowest is not None
    assert float(slowest.group(1)) * 1_000 >= SLOW_MS
    assert (await wall.end())[0] == 0
    everything_acknowledged_is_in_the_journal_once(wall.journal, witness, at_least=6 * LINES_AT_LEAST)


@pytest.mark.slow
async def test_a_disk_that_takes_only_half_of_what_it_is_given_loses_nothing(disk: FaultyDisk, tmp_path: Path) -> None:
    wall, witness = wall_on(disk, tmp_path), Witness(tmp_path / "witness")
    sensor = Sensor(wall.feed_port, witness, burst=20, objects=40, source="gate")
    disk.order("short_writes")
    sending = asyncio.create_task(sensor.run())
    with going(sending):
        await wall.start()
        await wall.running()
        await acknowledged(sensor, 3 * LINES_AT_LEAST)
    assert (await wall.end())[0] == 0
    everything_acknowledged_is_in_the_journal_once(wall.journal, witness, at_least=3 * LINES_AT_LEAST)


@pytest.mark.slow
async def test_after_a_power_cut_of_a_whole_wall_every_acknowledged_line_is_there(
    disk: FaultyDisk, tmp_path: Path
) -> None:
    wall, witness = wall_on(disk, tmp_path), Witness(tmp_path / "witness")
    sensor = Sensor(wall.feed_port, witness, burst=20, objects=40, source="gate")
    sending = asyncio.create_task(sensor.run())
    moments: list[tuple[int, int]] = []
    with going(sending):
        await wall.start()
        await wall.running()
        for _ in range(12):
            await asyncio.sleep(0.3)
            safe = sensor.acknowledged
            moments.append((safe, disk.trace.stat().st_size))
        await wall.kill()
    assert moments[-1][0] > LINES_AT_LEAST
    chance = np.random.default_rng(SEED)
    for safe, position in moments:
        left = tmp_path / "left"
        left.mkdir()
        disk.remains(through=position).written_to(left, chance)
        assert set(range(1, safe + 1)) <= lines_in(left / "wall.journal")
        shutil.rmtree(left)


def lines_in(journal: Path) -> set[int]:
    """Return the numbers of the lines that a journal holds; it is opened as a wall opens it."""
    log = SqliteLog(journal)
    contents = [content_of(stored, journal="test") for stored in log.read()]
    log.close()
    return {int(ref) for came in contents if isinstance(came, PlotsCame) for ref in came.plots.track_ref.tolist()}

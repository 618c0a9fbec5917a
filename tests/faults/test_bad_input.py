"""Garbage, half frames and a disk that fills up, through a real running wall: counted, told, and nothing lost."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from typing import Any

import pytest
from kills import everything_acknowledged_is_in_the_journal_once
from walls_in_processes import Sensor, WallProcess, Witness, going, written_sensors

from dronewall.engine.entries import FramesRefused, content_of
from dronewall.engine.sqlite_log import SqliteLog

JOURNAL_GROWS_BY = 200_000


@pytest.mark.slow
async def test_garbage_and_half_frames_are_counted_beside_a_sensor_that_goes_on(tmp_path: Path) -> None:
    wall = WallProcess(written_sensors(tmp_path), tmp_path / "wall.journal")
    witness = Witness(tmp_path / "witness")
    sending = asyncio.create_task(Sensor(wall.feed_port, witness, every_s=0.02).run())
    await wall.start()
    await wall.running()
    with going(sending):
        bad = b'\x00\xff\xfegarbage\n{"sensor_id": "radar-1"}\n[1, 2]\n' + b"x" * 200_000 + b"\n"
        nan = b'{"sensor_id":"radar-1","at_ns":1,"received_ns":1,"range_m":NaN,"azimuth_deg":0}\n'
        for piece in (bad, nan, b'{"sensor_id": "radar-1", "at_n'):
            _, writer = await asyncio.open_connection("127.0.0.1", wall.feed_port)
            writer.write(piece)
            await writer.drain()
            writer.close()
        feed = await _feed_with(wall, refused=6)
        await asyncio.sleep(1.5)
    assert feed["decoded"] > 0
    status, summary, _ = await wall.end()
    assert status == 0
    (counts,) = summary["feeds"].values()
    assert counts["refused"] >= 6
    assert counts["decoded"] >= len(witness.numbers())
    everything_acknowledged_is_in_the_journal_once(wall.journal, witness, at_least=20)
    log = SqliteLog(wall.journal, read_only=True)
    contents = [content_of(stored, journal="test") for stored in log.read()]
    log.close()
    refused = [c for c in contents if isinstance(c, FramesRefused)]
    assert sum(count for c in refused for _, count in c.counts) == counts["refused"]
    assert any(b"garbage" in sample.frame for c in refused for sample in c.samples)


async def _feed_with(wall: WallProcess, *, refused: int) -> Any:
    async with asyncio.timeout(20.0):
        while True:
            feeds = await wall.get("/api/v1/feeds")
            feed = (feeds["feeds"] if isinstance(feeds, dict) else feeds)[0]
            told = feed["refused"]
            if (told if isinstance(told, int) else sum(r["count"] for r in told)) >= refused:
                return feed
            await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_a_disk_that_fills_up_stops_the_wall_loudly_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    wall = WallProcess(written_sensors(tmp_path), tmp_path / "wall.journal")
    witness = Witness(tmp_path / "witness")
    sending = asyncio.create_task(Sensor(wall.feed_port, witness, every_s=0.005).run())
    await wall.start()
    await wall.running()
    with going(sending):
        await asyncio.sleep(2.0)
        assert wall.process is not None
        largest = largest_in(tmp_path) + JOURNAL_GROWS_BY
        resource.prlimit(wall.process.pid, resource.RLIMIT_FSIZE, (largest, largest))
        failed = await _failed(wall)
        out, err = await asyncio.wait_for(wall.process.communicate(), 60.0)
    assert failed["phase"] == "failed"
    assert "wall.journal" in failed["detail"]
    assert wall.process.returncode == 1
    assert (out, b"Traceback" in err) == (b"", False)
    assert "wall.journal: the disk" in err.decode()
    assert "start again" in err.decode()
    everything_acknowledged_is_in_the_journal_once(wall.journal, witness)


async def _failed(wall: WallProcess) -> Any:
    async with asyncio.timeout(120.0):
        while True:
            status = await wall.get("/api/v1/status")
            if status["phase"] == "failed":
                return status
            await asyncio.sleep(0.1)


def largest_in(folder: Path) -> int:
    return max(path.stat().st_size for path in folder.iterdir())

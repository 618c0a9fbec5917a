"""Senders that do not listen and walls that are told to end at a bad moment: nobody else waits, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest
from kills import everything_acknowledged_is_in_the_journal_once
from walls_in_processes import Sensor, WallProcess, Witness, going, written_sensors

from dronewall.engine.entries import PlotsCame, content_of
from dronewall.engine.sqlite_log import SqliteLog

SAFE_AT_LEAST = 300


async def acknowledged(sensor: Sensor, least: int) -> None:
    """Wait until so many lines are safe."""
    async with asyncio.timeout(60.0):
        while True:
            if sensor.acknowledged >= least:
                return
            await asyncio.sleep(0.05)


def lines_in(journal: Path) -> int:
    log = SqliteLog(journal, read_only=True)
    contents = [content_of(stored, journal="test") for stored in log.read()]
    log.close()
    return sum(len(content.plots) for content in contents if isinstance(content, PlotsCame))


@pytest.mark.slow
async def test_senders_that_never_read_or_have_gone_silent_delay_nobody(tmp_path: Path) -> None:
    wall, witness = WallProcess(written_sensors(tmp_path), tmp_path / "wall.journal"), Witness(tmp_path / "witness")
    deaf = Sensor(wall.feed_port, Witness(tmp_path / "nobody"), source="deaf")
    sensor = Sensor(wall.feed_port, witness, burst=10, objects=40, source="gate")
    sending = asyncio.create_task(sensor.run())
    with going(sending):
        await wall.start()
        await wall.running()
        readers = [await asyncio.open_connection("127.0.0.1", wall.feed_port, limit=1) for _ in range(3)]
        # One talks and takes no answer, one has said half a line and says no more, one says nothing at all.
        (_, talks), (_, half), _ = readers
        talking = asyncio.create_task(_talk_without_end(talks, deaf))
        half.write(b'{"sensor_id": "radar')
        await half.drain()
        before = sensor.acknowledged
        with going(talking):
            await acknowledged(sensor, before + SAFE_AT_LEAST)
            status = await wall.get("/api/v1/status")
    assert status["phase"] == "running"
    assert (await wall.end())[0] == 0
    for _, writer in readers:
        writer.close()
    assert witness.numbers()[-1] >= SAFE_AT_LEAST


async def _talk_without_end(writer: asyncio.StreamWriter, sensor: Sensor) -> None:
    while True:
        writer.write(sensor.next_line())
        await writer.drain()
        await asyncio.sleep(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.3, 1.0])
async def test_a_wall_told_to_end_while_it_starts_ends_cleanly_and_keeps_what_it_acknowledged(
    tmp_path: Path, after_s: float
) -> None:
    wall, witness = WallProcess(written_sensors(tmp_path), tmp_path / "wall.journal"), Witness(tmp_path / "witness")
    sensor = Sensor(wall.feed_port, witness, burst=20, objects=40, source="gate")
    sending = asyncio.create_task(sensor.run())
    with going(sending):
        await wall.start()
        await wall.running()
        await acknowledged(sensor, SAFE_AT_LEAST)
        await wall.kill()  # no checkpoint: the next start must read everything again
        await wall.start()
        assert wall.process is not None
        async with asyncio.timeout(60.0):
            said = b""
            while b"the picture is at" not in said:  # from here on it listens for signals
                assert wall.process.stderr is not None
                said = await wall.process.stderr.readline()
        await asyncio.sleep(after_s)
        wall.process.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(wall.process.communicate(), 60.0)
    assert wall.process.returncode in (0, -signal.SIGTERM), err.decode()
    assert b"Traceback" not in err
    if wall.process.returncode == 0:
        assert json.loads(out)
    everything_acknowledged_is_in_the_journal_once(wall.journal, witness)
    assert lines_in(wall.journal) >= SAFE_AT_LEAST

"""A report on which the pipeline fails, in a real wall: it is set aside once and for good, and all others go on."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from kills import everything_acknowledged_is_in_the_journal_once, lived, looked_at, the_replay_is_what_was_shown
from walls_in_processes import Sensor, WallProcess, Witness, command_after, going, written_sensors

from dronewall.engine.sqlite_state import kept_in
from dronewall.run.aside import KEY, told

POISON_REF = "-1"
POISONED = f"""
import numpy as np
import dronewall.compose as compose

class Poisoned(compose.Pipeline):
    def step(self, plots, acts=(), *, now_ns, seq):
        if np.any(plots.track_ref == {POISON_REF.encode()!r}):
            raise ZeroDivisionError("a gate of no width")
        return super().step(plots, now_ns=now_ns, seq=seq)

compose.Pipeline = Poisoned
"""
"""A fault of ours, put there on purpose: the pipeline fails on one report."""


def poison() -> bytes:
    """Return a report like others but for its number, at which the poisoned pipeline fails."""
    sensor = Sensor(0, Witness(Path(os.devnull)))
    line = json.loads(sensor.next_line())
    return json.dumps({**line, "track_ref": POISON_REF}).encode() + b"\n"


async def set_aside(wall: WallProcess) -> list[Any]:
    """Return the alerts about reports that were set aside."""
    return [alert for alert in await wall.get("/api/v1/alerts") if alert["alert_id"].startswith("set-aside:")]


async def told_about_it(wall: WallProcess) -> list[Any]:
    """Wait for those alerts and return them."""
    async with asyncio.timeout(60.0):
        while True:
            if alerts := await set_aside(wall):
                return alerts
            await asyncio.sleep(0.02)


async def goes_on(wall: WallProcess, sensor: Sensor) -> None:
    """Wait until a hundred more reports are safe and the picture has moved on."""
    safe, seq = sensor.acknowledged + 100, (await wall.get("/api/v1/status"))["seq"]
    async with asyncio.timeout(60.0):
        while True:
            if sensor.acknowledged >= safe and (await wall.get("/api/v1/status"))["seq"] > seq:
                return
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["once the alert stands", "once it is acknowledged"])
async def test_a_poisonous_report_is_set_aside_once_whatever_comes_and_a_replay_shows_what_was_shown(
    tmp_path: Path, killed: str
) -> None:
    wall = WallProcess(written_sensors(tmp_path), tmp_path / "wall.journal", command=command_after(POISONED))
    witness, pictures = Witness(tmp_path / "witness"), dict[int, Any]()
    sensor = Sensor(wall.feed_port, witness, burst=5, every_s=0.05, objects=20, source="gate")
    sending = asyncio.create_task(sensor.run())
    with going(sending):
        await wall.start()
        await lived(wall, pictures, seconds=2.0, at_least=12)
        reader, writer = await asyncio.open_connection("127.0.0.1", wall.feed_port)
        writer.write(poison())
        assert json.loads(await reader.readline()) == {"acknowledged": 1}
        if killed == "once the alert stands":
            looking = asyncio.create_task(looked_at(wall, pictures))
            with going(looking):
                assert [alert["priority"] for alert in await told_about_it(wall)] == ["critical"]
                await goes_on(wall, sensor)
            (before,) = told(kept_in(wall.journal, KEY))
        await wall.kill()
        writer.close()

        await wall.start()
        await lived(wall, pictures, seconds=1.0, at_least=12)
        await goes_on(wall, sensor)
        if killed == "once the alert stands":
            (again,) = await set_aside(wall)  # told again, and not met again
            assert again["alert_id"] == f"set-aside:{before.entries[0]}"
            assert told(kept_in(wall.journal, KEY)) == (before,)
    assert (await wall.end())[0] == 0
    (aside,) = told(kept_in(wall.journal, KEY))
    assert "a gate of no width" in aside.why
    everything_acknowledged_is_in_the_journal_once(wall.journal, witness)
    the_replay_is_what_was_shown(wall.journal, pictures)
    replayed = await asyncio.create_subprocess_exec(
        *wall.command, "replay", str(wall.journal), "--headless", "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(replayed.communicate(), 60.0)
    assert (replayed.returncode, b"Traceback" in err) == (0, False), err.decode()
    assert json.loads(out)["tracks"] >= 20

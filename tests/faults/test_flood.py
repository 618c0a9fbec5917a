"""One sensor floods: what it sent is accounted for to the last report, and a sender that listens loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kills import contents_in, everything_acknowledged_is_in_the_journal_once, looked_at, the_replay_is_what_was_shown
from walls_in_processes import (
    CLOCK,
    SENSOR,
    Sensor,
    WallProcess,
    Witness,
    command_after,
    free_port,
    going,
    written_sensors,
)

from dronewall.bench.live_bytes import RECORDS_PER_DATAGRAM, datagrams
from dronewall.bench.live_scene import Hits
from dronewall.engine.entries import FramesRefused, PlotsCame

SMALL = """
from dronewall.run import pace, watch
pace.ROOM_LEAST = pace.ROOM_MOST = 1_000
watch.SHED_SHOWN_S = 2.0
"""
"""A wall that takes a thousand reports a tick, on any machine, and shows for two seconds that it shed some."""
FLOODING = {**SENSOR, "sensor_id": "radar-2", "wire": {"asterix": "25/1"}}
BURST_DATAGRAMS, BURST_S = 50, 0.05
"""A hundred thousand reports a second: ten times what that wall takes."""
STRETCHES, ACKNOWLEDGED_A_STRETCH = 4, 100
SHED_AT_LEAST, LOST_AT_LEAST = 500, 500
LOST = "datagram lost, for the buffer was full"
SHEDDING, LOSING = "intake-shed", "feed-losing"


class Flood:
    """A radar that sends ASTERIX 048 over UDP, a hundred reports a datagram, and asks nobody whether they arrived."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._to = ("127.0.0.1", port)
        self._chance = np.random.default_rng(1)
        self.reports = 0

    def send(self, count: int) -> None:
        """Send so many datagrams."""
        reports = count * RECORDS_PER_DATAGRAM
        drawn = self._chance.uniform(0.0, 1.0, (3, reports))
        hits = Hits(
            np.zeros(reports, np.int64), np.full(reports, -0.2), 20e3 + 60e3 * drawn[0], 2.0 * np.pi * drawn[1],
            np.full(reports, 0.05), 2e3 + 8e3 * drawn[2],
        )  # fmt: skip
        for _, held, datagram in datagrams(hits, CLOCK.now_ns()):
            assert held == RECORDS_PER_DATAGRAM
            self._socket.sendto(datagram, self._to)
            self.reports += held

    async def run(self) -> None:
        """Send for ever."""
        while True:
            self.send(BURST_DATAGRAMS)
            await asyncio.sleep(BURST_S)

    def close(self) -> None:
        self._socket.close()


@dataclass(frozen=True, slots=True)
class Told:
    """What the wall says: what it decoded of the flood, what it shed by sensor, datagrams lost, alerts."""

    decoded: int
    shed: dict[str, int]
    lost: int
    alerts: set[str]

    @classmethod
    async def by(cls, wall: WallProcess) -> Told:
        """Ask the wall."""
        feeds, status = await wall.get("/api/v1/feeds"), await wall.get("/api/v1/status")
        feed = next(feed for feed in feeds if feed["url"].startswith("asterix"))
        refused = {one["reason"]: one["count"] for one in feed["refused"]}
        lost = refused.pop(LOST, 0)
        assert refused == {}
        alerts = {alert["alert_id"].partition(":")[0] for alert in await wall.get("/api/v1/alerts")}
        return cls(feed["decoded"], {one["sensor_id"]: one["plots"] for one in status["shed"]}, lost, alerts)


async def flooded(wall: WallProcess, sensor: Sensor) -> None:
    """Wait until enough was shed and lost; whoever listens is answered all the time."""
    async with asyncio.timeout(120.0):
        for _ in range(STRETCHES):
            safe = sensor.acknowledged + ACKNOWLEDGED_A_STRETCH
            while sensor.acknowledged < safe:  # noqa: ASYNC110  it is another process that answers
                await asyncio.sleep(0.05)
        while True:
            told = await Told.by(wall)
            if sum(told.shed.values()) >= SHED_AT_LEAST and told.lost >= LOST_AT_LEAST:
                break
            await asyncio.sleep(0.05)
    assert LOSING in told.alerts


async def calm(wall: WallProcess, flood: Flood) -> Told:
    """Wait until everything is accounted for and the alerts have ended; the sender has fallen silent."""
    async with asyncio.timeout(120.0):
        while True:
            told = await Told.by(wall)
            accounted = told.decoded + told.lost * RECORDS_PER_DATAGRAM
            if accounted == flood.reports and not told.alerts & {SHEDDING, LOSING}:
                return told
            await asyncio.sleep(0.3)


def counted_in(journal: Path) -> tuple[Counter[str], Counter[str]]:
    """Return how many reports of each sensor a journal holds, and how many it says were shed."""
    held, shed = Counter[str](), Counter[str]()
    for content in contents_in(journal):
        if isinstance(content, PlotsCame):
            held.update(content.plots.sensor_ids[row] for row in content.plots.sensor.tolist())
        elif isinstance(content, FramesRefused):
            shed.update({reason.removeprefix("shed: "): count for reason, count in content.counts})
    return held, shed


@pytest.mark.slow
async def test_of_a_flood_every_report_is_accounted_for_and_who_listens_loses_nothing(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    wall = WallProcess(
        written_sensors(tmp_path, FLOODING), tmp_path / "wall.journal", command=command_after(SMALL),
        more_feeds=(f"asterix+udp://127.0.0.1:{port}",),
    )  # fmt: skip
    witness, pictures = Witness(tmp_path / "witness"), dict[int, Any]()
    sensor = Sensor(wall.feed_port, witness, burst=10, source="gate")
    with contextlib.closing(Flood(port)) as flood, going(asyncio.create_task(sensor.run())):
        await wall.start()
        await wall.running()
        with going(asyncio.create_task(looked_at(wall, pictures))):
            with going(asyncio.create_task(flood.run())):
                await flooded(wall, sensor)
            told = await calm(wall, flood)
    status, _, said = await wall.end()
    assert (status, "Traceback" in said) == (0, False), said

    held, shed = counted_in(wall.journal)
    assert told.shed == shed
    assert shed.keys() == {FLOODING["sensor_id"]}
    lost = told.lost * RECORDS_PER_DATAGRAM
    assert flood.reports == held["radar-2"] + shed["radar-2"] + lost
    everything_acknowledged_is_in_the_journal_once(wall.journal, witness)
    the_replay_is_what_was_shown(wall.journal, pictures)

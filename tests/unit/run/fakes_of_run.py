"""Small stand-ins for what stands around the wall."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.engine.log import Appended, Checkpoint, Entry
from dronewall.engine.memory_log import MemoryLog
from dronewall.feeds.feed import Batch, Decoded
from dronewall.model.clocks import ClockState, SensorClock
from dronewall.model.errors import ActRefused, FrameError, JournalError
from dronewall.model.identity import Affiliation, Identities, Identity
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.model.status import FeedState, FeedStatus, WallStatus
from dronewall.model.track_acts import NOBODY, TrackAct, TrackEvent, TrackEventKind
from dronewall.model.tracks import Tracks, TrackStatus
from dronewall.model.weather import Weather
from dronewall.run.reader import nothing_yet

RADAR = Sensor("radar-1", SensorKind.RADAR_3D, 54.0, 25.0, 100.0)


class EagerClock:
    """A clock on which sleeping costs nothing but makes the time pass."""

    def __init__(self, now_ns: int = 1_000_000_000_000) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns

    async def sleep(self, seconds: float) -> None:
        self._now_ns += round(seconds * 1e9)
        await asyncio.sleep(0)


class CountingPipeline:
    """A pipeline whose every plot is a new track at its range; it keeps the sum of all it saw."""

    def __init__(self) -> None:
        self.sensors = Sensors()
        self.steps: list[tuple[int, int, list[float]]] = []
        self.ranges: list[float] = []
        self.events: tuple[TrackEvent, ...] = ()

    def learn(self, sensors: Iterable[Sensor]) -> None:
        self.sensors = self.sensors.joined_by(sensors)

    def learn_weather(self, weather: Weather) -> None:
        self.weather = weather

    def step(self, plots: Plots, acts: Any = (), *, now_ns: int, seq: int) -> Picture:
        self.steps.append((seq, now_ns, plots.range_m.tolist()))
        self.ranges += plots.range_m.tolist()
        for declared_seq, act in acts:
            number = len(self.events) + 1
            kind = TrackEventKind.REFUSED if act.reason == "nonsense" else TrackEventKind.DROPPED
            event = TrackEvent(number, now_ns, kind, act.track_id, NOBODY, act.reason, act.by, declared_seq)
            self.events = (*self.events, event)
        count = len(self.ranges)
        mean = np.zeros((count, 6))
        mean[:, 0] = self.ranges
        tracks = Tracks.of(count, track_id=np.arange(count), status=TrackStatus.CONFIRMED, mean=mean)
        empty = nothing_yet(TruthDomain.LIVE)
        return Picture(
            seq, now_ns, TruthDomain.LIVE, tracks, Identities.of(count), empty.remote_tracks, empty.bearings,
            (), count, count, (), self.events, took_received_ns=plots.received_ns,
        )  # fmt: skip

    def explain(self, track_id: int) -> Identity | None:
        return Identity(Affiliation.UNKNOWN) if track_id < len(self.ranges) else None

    def check(self, act: TrackAct) -> None:
        if act.track_id >= len(self.ranges):
            raise ActRefused("there is no such track", "Look again.", unknown=True)

    def clocks(self) -> tuple[SensorClock, ...]:
        return tuple(SensorClock(sensor.sensor_id, ClockState.OK, 0.25, 0.1, 0.0) for sensor in self.sensors)

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        return {"ranges": np.array(self.ranges)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.ranges = state["ranges"].tolist()


class FakeFeed:
    """Yields batches when it is told to, and then fails, ends or waits for ever."""

    def __init__(self, *steps: Batch | Exception, name: str = "fake", waits: bool = False) -> None:
        self._steps = list(steps)
        self._waits = waits
        self.name = name
        self.url = f"fake://{name}"
        self.state = FeedState.CONNECTED
        self.opened = 0

    def assumed_sensors(self) -> tuple[Sensor, ...]:
        return ()

    def status(self) -> FeedStatus:
        return FeedStatus(self.name, self.url, self.state)

    async def batches(self) -> AsyncIterator[Batch]:
        self.opened += 1
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, Exception):
                raise step
            yield step
            await asyncio.sleep(0)
        if self._waits:
            await asyncio.Event().wait()


class FakeOutlet:
    """Keeps what is published."""

    clients = 1

    def __init__(self) -> None:
        self.published: list[tuple[Picture, WallStatus]] = []

    def publish(self, picture: Picture, status: WallStatus) -> None:
        self.published.append((picture, status))

    async def serve(self) -> None:
        await asyncio.Event().wait()


class KeptLog(MemoryLog):
    """A log that can be opened again after it was closed, and can be made to fail."""

    def __init__(self, *, fails_after: int = 1_000_000) -> None:
        super().__init__()
        self._appends_left = fails_after

    def append(self, entries: Sequence[Entry]) -> Appended:
        self._appends_left -= 1
        if self._appends_left < 0:
            raise JournalError("wall.journal", "the disk is full", "Free some space.")
        return super().append(entries)

    def close(self) -> None:
        return None

    def forget_checkpoints(self) -> None:
        self._checkpoints = []

    def spoil_checkpoints(self) -> None:
        self._checkpoints = [Checkpoint(kept.seq, kept.body[:-1] + b"?") for kept in self._checkpoints]


def batch(
    *ranges_m: float,
    acknowledge: Callable[[], Awaitable[None]] | None = None,
    refused: tuple[FrameError, ...] = (),
    received_ns: int = 1_000_000_000_000,
) -> Batch:
    plots = Plots.of(
        len(ranges_m), range_m=list(ranges_m), received_ns=received_ns, at_ns=received_ns, sensor_ids=("radar-1",)
    )
    return Batch(Decoded(plots, len(ranges_m), refused), acknowledge)


def compiles_at_once() -> Iterator[tuple[int, int]]:
    yield 1, 1

"""When a wall keeps a checkpoint, in which one a restart begins, and what is said when none is left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fakes_of_run import (
    RADAR,
    CountingPipeline,
    EagerClock,
    FakeFeed,
    FakeOutlet,
    KeptLog,
    batch,
    compiles_at_once,
)

from dronewall import __version__
from dronewall.engine.entries import Content, PlotsCame, SensorsJoined, State, Stepped, checkpoint_of, entry_of
from dronewall.engine.log import Checkpoint
from dronewall.model.errors import JournalError
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.plots import Plots
from dronewall.run.aside import KeptInMemory
from dronewall.run.parts import Parts
from dronewall.run.reader import MADE_BY, STATE_LAYOUT, Reader
from dronewall.run.wall import Wall

STEP_S = 0.4
"""Three such steps are more than a restart may have to repeat."""


class Ageing(EagerClock):
    """A clock that a pipeline can let pass."""

    def passed(self, seconds: float) -> None:
        self._now_ns += round(seconds * 1e9)


class Laborious(CountingPipeline):
    """A pipeline whose steps take time, and which tells when it made one."""

    def __init__(self, clock: Ageing, step_s: float, on_step: Callable[[int], None] = lambda _: None) -> None:
        super().__init__()
        self._clock = clock
        self._step_s = step_s
        self._on_step = on_step

    def step(self, plots: Plots, acts: Any = (), *, now_ns: int, seq: int) -> Picture:
        self._clock.passed(self._step_s)
        picture = super().step(plots, now_ns=now_ns, seq=seq)
        self._on_step(len(self.steps))
        return picture


class WatchedLog(KeptLog):
    """A log that notes after which entries checkpoints were kept, and how many were being kept at once."""

    def __init__(self, *, may_end: threading.Event | None = None) -> None:
        super().__init__()
        self.kept: list[int] = []
        self.at_once: list[int] = []
        self._now = 0
        self._may_end = may_end

    def keep(self, checkpoint: Checkpoint) -> None:
        self._now += 1
        self.at_once.append(self._now)
        if self._may_end is not None:
            assert self._may_end.wait(10.0)
        super().keep(checkpoint)
        self.kept.append(checkpoint.seq)
        self._now -= 1


async def run_for(
    steps: int, log: WatchedLog, *, step_s: float, on_step: Callable[[int], None] = lambda _: None
) -> Laborious:
    """Let a wall make some steps, those of what it recalls included, and end it."""
    clock, stop, loop = Ageing(), asyncio.Event(), asyncio.get_running_loop()

    def stepped(number: int) -> None:
        on_step(number)
        if number == steps:
            loop.call_soon_threadsafe(stop.set)

    pipeline = Laborious(clock, step_s, stepped)
    parts = Parts(
        name="test", truth_domain=TruthDomain.LIVE, begun=lambda: pipeline, aside=KeptInMemory(),
        warm_up=compiles_at_once, log=log, feeds=(FakeFeed(batch(1.0), waits=True),), sensors=(RADAR,), clock=clock,
    )  # fmt: skip
    await asyncio.wait_for(Wall(parts).run([FakeOutlet()], stop=stop), 20.0)
    return pipeline


async def test_a_checkpoint_is_kept_as_soon_as_a_restart_would_have_a_second_of_steps_to_repeat() -> None:
    log = WatchedLog()
    pipeline = await run_for(9, log, step_s=STEP_S)
    assert log.kept[0] == pipeline.steps[2][0]


async def test_steps_that_take_no_time_need_no_checkpoint_before_half_a_minute_has_passed() -> None:
    log = WatchedLog()
    pipeline = await run_for(100, log, step_s=0.0)
    assert log.kept == [pipeline.steps[-1][0]]
    again = WatchedLog()
    pipeline = await run_for(400, again, step_s=0.0)
    assert len(again.kept) == 2


async def test_steps_go_on_while_a_checkpoint_is_written_and_no_other_is_begun() -> None:
    may_end = threading.Event()
    log = WatchedLog(may_end=may_end)
    await run_for(12, log, step_s=STEP_S, on_step=lambda number: may_end.set() if number == 12 else None)
    assert len(log.kept) >= 2
    assert max(log.at_once) == 1


async def test_the_checkpoint_of_a_walls_end_waits_for_the_one_in_hand() -> None:
    may_end = threading.Event()
    log, loop = WatchedLog(may_end=may_end), asyncio.get_running_loop()

    def stepped(number: int) -> None:
        if number == 5:  # the wall is told to end now, while the first one is still being written
            loop.call_soon_threadsafe(loop.call_later, 0.3, may_end.set)

    pipeline = await run_for(5, log, step_s=STEP_S, on_step=stepped)
    assert log.kept == [pipeline.steps[2][0], pipeline.steps[-1][0]]
    assert max(log.at_once) == 1


async def test_what_a_restart_repeated_counts_so_that_a_second_kill_does_not_find_twice_as_much() -> None:
    log = WatchedLog()
    await run_for(5, log, step_s=0.0)
    log.forget_checkpoints()
    log.kept.clear()
    before = log.last_seq
    pipeline = await run_for(10, log, step_s=STEP_S)
    assert log.kept[0] == min(seq for seq, _, _ in pipeline.steps if seq > before)


def journal_of(*ranges_m: float) -> KeptLog:
    log = KeptLog()
    came: list[Content] = [SensorsJoined((RADAR,))]
    for number, range_m in enumerate(ranges_m):
        plots = Plots.of(1, range_m=[range_m], received_ns=1, at_ns=1, sensor_ids=("radar-1",))
        came += [PlotsCame("fake", plots), Stepped(1_000 + number, 0)]
    log.append([entry_of(content, at_ns=1) for content in came])
    return log


@pytest.mark.parametrize("made_by", [__version__, f"{__version__}, layout {STATE_LAYOUT - 1}", "0.0.1"])
def test_a_checkpoint_of_another_layout_or_version_is_passed_over(made_by: str) -> None:
    log, pipeline = journal_of(1.0, 2.0), CountingPipeline()
    log.keep(checkpoint_of(State(made_by, (RADAR,), {}), seq=3))
    Reader(lambda: pipeline).recall(log, on_entry=lambda *_: False)
    assert pipeline.ranges == [1.0, 2.0]


@pytest.mark.parametrize(("made_by", "known"), [(MADE_BY, [7.0]), (f"{__version__}, layout {STATE_LAYOUT - 1}", [])])
def test_a_replay_that_begins_in_a_state_of_another_layout_takes_the_sensors_and_nothing_else(
    made_by: str, known: list[float]
) -> None:
    pipeline = CountingPipeline()
    reader = Reader(lambda: pipeline)
    reader.begin_in(State(made_by, (RADAR,), {"ranges": np.array([7.0])}), seq=3)
    assert (reader.seq, tuple(pipeline.sensors), pipeline.ranges) == (3, (RADAR,), known)


@pytest.mark.parametrize("spoilt", [False, True])
def test_a_pruned_journal_without_a_checkpoint_that_fits_is_refused_with_the_way_out(spoilt: bool) -> None:
    log, pipeline = journal_of(1.0, 2.0, 3.0), CountingPipeline()
    log.keep(checkpoint_of(State(MADE_BY if spoilt else "0.0.1", (RADAR,), {}), seq=3))
    assert log.prune(3) == 3
    if spoilt:
        log.spoil_checkpoints()
    with pytest.raises(JournalError, match=r"it begins with entry 4.*Start it with the version that wrote it"):
        Reader(lambda: pipeline).recall(log, on_entry=lambda *_: False)
    assert pipeline.steps == []

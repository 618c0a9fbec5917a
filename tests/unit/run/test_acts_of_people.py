"""What people do to tracks is journalled before it takes effect, and gives the same pictures live, later and again."""

from __future__ import annotations

import asyncio
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

from dronewall.engine.entries import Content, Declared, PlotsCame, SensorsJoined, Stepped, content_of, entry_of
from dronewall.model.errors import ActRefused
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensors
from dronewall.model.status import WallStatus
from dronewall.model.track_acts import ActKind, TrackAct, TrackEventKind
from dronewall.model.tracks import TrackStatus
from dronewall.pipeline import Pipeline
from dronewall.run.acts import WAITING_MOST, AskedActs
from dronewall.run.aside import KeptInMemory
from dronewall.run.culprits import culprits
from dronewall.run.parts import Parts
from dronewall.run.reader import Reader, StepFailed
from dronewall.run.replay import journal_contents, played
from dronewall.run.wall import Wall
from dronewall.simulation import scenes
from dronewall.wire.track_acts import act_in, declared

S = 1_000_000_000
DROP = TrackAct(ActKind.DROP, 0, "kalnina", "a flock of cranes")


class Watching(FakeOutlet):
    """Tells when tracks are first shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = asyncio.Event()

    def publish(self, picture: Picture, status: WallStatus) -> None:
        if len(picture.tracks):
            self.shown.set()


def wall_of(log: KeptLog, pipeline: CountingPipeline) -> Wall:
    parts: dict[str, Any] = {
        "name": "test",
        "truth_domain": TruthDomain.LIVE,
        "begun": lambda: pipeline,
        "aside": KeptInMemory(),
        "warm_up": compiles_at_once,
        "log": log,
        "feeds": (FakeFeed(batch(1.0, 2.0), waits=True),),
        "sensors": (RADAR,),
        "clock": EagerClock(),
    }
    return Wall(Parts(**parts))


async def after_acts(*acts: TrackAct) -> tuple[list[Any], list[Content]]:
    """Let a wall that has two tracks take acts at once; return what came of each, and the journal."""
    log, pipeline, stop, outlet = KeptLog(), CountingPipeline(), asyncio.Event(), Watching()
    wall = wall_of(log, pipeline)
    running = asyncio.create_task(wall.run([outlet], stop=stop))
    await asyncio.wait_for(outlet.shown.wait(), 10.0)
    came = await asyncio.wait_for(asyncio.gather(*map(wall.act, acts), return_exceptions=True), 10.0)
    stop.set()
    await running
    return list(came), [content_of(stored, journal="") for stored in log.read()]


async def test_an_act_is_an_entry_of_its_own_before_the_step_that_takes_it() -> None:
    (event,), contents = await after_acts(DROP)
    said = contents[event.declared_seq - 1]
    assert isinstance(said, Declared)
    assert act_in(said) == DROP
    step = next(c for c in contents[event.declared_seq :] if isinstance(c, Stepped))
    assert step.now_ns == event.at_ns
    assert (event.kind, event.by) == (TrackEventKind.DROPPED, "kalnina")


async def test_an_act_on_no_track_is_refused_and_never_journalled() -> None:
    (refusal,), contents = await after_acts(TrackAct(ActKind.DROP, 77, "kalnina", "gone"))
    assert isinstance(refusal, ActRefused)
    assert refusal.unknown
    assert not any(isinstance(content, Declared) for content in contents)


async def test_who_asked_for_what_makes_no_sense_any_more_is_told() -> None:
    (event, refusal), contents = await after_acts(DROP, TrackAct(ActKind.DROP, 1, "kalnina", "nonsense"))
    assert event.track_id == 0
    assert isinstance(refusal, ActRefused)
    assert sum(isinstance(content, Declared) for content in contents) == 2


async def test_before_the_wall_runs_nothing_can_be_changed() -> None:
    with pytest.raises(ActRefused, match="not running"):
        await wall_of(KeptLog(), CountingPipeline()).act(DROP)


async def test_no_more_acts_wait_than_there_is_room_for() -> None:
    asked = AskedActs()
    for _ in range(WAITING_MOST):
        asked.ask(DROP)
    with pytest.raises(ActRefused, match="too many"):
        asked.ask(DROP)
    assert len(asked.contents()) == WAITING_MOST
    asked.ask(DROP)


def test_a_statement_says_all_of_an_act_and_others_are_no_acts() -> None:
    merge = TrackAct(ActKind.MERGE, (2 << 48) | 5, "Kalniņa", "one contact", 9)
    assert act_in(declared(merge)) == merge
    for statement in (b"{}", b"\xff", b"[]", declared(merge).statement.replace(b'"track"', b'"zone"'), b'{"act":1}'):
        assert act_in(Declared("kalnina", statement, b"")) is None


def airspace(seconds: int = 60) -> list[Content]:
    """Return the journal of two drones that cross, seen by three radars."""
    scene = scenes.crossing(1, seconds=float(seconds))
    plots = scene.plots
    came: list[Content] = [SensorsJoined(tuple(scene.sensors))]
    at = int(plots.received_ns[0]) // S * S
    for _ in range(seconds):
        low, high = np.searchsorted(plots.received_ns, [at, at + S])
        at += S
        came.append(PlotsCame("radars", plots.take(slice(low, high))))
        came.append(Stepped(at, 0))
    return came


def begun() -> Pipeline:
    return Pipeline(Sensors(), truth_domain=TruthDomain.SIMULATION, reorder_ns=0)


def log_of(contents: list[Content]) -> KeptLog:
    log = KeptLog()
    log.append([entry_of(content, at_ns=1) for content in contents])
    return log


def bytes_of(picture: Picture) -> tuple[Any, ...]:
    return (*(values.tobytes() for _, values in picture.tracks.columns()), picture.track_events)


def test_acts_give_the_same_pictures_again_and_after_a_restart() -> None:
    contents = airspace()
    live = list(played(enumerate(contents, 1), Reader(begun), observers=()))
    tracks = live[39].tracks
    one, other = tracks.track_id[tracks.status == TrackStatus.CONFIRMED][:2].tolist()
    at = 1 + 2 * 40  # between the steps of two seconds
    acts = [
        TrackAct(ActKind.MERGE, other, "kalnina", "one contact", one),
        TrackAct(ActKind.SPLIT, one, "ozols", "they are two after all", other),
        TrackAct(ActKind.DROP, one, "ozols", "nothing is there"),
    ]
    for n, act in enumerate(acts):
        contents.insert(at + 5 * n, declared(act))
    log = log_of(contents)
    first = [bytes_of(p) for p in played(journal_contents(log), Reader(begun), observers=())]
    again = [bytes_of(p) for p in played(journal_contents(log), Reader(begun), observers=())]
    assert first == again
    assert [e.kind.value for e in first[-1][-1] if e.by] == ["merged", "split", "dropped"]
    reader = Reader(begun)
    restarted = []
    for seq, content in journal_contents(log):
        if reader.settled and seq % 3 == 0:  # a restart from a checkpoint of this very place
            log.forget_checkpoints()
            log.keep(reader.checkpoint()())
            reader = Reader(begun)
            reader._restore(log)
            assert reader.seq == seq - 1
        if (picture := reader.take(seq, content)) is not None:
            restarted.append(bytes_of(picture))
    assert restarted == first


class FailsOnActs(CountingPipeline):
    """A pipeline that acts of one person spoil."""

    def step(self, plots: Plots, acts: Any = (), *, now_ns: int, seq: int) -> Any:
        if any(act.by == "gremlin" for _, act in acts):
            raise ZeroDivisionError
        return super().step(plots, acts, now_ns=now_ns, seq=seq)


def test_an_act_that_the_pipeline_fails_on_is_found_and_left_out() -> None:
    plots = Plots.of(1, range_m=[5.0], received_ns=1, at_ns=1, sensor_ids=("radar-1",))
    bad, good = (declared(TrackAct(ActKind.DROP, 0, by, "why not")) for by in ("gremlin", "kalnina"))
    log = log_of([SensorsJoined((RADAR,)), PlotsCame("fake", plots), bad, good, Stepped(1_000, 0)])
    with pytest.raises(StepFailed) as failed:
        Reader(FailsOnActs).recall(log, on_entry=lambda *_: False)
    assert culprits(failed.value, log, begun=FailsOnActs, set_aside=()) == (3,)
    reader = Reader(FailsOnActs, set_aside=(3,))
    reader.recall(log, on_entry=lambda *_: False)
    assert reader.picture is not None
    assert [event.by for event in reader.picture.track_events] == ["kalnina"]

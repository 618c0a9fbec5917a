"""The wall journals before it acts, acknowledges after, and survives what others do wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace
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
from dronewall.engine.entries import (
    FramesRefused,
    PlotsCame,
    SensorsJoined,
    Stepped,
    WallBegan,
    WeatherTold,
    content_of,
)
from dronewall.engine.log import Log
from dronewall.engine.messages import Message
from dronewall.feeds.feed import Batch, Numbered
from dronewall.model.errors import FrameError, InputError, JournalError
from dronewall.model.picture import TruthDomain
from dronewall.model.sensors import SensorKind
from dronewall.model.status import DATAGRAM_LOST, FeedState, FeedStatus, WallPhase
from dronewall.model.weather import Weather
from dronewall.run.aside import KeptInMemory, SetAside
from dronewall.run.parts import Parts
from dronewall.run.reader import Reader, StepFailed
from dronewall.run.replay import journal_contents, played
from dronewall.run.summary import Summary
from dronewall.run.wall import Wall
from dronewall.run.watch import Watch


def parts(*feeds: FakeFeed, log: Log | None = None, pipeline: CountingPipeline | None = None, **other: Any) -> Parts:
    begun = CountingPipeline if pipeline is None else lambda: pipeline
    given: dict[str, Any] = {
        "name": "test",
        "truth_domain": TruthDomain.LIVE,
        "begun": begun,
        "aside": KeptInMemory(),
        "warm_up": compiles_at_once,
        "log": log or KeptLog(),
        "feeds": feeds,
        "sensors": (RADAR,),
        "clock": EagerClock(),
    }
    return Parts(**{**given, **other})


async def run(made: Parts, outlet: FakeOutlet | None = None, stop: asyncio.Event | None = None) -> Wall:
    wall = Wall(made)
    await asyncio.wait_for(wall.run([outlet or FakeOutlet()], stop=stop or asyncio.Event()), 20.0)
    return wall


def contents(log: Log) -> list[Any]:
    return [content_of(stored, journal="test") for stored in log.read()]


async def test_a_journal_tells_who_wrote_it_what_sensors_there_are_and_what_came() -> None:
    log = KeptLog()
    await run(parts(FakeFeed(batch(1.0, 2.0), batch(3.0)), log=log))
    told = contents(log)
    assert isinstance(told[0], WallBegan)
    assert told[1] == SensorsJoined((RADAR,))
    assert [plot for c in told if isinstance(c, PlotsCame) for plot in c.plots.range_m.tolist()] == [1.0, 2.0, 3.0]
    steps = [(stored.seq, content_of(stored, journal="")) for stored in log.read()]
    assert all(c.through_seq == seq - 1 for seq, c in steps if isinstance(c, Stepped))


async def test_the_weather_is_in_the_journal_before_anything_acts_on_it_and_the_pipeline_is_told() -> None:
    log, pipeline = KeptLog(), CountingPipeline()
    weather = Weather.of(1, at_ns=7, lat_deg=52.0, lon_deg=22.0, hae_m=100.0, wind_e_mps=9.0, wind_n_mps=0.0)
    await run(parts(FakeFeed(batch(1.0)), log=log, pipeline=pipeline, weather=weather))
    told = contents(log)[2]
    assert isinstance(told, WeatherTold) and told.weather.wind_e_mps.tolist() == [9.0]
    assert pipeline.weather.wind_e_mps.tolist() == [9.0]


async def test_a_batch_is_acknowledged_only_after_the_journal_has_it() -> None:
    log = KeptLog()
    seen: list[int] = []

    async def acknowledge() -> None:
        seen.append(sum(isinstance(c, PlotsCame) for c in contents(log)))

    await run(parts(FakeFeed(batch(1.0, acknowledge=acknowledge)), log=log))
    assert seen == [1]


def numbered(first: int, *ranges_m: float, boot: int = 1, acknowledge: Any = None) -> Batch:
    """Return a batch of a source that numbers its lines from `first` on."""
    plain = batch(*ranges_m, acknowledge=acknowledge)
    numbers = np.arange(first, first + len(ranges_m))
    return replace(plain, numbered=Numbered(Message("gate", boot, int(numbers[0]), int(numbers[-1])), numbers))


async def test_what_a_source_sends_again_is_acknowledged_and_counts_once_also_after_a_restart() -> None:
    log, pipeline = KeptLog(), CountingPipeline()
    acknowledged: list[int] = []

    async def acknowledge() -> None:
        acknowledged.append(len(acknowledged))

    sent = [numbered(1, 1.0, 2.0, 3.0), numbered(2, 2.0, 3.0, 4.0), numbered(3, 3.0, acknowledge=acknowledge)]
    wall = await run(parts(FakeFeed(*sent), log=log))
    assert acknowledged == [0]
    assert wall.status().repeated == 3
    again = [numbered(4, 4.0, 5.0), numbered(1, 9.0, boot=0), numbered(1, 6.0, boot=2)]
    await run(parts(FakeFeed(*again), log=log, pipeline=pipeline))
    assert pipeline.ranges == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert sum(c.frames for c in contents(log) if isinstance(c, PlotsCame)) == 6


async def test_nothing_is_acknowledged_and_nothing_shown_once_the_journal_fails() -> None:
    acknowledged: list[float] = []

    async def acknowledge() -> None:
        acknowledged.append(1.0)

    pipeline, outlet = CountingPipeline(), FakeOutlet()
    failing = parts(
        FakeFeed(batch(1.0, acknowledge=acknowledge), waits=True), log=KeptLog(fails_after=1), pipeline=pipeline
    )
    with pytest.raises(JournalError, match="disk is full"):
        await run(failing, outlet)
    assert acknowledged == []
    assert pipeline.steps == []
    picture, status = outlet.published[-1]
    assert status.phase is WallPhase.FAILED
    assert "disk is full" in status.detail
    assert any("its journal cannot be kept" in alert.title for alert in picture.alerts)


class Choosy(CountingPipeline):
    """A pipeline that fails on a range of 13 m."""

    def step(self, plots: Any, acts: Any = (), *, now_ns: int, seq: int) -> Any:
        picture = super().step(plots, now_ns=now_ns, seq=seq)  # its state is spoilt by the time it fails
        if 13.0 in plots.range_m:
            raise ZeroDivisionError("a gate of no width")
        return picture


class Slow(FakeFeed):
    """Waits with each batch until the wall runs and shows how the one before was taken."""

    def __init__(self, *steps: Any, outlet: FakeOutlet) -> None:
        super().__init__(*steps)
        self._outlet = outlet

    async def batches(self) -> Any:
        async for step in super().batches():
            await self._pictures(1)
            yield step
            await self._pictures(3)

    async def _pictures(self, more: int) -> None:
        while more:
            shown = len(self._outlet.published)
            while len(self._outlet.published) == shown:  # noqa: ASYNC110  the wall's own ticks
                await asyncio.sleep(0)
            more -= self._outlet.published[-1][1].phase is WallPhase.RUNNING


async def test_what_the_pipeline_fails_on_is_set_aside_and_the_wall_goes_on_as_if_it_had_not_come() -> None:
    log, outlet, aside = KeptLog(), FakeOutlet(), KeptInMemory()
    feed = Slow(batch(1.0), batch(13.0), batch(2.0), outlet=outlet)
    await run(parts(feed, log=log, begun=Choosy, aside=aside), outlet)
    picture, status = outlet.published[-1]
    assert status.phase is WallPhase.FINISHED
    assert picture.tracks.mean[:, 0].tolist() == [1.0, 2.0]
    (alert,) = picture.alerts
    assert "a gate of no width" in alert.detail
    (one,) = aside.all()
    came = content_of(next(iter(log.read(one.entries[0]))), journal="test")
    assert came.plots.range_m.tolist() == [13.0]


async def test_of_what_came_together_only_the_batch_that_the_pipeline_fails_on_is_set_aside() -> None:
    log, outlet, aside = KeptLog(), FakeOutlet(), KeptInMemory()
    feeds = [FakeFeed(batch(float(metres)), name=f"feed-{metres}") for metres in (1, 2, 13, 3, 4)]
    later = Slow(batch(5.0), outlet=outlet)
    await run(parts(*feeds, later, log=log, begun=Choosy, aside=aside), outlet)
    assert outlet.published[-1][0].tracks.mean[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    (one,) = aside.all()
    (entry,) = [next(iter(log.read(seq))) for seq in one.entries]
    assert content_of(entry, journal="test").plots.range_m.tolist() == [13.0]


async def test_what_was_set_aside_stays_aside_at_a_restart_and_in_a_replay() -> None:
    log, outlet, aside = KeptLog(), FakeOutlet(), KeptInMemory()
    await run(parts(Slow(batch(13.0), batch(2.0), outlet=outlet), log=log, begun=Choosy, aside=aside), outlet)
    log.forget_checkpoints()
    again, outlet = KeptInMemory(), FakeOutlet()
    await run(parts(FakeFeed(batch(3.0)), log=log, begun=Choosy, aside=again), outlet)
    assert again.all()[0].entries == aside.all()[0].entries, "a restart that has forgotten finds out by itself"
    assert outlet.published[-1][0].tracks.mean[:, 0].tolist() == [2.0, 3.0]
    reader = Reader(Choosy, set_aside=aside.all()[0].entries)
    assert list(played(journal_contents(log), reader, observers=()))[-1].tracks.mean[:, 0].tolist() == [2.0, 3.0]


@pytest.mark.parametrize(("version", "told"), [(__version__, 1), ("0.0.1", 0)])
async def test_what_this_version_set_aside_is_told_again_after_a_restart(version: str, told: int) -> None:
    outlet, aside = FakeOutlet(), KeptInMemory()
    aside.add(SetAside((7,), "a gate of no width", version))
    await run(parts(FakeFeed(batch(1.0)), aside=aside), outlet)
    assert [alert.alert_id for alert in outlet.published[-1][0].alerts] == ["set-aside:7"] * told


async def test_a_feed_that_loses_datagrams_is_told_until_a_minute_after_the_last() -> None:
    feed, outlet, stop, clock = FakeFeed(waits=True), FakeOutlet(), asyncio.Event(), EagerClock()
    lost = replace(feed.status(), refused=((DATAGRAM_LOST, 40),))
    feed.status = lambda: lost  # type: ignore[method-assign]
    wall = Wall(parts(feed, clock=clock))
    running = asyncio.ensure_future(wall.run([outlet], stop=stop))
    await wall.ready.wait()
    began_ns = clock.now_ns()
    while clock.now_ns() < began_ns + 90e9:  # noqa: ASYNC110  the clock runs on the wall's own ticks
        await asyncio.sleep(0.001)
    stop.set()
    await running
    told = [
        [alert.detail for alert in picture.alerts if "datagrams" in alert.detail] for picture, _ in outlet.published
    ]
    assert "40 datagrams" in next(details for details in told if details)[0]
    assert told[-1] == []


def test_a_feed_of_which_nothing_can_be_read_is_told_until_something_can() -> None:
    def told_after(seconds: int, *, decoded: int, refused: int) -> list[str]:
        reasons = (("time of day jumps, not confirmed", refused), (DATAGRAM_LOST, 500))
        feed = FeedStatus("radars", "fake://radars", FeedState.CONNECTED, decoded=decoded, refused=reasons)
        watch.look([feed], now_ns=seconds * 10**9)
        return [alert.detail for alert in watch.alerts if alert.alert_id == "feed-unread:radars"]

    watch = Watch()
    assert told_after(0, decoded=0, refused=0) == []
    assert told_after(9, decoded=0, refused=900) == [], "it may only have begun badly"
    assert told_after(60, decoded=0, refused=19) == [], "so little may be chance"
    (detail,) = told_after(61, decoded=0, refused=2_500)
    assert "2500 frames came and none could be read; most often: time of day jumps" in detail
    assert told_after(62, decoded=1, refused=2_600) == []
    assert told_after(71, decoded=1, refused=2_700) == []
    assert len(told_after(73, decoded=1, refused=2_700)) == 1


async def test_a_pipeline_that_fails_on_nothing_stops_the_wall_and_says_so() -> None:
    class Broken(CountingPipeline):
        def step(self, plots: Any, acts: Any = (), *, now_ns: int, seq: int) -> Any:
            raise ZeroDivisionError("a gate of no width")

    outlet = FakeOutlet()
    with pytest.raises(StepFailed, match="a gate of no width"):
        await run(parts(FakeFeed(waits=True), begun=Broken), outlet)
    picture, status = outlet.published[-1]
    assert status.phase is WallPhase.FAILED
    assert "a gate of no width" in status.detail
    assert [alert.title for alert in picture.alerts] == ["The wall stops: a fault in its own code"]


async def test_refused_frames_are_counted_and_kept_in_the_journal() -> None:
    log = KeptLog()
    bad = FrameError("fake", "garbage", 17, b"\x00\x01")
    await run(parts(FakeFeed(batch(1.0, refused=(bad, bad))), log=log))
    refused = [c for c in contents(log) if isinstance(c, FramesRefused)]
    assert refused[0].counts == (("garbage", 2),)
    assert refused[0].samples[0].frame == b"\x00\x01"


async def test_a_replay_of_the_journal_makes_the_same_steps() -> None:
    log, live, again = KeptLog(), CountingPipeline(), CountingPipeline()
    await run(parts(FakeFeed(batch(1.0, 2.0), batch(3.0), batch(), batch(4.0)), log=log, pipeline=live))
    pictures = list(played(journal_contents(log), Reader(lambda: again), observers=()))
    assert again.steps == live.steps
    assert pictures[-1].tracks.mean[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


async def test_a_restart_goes_on_where_the_journal_ends() -> None:
    log, again = KeptLog(), CountingPipeline()
    await run(parts(FakeFeed(batch(1.0), batch(2.0)), log=log))
    await run(parts(FakeFeed(batch(3.0)), log=log, pipeline=again))
    assert again.ranges == [1.0, 2.0, 3.0]


async def test_a_restart_from_a_checkpoint_is_the_same_as_one_from_the_beginning() -> None:
    log = KeptLog()
    await run(parts(FakeFeed(batch(1.0), batch(2.0)), log=log))
    kept = log.checkpoints()
    from_checkpoint, from_beginning, from_spoilt = CountingPipeline(), CountingPipeline(), CountingPipeline()
    Reader(lambda: from_checkpoint).recall(log, on_entry=lambda *_: False)
    log.spoil_checkpoints()
    Reader(lambda: from_spoilt).recall(log, on_entry=lambda *_: False)
    log.forget_checkpoints()
    Reader(lambda: from_beginning).recall(log, on_entry=lambda *_: False)
    assert kept
    assert from_checkpoint.steps == []
    assert from_checkpoint.ranges == from_beginning.ranges == from_spoilt.ranges == [1.0, 2.0]
    assert list(from_checkpoint.sensors) == list(from_beginning.sensors)


async def test_what_came_without_a_step_is_taken_by_the_first_step_after_the_restart() -> None:
    log = KeptLog()
    stop = asyncio.Event()

    def never_ready() -> Any:
        yield 1, 2
        while not stop.is_set():
            yield 1, 2

    feed = FakeFeed(batch(1.0), batch(2.0), waits=True)
    running = asyncio.ensure_future(run(parts(feed, log=log, warm_up=never_ready), stop=stop))
    while sum(isinstance(c, PlotsCame) for c in contents(log)) != 2:  # noqa: ASYNC110  the wall's own threads
        await asyncio.sleep(0.001)
    stop.set()
    await running
    assert not any(isinstance(c, Stepped) for c in contents(log))
    again = CountingPipeline()
    await run(parts(FakeFeed(batch(3.0)), log=log, pipeline=again))
    assert again.ranges == [1.0, 2.0, 3.0]


async def test_a_bug_in_one_feed_starts_it_again_and_harms_nobody_else() -> None:
    broken = FakeFeed(batch(1.0), ZeroDivisionError("oh"), batch(2.0), name="broken")
    sound = FakeFeed(*(batch(float(n)) for n in range(10, 20)), name="sound")
    pipeline, outlet = CountingPipeline(), FakeOutlet()
    await run(parts(broken, sound, pipeline=pipeline), outlet)
    assert broken.opened == 2
    assert sorted(pipeline.ranges) == [1.0, 2.0, *(float(n) for n in range(10, 20))]
    titles = {alert.title for picture, _ in outlet.published for alert in picture.alerts}
    assert titles == {"The feed broken failed"}


async def test_a_feed_that_cannot_be_opened_as_asked_ends_the_wall() -> None:
    with pytest.raises(InputError, match="in use"):
        await run(parts(FakeFeed(InputError("port 9 is in use", "Choose another.")), FakeFeed(name="b", waits=True)))


async def test_a_sender_that_fails_to_hear_its_acknowledgement_delays_nobody() -> None:
    async def deaf() -> None:
        raise ConnectionResetError

    pipeline = CountingPipeline()
    await run(parts(FakeFeed(batch(1.0, acknowledge=deaf), batch(2.0)), pipeline=pipeline))
    assert pipeline.ranges == [1.0, 2.0]


async def test_the_page_is_served_while_kernels_compile() -> None:
    outlet = FakeOutlet()
    await run(parts(FakeFeed(batch(1.0))), outlet)
    phases = [status.phase for _, status in outlet.published]
    assert phases[0] is WallPhase.COMPILING
    assert WallPhase.RUNNING in phases
    assert phases[-1] is WallPhase.FINISHED
    assert outlet.published[0][0].seq == 0


async def test_a_lost_feed_raises_an_alert_until_it_is_back() -> None:
    feed, outlet, stop = FakeFeed(waits=True), FakeOutlet(), asyncio.Event()
    feed.state = FeedState.LOST
    clock = EagerClock()
    wall = Wall(parts(feed, clock=clock))
    running = asyncio.ensure_future(wall.run([outlet], stop=stop))
    await wall.ready.wait()
    began_ns = clock.now_ns()
    while clock.now_ns() < began_ns + 20e9:  # noqa: ASYNC110  the clock runs on the wall's own ticks
        await asyncio.sleep(0.001)
    assert [alert.title for alert in outlet.published[-1][0].alerts] == ["No connection with fake"]
    feed.state = FeedState.CONNECTED
    published = len(outlet.published)
    while len(outlet.published) < published + 3:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert outlet.published[-1][0].alerts == ()
    stop.set()
    await running


async def test_a_sensor_declared_otherwise_than_before_is_said_and_the_first_word_stands() -> None:
    log, outlet, pipeline = KeptLog(), FakeOutlet(), CountingPipeline()
    await run(parts(FakeFeed(batch(1.0)), log=log))
    moved = replace(RADAR, kind=SensorKind.RADAR_2D)
    await run(parts(FakeFeed(batch(2.0)), log=log, pipeline=pipeline, sensors=(moved,)), outlet)
    assert pipeline.sensors.get("radar-1") == RADAR
    assert any("declared otherwise" in alert.title for alert in outlet.published[-1][0].alerts)


async def test_a_journal_that_has_grown_too_large_raises_an_alert() -> None:
    outlet = FakeOutlet()
    await run(parts(FakeFeed(batch(1.0), batch(2.0)), journal_max_bytes=100), outlet)
    assert [alert.title for alert in outlet.published[-1][0].alerts] == ["The journal is larger than agreed"]


async def test_what_came_while_kernels_compiled_is_counted_and_taken_once() -> None:
    pipeline, summary = CountingPipeline(), Summary()
    feed = FakeFeed(batch(1.0), batch(2.0), batch(3.0))

    def until_all_came() -> Any:
        yield 0, 1
        while summary.by_feed().get("fake", {}).get("decoded") != 3:
            yield 0, 1

    await run(parts(feed, pipeline=pipeline, warm_up=until_all_came, observers=(summary,)))
    assert pipeline.ranges == [1.0, 2.0, 3.0]
    assert summary.by_feed()["fake"]["decoded"] == 3


async def test_latency_is_measured_from_reception_to_the_readers_socket() -> None:
    clock = EagerClock()

    class Reading(FakeOutlet):
        def publish(self, picture: Any, status: Any) -> None:
            super().publish(picture, status)
            wall.sent(picture.seq, clock.now_ns() + 7_000_000)

    class Fresh(FakeFeed):
        async def batches(self) -> Any:
            await wall.ready.wait()
            for _ in range(5):
                yield batch(1.0, received_ns=clock.now_ns())
                await asyncio.sleep(0)

    wall = Wall(parts(Fresh(), clock=clock))
    await asyncio.wait_for(wall.run([Reading()], stop=asyncio.Event()), 20.0)
    p99_ms = wall.latency.whole_run.percentile_ms(99)
    assert p99_ms is not None
    assert 7.0 <= p99_ms <= 210.0


async def test_what_is_known_of_the_sensors_clocks_is_told_with_their_health() -> None:
    outlet, stop, clock = FakeOutlet(), asyncio.Event(), EagerClock()
    wall = Wall(parts(FakeFeed(batch(1.0), waits=True), clock=clock))
    running = asyncio.ensure_future(wall.run([outlet], stop=stop))
    await wall.ready.wait()
    until_ns = clock.now_ns() + 3 * 10**9
    while clock.now_ns() < until_ns:  # noqa: ASYNC110  the clock runs on the wall's own ticks
        await asyncio.sleep(0.001)
    (health,) = outlet.published[-1][1].sensors
    assert (health.sensor_id, health.clock_offset_s) == ("radar-1", 0.25)
    stop.set()
    await running

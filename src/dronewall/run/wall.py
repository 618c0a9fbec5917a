"""The wall: batches come in, are journalled, acknowledged, fused and shown, ten times a second.

    feeds ─▶ intake ─▶ journal ─▶ acknowledgements
                          └────▶ pipeline ─▶ outlets

What came in is in the journal before anything acts on it. Appending and stepping each have a thread of their own, so
that the loop, the feeds and the page never wait for the disk or for arithmetic. When more comes than a tick can take,
the intake decides what waits and what is shed (`run.intake`); when the pipeline fails on what came, that is set aside
and everything else read again (`run.aside`).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dronewall import __version__
from dronewall.engine.clock import NS_PER_S
from dronewall.engine.entries import Content, FramesRefused, PlotsCame, SensorsJoined, Stepped, WallBegan, WeatherTold
from dronewall.engine.supervisor import kept_running
from dronewall.feeds.feed import Batch, Feed
from dronewall.model.errors import ActRefused, RequestError
from dronewall.model.identity import Identity
from dronewall.model.picture import Picture
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensors
from dronewall.model.status import WallPhase, WallStatus
from dronewall.model.track_acts import TrackAct, TrackEvent
from dronewall.outlets.outlet import Outlet
from dronewall.run.acts import AskedActs
from dronewall.run.aside import SetAside, entries_in
from dronewall.run.bulletin import Bulletin
from dronewall.run.culprits import culprits
from dronewall.run.feeding import fed
from dronewall.run.housekeeper import housekeeper_of
from dronewall.run.intake import Drained, Intake
from dronewall.run.lanes import Lanes
from dronewall.run.pace import Pace
from dronewall.run.parts import Parts
from dronewall.run.reader import Reader, StepFailed, nothing_yet
from dronewall.run.scribe import Scribe

TICK_S = 0.1
CHECKPOINT_EVERY_S = 30.0
CHECKPOINT_EVERY_WORK_S = 1.2
"""A restart repeats the steps since the last checkpoint: no more of them than it can do in little over a second."""
ACKNOWLEDGE_WITHIN_S = 5.0
FAILURE_SHOWN_S = 3.0
SWITCHES_S = 0.0005
"""How long a thread may keep the interpreter from another. The pipeline gives it up for each kernel, often in each
step; at Python's own 5 ms it would wait longer to get it back from a busy loop than it works."""
SET_ASIDE_MOST = 8
"""So many times one run sets something aside; a pipeline that fails more often is not sound, and the wall stops."""
CAUGHT_UP_ENTRIES = 256
"""So near to the journal's end what comes is held in memory until the reader has caught up, rather than read again."""

R = TypeVar("R")


class Wall:
    """A wall from its start to its end. `run` may be awaited once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._log = parts.log
        self._scribe = Scribe(parts.log)
        self._reader = Reader(parts.begun, set_aside=entries_in(parts.aside.all()))
        self._housekeeper = housekeeper_of(parts, self._scribe)
        self._intake = Intake()
        self._acts = AskedActs()
        self._pace = Pace()
        self._bulletin = Bulletin(parts)
        self._watch = self._bulletin.watch
        for aside in parts.aside.all():
            if aside.version == __version__:  # another version may well be the one that mends it
                self._watch.set_aside(aside, now_ns=parts.clock.now_ns())
        self._stages = self._bulletin.stages
        self.latency = self._bulletin.latency
        self._step_in_hand: asyncio.Task[None] | None = None
        self._stepped_ns = 0
        self._clocks_due_ns = 0
        self._lanes: Lanes | None = None
        self._lanes_due_ns = 0
        self._journal_s = 0.0
        self._stepping = ThreadPoolExecutor(1, "pipeline")
        self._unread: list[tuple[int, Content]] = []
        self._acknowledging: set[asyncio.Task[None]] = set()
        self._others: list[asyncio.Task[None]] = []
        self._phase = WallPhase.COMPILING
        self._compiled = (0, 0)
        self._detail = ""
        self._checkpoint_due_ns = 0
        self._keeping: asyncio.Task[None] | None = None
        self._work_s = 0.0
        self._ready_ns = 0
        self._picture = nothing_yet(parts.truth_domain)
        self._outlets: tuple[Outlet, ...] = ()
        self._stopping = False
        self._holding = False
        self._set_aside = 0
        self.ready = asyncio.Event()

    # What outlets ask; on the loop.

    def sensors(self) -> Sensors:
        """Return the register as it is now."""
        return self._reader.pipeline.sensors

    def explain(self, track_id: int) -> Identity | None:
        """Return a track's identity with its reasons, as of the latest step that has ended."""
        return self._reader.pipeline.explain(track_id)

    async def act(self, act: TrackAct) -> TrackEvent:
        """Journal a person's act on a track, let the next step take it, and return what became of the track."""
        if not self.ready.is_set():
            raise ActRefused("the wall is not running yet", "Ask again when /api/v1/status says that it is.")
        await self._in_the_pipeline(lambda: self._reader.pipeline.check(act))
        return await self._acts.ask(act)

    def sent(self, seq: int, sent_ns: int) -> None:
        """Note that a picture was handed to a reader's socket."""
        self.latency.sent(seq, sent_ns)

    @property
    def picture(self) -> Picture:
        """The newest picture."""
        return self._picture

    # From the start to the end.

    async def run(self, outlets: Sequence[Outlet], *, stop: asyncio.Event) -> None:
        """Run until `stop` is set or every feed has ended; then take what is left and close the journal.

        Raises:
            JournalError: the journal cannot be written: nothing was acted upon since.
            RequestError: a feed or an outlet cannot be opened as asked.
            StepFailed: the pipeline failed again and again.
        """
        self._outlets = tuple(outlets)
        sys.setswitchinterval(SWITCHES_S)
        try:
            await self._begin()
            feeding = [asyncio.create_task(self._keep_feeding(feed)) for feed in self._parts.feeds]
            self._others = [*feeding, *(asyncio.create_task(outlet.serve()) for outlet in outlets)]
            if self._housekeeper is not None:
                self._beside(self._housekeeper.keep())
            getting_ready = self._beside(self._get_ready())
            await self._tick_until(stop, feeding)
            await _cancelled(feeding)
            self._stopping = True
            await getting_ready
            await self._end()
        finally:
            self._stopping = True
            error = sys.exception()
            if isinstance(error, Exception) and not isinstance(error, RequestError):
                await self._show_failure(error, shown=bool(self._others))
            in_hand = [] if self._step_in_hand is None else [self._step_in_hand]
            await _cancelled([*self._others, *self._acknowledging, *in_hand])
            self._stepping.shutdown(wait=False, cancel_futures=True)
            if self._housekeeper is not None:
                await asyncio.to_thread(self._housekeeper.close)
            await self._scribe.close()

    async def _begin(self) -> None:
        parts = self._parts
        began = WallBegan(__version__, parts.name, parts.truth_domain.value)
        weather = [] if parts.weather is None else [WeatherTold(parts.weather)]
        await self._write([began, SensorsJoined(parts.sensors), *weather])

    def _beside(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Let something run beside the ticks; should it fail, the wall does."""
        task = asyncio.create_task(work)
        self._others.append(task)
        return task

    async def _get_ready(self) -> None:
        """Compile the kernels, then read what the journal holds; the loop goes on meanwhile."""
        await self._in_the_pipeline(self._compile)
        await self._recall()

    def _compile(self) -> None:
        for done, total in self._parts.warm_up():
            self._compiled = (done, total)
            if self._stopping:
                return

    async def _recall(self) -> None:
        """Read what the journal holds, and go on live where it ends."""
        while not await self._recalled():
            pass
        if self._reader.picture is not None:  # steps were repeated, and a kill now would have them repeated again
            self._work_s = CHECKPOINT_EVERY_WORK_S
        if self._stopping:
            return
        self._detail = ""
        self._phase = WallPhase.RUNNING
        self._ready_ns = self._clock.now_ns()
        self._watch.other_declarations(self._parts.sensors, self.sensors(), now_ns=self._ready_ns)
        self.ready.set()

    async def _recalled(self) -> bool:
        """Whether the journal was read to its end; False when something had to be set aside on the way."""
        try:
            await self._in_the_pipeline(lambda: self._reader.recall(self._log, on_entry=self._tell))
            while not self._stopping and self._log.last_seq - self._reader.seq > CAUGHT_UP_ENTRIES:
                await self._in_the_pipeline(lambda: self._reader.catch_up(self._log, on_entry=self._tell))
            self._holding = True  # from here on what is written waits in memory; what was before is in the journal
            await self._in_the_pipeline(lambda: self._reader.catch_up(self._log, on_entry=self._tell))
        except StepFailed as failure:
            await self._put_aside(failure)
            return False
        return True

    def _tell(self, done: int, total: int) -> bool:
        if done % 64 == 0:
            self._detail = f"reading the journal: {done} of {total} entries"
        return self._stopping

    async def _put_aside(self, failure: StepFailed) -> None:
        """Set aside what a pipeline failed on, and forget what it was in the middle of.

        Raises:
            StepFailed: it failed on nothing that could be left out, or too often.
        """
        self._set_aside += 1
        if not failure.came or self._set_aside > SET_ASIDE_MOST:
            raise failure
        guilty = await self._in_the_pipeline(lambda: self._culprits(failure))
        aside = SetAside(guilty, str(failure), __version__)
        await self._scribe.working(lambda: self._parts.aside.add(aside))
        self._watch.set_aside(aside, now_ns=self._clock.now_ns())
        self._holding = False
        self._observe([content for _, content in self._unread])
        self._unread = []
        self._reader.begin_again(without=guilty)

    def _culprits(self, failure: StepFailed) -> tuple[int, ...]:
        left_out = entries_in(self._parts.aside.all())
        return culprits(failure, self._log, begun=self._parts.begun, set_aside=left_out)

    async def _keep_feeding(self, feed: Feed) -> None:
        if self._parts.feeds_wait:
            await self.ready.wait()

        def failed(error: Exception, _: int, pause_s: float) -> None:
            self._watch.feed_failed(feed.name, error, pause_s, now_ns=self._clock.now_ns())

        once = partial(fed, feed, self._intake, self._clock)
        await kept_running(once, clock=self._clock, pauses=self._parts.pauses, on_failure=failed)

    # The loop.

    async def _tick_until(self, stop: asyncio.Event, feeding: Sequence[asyncio.Task[None]]) -> None:
        due_ns = self._clock.now_ns()
        while not stop.is_set():
            for task in [task for task in self._others if task.done()]:
                task.result()
                self._others.remove(task)
            if self.ready.is_set() and self._intake.empty and all(task.done() for task in feeding):
                return
            await self._tick()
            due_ns = max(due_ns + round(TICK_S * NS_PER_S), self._clock.now_ns())
            await self._clock.sleep((due_ns - self._clock.now_ns()) / NS_PER_S)

    async def _tick(self) -> None:
        """Journal what waits while the step before goes on; acknowledge it; begin the next step."""
        began_ns = self._clock.now_ns()
        drained = self._intake.drain(self._room(), now_ns=began_ns, lanes=self._lanes_of)
        contents = self._contents(drained, now_ns=began_ns)
        stepping = self.ready.is_set()
        if stepping:
            contents += self._acts.contents()
            self._stepped_ns = max(self._clock.now_ns(), self._stepped_ns, self._reader.now_ns)
            contents.append(Stepped(self._stepped_ns, self._log.last_seq + len(contents)))
        await self._write(contents)
        written_ns = self._clock.now_ns()
        self._stages.took("journal", began_ns, written_ns)
        self._journal_s = (written_ns - began_ns) / NS_PER_S
        self._acknowledge(drained.batches)
        await self._step_ended()
        if stepping and self.ready.is_set():
            self._step_in_hand = asyncio.create_task(self._step())
        else:
            self._publish()

    async def _step_ended(self) -> None:
        """Wait for the step in hand, if there is one."""
        step, self._step_in_hand = self._step_in_hand, None
        if step is not None:
            await step

    def _room(self) -> int:
        """How many reports this tick may take, for the pipeline's sake and the disk's.

        Where most bring too much ticks become longer; for the sake of a few who flood nobody else waits longer.
        """
        room = self._pace.room
        if self._intake.crowded(room):
            room = self._pace.room_behind
        return min(room, self._housekeeper.plots_most) if self._housekeeper else room

    def _contents(self, drained: Drained, *, now_ns: int) -> list[Content]:
        contents = list(self._scribe.contents_of(drained.batches))
        for feed, counts in drained.shed.items():
            contents.append(FramesRefused(feed, tuple((f"shed: {who}", n) for who, n in sorted(counts.items()))))
            self._watch.shed(counts, now_ns=now_ns)
        return contents

    def _lanes_of(self, plots: Plots) -> NDArray[np.uint8]:
        """Return the lanes of reports, by the picture of at most a second ago."""
        if self._lanes is None or self._picture.at_ns >= self._lanes_due_ns:
            self._lanes = Lanes(self.sensors(), self._picture)
            self._lanes_due_ns = self._picture.at_ns + NS_PER_S
        return self._lanes.of(plots)

    async def _write(self, contents: list[Content]) -> None:
        """Append contents in one transaction; they are durable when this returns, and wait to be read."""
        numbered = await self._scribe.append(contents, at_ns=self._clock.now_ns())
        for content in contents:
            if isinstance(content, PlotsCame):
                self._bulletin.sensors.hear(content.plots)
        self._acts.journalled(numbered)
        if self._holding:
            self._unread += numbered
        else:  # it will be read from the journal, and need not be held twice
            self._observe(contents)

    def _acknowledge(self, taken: Sequence[tuple[str, Batch]]) -> None:
        """Tell senders what is safe. One that does not listen delays nobody: it is left alone after a while."""
        words = [batch.acknowledge for _, batch in taken if batch.acknowledge is not None]
        if words:
            task = asyncio.create_task(_say(words))
            self._acknowledging.add(task)
            task.add_done_callback(self._acknowledged)

    def _acknowledged(self, task: asyncio.Task[None]) -> None:
        self._acknowledging.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._watch.feed_failed("acknowledgement", error, 0.0, now_ns=self._clock.now_ns())

    async def _step(self) -> None:
        """Let the pipeline read what was written, and publish the picture."""
        began_ns = self._clock.now_ns()
        contents, self._unread = self._unread, []
        try:
            picture = await self._in_the_pipeline(lambda: self._read(contents))
        except StepFailed as failure:
            self.ready.clear()
            self._observe([content for _, content in contents])
            await self._put_aside(failure)
            self._beside(self._recall())
            return
        stepped_ns = self._clock.now_ns()
        self._stages.took("step", began_ns, stepped_ns)
        if picture is None:
            return
        self._picture = picture
        self._acts.shown(picture)
        took_ns = picture.took_received_ns
        self._pace.took(len(took_ns), max(self._journal_s, (stepped_ns - began_ns) / NS_PER_S))
        if self._anyone_looks():
            self.latency.stepped(picture.seq, took_ns[took_ns >= self._ready_ns])
        self._publish()
        self._stages.took("publish", stepped_ns, self._clock.now_ns())
        self._observe([content for _, content in contents])
        self._work_s += (stepped_ns - began_ns) / NS_PER_S
        if self._checkpoint_due_ns <= picture.at_ns or self._work_s >= CHECKPOINT_EVERY_WORK_S:
            await self._checkpoint_begun(picture.at_ns)

    def _observe(self, contents: Sequence[Content]) -> None:
        for observe in self._parts.observers:
            observe(self._picture, contents)

    def _read(self, contents: Sequence[tuple[int, Content]]) -> Picture | None:
        picture = None
        for seq, content in contents:
            if seq > self._reader.seq:  # what came while the journal was recalled may have been read with it
                picture = self._reader.take(seq, content) or picture
        if picture is not None and picture.at_ns >= self._clocks_due_ns:
            self._clocks_due_ns = picture.at_ns + NS_PER_S
            self._bulletin.clocks = self._reader.pipeline.clocks()
        return picture

    async def _checkpoint_begun(self, at_ns: int) -> None:
        """Begin to keep a checkpoint, unless one is still being written; the steps go on meanwhile."""
        if self._keeping is not None and not self._keeping.done():
            return
        too_soon = self._checkpoint_due_ns == 0 and self._work_s < CHECKPOINT_EVERY_WORK_S
        self._checkpoint_due_ns = at_ns + round(CHECKPOINT_EVERY_S * NS_PER_S)
        if not too_soon:
            self._work_s = 0.0
            self._keeping = self._beside(self._scribe.keep(await self._in_the_pipeline(self._reader.checkpoint)))

    async def _keep_checkpoint(self) -> None:
        """Keep a checkpoint, after the one in hand."""
        if self._keeping is not None:
            await self._keeping
        await self._scribe.keep(self._reader.checkpoint())

    async def _end(self) -> None:
        """Take what still waits, and leave a checkpoint so that the next start is quick."""
        await self._tick()
        while not self._intake.empty and self._room():
            await self._tick()
        await self._step_ended()
        if self._acknowledging:
            await asyncio.wait(self._acknowledging)
        if self.ready.is_set() and self._reader.settled and self._reader.picture is not None:
            await self._keep_checkpoint()
        self._observe([content for _, content in self._unread])
        self._phase = WallPhase.FINISHED
        self._publish()

    async def _show_failure(self, error: Exception, *, shown: bool) -> None:
        """Say on the page that nothing acts any more, long enough for it to be seen."""
        self._phase = WallPhase.FAILED
        self._detail = self._watch.failed(error, now_ns=self._clock.now_ns())
        self._publish()
        if shown:
            await self._clock.sleep(FAILURE_SHOWN_S)

    # What is shown.

    def _publish(self) -> None:
        status, now_ns = self.status(), self._clock.now_ns()
        picture = self._bulletin.with_alerts(self._picture, status, self._housekeeper, now_ns=now_ns)
        for outlet in self._outlets:
            outlet.publish(picture, status)

    def status(self) -> WallStatus:
        """Return the wall's health now."""
        return replace(
            self._bulletin.status(
                self.sensors(), self._housekeeper, now_ns=self._clock.now_ns(), running=self.ready.is_set()
            ),
            phase=self._phase,
            compiled=self._compiled[0],
            to_compile=self._compiled[1],
            detail=self._detail,
            queues=self._intake.statuses(now_ns=self._clock.now_ns()),
            repeated=self._scribe.repeated,
        )

    def _anyone_looks(self) -> bool:
        """Whether a reader is there to whom a picture could be handed; without one there is no latency to measure."""
        return any(getattr(outlet, "clients", 1) for outlet in self._outlets)

    async def _in_the_pipeline(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._stepping, work)


async def _say(words: Sequence[Callable[[], Awaitable[None]]]) -> None:
    with suppress(TimeoutError, OSError):  # the sender is gone or does not read; it will ask or send again
        async with asyncio.timeout(ACKNOWLEDGE_WITHIN_S):
            await asyncio.gather(*(say() for say in words))


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

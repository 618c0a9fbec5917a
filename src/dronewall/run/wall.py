"""The wall: batches come in, are journalled, acknowledged, fused and shown, ten times a second.

    feeds ─▶ intake ─▶ journal ─▶ acknowledgements
                          └────▶ pipeline ─▶ outlets

What came in is in the journal before anything acts on it. Appending and stepping each have a thread of their own, so
that the loop, the feeds and the page never wait for the disk or for arithmetic.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar, cast

from dronewall import __version__
from dronewall.engine.clock import NS_PER_S, Clock
from dronewall.engine.entries import Content, FramesRefused, PlotsCame, SensorsJoined, Stepped, WallBegan, entry_of
from dronewall.engine.latency import Latency
from dronewall.engine.links import Pauses
from dronewall.engine.log import Log
from dronewall.engine.supervisor import kept_running
from dronewall.feeds.feed import Batch, Feed
from dronewall.model.errors import JournalError, RequestError
from dronewall.model.identity import Identity
from dronewall.model.picture import Alert, AlertPriority, Picture, TruthDomain
from dronewall.model.sensors import Sensor, Sensors
from dronewall.model.status import WallPhase, WallStatus
from dronewall.outlets.outlet import Outlet
from dronewall.run.intake import Intake
from dronewall.run.reader import Reader, Stepping, nothing_yet
from dronewall.run.watch import Watch

TICK_S = 0.1
CHECKPOINT_EVERY_S = 30.0
ACKNOWLEDGE_WITHIN_S = 5.0
FAILURE_SHOWN_S = 3.0

WarmUp = Callable[[], Iterator[tuple[int, int]]]
R = TypeVar("R")


class Observer(Protocol):
    """Someone inside the house who looks at every picture, for instance to count and to score."""

    def __call__(self, picture: Picture, contents: Sequence[Content]) -> None:
        """Look at a picture and at what led to it; called on the loop, must not linger."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a wall is made of; `compose` names the concrete ones.

    `warm_up` compiles the kernels one by one and yields (done, total). `sensors` are those declared by people and
    assumed by feeds. A journal larger than `journal_max_bytes` raises an alert. `feeds_wait` keeps feeds from opening
    before the kernels are ready: for a sky that is made up.
    """

    name: str
    truth_domain: TruthDomain
    pipeline: Stepping
    warm_up: WarmUp
    log: Log
    feeds: tuple[Feed, ...]
    sensors: tuple[Sensor, ...]
    clock: Clock
    journal: str = ""
    journal_max_bytes: int = 2**63
    observers: tuple[Observer, ...] = ()
    feeds_wait: bool = False
    pauses: Pauses = field(default_factory=Pauses)


class Wall:
    """A wall from its start to its end. `run` may be awaited once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._log = parts.log
        self._reader = Reader(parts.pipeline)
        self._intake = Intake()
        self._watch = Watch()
        self._at_the_pipeline = threading.Lock()
        self._journalling = ThreadPoolExecutor(1, "journal")
        self._stepping = ThreadPoolExecutor(1, "pipeline")
        self._unread: list[tuple[int, Content]] = []
        self._acknowledging: set[asyncio.Task[None]] = set()
        self._phase = WallPhase.COMPILING
        self._compiled = (0, 0)
        self._detail = ""
        self._checkpoint_due_ns = 0
        self._ready_ns = 0
        self._picture = nothing_yet(parts.truth_domain)
        self._outlets: tuple[Outlet, ...] = ()
        self._stopping = False
        self._recalling = False
        self.latency = Latency()
        self.ready = asyncio.Event()

    # What outlets ask; on the loop.

    def sensors(self) -> Sensors:
        """Return the register as it is now."""
        return self._parts.pipeline.sensors

    def explain(self, track_id: int) -> Identity | None:
        """Return a track's identity with its reasons; waits for a step to end."""
        with self._at_the_pipeline:
            return self._parts.pipeline.explain(track_id)

    def sent(self, seq: int, sent_ns: int) -> None:
        """Note that a picture was handed to a reader's socket."""
        self.latency.sent(seq, sent_ns)

    @property
    def picture(self) -> Picture:
        """The newest picture."""
        return self._picture

    # The loop.

    async def run(self, outlets: Sequence[Outlet], *, stop: asyncio.Event) -> None:
        """Run until `stop` is set or every feed has ended; then take what is left and close the journal.

        Raises:
            JournalError: the journal cannot be written: nothing was acted upon since.
            RequestError: a feed or an outlet cannot be opened as asked.
        """
        self._outlets = tuple(outlets)
        others: list[asyncio.Task[None]] = []
        try:
            await self._begin()
            getting_ready = asyncio.create_task(self._get_ready())
            feeding = [asyncio.create_task(self._keep_feeding(feed)) for feed in self._parts.feeds]
            others = [getting_ready, *feeding, *(asyncio.create_task(outlet.serve()) for outlet in outlets)]
            await self._tick_until(stop, others, feeding)
            await _cancelled(feeding)
            self._stopping = True
            await getting_ready
            await self._end()
        finally:
            self._stopping = True
            error = sys.exception()
            if isinstance(error, Exception) and not isinstance(error, RequestError):
                await self._show_failure(error, shown=bool(others))
            await _cancelled([*others, *self._acknowledging])
            self._stepping.shutdown(wait=False, cancel_futures=True)
            await self._in(self._journalling, self._log.close)
            self._journalling.shutdown(wait=False)

    async def _begin(self) -> None:
        parts = self._parts
        began = WallBegan(__version__, parts.name, parts.truth_domain.value)
        await self._write([began, SensorsJoined(parts.sensors)])

    async def _get_ready(self) -> None:
        """Compile the kernels, then read what the journal holds; the loop goes on meanwhile."""
        await self._in(self._stepping, self._compile)
        self._recalling = True
        await self._in(self._stepping, self._recall)
        if self._stopping:
            return
        self._detail = ""
        self._phase = WallPhase.RUNNING
        self._ready_ns = self._clock.now_ns()
        self._warn_of_other_declarations()
        self.ready.set()

    def _compile(self) -> None:
        for done, total in self._parts.warm_up():
            self._compiled = (done, total)
            if self._stopping:
                return

    def _recall(self) -> None:
        def tell(done: int, total: int) -> bool:
            if done % 64 == 0:
                self._detail = f"reading the journal: {done} of {total} entries"
            return self._stopping

        self._reader.recall(self._log, on_entry=tell)

    async def _keep_feeding(self, feed: Feed) -> None:
        if self._parts.feeds_wait:
            await self.ready.wait()

        async def feed_once() -> None:
            # A feed's iterator is an async generator wherever it holds a socket, and is closed with it.
            batches = cast(AsyncGenerator[Batch, None], feed.batches())
            if not hasattr(batches, "aclose"):
                async for batch in batches:
                    await self._intake.put(feed.name, batch)
                return
            async with aclosing(batches):
                async for batch in batches:
                    await self._intake.put(feed.name, batch)

        def failed(error: Exception, _: int, pause_s: float) -> None:
            self._watch.feed_failed(feed.name, error, pause_s, now_ns=self._clock.now_ns())

        await kept_running(feed_once, clock=self._clock, pauses=self._parts.pauses, on_failure=failed)

    async def _tick_until(
        self, stop: asyncio.Event, others: Sequence[asyncio.Task[None]], feeding: Sequence[asyncio.Task[None]]
    ) -> None:
        due_ns = self._clock.now_ns()
        while not stop.is_set():
            for task in others:
                if task.done():
                    task.result()
            if self.ready.is_set() and all(task.done() for task in feeding):
                return
            await self._tick()
            due_ns = max(due_ns + round(TICK_S * NS_PER_S), self._clock.now_ns())
            await self._clock.sleep((due_ns - self._clock.now_ns()) / NS_PER_S)

    async def _tick(self) -> None:
        """Journal what waits, acknowledge it, step, publish."""
        waiting, shed = self._intake.drain()
        contents = [content for feed, batch in waiting for content in _contents(feed, batch)]
        for feed, counts in shed.items():
            contents.append(FramesRefused(feed, tuple((f"shed: {who}", n) for who, n in sorted(counts.items()))))
            self._watch.shed(counts.total(), now_ns=self._clock.now_ns())
        stepping = self.ready.is_set()
        if stepping:
            now_ns = max(self._clock.now_ns(), self._reader.now_ns)
            contents.append(Stepped(now_ns, self._log.last_seq + len(contents)))
        await self._write(contents)
        self._acknowledge(waiting)
        if stepping:
            await self._step()
        self._publish()

    async def _write(self, contents: list[Content]) -> None:
        """Append contents in one transaction; they are durable when this returns, and wait to be read."""
        if not contents:
            return
        at_ns = self._clock.now_ns()

        def append() -> int:
            return self._log.append([entry_of(content, at_ns=at_ns) for content in contents])

        last = await self._in(self._journalling, append)
        for content in contents:
            if isinstance(content, PlotsCame):
                self._watch.hear(content.plots)
        if self._recalling:
            self._unread += enumerate(contents, start=last - len(contents) + 1)
        else:  # it will be read from the journal, and need not be held twice
            self._observe(contents)

    def _acknowledge(self, waiting: Sequence[tuple[str, Batch]]) -> None:
        """Tell senders what is safe. One that does not listen delays nobody: it is left alone after a while."""
        words = [batch.acknowledge for _, batch in waiting if batch.acknowledge is not None]
        if words:
            task = asyncio.create_task(_say(words))
            self._acknowledging.add(task)
            task.add_done_callback(self._acknowledged)

    def _acknowledged(self, task: asyncio.Task[None]) -> None:
        self._acknowledging.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._watch.feed_failed("acknowledgement", error, 0.0, now_ns=self._clock.now_ns())

    async def _step(self) -> None:
        contents, self._unread = self._unread, []
        picture = await self._in(self._stepping, lambda: self._read(contents))
        if picture is None:
            return
        self._picture = picture
        came = [content for _, content in contents]
        if self._anyone_looks():
            for content in came:
                if isinstance(content, PlotsCame):
                    received_ns = content.plots.received_ns
                    self.latency.stepped(picture.seq, received_ns[received_ns >= self._ready_ns])
        self._observe(came)
        if self._checkpoint_due_ns <= picture.at_ns:
            if self._checkpoint_due_ns:
                await self._keep_checkpoint()
            self._checkpoint_due_ns = picture.at_ns + round(CHECKPOINT_EVERY_S * NS_PER_S)

    def _observe(self, contents: Sequence[Content]) -> None:
        for observe in self._parts.observers:
            observe(self._picture, contents)

    def _read(self, contents: Sequence[tuple[int, Content]]) -> Picture | None:
        picture = None
        with self._at_the_pipeline:
            for seq, content in contents:
                if seq > self._reader.seq:  # what came while the journal was recalled may have been read with it
                    picture = self._reader.take(seq, content) or picture
        return picture

    async def _keep_checkpoint(self) -> None:
        checkpoint = await self._in(self._stepping, self._reader.checkpoint)
        await self._in(self._journalling, lambda: self._log.keep(checkpoint))

    async def _end(self) -> None:
        """Take what still waits, and leave a checkpoint so that the next start is quick."""
        await self._tick()
        if self._acknowledging:
            await asyncio.wait(self._acknowledging)
        if self.ready.is_set() and self._reader.settled and self._reader.picture is not None:
            await self._keep_checkpoint()
        self._observe([content for _, content in self._unread])
        self._phase = WallPhase.FINISHED
        self._publish()

    async def _show_failure(self, error: Exception, *, shown: bool) -> None:
        """Say on the page that nothing acts any more, long enough for it to be seen."""
        journal = isinstance(error, JournalError)
        title = "The wall stops: its journal cannot be kept" if journal else "The wall stops: a fault in its own code"
        self._phase = WallPhase.FAILED
        self._detail = str(error) if journal else f"{type(error).__name__}: {error}"
        self._watch.raise_(Alert("wall-failed", AlertPriority.CRITICAL, self._clock.now_ns(), title, self._detail))
        self._publish()
        if shown:
            await self._clock.sleep(FAILURE_SHOWN_S)

    # What is shown.

    def _publish(self) -> None:
        status = self.status()
        self._watch.look(status.feeds, now_ns=self._clock.now_ns())
        self._watch.weigh(self._log.size_bytes, self._parts.journal_max_bytes, now_ns=self._clock.now_ns())
        picture = replace(self._picture, alerts=(*self._picture.alerts, *self._watch.alerts))
        for outlet in self._outlets:
            outlet.publish(picture, status)

    def status(self) -> WallStatus:
        """Return the wall's health now."""
        parts = self._parts
        done, total = self._compiled
        p50_ms, p99_ms = self.latency.shown(self._clock.now_ns())
        return WallStatus(
            name=parts.name,
            version=__version__,
            truth_domain=parts.truth_domain,
            replay=False,
            phase=self._phase,
            compiled=done,
            to_compile=total,
            feeds=tuple(feed.status() for feed in parts.feeds),
            latency_p50_ms=p50_ms,
            latency_p99_ms=p99_ms,
            journal=parts.journal,
            detail=self._detail,
            heard_ns=self._watch.heard_ns(parts.pipeline.sensors),
        )

    def _anyone_looks(self) -> bool:
        """Whether a reader is there to whom a picture could be handed; without one there is no latency to measure."""
        return any(getattr(outlet, "clients", 1) for outlet in self._outlets)

    def _warn_of_other_declarations(self) -> None:
        """Say so when a sensor is declared otherwise than the journal knows it: the first declaration stands."""
        known = self._parts.pipeline.sensors
        for sensor in self._parts.sensors:
            if known.get(sensor.sensor_id) not in (None, sensor):
                title = f"{sensor.sensor_id} is declared otherwise than in the journal"
                detail = "Its first declaration stands; begin a new journal to change it."
                alert_id = f"declared-otherwise:{sensor.sensor_id}"
                self._watch.raise_(Alert(alert_id, AlertPriority.WARNING, self._clock.now_ns(), title, detail))

    async def _in(self, thread: ThreadPoolExecutor, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(thread, work)


def _contents(feed: str, batch: Batch) -> Iterator[Content]:
    decoded = batch.decoded
    if len(decoded.plots) or decoded.frames or decoded.unplaceable:
        yield PlotsCame(feed, decoded.plots, decoded.frames, decoded.unplaceable)
    if decoded.refused:
        yield FramesRefused.of(feed, decoded.refused)


async def _say(words: Sequence[Callable[[], Awaitable[None]]]) -> None:
    with suppress(TimeoutError, OSError):  # the sender is gone or does not read; it will ask or send again
        async with asyncio.timeout(ACKNOWLEDGE_WITHIN_S):
            await asyncio.gather(*(say() for say in words))


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

"""Feeds of `plots.jsonl` lines: from a file, or live over TCP for whoever can print JSON.

`plots+tcp://HOST:PORT` dials a sender; `plots+tcp://HOST:PORT?listen=true` waits for senders. Once what a sender sent
is in the journal, it is told so with one line, `{"acknowledged": 1234}`: the number of lines of this connection that
cannot be lost any more. A sender that keeps what is not acknowledged, and sends it again, loses nothing; one that opens
its connection with a `hello` numbers its lines itself, and nothing it sends again counts twice.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec

from dronewall.engine.clock import Clock
from dronewall.engine.links import Chunk
from dronewall.engine.messages import Message
from dronewall.feeds.feed import Batch, Decoded, Numbered
from dronewall.feeds.files import by_half_seconds, check_readable, pieces
from dronewall.feeds.link import Link, LinkSettings
from dronewall.feeds.parquet import parquet_recording
from dronewall.feeds.tally import Tally
from dronewall.feeds.url import address_of
from dronewall.model.sensors import Sensor, Sensors
from dronewall.model.status import FeedStatus
from dronewall.wire.plots_jsonl import PlotLines
from dronewall.wire.refusals import Refusals

READ_BYTES = 512 * 1024


class PlotsSettings(LinkSettings, frozen=True, forbid_unknown_fields=True):
    """Options of a `plots+tcp://` feed; its name is the address if empty."""

    listen: bool = False
    """Wait for senders rather than dial one."""
    connections_max: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 32
    """How many senders may be connected at once."""


class PlotsDecoder:
    """The pure half: lines become plots."""

    def __init__(self, feed: str) -> None:
        self._refusals = Refusals(feed)
        self._lines = PlotLines(self._refusals)
        self._numbered: Numbered | None = None

    @property
    def safe(self) -> int:
        """What to acknowledge once all that was decoded is safe: the number of the last line that has ended.

        0 for nothing: no line has ended, or sender and reader do not agree on the numbers.
        """
        if self._lines.hello_refused or not self._lines.lines:
            return 0
        return self._first - 1 + self._lines.lines

    @property
    def numbered(self) -> Numbered | None:
        """The sender's own numbers of what was decoded last, if it numbers its lines."""
        return self._numbered

    @property
    def _first(self) -> int:
        """The number of the connection's first line."""
        return self._lines.hello.next if self._lines.hello else 1

    def _numbers(self, before: int) -> Numbered | None:
        hello, ended = self._lines.hello, self._lines.lines
        if hello is None or self._lines.hello_refused or ended == before:
            return None
        message = Message(hello.source, hello.boot, self._first + before, self._first - 1 + ended)
        return Numbered(message, self._first - 1 + self._lines.line_of_plot)

    def decode(self, data: bytes, *, received_ns: int | None) -> Decoded:
        """Take a piece of the stream; see `Decoder.decode`. Without `received_ns` the lines are believed."""
        before = self._lines.lines
        plots = self._lines.read(data, received_ns=received_ns)
        self._numbered = self._numbers(before)
        return Decoded(plots, len(plots), self._refusals.taken())

    def finish(self) -> Decoded:
        """Refuse a half line; see `Decoder.finish`."""
        self._lines.finish()
        self._numbered = None
        return Decoded(refused=self._refusals.taken())


class PlotsFeed:
    """The live half: one sender dialled, or many listened to; each has a decoder of its own."""

    def __init__(self, settings: PlotsSettings, *, clock: Clock) -> None:
        self._settings = settings
        self.url = settings.url
        self.name = settings.name or str(address_of(settings.url))
        self._link = Link(settings, name=self.name, clock=clock, listens=settings.listen)
        self._clock = clock
        self._tally = Tally(self.name, self.url)

    def assumed_sensors(self) -> tuple[Sensor, ...]:
        """Return none: each line names its sensor, and only the register knows what that is."""
        return ()

    def status(self) -> FeedStatus:
        """Return its health."""
        return self._tally.status(now_ns=self._clock.now_ns())

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what arrives, for ever."""
        decoders: dict[str, PlotsDecoder] = {}
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                if chunk.opened:
                    decoders[chunk.peer] = PlotsDecoder(self.name)
                    continue
                decoder = decoders[chunk.peer]
                if chunk.closed:
                    del decoders[chunk.peer]
                    decoded = decoder.finish()
                else:
                    decoded = decoder.decode(chunk.data, received_ns=chunk.received_ns)
                self._tally.count(decoded, received_ns=chunk.received_ns)
                yield Batch(decoded, _acknowledgement(chunk, decoder.safe), decoder.numbered)

    def _chunks(self) -> AsyncGenerator[Chunk, None]:
        if self._settings.listen:
            return self._link.listened(self._tally.moved, connections_max=self._settings.connections_max)
        return self._link.dialled(self._tally.moved)


class PlotsPlugin:
    """The entry point `plots+tcp`."""

    schemes = ("plots+tcp",)
    suffixes = (".jsonl", ".parquet")
    Settings = PlotsSettings

    def open(self, settings: PlotsSettings, *, sensors: Sensors, clock: Clock) -> PlotsFeed:
        """Return a feed that is not connected yet; see `FeedPlugin.open`."""
        return PlotsFeed(settings, clock=clock)

    def assumed_in(self, path: Path) -> tuple[Sensor, ...]:
        """Return none: lines name their sensors."""
        return ()

    def recording(self, path: Path, *, sensors: Sensors, date: date) -> Iterator[Decoded]:
        """Yield a recording, which carries its own dates; see `FeedPlugin.recording`."""
        if path.suffix.lower() == ".parquet":
            return (part for decoded in parquet_recording(path) for part in by_half_seconds(decoded))
        check_readable(path)
        return self._recording(path)

    def _recording(self, path: Path) -> Iterator[Decoded]:
        decoder = PlotsDecoder(path.name)
        for data in pieces(path, READ_BYTES):
            yield from by_half_seconds(decoder.decode(data, received_ns=None))
        yield decoder.finish()


def _acknowledgement(chunk: Chunk, safe: int) -> Callable[[], Awaitable[None]] | None:
    """Return how to tell the sender that its lines up to this number are safe, if it can be told."""
    reply = chunk.reply
    if reply is None or not safe:
        return None

    async def acknowledge() -> None:
        await reply(b'{"acknowledged": %d}\n' % safe)

    return acknowledge


plugin = PlotsPlugin()

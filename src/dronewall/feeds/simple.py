"""A feed from one function: `parse` makes a plot's fields from a line of text, `line_feed` makes all the rest.

    plugin = line_feed(parse, schemes=("acme+tcp", "acme+udp"), suffixes=(".acme",))

A scheme that ends in `+udp` hears datagrams of whole lines; every other one dials over TCP, or listens with
`listen=true`. Files with one of the suffixes are recordings. See `docs/writing-a-feed.md`.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec

from dronewall.engine.clock import Clock
from dronewall.engine.datagrams import bind_udp
from dronewall.engine.links import Chunk
from dronewall.feeds.feed import Batch, Decoded
from dronewall.feeds.files import by_half_seconds, check_readable, pieces
from dronewall.feeds.link import Link, LinkSettings
from dronewall.feeds.tally import Tally
from dronewall.feeds.url import address_of, scheme_of
from dronewall.model.errors import ConfigError
from dronewall.model.sensors import Sensor, Sensors
from dronewall.model.status import DATAGRAM_LOST, FeedStatus
from dronewall.wire.lines import Line, Lines
from dronewall.wire.plots_columns import plots_from_lines
from dronewall.wire.plots_line import PlotLine
from dronewall.wire.refusals import Refusals

LINE_MAX_BYTES = 64 * 1024
TOO_LONG = "line is longer than 64 KiB"
NOT_UNDERSTOOD = (ValueError, LookupError, TypeError, ArithmeticError, AttributeError)
"""What a function raises that meets a line it was not made for."""

Parse = Callable[[bytes], Mapping[str, Any] | None]
"""Makes the fields of one plot from one line without its end, named and nested as in `plots.jsonl`.

None means that the line is understood and holds no plot. `at_ns` may be left out where the protocol tells no time:
live, the time of receipt stands for it. `sensor_id` may be left out where one sensor sends: it is the feed's
`sensor_id`, else its name. A line that is not understood raises `Refused` with a reason, or whatever Python raises.
"""


class Refused(ValueError):
    """A line is refused, with a reason of fixed words, so that it can be counted."""


class LineSettings(LinkSettings, frozen=True, forbid_unknown_fields=True):
    """Options of a feed made by `line_feed`; its name is the sensor's id or the address if empty."""

    sensor_id: str = ""
    """Whose plots these are, where lines do not say."""
    listen: bool = False
    """Over TCP: wait for senders rather than dial one."""
    connections_max: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 32
    """How many senders may be connected at once."""


class LineDecoder:
    """The pure half: lines become plots.

    Args:
        feed: the feed's name, for refusals.
        parse: makes a plot's fields from a line.
        sensor_id: stands in plots that name no sensor.
        datagrams: every piece is a datagram, whose last line need not be ended.
    """

    def __init__(self, feed: str, parse: Parse, *, sensor_id: str = "", datagrams: bool = False) -> None:
        self._parse = parse
        self._sensor_id = sensor_id or feed
        self._datagrams = datagrams
        self._refusals = Refusals(feed)
        self._lines = Lines(self._refusals, line_max_bytes=LINE_MAX_BYTES, reason=TOO_LONG)

    def decode(self, data: bytes, *, received_ns: int | None) -> Decoded:
        """Take a piece of the stream, or a datagram; see `Decoder.decode`."""
        if self._datagrams and not data.endswith(b"\n"):
            data += b"\n"
        rows: list[PlotLine] = []
        sources: list[Line] = []
        frames = 0
        for line in self._lines.cut(data):
            try:
                fields = self._parse(line.text.rstrip(b"\r"))
                if fields is not None:
                    _check_finite(fields)
                    rows.append(msgspec.convert(self._completed(fields, received_ns), PlotLine))
                    sources.append(line)
                frames += 1
            except NOT_UNDERSTOOD as error:
                self._refusals.refuse(_reason(error), offset=line.offset, frame=line.text)
        plots, _, reasons = plots_from_lines(rows, received_ns=received_ns) if rows else (Decoded().plots, None, {})
        for row, reason in reasons.items():
            self._refusals.refuse(reason, offset=sources[row].offset, frame=sources[row].text)
        return Decoded(plots, frames - len(reasons), self._refusals.taken())

    def finish(self) -> Decoded:
        """Refuse a half line; see `Decoder.finish`."""
        self._lines.finish()
        return Decoded(refused=self._refusals.taken())

    def _completed(self, fields: Mapping[str, Any], received_ns: int | None) -> dict[str, Any]:
        known = (
            {"sensor_id": self._sensor_id}
            if received_ns is None
            else {
                "sensor_id": self._sensor_id,
                "at_ns": received_ns,
            }
        )
        return {**known, **fields}


class LineFeed:
    """The live half: lines over TCP or UDP, each connection with a decoder of its own."""

    def __init__(self, settings: LineSettings, parse: Parse, *, clock: Clock) -> None:
        self.url = settings.url
        self.name = settings.name or settings.sensor_id or str(address_of(settings.url))
        self._settings = settings
        self._parse = parse
        self._clock = clock
        self._datagrams = scheme_of(settings.url).endswith("+udp")
        if self._datagrams and (settings.listen or settings.tls):
            field = "listen" if settings.listen else "tls"
            raise ConfigError(f"{field} is for TCP, and this feed hears datagrams", "Leave it out.", field=field)
        self._link = Link(settings, name=self.name, clock=clock, listens=settings.listen)
        self._tally = Tally(self.name, self.url)

    def assumed_sensors(self) -> tuple[Sensor, ...]:
        """Return none: where a sensor stands and how well it measures is declared in the register."""
        return ()

    def status(self) -> FeedStatus:
        """Return its health."""
        return self._tally.status(now_ns=self._clock.now_ns())

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what arrives, for ever."""
        decoders: dict[str, LineDecoder] = {}
        everybody = self._decoder()
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                if chunk.opened:
                    decoders[chunk.peer] = self._decoder()
                    continue
                if chunk.dropped:
                    self._tally.refuse(DATAGRAM_LOST, chunk.dropped)
                if not chunk.peer:  # it only told what was lost
                    continue
                decoder = decoders.get(chunk.peer, everybody)
                if chunk.closed:
                    del decoders[chunk.peer]
                    decoded = decoder.finish()
                else:
                    decoded = decoder.decode(chunk.data, received_ns=chunk.received_ns)
                self._tally.count(decoded, received_ns=chunk.received_ns)
                yield Batch(decoded)

    def _decoder(self) -> LineDecoder:
        return LineDecoder(self.name, self._parse, sensor_id=self._settings.sensor_id, datagrams=self._datagrams)

    def _chunks(self) -> AsyncGenerator[Chunk, None]:
        if self._datagrams:
            address = self._link.address
            return bind_udp(address.host, address.port, clock=self._clock, on_state=self._tally.moved)
        if self._settings.listen:
            return self._link.listened(self._tally.moved, connections_max=self._settings.connections_max)
        return self._link.dialled(self._tally.moved)


class LinePlugin:
    """What an entry point refers to; made by `line_feed`."""

    Settings = LineSettings

    def __init__(self, parse: Parse, schemes: tuple[str, ...], suffixes: tuple[str, ...]) -> None:
        self.parse = parse
        self.schemes = schemes
        self.suffixes = suffixes

    def open(self, settings: LineSettings, *, sensors: Sensors, clock: Clock) -> LineFeed:
        """Return a feed that is not connected yet; see `FeedPlugin.open`."""
        return LineFeed(settings, self.parse, clock=clock)

    def assumed_in(self, path: Path) -> tuple[Sensor, ...]:
        """Return none, as live."""
        return ()

    def recording(self, path: Path, *, sensors: Sensors, date: date) -> Iterator[Decoded]:
        """Yield a recording, whose lines tell their own times; see `FeedPlugin.recording`."""
        check_readable(path)
        return self._recording(path)

    def _recording(self, path: Path) -> Iterator[Decoded]:
        decoder = LineDecoder(path.stem, self.parse)
        for data in pieces(path):
            yield from by_half_seconds(decoder.decode(data, received_ns=None))
        yield decoder.finish()


def line_feed(parse: Parse, *, schemes: tuple[str, ...], suffixes: tuple[str, ...] = ()) -> LinePlugin:
    """Return the plugin of a protocol of lines; an entry point of the group `dronewall.feeds` names it.

    Args:
        parse: makes a plot's fields from a line; see `Parse`.
        schemes: the URL schemes under which entry points name it.
        suffixes: the file names' endings whose recordings it reads, for instance `.acme`.
    """
    return LinePlugin(parse, schemes, suffixes)


def _check_finite(fields: Mapping[str, Any], at: str = "") -> None:
    """Refuse what no line of JSON could hold: `float` reads the words nan and inf too."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            _check_finite(value, f"{at}{name}.")
        elif any(isinstance(cell, float) and not math.isfinite(cell) for cell in _cells(value)):
            raise Refused(f"{at}{name} is not finite")


def _cells(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _cells(item)
    else:
        yield value


def _reason(error: Exception) -> str:
    """Return a countable reason: what was wrong, never the value."""
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, msgspec.ValidationError):
        problem, _, place = str(error).replace("`", "").partition(" - at $")
        return f"{place.lstrip('.') or 'plot'}: {problem[:1].lower()}{problem[1:]}"
    return f"line is not understood ({type(error).__name__})"

"""ASTERIX feeds: radars' target reports (048) and service messages (034), live over UDP or from a recording.

`asterix+udp://HOST:PORT` listens on an address of this machine, or joins the multicast group HOST.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import msgspec
from aviconv_asterix import Cat034Record, Cat048Record, iter_records
from aviconv_core.errors import ParseError

from dronewall.engine.clock import Clock
from dronewall.engine.links import bind_udp
from dronewall.feeds.feed import Batch, Decoded
from dronewall.feeds.files import NS_PER_S, check_readable, midnight_ns, pieces
from dronewall.feeds.tally import Tally
from dronewall.feeds.url import address_of
from dronewall.model.sensors import Sensor, Sensors
from dronewall.model.status import FeedStatus
from dronewall.wire.asterix import cat048
from dronewall.wire.asterix.blocks import Block, Blocks
from dronewall.wire.asterix.cat034 import Antenna
from dronewall.wire.asterix.time_of_day import DayClock
from dronewall.wire.refusals import Refusals
from dronewall.wire.rows import PlotRows

CATEGORIES = (34, 48)
EDITIONS_READ = "1."
ANTENNAS_TOLD_MAX = 8
PIECE_NS = NS_PER_S // 2


class AsterixSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of an `asterix+udp://` feed."""

    url: str
    name: str = ""
    """What people call it; the address if empty."""


@dataclass(slots=True)
class Station:
    """One radar as its SAC and SIC name it: its sensor, its clock and its antenna."""

    sensor_id: str
    clock: DayClock
    range_max_m: float
    editions: dict[str, str]
    antenna: Antenna = field(default_factory=Antenna)


class AsterixDecoder:
    """The pure half: blocks become plots.

    Args:
        feed: the feed's name, for refusals.
        sensors: the register, which knows radars by `SAC/SIC`.
        datagrams: whether each piece is a datagram, rather than part of a file.
        day_ns: midnight of a recording's first day.
    """

    def __init__(self, feed: str, *, sensors: Sensors, datagrams: bool, day_ns: int = 0) -> None:
        self._refusals = Refusals(feed)
        self._blocks = Blocks(self._refusals, datagrams=datagrams)
        self._sensors = sensors
        self._day_ns = day_ns
        self._stations: dict[tuple[int, int], Station] = {}
        self._latest_ns = 0

    @property
    def turning(self) -> tuple[Station, ...]:
        """The radars heard so far that told how fast their antenna turns."""
        return tuple(station for station in self._stations.values() if station.antenna.turn_s is not None)

    def decode(self, data: bytes, *, received_ns: int | None) -> Decoded:
        """Take a datagram or a piece of a file; see `Decoder.decode`."""
        step = _Step(received_ns)
        for block in self._blocks.cut(data):
            self._take(block, step)
        return step.decoded(self._refusals)

    def pieces(self, data: bytes) -> Iterator[Decoded]:
        """Take a piece of a recording and yield it in pieces of about half a second of its own time."""
        step, since_ns = _Step(None), self._latest_ns
        for block in self._blocks.cut(data):
            self._take(block, step)
            if self._latest_ns - since_ns >= PIECE_NS:
                yield step.decoded(self._refusals)
                step, since_ns = _Step(None), self._latest_ns
        yield step.decoded(self._refusals)

    def finish(self) -> Decoded:
        """Refuse what is left of an unfinished block; see `Decoder.finish`."""
        self._blocks.finish()
        return Decoded(refused=self._refusals.taken())

    def _take(self, block: Block, step: _Step) -> None:
        if block.category not in CATEGORIES:
            self._refuse(f"category {block.category:03d} is not read", block)
            return
        try:
            records = list(iter_records(block.data))
        except (ParseError, ValueError):  # ValueError: an item is there whose value cannot be
            self._refuse(f"category {block.category:03d}: records do not fill the block; check the edition", block)
            return
        for record in records:
            if isinstance(record, Cat048Record):
                self._take_report(record, block, step)
            elif isinstance(record, Cat034Record):
                self._take_service(record, block, step)

    def _take_report(self, record: Cat048Record, block: Block, step: _Step) -> None:
        station = self._station(record.sac, record.sic)
        reason = _edition_refused(station, "48") or cat048.refusal_of(record, range_max_m=station.range_max_m)
        at_ns = reason or station.clock.at_ns(record.time_of_day_s, received_ns=step.received_ns)
        if isinstance(at_ns, str):
            self._refuse(at_ns, block)
            return
        step.frames += 1
        received_ns = self._received_ns(at_ns, step)
        if not cat048.measured(record):
            step.unplaceable[cat048.NOT_MEASURED] += 1
            return
        step.rows.add(
            station.sensor_id,
            at_ns=at_ns,
            received_ns=received_ns,
            scan=station.antenna.scan,
            **cat048.cells(record),
        )

    def _take_service(self, record: Cat034Record, block: Block, step: _Step) -> None:
        station = self._station(record.sac, record.sic)
        reason = _edition_refused(station, "34")
        at_ns = reason or station.clock.at_ns(record.time_of_day_s, received_ns=step.received_ns)
        if isinstance(at_ns, str):
            self._refuse(at_ns, block)
            return
        step.frames += 1
        received_ns = self._received_ns(at_ns, step)
        ended = station.antenna.hear(record, at_ns=at_ns)
        if ended is not None:
            step.rows.add(
                station.sensor_id, at_ns=at_ns, received_ns=received_ns, scan=ended, scan_end=True, empty_scan=True
            )

    def _received_ns(self, at_ns: int, step: _Step) -> int:
        """Return when a report was received; a recording was received as its latest report says."""
        self._latest_ns = max(self._latest_ns, at_ns)
        return self._latest_ns if step.received_ns is None else step.received_ns

    def _station(self, sac: int, sic: int) -> Station:
        station = self._stations.get((sac, sic))
        if station is None:
            address = f"{sac}/{sic}"
            sensor_id = self._sensors.id_on_wire("asterix", address) or f"asterix:{address}"
            sensor = self._sensors.get(sensor_id)
            declared_m = sensor.range_max_m if sensor else None
            editions = dict(sensor.wire.editions) if sensor else {}
            clock = DayClock(self._day_ns, near_ns=self._latest_ns or None)
            station = Station(sensor_id, clock, declared_m or cat048.RANGE_MAX_M, editions)
            self._stations[sac, sic] = station
        return station

    def _refuse(self, reason: str, block: Block) -> None:
        self._refusals.refuse(reason, offset=block.offset, frame=block.data)


class _Step:
    """What one step of the decoder gathers."""

    def __init__(self, received_ns: int | None) -> None:
        self.received_ns = received_ns
        self.rows = PlotRows()
        self.frames = 0
        self.unplaceable: Counter[str] = Counter()

    def decoded(self, refusals: Refusals) -> Decoded:
        return Decoded(self.rows.plots(), self.frames, refusals.taken(), tuple(sorted(self.unplaceable.items())))


class AsterixFeed:
    """The live half: datagrams on a port."""

    def __init__(self, settings: AsterixSettings, *, sensors: Sensors, clock: Clock) -> None:
        self._address = address_of(settings.url)
        self.url = settings.url
        self.name = settings.name or str(self._address)
        self._clock = clock
        self._tally = Tally(self.name, self.url)
        self._decoder = AsterixDecoder(self.name, sensors=sensors, datagrams=True)

    def assumed_sensors(self) -> tuple[Sensor, ...]:
        """Return none: a radar nobody declared has no known site, so nothing of it can be placed."""
        return ()

    def status(self) -> FeedStatus:
        """Return its health, with the period of every antenna that tells it."""
        status = self._tally.status(now_ns=self._clock.now_ns())
        turns = [f"{one.sensor_id} turns in {one.antenna.turn_s:.2f} s" for one in self._decoder.turning]
        return replace(status, detail="; ".join((status.detail, *turns[:ANTENNAS_TOLD_MAX])))

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what arrives, for ever."""
        chunks = bind_udp(self._address.host, self._address.port, clock=self._clock, on_state=self._tally.moved)
        async with aclosing(chunks):
            async for chunk in chunks:
                if chunk.dropped:
                    self._tally.refuse("datagram lost, for the buffer was full", chunk.dropped)
                decoded = self._decoder.decode(chunk.data, received_ns=chunk.received_ns)
                self._tally.count(decoded, received_ns=chunk.received_ns)
                yield Batch(decoded)


class AsterixPlugin:
    """The entry point `asterix+udp`."""

    schemes = ("asterix+udp",)
    suffixes = (".ast", ".raw")
    Settings = AsterixSettings

    def open(self, settings: AsterixSettings, *, sensors: Sensors, clock: Clock) -> AsterixFeed:
        """Return a feed that is not bound yet; see `FeedPlugin.open`."""
        return AsterixFeed(settings, sensors=sensors, clock=clock)

    def assumed_in(self, path: Path) -> tuple[Sensor, ...]:
        """Return none: a radar's site is nowhere in a recording."""
        return ()

    def recording(self, path: Path, *, sensors: Sensors, date: date) -> Iterator[Decoded]:
        """Yield a recording that begins on `date`; see `FeedPlugin.recording`."""
        check_readable(path)
        decoder = AsterixDecoder(path.name, sensors=sensors, datagrams=False, day_ns=midnight_ns(date))
        return _recording(path, decoder)


def _recording(path: Path, decoder: AsterixDecoder) -> Iterator[Decoded]:
    for data in pieces(path):
        yield from decoder.pieces(data)
    yield decoder.finish()


def _edition_refused(station: Station, category: str) -> str | None:
    edition = station.editions.get(category, EDITIONS_READ)
    return None if edition.startswith(EDITIONS_READ) else f"category 0{category}: edition {edition} is not read"


plugin = AsterixPlugin()

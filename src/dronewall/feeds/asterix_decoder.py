"""The pure half of ASTERIX feeds: blocks become plots, whether they came in datagrams or stand in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from aviconv_asterix import Cat034Record, Cat048Record

from dronewall.feeds.feed import Decoded
from dronewall.feeds.files import NS_PER_S
from dronewall.model.sensors import Sensors
from dronewall.wire.asterix import cat048
from dronewall.wire.asterix.blocks import Block, Blocks
from dronewall.wire.asterix.cat034 import Antenna
from dronewall.wire.asterix.records import records_in
from dronewall.wire.asterix.time_of_day import DayClock
from dronewall.wire.captures.datagrams import Datagram
from dronewall.wire.refusals import Refusals
from dronewall.wire.rows import PlotRows

CATEGORIES = (34, 48)
EDITIONS_READ = "1."
PIECE_NS = NS_PER_S // 2


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
        refusals: where a capture around the blocks refuses too, if there is one.
    """

    def __init__(
        self, feed: str, *, sensors: Sensors, datagrams: bool, day_ns: int = 0, refusals: Refusals | None = None
    ) -> None:
        self._refusals = refusals or Refusals(feed)
        self._blocks = Blocks(self._refusals, datagrams=datagrams)
        self._sensors = sensors
        self._day_ns = day_ns
        self._stations: dict[tuple[int, int], Station] = {}
        self._latest_ns = 0
        self._began_ns: int | None = None

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

    def captured(self, datagrams: Iterable[Datagram], *, dated: bool) -> Iterator[Decoded]:
        """Take datagrams of a capture and yield them in pieces of about half a second.

        Args:
            datagrams: in the order heard.
            dated: whether their instants are those of receipt, ns UTC; else they count from the first one heard.
        """
        step, since_ns = _Step(None), None
        for datagram in datagrams:
            since_ns = datagram.at_ns if since_ns is None else since_ns
            if abs(datagram.at_ns - since_ns) >= PIECE_NS:
                yield step.decoded(self._refusals)
                step, since_ns = _Step(None), datagram.at_ns
            if dated:
                step.received_ns = datagram.at_ns
            else:
                step.elapsed_ns = datagram.at_ns
            for block in self._blocks.cut(datagram.data, offset=datagram.offset):
                self._take(block, step)
        yield step.decoded(self._refusals)

    def finish(self) -> Decoded:
        """Refuse what is left of an unfinished block; see `Decoder.finish`."""
        self._blocks.finish()
        return Decoded(refused=self._refusals.taken())

    def _take(self, block: Block, step: _Step) -> None:
        if block.category not in CATEGORIES:
            self._refuse(f"category {block.category:03d} is not read", block)
            return
        records = records_in(block)
        if records is None:
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
        """Return when a report was received.

        A recording was received as its latest report says, and one that tells how long it went on no sooner than that.
        """
        self._latest_ns = max(self._latest_ns, at_ns)
        if step.received_ns is not None:
            return step.received_ns
        if step.elapsed_ns is None:
            return self._latest_ns
        if self._began_ns is None:
            self._began_ns = at_ns - step.elapsed_ns
        return max(self._latest_ns, self._began_ns + step.elapsed_ns)

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
        self.elapsed_ns: int | None = None
        self.rows = PlotRows()
        self.frames = 0
        self.unplaceable: Counter[str] = Counter()

    def decoded(self, refusals: Refusals) -> Decoded:
        return Decoded(self.rows.plots(), self.frames, refusals.taken(), tuple(sorted(self.unplaceable.items())))


def _edition_refused(station: Station, category: str) -> str | None:
    edition = station.editions.get(category, EDITIONS_READ)
    return None if edition.startswith(EDITIONS_READ) else f"category 0{category}: edition {edition} is not read"

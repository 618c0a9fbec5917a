"""The pure half of ASTERIX feeds: blocks become plots, whether they came in datagrams or stand in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aviconv_asterix import Cat034Record

from dronewall.feeds.feed import Decoded
from dronewall.feeds.files import NS_PER_S
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.wire.asterix import cat021, cat048, cat062
from dronewall.wire.asterix.blocks import Block, Blocks
from dronewall.wire.asterix.cat034 import Antenna
from dronewall.wire.asterix.records import records_in, source_of
from dronewall.wire.asterix.time_of_day import DayClock
from dronewall.wire.captures.datagrams import Datagram
from dronewall.wire.refusals import Refusals
from dronewall.wire.rows import PlotRows

PIECE_NS = NS_PER_S // 2


class Reports(Protocol):
    """What the module of a category of reports offers."""

    def time_of_day_s(self, record: Any) -> float | None:
        """Return when what is reported held."""
        ...

    def refusal_of(self, record: Any, *, range_max_m: float) -> str | None:
        """Return why a report is not to be taken at all, or None."""
        ...

    def unplaceable_of(self, record: Any) -> str | None:
        """Return why an understood report gives no plot, or None."""
        ...

    def cells(self, record: Any) -> dict[str, Any]:
        """Return the columns of one report; instants and scan are the caller's."""
        ...


ADS_B, TRACKS = 21, 62
REPORTS: Mapping[int, Reports] = {ADS_B: cat021, 48: cat048, TRACKS: cat062}
EDITIONS_READ = {ADS_B: "2.", 34: "1.", 48: "1.", TRACKS: "1.", 63: "1.", 65: "1."}
"""How the editions begin that are read of each category."""


@dataclass(slots=True)
class Station:
    """One sender as its SAC and SIC name it: its sensor, its clock and, if it is a radar, its antenna."""

    sensor_id: str
    clock: DayClock
    range_max_m: float
    antenna: Antenna = field(default_factory=Antenna)
    categories: set[int] = field(default_factory=set)


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
    def stations(self) -> Mapping[tuple[int, int], Station]:
        """Everyone heard so far, by SAC and SIC."""
        return self._stations

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

    def heard(self, datagrams: Iterable[tuple[bytes, int]]) -> Decoded:
        """Take several datagrams, each with when it was received (ns UTC); the same as one by one, and cheaper."""
        step = _Step(None)
        for data, received_ns in datagrams:
            step.received_ns = received_ns
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
        if block.category not in EDITIONS_READ:
            self._refuse(f"category {block.category:03d} is not read", block)
            return
        source = source_of(block)
        reason = source and _refused_by(self._declared(*source), block.category)
        records = None if reason else records_in(block)
        if records is None:
            self._refuse(reason or _misfit(block.category), block)
            return
        for record in records:
            station = self._station(record.sac, record.sic)
            station.categories.add(block.category)
            if block.category in REPORTS:
                self._take_report(record, REPORTS[block.category], station, block, step)
            else:
                self._take_service(record, station, block, step)

    def _take_report(self, record: Any, reports: Reports, station: Station, block: Block, step: _Step) -> None:
        reason = reports.refusal_of(record, range_max_m=station.range_max_m)
        at_ns = reason or station.clock.at_ns(reports.time_of_day_s(record), received_ns=step.received_ns)
        if isinstance(at_ns, str):
            self._refuse(at_ns, block)
            return
        step.frames += 1
        received_ns = self._received_ns(at_ns, step)
        unplaceable = reports.unplaceable_of(record)
        if unplaceable is not None:
            step.unplaceable[unplaceable] += 1
            return
        cells = reports.cells(record)
        step.rows.add(station.sensor_id, at_ns=at_ns, received_ns=received_ns, scan=station.antenna.scan, **cells)

    def _take_service(self, record: Any, station: Station, block: Block, step: _Step) -> None:
        at_ns = station.clock.at_ns(record.time_of_day_s, received_ns=step.received_ns)
        if isinstance(at_ns, str):
            self._refuse(at_ns, block)
            return
        step.frames += 1
        received_ns = self._received_ns(at_ns, step)
        ended = station.antenna.hear(record, at_ns=at_ns) if isinstance(record, Cat034Record) else None
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
            sensor = self._declared(sac, sic)
            sensor_id = sensor.sensor_id if sensor else sensor_id_of(sac, sic)
            clock = DayClock(self._day_ns, near_ns=self._latest_ns or None)
            range_max_m = (sensor.range_max_m if sensor else None) or cat048.RANGE_MAX_M
            station = self._stations[sac, sic] = Station(sensor_id, clock, range_max_m)
        return station

    def _declared(self, sac: int, sic: int) -> Sensor | None:
        sensor_id = self._sensors.id_on_wire("asterix", f"{sac}/{sic}") or sensor_id_of(sac, sic)
        return self._sensors.get(sensor_id)

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


def sensor_id_of(sac: int, sic: int) -> str:
    """Return the id of a sensor that the register knows by no other name."""
    return f"asterix:{sac}/{sic}"


def _refused_by(sensor: Sensor | None, category: int) -> str | None:
    """Return why a category is not believed of a sensor as it was declared, or None."""
    if sensor is None:
        return None
    read = EDITIONS_READ[category]
    for number, edition in sensor.wire.editions:
        if int(number) == category and not edition.startswith(read):
            return f"category {category:03d}: edition {edition} is not read; set the sender and wire.edition to {read}x"
    if category == ADS_B and sensor.kind is not SensorKind.ADSB:
        return "category 021: the sensor is not declared with kind adsb"
    if category == TRACKS and not sensor.delivers_tracks:
        return "category 062: the sensor is not declared with delivers tracks"
    return None


def _misfit(category: int) -> str:
    told = f"category {category:03d}: records do not fill the block; check the edition"
    return f"{told}, for 0.23 is not read: set the sender to 2.x" if category == ADS_B else told

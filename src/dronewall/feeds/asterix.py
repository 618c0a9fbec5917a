"""ASTERIX feeds, live over UDP or from a recording: radars' reports (048, 034), ADS-B (021), tracks (062, 063, 065).

`asterix+udp://HOST:PORT` listens on an address of this machine, or joins the multicast group HOST, with
`?interface=eth0` on that interface alone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path

import msgspec

from dronewall.engine.clock import Clock
from dronewall.engine.datagrams import bind_udp_gathered
from dronewall.engine.links import Chunk
from dronewall.engine.multicast import is_group, join_multicast
from dronewall.feeds.asterix_decoder import ADS_B, TRACKS, AsterixDecoder, sensor_id_of
from dronewall.feeds.feed import Batch, Decoded
from dronewall.feeds.files import check_readable, midnight_ns, pieces
from dronewall.feeds.tally import Tally
from dronewall.feeds.url import address_of
from dronewall.model.errors import ConfigError
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.model.status import DATAGRAM_LOST, FeedStatus
from dronewall.wire.captures.datagrams import Captured
from dronewall.wire.captures.pcap import PcapDatagrams
from dronewall.wire.captures.rply import RplyDatagrams
from dronewall.wire.mode_s.accuracy import SIGMA_ALTITUDE_M, SIGMA_POSITION_M, SIGMA_VELOCITY_MPS
from dronewall.wire.refusals import Refusals

ANTENNAS_TOLD_MAX = 8
PIECES_READ_AHEAD = 64
CAPTURES = (".pcap", ".pcapng")
REPLAYS = (".rply",)


class AsterixSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of an `asterix+udp://` feed."""

    url: str
    name: str = ""
    """What people call it; the address if empty."""
    interface: str = ""
    """Join the multicast group on this one alone, named or by its address; on the one the system chooses if empty."""


class AsterixFeed:
    """The live half: datagrams on a port."""

    def __init__(self, settings: AsterixSettings, *, sensors: Sensors, clock: Clock) -> None:
        self._address = address_of(settings.url)
        self.url = settings.url
        self.name = settings.name or str(self._address)
        if settings.interface and not is_group(self._address.host):
            raise ConfigError(
                f"interface is given, but {self._address.host} is no multicast group",
                "Name a group such as 239.1.2.3, or leave interface out: the address says where to listen.",
                field="interface",
            )
        self._interface = settings.interface
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
        async with aclosing(self._chunks()) as chunks:
            async for gathered in chunks:
                if dropped := sum(chunk.dropped for chunk in gathered):
                    self._tally.refuse(DATAGRAM_LOST, dropped)
                if not gathered[-1].peer:  # it only told what was lost
                    continue
                decoded = self._decoder.heard((chunk.data, chunk.received_ns) for chunk in gathered)
                self._tally.count(decoded, received_ns=gathered[-1].received_ns)
                yield Batch(decoded)

    def _chunks(self) -> AsyncGenerator[list[Chunk], None]:
        host, port, clock, on_state = self._address.host, self._address.port, self._clock, self._tally.moved
        if self._interface:
            return join_multicast(host, port, interface=self._interface, clock=clock, on_state=on_state)
        return bind_udp_gathered(host, port, clock=clock, on_state=on_state)


class AsterixPlugin:
    """The entry point `asterix+udp`."""

    schemes = ("asterix+udp",)
    suffixes = (".ast", ".raw", *REPLAYS, *CAPTURES)
    Settings = AsterixSettings

    def open(self, settings: AsterixSettings, *, sensors: Sensors, clock: Clock) -> AsterixFeed:
        """Return a feed that is not bound yet; see `FeedPlugin.open`."""
        return AsterixFeed(settings, sensors=sensors, clock=clock)

    def assumed_in(self, path: Path) -> tuple[Sensor, ...]:
        """Return the ADS-B stations and trackers heard as a recording begins; a radar's site is nowhere in it."""
        check_readable(path)
        decoder, steps = _opened(path, sensors=Sensors(), day_ns=0)
        for _ in islice(steps, PIECES_READ_AHEAD):
            pass
        assumed = (assumed_sensor(*source, station.categories) for source, station in decoder.stations.items())
        return tuple(sensor for sensor in assumed if sensor is not None)

    def recording(self, path: Path, *, sensors: Sensors, date: date) -> Iterator[Decoded]:
        """Yield a recording that begins on `date`; see `FeedPlugin.recording`."""
        check_readable(path)
        return _opened(path, sensors=sensors, day_ns=midnight_ns(date))[1]


def assumed_sensor(sac: int, sic: int, categories: Collection[int]) -> Sensor | None:
    """Return a sensor of which nothing is known but what it sends, with cautious errors; None for a radar."""
    sigma = Sigma(position_m=SIGMA_POSITION_M, altitude_m=SIGMA_ALTITUDE_M, velocity_mps=SIGMA_VELOCITY_MPS)
    if TRACKS in categories:
        return Sensor(sensor_id_of(sac, sic), SensorKind.VENDOR_TRACKER, sigma=sigma, delivers_tracks=True)
    return Sensor(sensor_id_of(sac, sic), SensorKind.ADSB, sigma=sigma) if ADS_B in categories else None


def _opened(path: Path, *, sensors: Sensors, day_ns: int) -> tuple[AsterixDecoder, Iterator[Decoded]]:
    """Return a recording's decoder and what it will give, as the file's ending tells how to read it."""
    suffix, refusals = path.suffix.lower(), Refusals(path.name)
    in_datagrams = suffix in (*REPLAYS, *CAPTURES)
    decoder = AsterixDecoder(path.name, sensors=sensors, datagrams=in_datagrams, day_ns=day_ns, refusals=refusals)
    if not in_datagrams:
        return decoder, _recording(path, decoder)
    capture = RplyDatagrams(refusals) if suffix in REPLAYS else PcapDatagrams(refusals)
    return decoder, _capture(path, decoder, capture, dated=suffix in CAPTURES)


def _recording(path: Path, decoder: AsterixDecoder) -> Iterator[Decoded]:
    for data in pieces(path):
        yield from decoder.pieces(data)
    yield decoder.finish()


def _capture(path: Path, decoder: AsterixDecoder, capture: Captured, *, dated: bool) -> Iterator[Decoded]:
    """Yield what the datagrams of a capture hold; those that hold none are refused where they stand."""
    for data in pieces(path):
        yield from decoder.captured(capture.cut(data), dated=dated)
    capture.finish()
    yield decoder.finish()


plugin = AsterixPlugin()

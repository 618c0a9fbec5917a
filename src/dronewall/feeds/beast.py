"""Beast feeds: ADS-B and Mode S from a receiver, live over TCP or from a recording.

`beast://HOST:PORT` dials a receiver's Beast output (dump1090, readsb: port 30005).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from datetime import date
from pathlib import Path

import msgspec

from dronewall.engine.clock import Clock
from dronewall.engine.links import Pauses, dial_tcp
from dronewall.feeds.feed import Batch, Decoded
from dronewall.feeds.files import check_readable, midnight_ns, pieces
from dronewall.feeds.mode_s import ModeSDecoder, avr_decoder, beast_decoder
from dronewall.feeds.tally import Tally
from dronewall.feeds.url import address_of
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma, Wire
from dronewall.model.status import FeedStatus
from dronewall.wire.mode_s.accuracy import SIGMA_ALTITUDE_M, SIGMA_POSITION_M, SIGMA_VELOCITY_MPS
from dronewall.wire.mode_s.cpr import Place
from dronewall.wire.mode_s.transponders import Transponders

AVR_SUFFIX = ".ts_avr"


class BeastSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of a `beast://` feed."""

    url: str
    name: str = ""
    """What people call it; the sensor's id or the address if empty."""
    sensor_id: str = ""
    """The receiver; if empty, the sensor whose `wire.feed` is this feed's name, else `adsb:NAME`."""


class BeastFeed:
    """The live half: a receiver dialled over TCP, again and again if need be."""

    def __init__(self, settings: BeastSettings, *, sensors: Sensors, clock: Clock) -> None:
        self._address = address_of(settings.url)
        self.url = settings.url
        self.name = settings.name or settings.sensor_id or str(self._address)
        self._sensor_id = settings.sensor_id or _sensor_id(self.name, sensors)
        self._site = _site(sensors.get(self._sensor_id))
        self._clock = clock
        self._tally = Tally(self.name, self.url)

    def assumed_sensors(self) -> tuple[Sensor, ...]:
        """Return the receiver, for a register that lacks it."""
        return (assumed_receiver(self._sensor_id, self.name),)

    def status(self) -> FeedStatus:
        """Return its health."""
        return self._tally.status(now_ns=self._clock.now_ns())

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what the receiver sends, for ever; what was heard of aircraft outlives a lost connection."""
        decoder = beast_decoder(self.name, self._sensor_id, transponders=Transponders(site=self._site))
        chunks = dial_tcp(
            self._address.host, self._address.port, clock=self._clock, pauses=Pauses(), on_state=self._tally.moved
        )
        async with aclosing(chunks):
            async for chunk in chunks:
                if chunk.opened:
                    continue
                decoded = (
                    decoder.finish() if chunk.closed else decoder.decode(chunk.data, received_ns=chunk.received_ns)
                )
                self._tally.count(decoded, received_ns=chunk.received_ns)
                yield Batch(decoded)


class BeastPlugin:
    """The entry point `beast`."""

    schemes = ("beast",)
    suffixes = (".beast", AVR_SUFFIX)
    Settings = BeastSettings

    def open(self, settings: BeastSettings, *, sensors: Sensors, clock: Clock) -> BeastFeed:
        """Return a feed that is not connected yet; see `FeedPlugin.open`."""
        return BeastFeed(settings, sensors=sensors, clock=clock)

    def assumed_in(self, path: Path) -> tuple[Sensor, ...]:
        """Return the receiver of a recording, called after its file."""
        return (assumed_receiver(f"adsb:{path.stem}", path.stem),)

    def recording(self, path: Path, *, sensors: Sensors, date: date) -> Iterator[Decoded]:
        """Yield a recording; the ticks of Beast count from midnight of `date`. See `FeedPlugin.recording`.

        Its beginning is read ahead for the first aircraft in the air whose position is certain: aircraft on the
        ground send theirs modulo a quarter of the earth, and any place near the receiver settles which.
        """
        check_readable(path)
        sensor_id = _sensor_id(path.stem, sensors)
        site = _site(sensors.get(sensor_id))
        return self._recording(path, sensor_id, site, midnight_ns(date))

    def _recording(self, path: Path, sensor_id: str, site: Place | None, day_ns: int) -> Iterator[Decoded]:
        transponders = Transponders(site=site, surroundings=site or _surroundings(path))
        decoder = _decoder(path, sensor_id, transponders, day_ns)
        for data in pieces(path):
            yield from decoder.pieces(data)
        yield decoder.finish()


def assumed_receiver(sensor_id: str, feed: str) -> Sensor:
    """Return a receiver of which nothing is known but that it hears transponders."""
    sigma = Sigma(position_m=SIGMA_POSITION_M, altitude_m=SIGMA_ALTITUDE_M, velocity_mps=SIGMA_VELOCITY_MPS)
    return Sensor(sensor_id, SensorKind.ADSB, sigma=sigma, wire=Wire(feed=feed))


def _sensor_id(name: str, sensors: Sensors) -> str:
    return sensors.id_on_wire("feed", name) or f"adsb:{name}"


def _site(sensor: Sensor | None) -> Place | None:
    if sensor is None or sensor.lat_deg is None or sensor.lon_deg is None:
        return None
    return Place(sensor.lat_deg, sensor.lon_deg)


def _decoder(path: Path, sensor_id: str, transponders: Transponders, day_ns: int) -> ModeSDecoder:
    if path.suffix.lower() == AVR_SUFFIX:
        return avr_decoder(path.stem, sensor_id, transponders=transponders)
    return beast_decoder(path.stem, sensor_id, transponders=transponders, day_ns=day_ns)


def _surroundings(path: Path) -> Place | None:
    transponders = Transponders()
    decoder = _decoder(path, "", transponders, 0)
    for data in pieces(path):
        decoder.decode(data, received_ns=None)
        if transponders.surroundings is not None:
            return transponders.surroundings
    return None


plugin = BeastPlugin()

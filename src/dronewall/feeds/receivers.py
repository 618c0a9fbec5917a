"""What feeds of receivers have in common: a receiver is dialled over TCP, and the receiver is the sensor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

from dronewall.engine.clock import Clock
from dronewall.feeds.feed import Batch, Decoder
from dronewall.feeds.link import Link, LinkSettings
from dronewall.feeds.tally import Tally
from dronewall.feeds.url import address_of
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma, Wire
from dronewall.model.status import FeedStatus
from dronewall.wire.mode_s.accuracy import SIGMA_ALTITUDE_M, SIGMA_POSITION_M, SIGMA_VELOCITY_MPS
from dronewall.wire.mode_s.cpr import Place

DecoderOf = Callable[[str, str, Place | None], Decoder]
"""Makes a decoder from the feed's name, the receiver's id and its place, if that is known."""


class ReceiverSettings(LinkSettings, frozen=True, forbid_unknown_fields=True):
    """Options of a feed that dials a receiver; its name is the sensor's id or the address if empty."""

    sensor_id: str = ""
    """The receiver; if empty, the sensor whose `wire.feed` is this feed's name, else `adsb:NAME`."""


class ReceiverFeed:
    """The live half: a receiver dialled over TCP, again and again if need be."""

    def __init__(self, settings: ReceiverSettings, *, sensors: Sensors, clock: Clock, decoder_of: DecoderOf) -> None:
        self.url = settings.url
        self.name = settings.name or settings.sensor_id or str(address_of(settings.url))
        self._link = Link(settings, name=self.name, clock=clock)
        self._sensor_id = settings.sensor_id or receiver_id(self.name, sensors)
        self._site = receiver_site(sensors.get(self._sensor_id))
        self._clock = clock
        self._decoder_of = decoder_of
        self._tally = Tally(self.name, self.url)

    def assumed_sensors(self) -> tuple[Sensor, ...]:
        """Return the receiver, for a register that lacks it."""
        return (assumed_receiver(self._sensor_id, self.name),)

    def status(self) -> FeedStatus:
        """Return its health."""
        return self._tally.status(now_ns=self._clock.now_ns())

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what the receiver sends, for ever; what was heard of aircraft outlives a lost connection."""
        decoder = self._decoder_of(self.name, self._sensor_id, self._site)
        async with aclosing(self._link.dialled(self._tally.moved)) as chunks:
            async for chunk in chunks:
                if chunk.opened:
                    continue
                decoded = (
                    decoder.finish() if chunk.closed else decoder.decode(chunk.data, received_ns=chunk.received_ns)
                )
                self._tally.count(decoded, received_ns=chunk.received_ns)
                yield Batch(decoded)


class ReceiverPlugin:
    """What the entry points of receivers share; each adds its schemes, its suffixes and `recording`."""

    Settings = ReceiverSettings

    def __init__(self, decoder_of: DecoderOf) -> None:
        self._decoder_of = decoder_of

    def open(self, settings: ReceiverSettings, *, sensors: Sensors, clock: Clock) -> ReceiverFeed:
        """Return a feed that is not connected yet; see `FeedPlugin.open`."""
        return ReceiverFeed(settings, sensors=sensors, clock=clock, decoder_of=self._decoder_of)

    def assumed_in(self, path: Path) -> tuple[Sensor, ...]:
        """Return the receiver of a recording, called after its file."""
        return (assumed_receiver(f"adsb:{path.stem}", path.stem),)


def assumed_receiver(sensor_id: str, feed: str) -> Sensor:
    """Return a receiver of which nothing is known but that it hears transponders."""
    sigma = Sigma(position_m=SIGMA_POSITION_M, altitude_m=SIGMA_ALTITUDE_M, velocity_mps=SIGMA_VELOCITY_MPS)
    return Sensor(sensor_id, SensorKind.ADSB, sigma=sigma, wire=Wire(feed=feed))


def receiver_id(name: str, sensors: Sensors) -> str:
    """Return the id of the receiver behind a feed or a recording of a name."""
    return sensors.id_on_wire("feed", name) or f"adsb:{name}"


def receiver_site(sensor: Sensor | None) -> Place | None:
    """Return where a receiver stands, if it was declared."""
    if sensor is None or sensor.lat_deg is None or sensor.lon_deg is None:
        return None
    return Place(sensor.lat_deg, sensor.lon_deg)

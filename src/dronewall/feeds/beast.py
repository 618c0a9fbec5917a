"""Beast feeds: ADS-B and Mode S from a receiver, live over TCP or from a recording.

`beast://HOST:PORT` dials a receiver's Beast output (dump1090, readsb: port 30005).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from dronewall.engine.clock import Clock
from dronewall.feeds.feed import Decoded, Decoder
from dronewall.feeds.files import check_readable, midnight_ns
from dronewall.feeds.mode_s import ModeSDecoder, beast_decoder, recorded
from dronewall.feeds.receivers import ReceiverFeed, ReceiverSettings, assumed_receiver, receiver_id, receiver_site
from dronewall.model.sensors import Sensor, Sensors
from dronewall.wire.mode_s.cpr import Place
from dronewall.wire.mode_s.transponders import Transponders


class BeastPlugin:
    """The entry point `beast`."""

    schemes = ("beast",)
    suffixes = (".beast",)
    Settings = ReceiverSettings

    def open(self, settings: ReceiverSettings, *, sensors: Sensors, clock: Clock) -> ReceiverFeed:
        """Return a feed that is not connected yet; see `FeedPlugin.open`."""
        return ReceiverFeed(settings, sensors=sensors, clock=clock, decoder_of=_live_decoder)

    def assumed_in(self, path: Path) -> tuple[Sensor, ...]:
        """Return the receiver of a recording, called after its file."""
        return (assumed_receiver(f"adsb:{path.stem}", path.stem),)

    def recording(self, path: Path, *, sensors: Sensors, date: date) -> Iterator[Decoded]:
        """Yield a recording; the ticks of Beast count from midnight of `date`. See `FeedPlugin.recording`."""
        check_readable(path)
        sensor_id, day_ns = receiver_id(path.stem, sensors), midnight_ns(date)

        def decoder(transponders: Transponders) -> ModeSDecoder:
            return beast_decoder(path.stem, sensor_id, transponders=transponders, day_ns=day_ns)

        return recorded(path, decoder, site=receiver_site(sensors.get(sensor_id)))


def _live_decoder(feed: str, sensor_id: str, site: Place | None) -> Decoder:
    return beast_decoder(feed, sensor_id, transponders=Transponders(site=site))


plugin = BeastPlugin()

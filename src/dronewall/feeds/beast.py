"""Beast feeds: ADS-B and Mode S from a receiver, live over TCP or from a recording.

`beast://HOST:PORT` dials a receiver's Beast output (dump1090, readsb: port 30005).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from dronewall.feeds.feed import Decoded, Decoder
from dronewall.feeds.files import check_readable, midnight_ns
from dronewall.feeds.mode_s import ModeSDecoder, beast_decoder, recorded
from dronewall.feeds.receivers import ReceiverPlugin, receiver_id, receiver_site
from dronewall.model.sensors import Sensors
from dronewall.wire.mode_s.cpr import Place
from dronewall.wire.mode_s.transponders import Transponders


class BeastPlugin(ReceiverPlugin):
    """The entry point `beast`."""

    schemes = ("beast",)
    suffixes = (".beast",)

    def recording(self, path: Path, *, sensors: Sensors, date: date) -> Iterator[Decoded]:
        """Yield a recording; the ticks of Beast count from midnight of `date`. See `FeedPlugin.recording`."""
        check_readable(path)
        sensor_id, day_ns = receiver_id(path.stem, sensors), midnight_ns(date)

        def decoder(transponders: Transponders) -> ModeSDecoder:
            return beast_decoder(path.stem, sensor_id, transponders=transponders, day_ns=day_ns)

        return recorded(path, decoder, site=receiver_site(sensors.get(sensor_id)))


def _live_decoder(feed: str, sensor_id: str, site: Place | None) -> Decoder:
    return beast_decoder(feed, sensor_id, transponders=Transponders(site=site))


plugin = BeastPlugin(_live_decoder)

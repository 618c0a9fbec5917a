"""AVR feeds: Mode S messages as lines of hexadecimal, live over TCP or from a recording.

`avr://HOST:PORT` dials a receiver's raw output (dump1090, readsb: port 30002).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from dronewall.feeds.feed import Decoded, Decoder
from dronewall.feeds.files import check_readable, midnight_ns, pieces
from dronewall.feeds.mode_s import ModeSDecoder, avr_decoder, recorded
from dronewall.feeds.receivers import ReceiverPlugin, receiver_id, receiver_site
from dronewall.model.errors import InputError
from dronewall.model.sensors import Sensors
from dronewall.wire.avr import carries_no_time
from dronewall.wire.mode_s.cpr import Place
from dronewall.wire.mode_s.transponders import Transponders


class AvrPlugin(ReceiverPlugin):
    """The entry point `avr`."""

    schemes = ("avr",)
    suffixes = (".avr", ".ts_avr")

    def recording(self, path: Path, *, sensors: Sensors, date: date) -> Iterator[Decoded]:
        """Yield a recording whose lines tell when they were heard; ticks count from midnight of `date`.

        Raises:
            InputError: its lines carry no time, beside what `FeedPlugin.recording` says. An even pace could be made
                up for them, but then speeds and tracks would be made up too.
        """
        check_readable(path)
        if carries_no_time(next(pieces(path), b"")):
            raise InputError(
                "the lines of this recording carry no time, so nothing in it can be placed in time",
                "Record with times instead: Beast (.beast), `@ticks hex;` or `seconds *hex;` (.ts_avr).",
                file=str(path),
            )
        sensor_id, day_ns = receiver_id(path.stem, sensors), midnight_ns(date)

        def decoder(transponders: Transponders) -> ModeSDecoder:
            return avr_decoder(path.stem, sensor_id, transponders=transponders, day_ns=day_ns)

        return recorded(path, decoder, site=receiver_site(sensors.get(sensor_id)))


def _live_decoder(feed: str, sensor_id: str, site: Place | None) -> Decoder:
    return avr_decoder(feed, sensor_id, transponders=Transponders(site=site))


plugin = AvrPlugin(_live_decoder)

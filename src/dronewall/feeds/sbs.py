"""SBS-1 feeds: what a receiver has decoded itself, as lines of text, live over TCP or from a recording.

`sbs://HOST:PORT` dials a receiver's BaseStation output (dump1090, readsb: port 30003).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from dronewall.feeds.feed import Decoded, Decoder
from dronewall.feeds.files import NS_PER_S, check_readable, pieces
from dronewall.feeds.receivers import ReceiverPlugin, receiver_id
from dronewall.model.sensors import Sensors
from dronewall.wire.mode_s.cpr import Place
from dronewall.wire.refusals import Refusals
from dronewall.wire.rows import PlotRows
from dronewall.wire.sbs import SbsMessage, SbsMessages, SbsReader

PIECE_NS = NS_PER_S // 2


class SbsDecoder:
    """The pure half: lines become plots.

    Args:
        feed: the feed's name, for refusals.
        sensor_id: the receiver.
    """

    def __init__(self, feed: str, sensor_id: str) -> None:
        self._refusals = Refusals(feed)
        self._messages = SbsMessages(self._refusals)
        self._reader = SbsReader(sensor_id, self._refusals)

    def decode(self, data: bytes, *, received_ns: int | None) -> Decoded:
        """Take a piece of the stream; see `Decoder.decode`."""
        return self._decoded(self._messages.timed(data, received_ns))

    def pieces(self, data: bytes) -> Iterator[Decoded]:
        """Take a piece of a recording and yield it in pieces of about half a second of its own time."""
        piece: list[SbsMessage] = []
        for message in self._messages.timed(data, None):
            if piece and abs(message.at_ns - piece[0].at_ns) >= PIECE_NS:
                yield self._decoded(piece)
                piece = []
            piece.append(message)
        yield self._decoded(piece)

    def finish(self) -> Decoded:
        """Refuse a half line; see `Decoder.finish`."""
        self._messages.finish()
        return Decoded(refused=self._refusals.taken())

    def _decoded(self, messages: Sequence[SbsMessage]) -> Decoded:
        rows, unplaceable = PlotRows(), Counter[str]()
        frames = self._reader.read(messages, rows, unplaceable)
        return Decoded(rows.plots(), frames, self._refusals.taken(), tuple(sorted(unplaceable.items())))


class SbsPlugin(ReceiverPlugin):
    """The entry point `sbs`."""

    schemes = ("sbs",)
    suffixes = (".sbs",)

    def recording(self, path: Path, *, sensors: Sensors, date: date) -> Iterator[Decoded]:
        """Yield a recording, whose lines carry dates and times, taken as UTC; see `FeedPlugin.recording`."""
        check_readable(path)
        return _recording(path, SbsDecoder(path.stem, receiver_id(path.stem, sensors)))


def _recording(path: Path, decoder: SbsDecoder) -> Iterator[Decoded]:
    for data in pieces(path):
        yield from decoder.pieces(data)
    yield decoder.finish()


def _live_decoder(feed: str, sensor_id: str, _: Place | None) -> Decoder:
    return SbsDecoder(feed, sensor_id)


plugin = SbsPlugin(_live_decoder)

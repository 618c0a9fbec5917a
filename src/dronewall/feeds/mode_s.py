"""The pure half of feeds that hear transponders: Beast streams and AVR lines become plots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from dronewall.feeds.feed import Decoded
from dronewall.feeds.files import NS_PER_S, pieces
from dronewall.wire.avr import AvrMessages
from dronewall.wire.beast.framing import MLAT_TICKS, BeastFrame, BeastFraming, TickClock
from dronewall.wire.mode_s.cpr import Place
from dronewall.wire.mode_s.messages import ModeSReader, TimedMessage
from dronewall.wire.mode_s.transponders import Transponders
from dronewall.wire.refusals import Refusals
from dronewall.wire.rows import PlotRows

STATUS = 0x34
MODE_A_C_BYTES = 2
PIECE_S = 0.5
PIECE_MESSAGES_MAX = 1000


class Messages(Protocol):
    """Cuts a stream into Mode S messages with their instants, in order; keeps an unfinished one, bounded."""

    def timed(self, data: bytes, received_ns: int | None) -> list[TimedMessage]:
        """Return the messages that `data` completes."""
        ...

    def finish(self) -> None:
        """Refuse what is left of an unfinished one."""
        ...


class BeastMessages:
    """Messages of a Beast stream: stamped with the time of receipt, or counted in ticks from midnight of a day."""

    def __init__(self, refusals: Refusals, *, day_ns: int = 0) -> None:
        self._refusals = refusals
        self._framing = BeastFraming(refusals)
        self._ticks = TickClock(day_ns)

    def timed(self, data: bytes, received_ns: int | None) -> list[TimedMessage]:
        """Return the messages that `data` completes; refuse what no transponder sent."""
        timed: list[TimedMessage] = []
        for frame in self._framing.frames(data):
            if frame.type == STATUS:
                self._refuse("the receiver's status is not read", frame)
            elif frame.ticks == MLAT_TICKS:
                self._refuse("a position made up from multilateration", frame)
            else:
                at_ns = self._ticks.at_ns(frame.ticks) if received_ns is None else received_ns
                timed.append(TimedMessage(frame.message, at_ns, at_ns, frame.offset))
        return timed

    def finish(self) -> None:
        """Refuse what is left of an unfinished frame."""
        self._framing.finish()

    def _refuse(self, reason: str, frame: BeastFrame) -> None:
        self._refusals.refuse(reason, offset=frame.offset, frame=frame.message)


class ModeSDecoder:
    """The pure half: a stream of Mode S messages becomes plots.

    Args:
        sensor_id: the receiver.
        messages: cuts the stream.
        refusals: the ones `messages` refuses into.
        transponders: what is known before the first byte, for instance the receiver's place.
    """

    def __init__(self, sensor_id: str, messages: Messages, refusals: Refusals, transponders: Transponders) -> None:
        self._messages = messages
        self._refusals = refusals
        self._reader = ModeSReader(sensor_id, transponders, refusals)

    def decode(self, data: bytes, *, received_ns: int | None) -> Decoded:
        """Take a piece of the stream; see `Decoder.decode`."""
        return self._decoded(self._messages.timed(data, received_ns))

    def pieces(self, data: bytes) -> Iterator[Decoded]:
        """Take a piece of a recording and yield it in pieces of about half a second of its own time."""
        piece: list[TimedMessage] = []
        for timed in self._messages.timed(data, None):
            if piece and (timed.at_ns - piece[0].at_ns >= PIECE_S * NS_PER_S or len(piece) >= PIECE_MESSAGES_MAX):
                yield self._decoded(piece)
                piece = []
            piece.append(timed)
        yield self._decoded(piece)

    def finish(self) -> Decoded:
        """Refuse what is left of an unfinished message; see `Decoder.finish`."""
        self._messages.finish()
        return Decoded(refused=self._refusals.taken())

    def _decoded(self, timed: Sequence[TimedMessage]) -> Decoded:
        rows, unplaceable = PlotRows(), Counter[str]()
        mode_s = [message for message in timed if len(message.message) > MODE_A_C_BYTES]
        replies_a_c = len(timed) - len(mode_s)
        frames = replies_a_c + self._reader.read(mode_s, rows, unplaceable)
        return Decoded(rows.plots(), frames, self._refusals.taken(), tuple(sorted(unplaceable.items())))


def beast_decoder(feed: str, sensor_id: str, *, transponders: Transponders, day_ns: int = 0) -> ModeSDecoder:
    """Return a decoder of Beast; without times of receipt, ticks count from midnight at `day_ns`."""
    refusals = Refusals(feed)
    return ModeSDecoder(sensor_id, BeastMessages(refusals, day_ns=day_ns), refusals, transponders)


def avr_decoder(feed: str, sensor_id: str, *, transponders: Transponders, day_ns: int = 0) -> ModeSDecoder:
    """Return a decoder of AVR lines; without times of receipt, ticks count from midnight at `day_ns`."""
    refusals = Refusals(feed)
    return ModeSDecoder(sensor_id, AvrMessages(refusals, day_ns=day_ns), refusals, transponders)


def recorded(
    path: Path, decoder_of: Callable[[Transponders], ModeSDecoder], *, site: Place | None
) -> Iterator[Decoded]:
    """Yield what a recording holds.

    Its beginning is read ahead for the first aircraft in the air whose position is certain: aircraft on the
    ground send theirs modulo a quarter of the earth, and any place near the receiver settles which.
    """
    decoder = decoder_of(Transponders(site=site, surroundings=site or _surroundings(path, decoder_of)))
    for data in pieces(path):
        yield from decoder.pieces(data)
    yield decoder.finish()


def _surroundings(path: Path, decoder_of: Callable[[Transponders], ModeSDecoder]) -> Place | None:
    transponders = Transponders()
    decoder = decoder_of(transponders)
    for data in pieces(path):
        decoder.decode(data, received_ns=None)
        if transponders.surroundings is not None:
            return transponders.surroundings
    return None

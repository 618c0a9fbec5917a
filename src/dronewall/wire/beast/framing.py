"""Beast framing: a stream of bytes becomes Mode S messages with the receiver's own time, and back.

A frame is `0x1a`, a type, 6 bytes of ticks, 1 byte of signal level and the message; a `0x1a` inside is sent twice.

    type '1'   2 bytes   Mode A/C reply
    type '2'   7 bytes   Mode S short
    type '3'  14 bytes   Mode S long
    type '4'  14 bytes   the receiver's own status

Ticks count 12 MHz from when the receiver was switched on, 48 bits wide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dronewall.wire.refusals import Refusals

ESCAPE = 0x1A
TICKS_PER_S = 12_000_000
TICKS_WRAP = 1 << 48
MLAT_TICKS = 0xFF00_4D4C_4154
"""Ticks that programs put on messages they made up from multilateration: 0xff, 0, "MLAT"."""
MESSAGE_BYTES = {0x31: 2, 0x32: 7, 0x33: 14, 0x34: 14}
HEAD_BYTES = 7

_BYTE = rb"(?:[^\x1a]|\x1a\x1a)"
_FRAME = re.compile(
    rb"\x1a(?:[34]" + _BYTE + rb"{21}|2" + _BYTE + rb"{14}|1" + _BYTE + rb"{9})",
    re.DOTALL,
)
_SO_FAR = re.compile(rb"\x1a[1-4]" + _BYTE + rb"*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class BeastFrame:
    """One message as the receiver sent it on; `offset` is its first byte in the stream."""

    type: int
    ticks: int
    signal: int
    message: bytes
    offset: int


class BeastFraming:
    """Cuts a stream into frames; keeps an unfinished one until the rest arrives.

    What it keeps is bounded: the longest frame is 44 bytes with every byte escaped. Bytes between frames, and a frame
    that ends early, are refused once each however the stream is cut into pieces.
    """

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._pending = b""
        self._offset = 0  # of the first pending byte
        self._stray_from: int | None = None
        self._stray = b""

    def frames(self, data: bytes) -> list[BeastFrame]:
        """Return the frames that `data` completes, in order."""
        stream = self._pending + data
        found: list[BeastFrame] = []
        at = 0
        while at < len(stream):
            complete = _FRAME.match(stream, at)
            if complete is not None:
                self._close_stray()
                found.append(_frame(stream[at : complete.end()], self._offset + at))
                at = complete.end()
                continue
            ahead = self._resume(stream, at)
            if ahead == at:
                break
            at = ahead
        self._pending = stream[at:]
        self._offset += at
        return found

    def finish(self) -> None:
        """Refuse what is left over and start afresh, as after a lost connection."""
        self._close_stray()
        if self._pending:
            self._refusals.refuse("frame cut short", offset=self._offset, frame=self._pending)
        self._offset += len(self._pending)
        self._pending = b""

    def _resume(self, stream: bytes, at: int) -> int:
        """Return where to look for the next frame when none is complete at `at`; `at` itself to wait for more."""
        if stream[at] != ESCAPE:
            ahead = stream.find(ESCAPE, at)
            ahead = len(stream) if ahead < 0 else ahead
            return self._skip(stream, at, ahead)
        if at + 1 == len(stream):
            return at
        if stream[at + 1] == ESCAPE:  # an escaped byte of something whose beginning was missed
            return self._skip(stream, at, at + 2)
        begun = _SO_FAR.match(stream, at)
        if begun is None:
            return self._skip(stream, at, at + 1)
        if begun.end() == len(stream) or (begun.end() == len(stream) - 1 and stream[-1] == ESCAPE):
            return at
        self._close_stray()
        self._refusals.refuse("frame cut short", offset=self._offset + at, frame=stream[at : begun.end()])
        return begun.end()

    def _skip(self, stream: bytes, at: int, ahead: int) -> int:
        if self._stray_from is None:
            self._stray_from = self._offset + at
        if len(self._stray) < 4096:
            self._stray += stream[at:ahead]
        return ahead

    def _close_stray(self) -> None:
        if self._stray_from is not None:
            self._refusals.refuse("bytes outside any frame", offset=self._stray_from, frame=self._stray)
            self._stray_from, self._stray = None, b""


class TickClock:
    """Turns 48-bit ticks into nanoseconds since the stream's first frame of a day that somebody names.

    Ticks wrap after 271 days; frames may arrive a little out of order. Each is taken as the nearest to the last.
    """

    def __init__(self, day_ns: int) -> None:
        self._day_ns = day_ns
        self._last: int | None = None

    def at_ns(self, ticks: int) -> int:
        """Return the instant, ns UTC: ticks count from the day's midnight."""
        if self._last is None:
            self._last = ticks
        else:
            self._last += (ticks - self._last + TICKS_WRAP // 2) % TICKS_WRAP - TICKS_WRAP // 2
        return self._day_ns + (self._last * 1000 + 6) // 12


def encoded(frame: BeastFrame) -> bytes:
    """Return a frame as it goes over the wire."""
    body = frame.ticks.to_bytes(6, "big") + bytes([frame.signal]) + frame.message
    return bytes([ESCAPE, frame.type]) + body.replace(b"\x1a", b"\x1a\x1a")


def _frame(raw: bytes, offset: int) -> BeastFrame:
    body = raw[2:].replace(b"\x1a\x1a", b"\x1a")
    return BeastFrame(raw[1], int.from_bytes(body[:6], "big"), body[6], body[HEAD_BYTES:], offset)

"""AVR: one Mode S message a line in hexadecimal, as programs that serve or log receivers write it.

    *8C3461CE399E40586B4EE4932241;                      without a time, as dump1090 serves it
    @016CE3671AA88C3461CE399E40586B4EE4932241;          after twelve digits: ticks of a 12 MHz clock, as in Beast
    1717664319.147975 *8C3461CE399E40586B4EE4932241;    after seconds since the Unix epoch UTC, as loggers write it

Live, the first two are stamped when they arrive; what the ticks count from, nobody says. In a recording, ticks count
from midnight of the day it begins, and a line without a time is refused: nothing tells when it was heard.
"""

from __future__ import annotations

import re

from dronewall.wire.beast.framing import TickClock
from dronewall.wire.lines import Line, Lines
from dronewall.wire.mode_s.messages import TimedMessage
from dronewall.wire.refusals import Refusals

LINE_MAX_BYTES = 256
MESSAGE_BYTES = (2, 7, 14)
NOT_AVR = "line is not an AVR message"
NO_TIME = "line carries no time"
_LINE = re.compile(
    rb"\s*(?:(?:(?P<s>\d{1,10})(?:\.(?P<fraction>\d{1,9})\d*)?\s+)?\*|@(?P<ticks>[0-9A-Fa-f]{12})\s*)"
    rb"(?P<hex>(?:[0-9A-Fa-f]{2}){2,14});\s*"
)


class AvrMessages:
    """Cuts a stream into messages with their instants; keeps a half line, at most 256 bytes, until its end arrives."""

    def __init__(self, refusals: Refusals, *, day_ns: int = 0) -> None:
        self._refusals = refusals
        self._lines = Lines(refusals, line_max_bytes=LINE_MAX_BYTES, reason=NOT_AVR)
        self._ticks = TickClock(day_ns)

    def timed(self, data: bytes, received_ns: int | None) -> list[TimedMessage]:
        """Return the messages that `data` completes, with their own instants or that of their receipt."""
        timed = (self._message(line, received_ns) for line in self._lines.cut(data))
        return [message for message in timed if message is not None]

    def finish(self) -> None:
        """Refuse a half line."""
        self._lines.finish()

    def _message(self, line: Line, received_ns: int | None) -> TimedMessage | None:
        found = _LINE.fullmatch(line.text)
        message = bytes.fromhex(found["hex"].decode()) if found else b""
        if found is None or len(message) not in MESSAGE_BYTES:
            self._refusals.refuse(NOT_AVR, offset=line.offset, frame=line.text)
            return None
        at_ns = self._at_ns(found, received_ns)
        if at_ns is None:
            self._refusals.refuse(NO_TIME, offset=line.offset, frame=line.text)
            return None
        return TimedMessage(message, at_ns, at_ns if received_ns is None else received_ns, line.offset)

    def _at_ns(self, found: re.Match[bytes], received_ns: int | None) -> int | None:
        if found["s"]:
            return int(found["s"]) * 1_000_000_000 + int((found["fraction"] or b"0").ljust(9, b"0"))
        if received_ns is not None or not found["ticks"]:
            return received_ns
        return self._ticks.at_ns(int(found["ticks"], 16))


def carries_no_time(beginning: bytes) -> bool:
    """Whether the first line of a recording is a message without a time."""
    first = next((line for line in beginning.split(b"\n") if line.strip()), b"")
    found = _LINE.fullmatch(first)
    return found is not None and not found["s"] and not found["ticks"]

"""AVR with times: one Mode S message a line, as programs that log receivers write it.

    1717664319.147975 *8C3461CE399E40586B4EE4932241;

Seconds since the Unix epoch UTC, then the message in hexadecimal between `*` and `;`.
"""

from __future__ import annotations

import re

from dronewall.wire.mode_s.messages import TimedMessage
from dronewall.wire.refusals import Refusals

LINE_MAX_BYTES = 256
_LINE = re.compile(rb"\s*(\d{1,10})(?:\.(\d{1,9})\d*)?\s+\*((?:[0-9A-Fa-f]{2}){2,14});\s*")
MESSAGE_BYTES = (2, 7, 14)


class AvrMessages:
    """Cuts a file into messages with their instants; keeps a half line, at most 256 bytes, until its end arrives."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._pending = b""
        self._offset = 0  # of the first pending byte
        self._endless = False

    def timed(self, data: bytes, received_ns: int | None) -> list[TimedMessage]:
        """Return the messages that `data` completes; they carry their own instants."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        messages: list[TimedMessage] = []
        for line in lines:
            message = None if self._endless else self._message(line, received_ns)
            if message is not None:
                messages.append(message)
            self._endless = False
            self._offset += len(line) + 1
        if len(self._pending) > LINE_MAX_BYTES:
            self._drop_endless()
        return messages

    def finish(self) -> None:
        """Refuse a half line."""
        if self._pending.strip() and not self._endless:
            self._refusals.refuse("line is cut short", offset=self._offset, frame=self._pending)
        self._offset += len(self._pending)
        self._pending, self._endless = b"", False

    def _message(self, line: bytes, received_ns: int | None) -> TimedMessage | None:
        found = _LINE.fullmatch(line) if len(line) <= LINE_MAX_BYTES else None
        message = bytes.fromhex(found[3].decode()) if found else b""
        if found is None or len(message) not in MESSAGE_BYTES:
            if line.strip():
                self._refusals.refuse("line is not `seconds *hex;`", offset=self._offset, frame=line[:LINE_MAX_BYTES])
            return None
        at_ns = int(found[1]) * 1_000_000_000 + int((found[2] or b"0").ljust(9, b"0"))
        return TimedMessage(message, at_ns, at_ns if received_ns is None else received_ns, self._offset)

    def _drop_endless(self) -> None:
        if not self._endless:
            head = self._pending[:LINE_MAX_BYTES]
            self._refusals.refuse("line is not `seconds *hex;`", offset=self._offset, frame=head)
        self._endless = True
        self._offset += len(self._pending)
        self._pending = b""

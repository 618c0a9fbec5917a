"""Streams of text cut into lines, bounded: what never ends is refused once and not kept."""

from __future__ import annotations

from dataclasses import dataclass

from dronewall.wire.refusals import Refusals


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end, and the byte of the stream it begins at."""

    text: bytes
    offset: int


class Lines:
    """Cuts a stream into lines; keeps a half one until its end arrives.

    Args:
        refusals: where lines go that are too long or cut short.
        line_max_bytes: no line of the format is longer.
        reason: why a longer one is refused.
    """

    def __init__(self, refusals: Refusals, *, line_max_bytes: int, reason: str) -> None:
        self._refusals = refusals
        self._line_max_bytes = line_max_bytes
        self._reason = reason
        self._pending = b""
        self._offset = 0  # of the first pending byte
        self._endless = False

    def cut(self, data: bytes) -> list[Line]:
        """Return the lines that `data` completes, those without anything in them left out."""
        *ended, self._pending = (self._pending + data).split(b"\n")
        lines: list[Line] = []
        for text in ended:
            if len(text) > self._line_max_bytes and not self._endless:
                self._refuse(text)
            elif text.strip() and not self._endless:
                lines.append(Line(text, self._offset))
            self._endless = False
            self._offset += len(text) + 1
        if len(self._pending) > self._line_max_bytes:
            self._drop()
        return lines

    def finish(self) -> None:
        """Refuse a half line."""
        if self._pending.strip() and not self._endless:
            self._refusals.refuse("line is cut short", offset=self._offset, frame=self._pending)
        self._offset += len(self._pending)
        self._pending, self._endless = b"", False

    def _drop(self) -> None:
        if not self._endless:
            self._refuse(self._pending)
        self._endless = True
        self._offset += len(self._pending)
        self._pending = b""

    def _refuse(self, text: bytes) -> None:
        self._refusals.refuse(self._reason, offset=self._offset, frame=text[: self._line_max_bytes])

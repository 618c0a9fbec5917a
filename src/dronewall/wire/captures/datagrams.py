"""What a capture holds, whatever its format: datagrams, when they were heard and where they stand in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dronewall.wire.refusals import Refusals

DATAGRAM_MAX_BYTES = 65_535


@dataclass(frozen=True, slots=True)
class Datagram:
    """One datagram; `at_ns` is ns UTC, or ns since the capture began if its format carries no date."""

    data: bytes
    at_ns: int
    offset: int


class Captured(Protocol):
    """Cuts a capture into datagrams; keeps an unfinished one until its end arrives."""

    def cut(self, data: bytes) -> list[Datagram]:
        """Return the datagrams that `data` completes, in order."""
        ...

    def finish(self) -> None:
        """Refuse what is left of an unfinished one."""
        ...


class Stream:
    """The bytes of a capture that are not read yet, at most one record of it.

    Once a capture is damaged, nothing tells where its next record begins: the rest of it is refused as one.
    """

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._bytes = b""
        self._at = 0
        self._before = 0  # bytes of the file that went before `_bytes`
        self._damage: str | None = None

    def add(self, data: bytes) -> None:
        """Take the next piece of the file."""
        if self._damage is None:
            self._before += self._at
            self._bytes = self._bytes[self._at :] + data
            self._at = 0

    @property
    def offset(self) -> int:
        """The byte of the file that is read next."""
        return self._before + self._at

    def ahead(self, length: int) -> bytes | None:
        """Return the next bytes without passing them, or None if they have not all come."""
        if self._damage is not None or self._at + length > len(self._bytes):
            return None
        return self._bytes[self._at : self._at + length]

    def skip(self, length: int) -> None:
        """Pass over bytes that `ahead` has shown."""
        self._at += length

    def damaged(self, reason: str) -> None:
        """Refuse everything from here on."""
        self._refusals.refuse(reason, offset=self.offset, frame=self._bytes[self._at :])
        self._damage = reason

    def finish(self, reason: str) -> None:
        """Refuse what is left of an unfinished record."""
        if self._damage is None and self._at < len(self._bytes):
            self._refusals.refuse(reason, offset=self.offset, frame=self._bytes[self._at :])
        self._at = len(self._bytes)

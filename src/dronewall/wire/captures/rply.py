"""Replay files (`.rply`): u32 length, u32 milliseconds since the datagram before, the datagram; little-endian.

The pauses tell how long the capture went on, and nothing tells when it began. That they are pauses and no instants is
measured: those of the recording in the tests add up to as long as its tracks' own times of day go on.
"""

from __future__ import annotations

from dronewall.wire.captures.datagrams import DATAGRAM_MAX_BYTES, Datagram, Stream
from dronewall.wire.refusals import Refusals

HEAD_BYTES = 8
NS_PER_MS = 1_000_000
DAMAGED = "length of a datagram cannot be; the rest of the file is not read"


class RplyDatagrams:
    """Cuts a replay file into datagrams; their instants count from its beginning."""

    def __init__(self, refusals: Refusals) -> None:
        self._stream = Stream(refusals)
        self._elapsed_ns = 0

    def cut(self, data: bytes) -> list[Datagram]:
        """Return the datagrams that `data` completes; see `Captured.cut`."""
        self._stream.add(data)
        datagrams: list[Datagram] = []
        while (head := self._stream.ahead(HEAD_BYTES)) is not None:
            length = int.from_bytes(head[:4], "little")
            if not 0 < length <= DATAGRAM_MAX_BYTES:
                self._stream.damaged(DAMAGED)
                break
            record = self._stream.ahead(HEAD_BYTES + length)
            if record is None:
                break
            self._elapsed_ns += int.from_bytes(head[4:], "little") * NS_PER_MS
            datagrams.append(Datagram(record[HEAD_BYTES:], self._elapsed_ns, self._stream.offset + HEAD_BYTES))
            self._stream.skip(HEAD_BYTES + length)
        return datagrams

    def finish(self) -> None:
        """Refuse a datagram cut short."""
        self._stream.finish("datagram is cut short")

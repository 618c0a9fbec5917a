"""ASTERIX data blocks: category (1 byte), length of the whole block (2 bytes, big-endian), records.

EUROCONTROL-SPEC-0149, part 1, "data block". A datagram holds whole blocks; a file is blocks one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from dronewall.wire.refusals import Refusals

HEAD_BYTES = 3
RESUME_CATEGORIES = frozenset({21, 34, 48, 62, 63, 65})
RESUME_MAX_BYTES = 2048
"""After damage in a file, only a block of a usual length is taken for the next one, and only of a category that came
before; of one we read if none did."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block, its head included; `offset` is its first byte in the stream."""

    category: int
    data: bytes
    offset: int


class Blocks:
    """Cuts bytes into blocks.

    Args:
        refusals: where damaged parts go.
        datagrams: whether each piece is a datagram, which holds whole blocks, rather than part of a file.
    """

    def __init__(self, refusals: Refusals, *, datagrams: bool) -> None:
        self._refusals = refusals
        self._datagrams = datagrams
        self._pending = b""
        self._offset = 0  # of the first pending byte
        self._lost_from: int | None = None
        self._lost_bytes = b""
        self._came: set[int] = set()

    def cut(self, data: bytes, *, offset: int | None = None) -> list[Block]:
        """Return the blocks that `data` completes, in order; `offset` is where a datagram stands in its capture."""
        if offset is not None:
            self._offset = offset
        stream = self._pending + data
        blocks: list[Block] = []
        at = 0
        while len(stream) - at >= HEAD_BYTES:
            category, length = stream[at], int.from_bytes(stream[at + 1 : at + HEAD_BYTES], "big")
            if not self._plausible(category, length):
                at = self._lose(stream, at)
                continue
            if at + length > len(stream):
                break
            self._end_lost()
            self._came.add(category)
            blocks.append(Block(category, stream[at : at + length], self._offset + at))
            at += length
        self._pending = stream[at:]
        self._offset += at
        if self._datagrams:
            self.finish()
        return blocks

    def finish(self) -> None:
        """Refuse what is left of an unfinished block and start afresh."""
        self._end_lost()
        if self._pending:
            self._refusals.refuse("block is cut short", offset=self._offset, frame=self._pending)
        self._offset += len(self._pending)
        self._pending = b""

    def _plausible(self, category: int, length: int) -> bool:
        if self._lost_from is not None:
            return (
                category in (self._came & RESUME_CATEGORIES or RESUME_CATEGORIES)
                and HEAD_BYTES < length <= RESUME_MAX_BYTES
            )
        return length > HEAD_BYTES

    def _lose(self, stream: bytes, at: int) -> int:
        """Step over a byte of a damaged part, or over the rest of a damaged datagram."""
        if self._lost_from is None:
            self._lost_from = self._offset + at
        ahead = len(stream) if self._datagrams else at + 1
        if len(self._lost_bytes) < RESUME_MAX_BYTES:
            self._lost_bytes += stream[at:ahead]
        return ahead

    def _end_lost(self) -> None:
        if self._lost_from is not None:
            reason = "length of a block is below four bytes"
            self._refusals.refuse(reason, offset=self._lost_from, frame=self._lost_bytes)
            self._lost_from, self._lost_bytes = None, b""

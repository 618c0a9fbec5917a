"""Captures of network traffic: pcap and pcapng, either byte order, times in any resolution, as tcpdump writes them.

IETF draft-ietf-opsawg-pcap (pcap) and draft-ietf-opsawg-pcapng (pcapng: section header 0x0A0D0D0A, interface
description 1, simple packet 3, enhanced packet 6). Everything else in a pcapng file is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dronewall.wire.captures.datagrams import Datagram, Stream
from dronewall.wire.captures.packets import datagram_in
from dronewall.wire.refusals import Refusals

NS_PER_S = 1_000_000_000
RECORD_MAX_BYTES = 1024 * 1024
PCAP_HEAD_BYTES, PCAP_RECORD_HEAD_BYTES = 24, 16
PCAP_MICROSECONDS, PCAP_NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
SECTION, INTERFACE, SIMPLE, ENHANCED = 0x0A0D0D0A, 1, 3, 6
SECTION_MAGIC = 0x1A2B3C4D
OPTION_RESOLUTION, OPTION_OFFSET = 9, 14
ENHANCED_HEAD_BYTES = 28
INTERFACES_MAX = 1024
AT_MAX_NS = 2**62

NO_CAPTURE = "file does not begin as pcap or pcapng does"
DAMAGED = "length of a record cannot be; the rest of the file is not read"
MISFIT = "packet block does not hold together"
BEYOND = "time of a packet cannot be"
NO_TIME = "packet carries no time"

Order = Literal["little", "big"]


@dataclass(frozen=True, slots=True)
class _Interface:
    """Where packets were captured: their link header, and what one tick of their times is."""

    link_type: int
    ticks_per_s: int
    offset_s: int = 0

    def at_ns(self, ticks: int) -> int:
        return ticks * NS_PER_S // self.ticks_per_s + self.offset_s * NS_PER_S


class PcapDatagrams:
    """Cuts a capture into UDP datagrams with the instants they were captured; other packets are refused, counted."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._stream = Stream(refusals)
        self._order: Order = "little"
        self._classic: _Interface | None = None
        self._interfaces: list[_Interface] = []
        self._begun = False

    def cut(self, data: bytes) -> list[Datagram]:
        """Return the datagrams that `data` completes; see `Captured.cut`."""
        self._stream.add(data)
        datagrams: list[Datagram] = []
        if self._begun or self._begin():
            while self._next_packet(datagrams) if self._classic else self._next_block(datagrams):
                pass
        return datagrams

    def finish(self) -> None:
        """Refuse a record cut short."""
        self._stream.finish("record is cut short")

    def _begin(self) -> bool:
        magic = self._stream.ahead(4)
        if magic is None:
            return False
        orders: tuple[Order, Order] = ("little", "big")
        for order in orders:
            told = int.from_bytes(magic, order)
            if told in (PCAP_MICROSECONDS, PCAP_NANOSECONDS):
                return self._begin_classic(order, 1_000_000 if told == PCAP_MICROSECONDS else NS_PER_S)
        if int.from_bytes(magic, "big") == SECTION:
            self._begun = True
        else:
            self._stream.damaged(NO_CAPTURE)
        return self._begun

    def _begin_classic(self, order: Order, ticks_per_s: int) -> bool:
        head = self._stream.ahead(PCAP_HEAD_BYTES)
        if head is None:
            return False
        self._order, self._begun = order, True
        self._classic = _Interface(self._number(head, 20) & 0xFFFF, ticks_per_s)
        self._stream.skip(PCAP_HEAD_BYTES)
        return True

    def _next_packet(self, datagrams: list[Datagram]) -> bool:
        """Take one record of a pcap file, if all of it is there."""
        head = self._stream.ahead(PCAP_RECORD_HEAD_BYTES)
        if head is None or self._classic is None:
            return False
        length = self._number(head, 8)
        if length > RECORD_MAX_BYTES:
            self._stream.damaged(DAMAGED)
            return False
        record = self._stream.ahead(PCAP_RECORD_HEAD_BYTES + length)
        if record is None:
            return False
        ticks = self._number(head, 0) * self._classic.ticks_per_s + self._number(head, 4)
        self._take(record[PCAP_RECORD_HEAD_BYTES:], self._classic, ticks, datagrams)
        self._stream.skip(len(record))
        return True

    def _next_block(self, datagrams: list[Datagram]) -> bool:
        """Take one block of a pcapng file, if all of it is there."""
        head = self._stream.ahead(12)
        if head is None:
            return False
        if int.from_bytes(head[:4], "big") == SECTION:  # reads the same either way round
            self._order = "little" if int.from_bytes(head[8:12], "little") == SECTION_MAGIC else "big"
            self._interfaces = []
        length = self._number(head, 4)
        if not 12 <= length <= RECORD_MAX_BYTES or length % 4:
            self._stream.damaged(DAMAGED)
            return False
        block = self._stream.ahead(length)
        if block is None:
            return False
        kind = self._number(block, 0)
        if kind == INTERFACE and len(self._interfaces) < INTERFACES_MAX:
            self._interfaces.append(self._interface(block))
        elif kind == ENHANCED:
            self._take_enhanced(block, datagrams)
        elif kind == SIMPLE:
            self._refuse(NO_TIME, block)
        self._stream.skip(length)
        return True

    def _take_enhanced(self, block: bytes, datagrams: list[Datagram]) -> None:
        number, length = self._number(block, 8), self._number(block, 20)
        if len(block) < ENHANCED_HEAD_BYTES + length + 4 or number >= len(self._interfaces):
            self._refuse(MISFIT, block)
            return
        ticks = self._number(block, 12) << 32 | self._number(block, 16)
        packet = block[ENHANCED_HEAD_BYTES : ENHANCED_HEAD_BYTES + length]
        self._take(packet, self._interfaces[number], ticks, datagrams)

    def _take(self, packet: bytes, interface: _Interface, ticks: int, datagrams: list[Datagram]) -> None:
        datagram = datagram_in(packet, link_type=interface.link_type)
        at_ns = interface.at_ns(ticks)
        if isinstance(datagram, str):
            self._refuse(datagram, packet)
        elif not 0 <= at_ns < AT_MAX_NS:
            self._refuse(BEYOND, packet)
        else:
            datagrams.append(Datagram(datagram, at_ns, self._stream.offset))

    def _interface(self, block: bytes) -> _Interface:
        link_type = int.from_bytes(block[8:10], self._order)
        ticks_per_s, offset_s, at = 1_000_000, 0, 16
        while at + 4 <= len(block) - 4:
            code = int.from_bytes(block[at : at + 2], self._order)
            length = int.from_bytes(block[at + 2 : at + 4], self._order)
            value = block[at + 4 : at + 4 + length]
            if code == OPTION_RESOLUTION and value:
                ticks_per_s = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
            elif code == OPTION_OFFSET and len(value) == 8:
                offset_s = int.from_bytes(value, self._order, signed=True)
            at += 4 + (length + 3) // 4 * 4
        return _Interface(link_type, ticks_per_s, offset_s)

    def _number(self, data: bytes, at: int) -> int:
        return int.from_bytes(data[at : at + 4], self._order)

    def _refuse(self, reason: str, frame: bytes) -> None:
        self._refusals.refuse(reason, offset=self._stream.offset, frame=frame)

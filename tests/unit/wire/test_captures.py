from __future__ import annotations

import struct

import pytest

from dronewall.wire.captures.datagrams import Captured, Datagram
from dronewall.wire.captures.packets import CUT, FRAGMENT, LINK_UNKNOWN, NOT_UDP, datagram_in
from dronewall.wire.captures.pcap import DAMAGED, MISFIT, NO_CAPTURE, NO_TIME, PcapDatagrams
from dronewall.wire.captures.rply import RplyDatagrams
from dronewall.wire.refusals import Refusals

S = 1_000_000_000
AT = 1_462_433_756
"""2016-05-05 07:35:56 UTC, in seconds."""


def udp(data: bytes) -> bytes:
    return struct.pack(">HHHH", 4000, 8600, 8 + len(data), 0) + data


def ipv4(segment: bytes, *, protocol: int = 17, fragment: int = 0x4000) -> bytes:
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, fragment, 64, protocol, 0, b"\x0a" * 4, b"\xe8" * 4
    )
    return head + segment


def ipv6(segment: bytes, *, kind: int = 17) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(segment), kind, 64) + b"\xfe" * 32 + segment


def ethernet(packet: bytes, *, kind: int = 0x0800, tags: bytes = b"") -> bytes:
    return b"\1" * 6 + b"\2" * 6 + tags + kind.to_bytes(2, "big") + packet


FRAME = ethernet(ipv4(udp(b"hello")))


def pcap(*packets: bytes, order: str = "<", magic: int = 0xA1B2C3D4, fraction: int = 500_000, link: int = 1) -> bytes:
    stream = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65_535, link)
    for second, packet in enumerate(packets):
        stream += struct.pack(order + "IIII", AT + second, fraction, len(packet), len(packet)) + packet
    return stream


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += b"\0" * (-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(order: str = "<", *, options: bytes = b"", link: int = 1) -> bytes:
    return block(1, struct.pack(order + "HHI", link, 0, 0) + options, order)


def enhanced(packet: bytes, ticks: int, order: str = "<", *, number: int = 0) -> bytes:
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
    return block(6, head + packet, order)


def read(captured: Captured, stream: bytes, step: int = 7) -> list[Datagram]:
    found = [one for at in range(0, len(stream), step) for one in captured.cut(stream[at : at + step])]
    captured.finish()
    return found


def refused(refusals: Refusals) -> list[tuple[str, int]]:
    return [(error.reason, error.offset) for error in refusals.taken()]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "fraction"), [(0xA1B2C3D4, 500_000), (0xA1B23C4D, 500_000_000)])
def test_pcap_is_read_in_either_byte_order_and_resolution(order: str, magic: int, fraction: int) -> None:
    refusals = Refusals("x")
    found = read(PcapDatagrams(refusals), pcap(FRAME, FRAME, order=order, magic=magic, fraction=fraction))
    assert [one.data for one in found] == [b"hello", b"hello"]
    assert [one.at_ns for one in found] == [AT * S + S // 2, (AT + 1) * S + S // 2]
    assert [one.offset for one in found] == [24, 24 + 16 + len(FRAME)]
    assert refused(refusals) == []


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_is_read_with_the_resolution_each_interface_tells(order: str) -> None:
    nanoseconds = struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0)
    stream = section(order) + interface(order) + interface(order, options=nanoseconds) + block(5, b"statistics", order)
    stream += enhanced(FRAME, AT * 1_000_000 + 250_000, order) + enhanced(FRAME, AT * S + 7, order, number=1)
    refusals = Refusals("x")
    found = read(PcapDatagrams(refusals), stream)
    assert [one.at_ns for one in found] == [AT * S + S // 4, AT * S + 7]
    assert refused(refusals) == []


def test_what_a_pcapng_cannot_tell_is_refused_and_the_rest_is_read() -> None:
    start = section() + interface()
    lost, simple = enhanced(FRAME, AT * 1_000_000, number=3), block(3, struct.pack("<I", len(FRAME)) + FRAME)
    refusals = Refusals("x")
    found = read(PcapDatagrams(refusals), start + lost + simple + enhanced(FRAME, AT * 1_000_000))
    assert [one.data for one in found] == [b"hello"]
    assert refused(refusals) == [(MISFIT, len(start)), (NO_TIME, len(start) + len(lost))]


def test_a_damaged_capture_is_refused_once_from_where_it_is_damaged() -> None:
    whole = pcap(FRAME)
    refusals = Refusals("x")
    found = read(PcapDatagrams(refusals), whole + b"\xff" * 16 + FRAME * 3)
    assert len(found) == 1
    assert refused(refusals) == [(DAMAGED, len(whole))]


def test_a_file_that_is_no_capture_is_refused_once() -> None:
    refusals = Refusals("x")
    assert read(PcapDatagrams(refusals), b"not a capture at all") == []
    assert refused(refusals) == [(NO_CAPTURE, 0)]


def test_a_capture_that_ends_in_the_middle_of_a_packet_says_so() -> None:
    refusals = Refusals("x")
    assert read(PcapDatagrams(refusals), pcap(FRAME)[:-1]) == []
    assert refused(refusals) == [("record is cut short", 24)]


@pytest.mark.parametrize(
    ("packet", "link", "found"),
    [
        (FRAME, 1, b"hello"),
        (FRAME + b"\0" * 13, 1, b"hello"),  # padded, as short frames are
        (ethernet(ipv4(udp(b"hello")), tags=bytes.fromhex("8100000a")), 1, b"hello"),
        (ethernet(ipv6(udp(b"hello")), kind=0x86DD), 1, b"hello"),
        (ipv6(bytes([17, 0, 0, 0, 0, 0, 0, 0]) + udp(b"hello"), kind=0), 101, b"hello"),
        (ipv4(udp(b"hello")), 101, b"hello"),
        (b"\2\0\0\0" + ipv4(udp(b"hello")), 0, b"hello"),
        (b"\0" * 14 + b"\x08\0" + ipv4(udp(b"hello")), 113, b"hello"),
        (b"\x08\0" + b"\0" * 18 + ipv4(udp(b"hello")), 276, b"hello"),
        (ethernet(b"who has", kind=0x0806), 1, NOT_UDP),
        (ethernet(ipv4(b"\0" * 20, protocol=6)), 1, NOT_UDP),
        (ethernet(ipv4(udp(b"hello"), fragment=0x2000)), 1, FRAGMENT),
        (ethernet(ipv6(udp(b"hello"), kind=44), kind=0x86DD), 1, FRAGMENT),
        (FRAME[:-1], 1, CUT),
        (FRAME[:30], 1, CUT),
        (FRAME[:5], 1, NOT_UDP),
        (b"", 101, NOT_UDP),
        (FRAME, 147, LINK_UNKNOWN),
    ],
)
def test_a_packet_holds_a_datagram_or_a_reason_why_not(packet: bytes, link: int, found: bytes | str) -> None:
    assert datagram_in(packet, link_type=link) == found


def test_pauses_of_a_replay_file_add_up() -> None:
    stream = b"".join(
        struct.pack("<II", len(data), pause) + data for data, pause in [(b"a", 5), (b"bc", 0), (b"d", 20)]
    )
    refusals = Refusals("x")
    found = read(RplyDatagrams(refusals), stream + b"\1\0", step=1)
    assert found == [
        Datagram(b"a", 5_000_000, 8),
        Datagram(b"bc", 5_000_000, 17),
        Datagram(b"d", 25_000_000, 27),
    ]
    assert refused(refusals) == [("datagram is cut short", len(stream))]


def test_a_replay_file_with_an_impossible_length_is_read_until_there() -> None:
    refusals = Refusals("x")
    stream = struct.pack("<II", 1, 0) + b"a" + struct.pack("<II", 1_000_000, 0) + b"b" * 50
    assert len(read(RplyDatagrams(refusals), stream)) == 1
    assert [offset for _, offset in refused(refusals)] == [9]

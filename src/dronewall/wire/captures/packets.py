"""Packets as a network card hands them over: link header, IPv4 or IPv6, UDP, and the datagram inside.

RFC 791 (IPv4), RFC 8200 (IPv6), RFC 768 (UDP); link types are those of the pcap format.
"""

from __future__ import annotations

NULL, ETHERNET, RAW, COOKED, LOOP, COOKED_2 = 0, 1, 101, 113, 108, 276
RAW_OLD = (12, 14)
IPV4, IPV6 = 0x0800, 0x86DD
VLAN_TAGS = (0x8100, 0x88A8)
UDP = 17
UDP_HEAD_BYTES = 8
SKIPPED_HEADERS = (0, 43, 60)
"""IPv6 extensions that may stand before UDP: hop-by-hop, routing, destination options."""
FRAGMENT_HEADER = 44

NOT_UDP = "packet holds no UDP datagram"
FRAGMENT = "fragment of a datagram is not read"
CUT = "packet was cut short when it was captured"
LINK_UNKNOWN = "link type of the capture is not read"


def datagram_in(packet: bytes, *, link_type: int) -> bytes | str:
    """Return the datagram in a captured packet, or the reason why there is none."""
    network = _network_in(packet, link_type)
    if network is None:
        return LINK_UNKNOWN
    version = network[0] >> 4 if network else 0
    if version == 4:
        return _in_ipv4(network)
    return _in_ipv6(network) if version == 6 else NOT_UDP


def _network_in(packet: bytes, link_type: int) -> bytes | None:
    """Return what follows the link header; empty if it is no IP; None if the link type is unknown."""
    if link_type == RAW or link_type in RAW_OLD:
        return packet
    if link_type in (NULL, LOOP):
        return packet[4:]
    if link_type == COOKED:
        return packet[16:] if packet[14:16] in _IP_TYPES else b""
    if link_type == COOKED_2:
        return packet[20:] if packet[:2] in _IP_TYPES else b""
    return _in_ethernet(packet) if link_type == ETHERNET else None


_IP_TYPES = (IPV4.to_bytes(2, "big"), IPV6.to_bytes(2, "big"))


def _in_ethernet(frame: bytes) -> bytes:
    at = 12
    while int.from_bytes(frame[at : at + 2], "big") in VLAN_TAGS:
        at += 4
    return frame[at + 2 :] if frame[at : at + 2] in _IP_TYPES else b""


def _in_ipv4(packet: bytes) -> bytes | str:
    head_bytes = (packet[0] & 0x0F) * 4
    if len(packet) < max(head_bytes, 20):
        return CUT
    if packet[9] != UDP:
        return NOT_UDP
    if int.from_bytes(packet[6:8], "big") & 0x3FFF:  # more fragments follow, or this is not the first
        return FRAGMENT
    return _in_udp(packet[head_bytes:])


def _in_ipv6(packet: bytes) -> bytes | str:
    if len(packet) < 40:
        return CUT
    kind, at = packet[6], 40
    while kind in SKIPPED_HEADERS:
        if len(packet) < at + 2:
            return CUT
        kind, at = packet[at], at + 8 * (packet[at + 1] + 1)
    if kind == FRAGMENT_HEADER:
        return FRAGMENT
    return _in_udp(packet[at:]) if kind == UDP else NOT_UDP


def _in_udp(segment: bytes) -> bytes | str:
    """Return the datagram without what a network card pads short frames with."""
    length = int.from_bytes(segment[4:6], "big")
    if len(segment) < max(length, UDP_HEAD_BYTES):
        return CUT
    return segment[UDP_HEAD_BYTES:length]

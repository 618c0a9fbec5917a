"""Multicast: many listeners hear one sender. A group is joined on one interface, so that no other network is heard."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import aclosing

from dronewall.engine.clock import Clock
from dronewall.engine.datagrams import UDP_BUFFER_BYTES, heard
from dronewall.engine.links import Chunk, OnState
from dronewall.model.errors import InputError


def is_group(host: str) -> bool:
    """Whether a host is written as the address of a multicast group: 224.0.0.0 to 239.255.255.255, or ff00::/8."""
    try:
        return ipaddress.ip_address(host).is_multicast
    except ValueError:
        return False


async def join_multicast(
    group: str, port: int, *, interface: str, clock: Clock, on_state: OnState, datagrams_max: int = 4096
) -> AsyncGenerator[list[Chunk], None]:
    """Yield the datagrams that are sent to a group on one interface, those of ten milliseconds at once.

    Args:
        group: an address of which `is_group` holds.
        port: where they are sent; others on this machine may listen to the same.
        interface: its name (`eth0`) or, for IPv4, its address.
        clock: tells the times of receipt.
        on_state: told each change of the link's state.
        datagrams_max: how many may wait; what comes beyond is dropped and counted.

    Raises:
        InputError: there is no such interface, or the group cannot be joined on it.
    """
    try:
        joined = _joined(group, port, interface)
    except OSError as error:
        raise InputError(
            f"cannot join {group}:{port} on interface {interface!r}: {(error.strerror or str(error)).lower()}",
            "Name an interface of this machine by its name or, for IPv4, by its address.",
        ) from error
    async with aclosing(heard(joined, f"{group}:{port} on {interface}", clock, on_state, datagrams_max)) as gathered:
        async for chunks in gathered:
            yield chunks


def _joined(group: str, port: int, interface: str) -> socket.socket:
    """Return a socket that hears the group on the interface alone."""
    address = ipaddress.ip_address(group)
    joined = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        joined.settimeout(0)
        joined.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        joined.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_BUFFER_BYTES)
        # Bound to the group and not to every address: else whatever else comes to the port is heard too.
        if address.version == 4:
            joined.bind((group, port))
            joined.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, address.packed + _ipv4_interface(interface))
        else:
            index = socket.if_nametoindex(interface)
            joined.bind((group, port, 0, index))
            joined.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, address.packed + struct.pack("@I", index))
    except OSError:
        joined.close()
        raise
    return joined


def _ipv4_interface(interface: str) -> bytes:
    """Return the rest of an `ip_mreqn` or, for an address, of an `ip_mreq`, which every system knows."""
    try:
        return ipaddress.IPv4Address(interface).packed
    except ValueError:
        return struct.pack("@4si", bytes(4), socket.if_nametoindex(interface))

"""Where outlets may listen: on this machine alone, until people and TLS are set up."""

from __future__ import annotations

import contextlib
import socket
from ipaddress import ip_address

from dronewall.model.errors import ConfigError, RequestError


def loopback_address(host: str, *, what: str = "the page", field: str = "page.listen") -> str:
    """Return the address to bind for `host`.

    Raises:
        ConfigError: it is not a loopback address: others would see the picture without saying who they are.
    """
    if host == "localhost":
        return "127.0.0.1"
    with contextlib.suppress(ValueError):
        if ip_address(host.strip("[]")).is_loopback:
            return host.strip("[]")
    raise ConfigError(
        f"{what} may not listen on {host!r}: only loopback addresses are accepted until people and TLS are set up",
        remedy='Use "127.0.0.1:8080", and an SSH tunnel to look from elsewhere',
        field=field,
    )


def bound_socket(host: str, port: int, *, what: str = "the page", field: str = "page.listen") -> socket.socket:
    """Return a socket bound to a loopback address; port 0 picks a free one.

    Raises:
        ConfigError: `host` is not a loopback address.
        RequestError: the port cannot be had.
    """
    address = loopback_address(host, what=what, field=field)
    bound = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address, port))
        bound.listen(128)
    except (OSError, OverflowError) as fault:
        bound.close()
        why = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
        raise RequestError(
            f"{what} cannot listen on {address}, port {port}: {why.lower()}",
            remedy="Choose another port with --port, or stop the program that uses this one",
            field=field,
        ) from fault
    bound.settimeout(0.0)
    return bound

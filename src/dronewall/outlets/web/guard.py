"""Who may knock: loopback addresses only, and only pages of our own.

A browser will carry any page's script to a loopback port. Two headers tell such a visit: `Host` names what the page
believes it talks to (a name an attacker rebound to 127.0.0.1 is not one of ours), `Origin` where its script is from.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from dronewall.model.errors import ConfigError, RequestError
from dronewall.outlets.web.views import ErrorView

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; object-src 'none';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


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


def refusal_of(headers: Mapping[str, str]) -> str | None:
    """Return why a request with these headers is refused, or None if it may come in.

    Args:
        headers: with names in lower case.
    """
    host = headers.get("host", "")
    if _name(f"//{host}") not in LOOPBACK_NAMES:
        return f"the host {host!r} is not this computer"
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return f"the origin {origin!r} is not this page"
    return None


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


class Guard:
    """ASGI middleware: refuses visitors from elsewhere and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 403."""
        if scope["type"] not in (ScopeType.HTTP, ScopeType.WEBSOCKET):
            await self.app(scope, receive, send)
            return
        why = refusal_of({name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]})
        if why is None:
            await self.app(scope, receive, _headed(send))
        elif scope["type"] == ScopeType.WEBSOCKET:
            await send({"type": "websocket.close", "code": 4403, "reason": why})
        else:
            await _refuse(_headed(send), why)


def _headed(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return with_headers


async def _refuse(send: Send, why: str) -> None:
    body = msgspec.json.encode(ErrorView(403, why, "Open the page at http://127.0.0.1 or http://localhost"))
    await send(
        {
            "type": "http.response.start",
            "status": 403,
            "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})

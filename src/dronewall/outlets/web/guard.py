"""Who may knock: only pages of our own.

A browser will carry any page's script to a loopback port. Two headers tell such a visit: `Host` names what the page
believes it talks to (a name an attacker rebound to 127.0.0.1 is not one of ours), `Origin` where its script is from.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

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

"""Options that all feeds over TCP share, and the links they describe."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec

from dronewall.engine.clock import Clock
from dronewall.engine.links import Chunk, OnState, Pauses, dial_tcp, listen_tcp
from dronewall.engine.tls import TlsFiles, dialling_context, listening_context
from dronewall.feeds.url import FilePath, address_of
from dronewall.model.errors import ConfigError


class LinkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of any feed over TCP; a feed's own settings add to them."""

    url: str
    name: str = ""
    """What people call it."""
    tls: bool = False
    """Encrypt, and check the peer."""
    tls_ca: FilePath = ""
    """Whom to believe, as PEM; a listener asks its peers for a certificate signed by it."""
    tls_certificate: FilePath = ""
    """Our certificate, as PEM; a listener needs one."""
    tls_key: FilePath = ""
    """The certificate's key, as PEM without a pass phrase."""
    tls_server_name: str = ""
    """Whom a dialled server's certificate must name; the URL's host if empty."""
    silent_after_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """Give up a connection that has brought nothing for so long."""


class Link:
    """The way a feed over TCP reaches its peers, as its settings describe it.

    Args:
        settings: the feed's own.
        name: the feed's name, from which its pauses are spread.
        clock: tells the times of receipt, and waits.
        listens: whether it waits for peers rather than dial one.

    Raises:
        ConfigError: the URL names no address, or a file of TLS cannot be used.
    """

    def __init__(self, settings: LinkSettings, *, name: str, clock: Clock, listens: bool = False) -> None:
        self.address = address_of(settings.url)
        self._settings = settings
        self._pauses = Pauses(name=name)
        self._clock = clock
        self._tls = _context(settings, listens=listens)

    def dialled(self, on_state: OnState) -> AsyncGenerator[Chunk, None]:
        """Yield what the peer sends; see `dial_tcp`."""
        return dial_tcp(
            self.address.host,
            self.address.port,
            clock=self._clock,
            pauses=self._pauses,
            on_state=on_state,
            tls=self._tls,
            tls_server_name=self._settings.tls_server_name,
            silent_after_s=self._settings.silent_after_s,
        )

    def listened(self, on_state: OnState, *, connections_max: int) -> AsyncGenerator[Chunk, None]:
        """Yield what all peers send; see `listen_tcp`."""
        return listen_tcp(
            self.address.host,
            self.address.port,
            clock=self._clock,
            on_state=on_state,
            connections_max=connections_max,
            tls=self._tls,
            silent_after_s=self._settings.silent_after_s,
        )


def _context(settings: LinkSettings, *, listens: bool) -> ssl.SSLContext | None:
    if not settings.tls:
        for field in ("tls_ca", "tls_certificate", "tls_key", "tls_server_name"):
            if getattr(settings, field):
                raise ConfigError(f"{field} is given and tls is not", "Add tls = true, or leave it out.", field=field)
        return None
    files = TlsFiles(settings.tls_ca, settings.tls_certificate, settings.tls_key)
    if not listens:
        return dialling_context(files)
    if settings.tls_server_name:
        raise ConfigError(
            "tls_server_name is for dialled servers", "Leave it out where the feed listens.", field="tls_server_name"
        )
    return listening_context(files)

"""The entry point `http`: our page, by the door of all outlets."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from dronewall.engine.clock import Clock
from dronewall.model.errors import ConfigError
from dronewall.outlets.outlet import House
from dronewall.outlets.web.server import WebOutlet


class PageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of an `http://` outlet."""

    url: str
    """Where the page is served; only loopback addresses, port 0 for any that is free."""


class PagePlugin:
    """The common operational picture in a browser."""

    schemes = ("http",)
    Settings = PageSettings

    def open(self, settings: PageSettings, *, house: House, clock: Clock) -> WebOutlet:
        """Return a page whose port is taken; see `OutletPlugin.open`."""
        host, port = _address(settings.url)
        page = WebOutlet(
            host,
            port,
            sensors=house.sensors,
            explain=house.explain,
            act=house.act,
            on_sent=house.sent,
            clock=clock.now_ns,
        )
        page.bind()
        return page


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{url!r} names no usable address: {error}", _EXAMPLE, field="url") from error
    if host is None or port is None or parts.path not in ("", "/"):
        raise ConfigError(f"{url!r} is not the address of a page", _EXAMPLE, field="url")
    return host, port


_EXAMPLE = "Write it as http://127.0.0.1:8080."

plugin = PagePlugin()

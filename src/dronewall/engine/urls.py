"""Feeds and outlets are named by URLs: `scheme://host:port?option=value`. Here they become a plugin's settings."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints
from urllib.parse import parse_qsl, urlsplit

import msgspec

from dronewall.model.errors import ConfigError

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)
FilePath = Annotated[str, msgspec.Meta(extra={"path": True})]
"""A setting that names a file: in a `wall.toml` it is relative to that file's folder."""


FEED, OUTLET = "feed", "outlet"
EXAMPLES = {FEED: "beast://127.0.0.1:30005", OUTLET: "tracks+tcp://127.0.0.1:9200"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a feed comes from, or where an outlet is."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def scheme_of(url: str, *, kind: str = FEED) -> str:
    """Return the scheme of a URL, which names the plugin that opens it; `kind` is what it names, for the error.

    Raises:
        ConfigError: there is none.
    """
    scheme, found, _ = url.partition("://")
    if not found or not scheme:
        raise ConfigError(f"{url!r} is not the URL of {_a(kind)}", f"Write it as {EXAMPLES[kind]}.", field="url")
    return scheme.lower()


def address_of(url: str, *, kind: str = FEED) -> Address:
    """Return the host and port a URL names.

    Raises:
        ConfigError: one of them is missing or out of range.
    """
    scheme = scheme_of(url, kind=kind)
    example = f"Write it as {scheme}://127.0.0.1:30005."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{url!r} names no usable address: {error}", example, field="url") from error
    if not host or not port:
        raise ConfigError(f"{url!r} names no {'port' if host else 'host'}", example, field="url")
    if parts.path not in ("", "/") or parts.fragment or parts.username:
        raise ConfigError(f"{url!r} holds more than an address and options", example, field="url")
    return Address(scheme, host, port)


def settings_of(
    url: str,
    settings: type[SettingsT],
    *,
    table: Mapping[str, Any] | None = None,
    file: str | None = None,
    kind: str = FEED,
) -> SettingsT:
    """Return a plugin's settings from a URL with options, and from the other keys of its `[[feeds]]` table.

    Args:
        url: `scheme://host:port?option=value`; every option is a field of `settings`.
        settings: the plugin's own type; its fields carry the rules.
        table: the other keys of its table in `wall.toml`; a key may not also be an option of the URL.
        file: the file the table stands in, for the error, and in whose folder files are.
        kind: `feed` or `outlet`.

    Raises:
        ConfigError: an option is unknown, given twice or has the wrong type; it is named, with the nearest known one.
    """
    plain, _, query = url.partition("?")
    given: dict[str, Any] = {key: value for key, value in (table or {}).items() if key != "url"}
    try:
        options = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise ConfigError(
            f"{query!r} are not options", "Write them as ?name=value&name=value.", file, None, "url"
        ) from error
    for name, value in options:
        if name in given:
            raise ConfigError(f"option {name!r} is given twice", "Keep one of the two.", file, None, f"{kind}s.{name}")
        given[name] = value
    _check_known(given, settings, file, kind)
    try:
        made = msgspec.convert({"url": plain, **given}, settings, strict=False)
        return _with_paths(made, Path(file).parent) if file else made
    except msgspec.ValidationError as error:
        problem, field = _told(str(error))
        raise ConfigError(
            problem, f"The {kind} is {plain}.", file, None, f"{kind}s.{field}" if field else f"{kind}s"
        ) from error


def _with_paths(settings: SettingsT, folder: Path) -> SettingsT:
    """Return settings whose files are named from the folder."""
    hints = get_type_hints(type(settings), include_extras=True)
    named = {
        name: str(folder / getattr(settings, name))
        for name, hint in hints.items()
        if hint == FilePath and getattr(settings, name)
    }
    return msgspec.structs.replace(settings, **named) if named else settings


def _check_known(given: Mapping[str, Any], settings: type[msgspec.Struct], file: str | None, kind: str) -> None:
    known = [name for name in settings.__struct_encode_fields__ if name != "url"]
    for name in given:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
            raise ConfigError(
                f"there is no option {name!r}",
                f"{hint}Known are: {', '.join(known) or 'none'}.",
                file,
                None,
                f"{kind}s.{name}",
            )


def _a(kind: str) -> str:
    return f"an {kind}" if kind == OUTLET else f"a {kind}"


def _told(message: str) -> tuple[str, str]:
    """Return msgspec's complaint and the field it is about, from `Expected ... - at `$.field``."""
    problem, _, place = message.partition(" - at `$.")
    return problem[:1].lower() + problem[1:], place.rstrip("`")

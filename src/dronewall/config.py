"""One TOML file becomes frozen settings, strictly: an unknown key is an error that suggests the nearest known one."""

from __future__ import annotations

import difflib
import re
import tomllib
import types
from collections.abc import Iterator, Mapping
from enum import Enum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from dronewall.model.errors import ConfigError
from dronewall.model.picture import TruthDomain

S = TypeVar("S", bound=msgspec.Struct)
LOOPBACK = "127.0.0.1"


class WallSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[wall]`: its name, and whether what it shows is the world, an exercise or a simulation."""

    name: str = "wall"
    truth_domain: TruthDomain = TruthDomain.LIVE


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[journal]`: where it is kept (relative to the file of settings), for how long, and how large it may grow."""

    path: Annotated[str, Meta(min_length=1)] = "wall.journal"
    keep_days: Annotated[float, Meta(gt=0)] = 7.0
    """Sealed segments after which more days than this were recorded are removed."""
    max_gb: Annotated[float, Meta(gt=0)] = 50.0
    """Past this the oldest sealed segments are pruned, however young."""
    segment_hours: Annotated[float, Meta(gt=0, le=24)] = 1.0
    """A stretch this long is sealed as one segment."""
    segment_mb: Annotated[float, Meta(ge=1, le=4096)] = 256.0
    """A stretch that has grown this large is sealed before its time."""
    reserve_mb: Annotated[float, Meta(ge=16)] = 512.0
    """Room on the disk that is left free: before it is touched bulk is shed and the alarm raised."""


class SensorsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[sensors]`: the file that declares them (relative to the file of settings)."""

    file: str = ""


class WeatherSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[weather]`: the file that tells wind and temperature (relative to the file of settings)."""

    file: str = ""


class PageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[page]`: where the picture is served."""

    listen: str = "127.0.0.1:8080"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole `wall.toml`. Each of `feeds` and `outlets` stays a plain table: its plugin knows what may stand in it."""

    wall: WallSettings = msgspec.field(default_factory=WallSettings)
    journal: JournalSettings = msgspec.field(default_factory=JournalSettings)
    feeds: tuple[dict[str, Any], ...] = ()
    sensors: SensorsSettings = msgspec.field(default_factory=SensorsSettings)
    weather: WeatherSettings = msgspec.field(default_factory=WeatherSettings)
    page: PageSettings = msgspec.field(default_factory=PageSettings)
    outlets: tuple[dict[str, Any], ...] = ()


class Source:
    """Where settings came from, so that an error can name the file and the line."""

    def __init__(self, file: str | None, text: str = "") -> None:
        self.file = file
        self._lines = text.splitlines()

    def error(self, problem: str, remedy: str, field: str | None = None) -> ConfigError:
        """Return the error about a field, with its line if it can be found."""
        return ConfigError(problem, remedy, self.file, self._line_of(field) if field else None, field)

    def _line_of(self, field: str) -> int | None:
        """Return the 1-based line of a dotted field such as `feeds[1].url`; the nearest table if it is written inline.

        TOML readers do not say where they found a key, so the text is searched once more; only errors pay for it.
        """
        *table, key = field.split(".")
        wanted = ".".join(table)
        seen: dict[str, int] = {}
        nearest: int | None = None
        current = ""
        for number, line in enumerate(self._lines, start=1):
            if header := re.match(r"\s*\[\[\s*([^\]]+?)\s*\]\]", line):
                name = header.group(1)
                seen[name] = seen.get(name, -1) + 1
                current = f"{name}[{seen[name]}]"
            elif header := re.match(r"\s*\[\s*([^\]]+?)\s*\]", line):
                current = header.group(1)
            elif current == wanted and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number
            if current in (wanted, field) and nearest is None and header:
                nearest = number
        return nearest


def read_settings(path: Path) -> tuple[Settings, Source]:
    """Return the settings of a file, and where they came from for later errors about its feeds.

    Raises:
        ConfigError: the file is missing, is no TOML, or a key or value in it cannot be used.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise ConfigError("there is no such file", "Give the path of a wall.toml.", str(path)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the file cannot be read ({error})", "Give the path of a wall.toml.", str(path)) from error
    source = Source(str(path), text)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ConfigError(
            f"this is not TOML: {error}", "Mend the line.", str(path), int(line.group(1)) if line else None
        ) from error
    settings = decoded(raw, Settings, source)
    for number, feed in enumerate(settings.feeds):
        if not isinstance(feed.get("url"), str):
            raise source.error("a feed needs its url", 'Write url = "beast://127.0.0.1:30005".', f"feeds[{number}].url")
    for number, outlet in enumerate(settings.outlets):
        if not isinstance(outlet.get("url"), str):
            mend = 'Write url = "tracks+tcp://127.0.0.1:9200".'
            raise source.error("an outlet needs its url", mend, f"outlets[{number}].url")
    address_of(settings.page.listen, source)
    return settings, source


def decoded(raw: Mapping[str, Any], settings: type[S], source: Source, *, at: str = "") -> S:
    """Return a table as frozen settings.

    Args:
        raw: the table as TOML gave it.
        settings: what it must become.
        source: where it came from.
        at: the table's own dotted name, empty for the whole file.

    Raises:
        ConfigError: a key is unknown or missing, or a value is of the wrong type.
    """
    for field, known in _unknown(raw, settings, at):
        near = difflib.get_close_matches(field.rsplit(".", 1)[-1], known, n=1, cutoff=0.5)
        remedy = f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(sorted(known))}."
        raise source.error("unknown key", remedy, field)
    try:
        return msgspec.convert(raw, settings)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        wrong = f"{at}{place.rstrip('`')}".lstrip(".")
        if missing := re.match(r"Object missing required field `(\w+)`", problem):
            name = f"{wrong}.{missing.group(1)}" if wrong else missing.group(1)
            raise source.error("this key is missing", "Add it.", name) from error
        raise source.error(_plain(problem), _choices(settings, wrong, at), wrong or None) from error


def _choices(settings: type[S], field: str, at: str) -> str:
    """Return what may stand in a field of which only some words may, in a sentence that mends."""
    kind: Any = settings
    for name in field.removeprefix(at).lstrip(".").split("."):
        kind = get_type_hints(kind).get(name) if isinstance(kind, type) else None
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"Write one of: {', '.join(str(item.value) for item in kind)}."
    return "Change the value."


def address_of(listen: str, source: Source) -> tuple[str, int]:
    """Return host and port of `[page] listen`.

    Raises:
        ConfigError: it is not `127.0.0.1:PORT`.
    """
    host, _, port = listen.rpartition(":")
    if not _is_loopback(host):
        raise source.error(
            f"the page may only be served at {LOOPBACK}, not at {host or listen!r}",
            f'Write listen = "{LOOPBACK}:8080": other addresses need people and TLS, which this version does not have.',
            "page.listen",
        )
    if not (port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise source.error(f"{port!r} is not a port", f'Write listen = "{LOOPBACK}:8080".', "page.listen")
    return host, int(port)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _unknown(raw: Mapping[str, Any], settings: type[Any], at: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each key that nobody knows, as a dotted name, with the keys that are known in its place."""
    hints = get_type_hints(settings)
    known = {field.encode_name: hints[field.name] for field in msgspec.structs.fields(settings)}
    for key, value in raw.items():
        name = f"{at}.{key}" if at else key
        if key not in known:
            yield name, list(known)
        elif isinstance(value, dict) and (inner := _struct_in(known[key])) is not None:
            yield from _unknown(value, inner, name)


def _struct_in(hint: Any) -> type[Any] | None:
    """Return the settings type a hint allows, looking into `X | None`."""
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return next((o for o in options if isinstance(o, type) and issubclass(o, msgspec.Struct)), None)


def _plain(problem: str) -> str:
    """Return what msgspec says in words for people."""
    problem = problem.replace("`", "")
    for theirs, ours in (("str", "text"), ("int", "a whole number"), ("float", "a number"), ("bool", "true or false")):
        problem = re.sub(rf"\b{theirs}\b", ours, problem)
    problem = problem.replace("Expected array", "expected a list").replace("Expected object", "expected a table")
    return problem[:1].lower() + problem[1:]

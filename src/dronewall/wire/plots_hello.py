"""The line that may open a connection of `plots.jsonl` lines: who sends, and from which number on its lines count.

    {"hello": {"source": "gate-7", "boot": 3, "next": 1001}}

A sender that numbers its lines itself can send again what was not acknowledged, on this connection or on another one,
cut at other places: each line is known again by its source, boot and number. `boot` rises whenever the sender has
forgotten its count.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

SOURCE = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}\Z"
NUMBER_MAX = 2**62
"""Half of what a number may be, so that no connection counts beyond the end."""

LATE = "hello comes too late: it is the first line of a connection"


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who sends: the line after this one has the number `next`."""

    source: Annotated[str, Meta(pattern=SOURCE)]
    boot: Annotated[int, Meta(ge=0, le=NUMBER_MAX)]
    next: Annotated[int, Meta(ge=1, le=NUMBER_MAX)]


class HelloLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The line itself."""

    hello: Hello


_ANY = msgspec.json.Decoder(dict[str, Any])
_HELLO = msgspec.json.Decoder(HelloLine)


def is_hello(line: bytes) -> bool:
    """Whether a line means to be a hello, well formed or not."""
    if b'"hello"' not in line:
        return False
    try:
        return "hello" in _ANY.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def hello_from(line: bytes) -> Hello:
    """Return what a hello says.

    Raises:
        msgspec.ValidationError: it is malformed.
    """
    return _HELLO.decode(line).hello

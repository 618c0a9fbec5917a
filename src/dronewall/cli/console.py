"""What a command says: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from dronewall.engine.clock import NS_PER_S, WallClock

SAID_AFTER_S = 2.0
SAID_EVERY_S = 5.0
DRAWN_EVERY_S = 0.2


def say(words: str) -> None:
    """Tell the person something that is no result."""
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


def print_result(result: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one result: a line of JSON for machines, or a name and a value a line for people."""
    if as_json:
        sys.stdout.write(json.dumps(result, allow_nan=False) + "\n")
    else:
        width = max((len(name) for name in result), default=0)
        for name, value in result.items():
            sys.stdout.write(f"{name:<{width}}  {_plain(value)}\n")
    sys.stdout.flush()


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_plain(inner)}" for name, inner in value.items()) or "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "-" if value is None else str(value)


class Progress:
    """Progress of something that may take longer than two seconds; shorter work says nothing.

    On a terminal one line is drawn over and over; elsewhere a line is written every five seconds.
    """

    def __init__(self) -> None:
        self._clock = WallClock()
        self._due_ns = self._clock.now_ns() + round(SAID_AFTER_S * NS_PER_S)
        self._drawn = False
        self._terminal = sys.stderr.isatty()

    def tell(self, words: str) -> None:
        """Say how far it is; called as often as one likes."""
        now_ns = self._clock.now_ns()
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + round((DRAWN_EVERY_S if self._terminal else SAID_EVERY_S) * NS_PER_S)
        if self._terminal:
            sys.stderr.write(f"\r\x1b[2K{words}")
            sys.stderr.flush()
            self._drawn = True
        else:
            say(words)

    def done(self) -> None:
        """Leave a clean line behind."""
        if self._drawn:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._drawn = False

"""Every error of the house, in one tree. Errors carry data and say how to mend what went wrong.

DronewallError
├── RequestError          the request was wrong: the command line ends with status 2
│   ├── ConfigError       a setting: file, line, field, remedy
│   └── InputError        a file a person gave us: file, line, field, remedy
├── FrameError            one bad frame from a feed: counted, kept, and we go on
├── PlacementError        a plot that cannot be placed in the common time and frame
├── FeedLost              a connection ended; its feed reconnects with growing pauses
├── JournalError          the journal cannot be written or read: stop acting, say so loudly
├── Conflict              somebody else changed what was to be changed: look again, then decide again
├── ActRefused            what a person wants done to a track makes no sense: look again
└── IllegalMove           a state was asked to become what its table of moves does not allow
"""

from __future__ import annotations

from dataclasses import dataclass


class DronewallError(Exception):
    """The root of the tree: catch this to catch all of ours and nothing else."""


@dataclass(eq=False)
class RequestError(DronewallError):
    """What was asked cannot be done as asked; `remedy` says how to ask for it.

    Args:
        problem: what is wrong, in one sentence without a full stop.
        remedy: what the person should do about it.
        file: the file at fault, if one is.
        line: 1-based line in `file`, if known.
        field: dotted name of the field at fault, if one is.
    """

    problem: str
    remedy: str = ""
    file: str | None = None
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place += f":{self.line}"
        if self.field is not None:
            place += f" [{self.field}]" if place else f"[{self.field}]"
        told = f"{place}: {self.problem}" if place else self.problem
        return f"{told}. {self.remedy}" if self.remedy else told


class ConfigError(RequestError):
    """A setting of `wall.toml` cannot be used."""


class InputError(RequestError):
    """A file or argument that a person gave us cannot be used."""


@dataclass(eq=False)
class FrameError(DronewallError):
    """One frame could not be understood; the feed counts it and goes on.

    Args:
        feed: name of the feed it came by.
        reason: a short, countable phrase: the same fault always gives the same words.
        offset: byte in the stream or file at which the frame begins.
        frame: the bytes as they came, cut to 4 KiB.
    """

    feed: str
    reason: str
    offset: int
    frame: bytes = b""

    def __str__(self) -> str:
        return f"{self.feed}: {self.reason} at byte {self.offset}"


@dataclass(eq=False)
class PlacementError(DronewallError):
    """A plot has no place in the common time and frame, for instance because its sensor's site is unknown."""

    sensor_id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.sensor_id}: {self.reason}"


@dataclass(eq=False)
class FeedLost(DronewallError):
    """A feed's connection ended or never came up."""

    feed: str
    reason: str

    def __str__(self) -> str:
        return f"{self.feed}: {self.reason}"


@dataclass(eq=False)
class JournalError(DronewallError):
    """The journal cannot be written or read. Nothing may act on what is not in it."""

    path: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        told = f"{self.path}: {self.problem}"
        return f"{told}. {self.remedy}" if self.remedy else told


@dataclass(eq=False)
class Conflict(DronewallError):
    """A key of the state is not at the revision it was expected at; 0 stands for a key that does not exist."""

    key: str
    expected: int
    found: int

    def __str__(self) -> str:
        return f"{self.key}: expected at revision {self.expected}, found at {self.found}. Read it again and decide anew"


@dataclass(eq=False)
class ActRefused(DronewallError):
    """What a person wants done to a track cannot be done; `unknown` tells that there never was such a track."""

    problem: str
    remedy: str = ""
    unknown: bool = False

    def __str__(self) -> str:
        return f"{self.problem}. {self.remedy}" if self.remedy else self.problem


@dataclass(eq=False)
class IllegalMove(DronewallError):
    """A state may not become another one."""

    state: str
    asked: str

    def __str__(self) -> str:
        return f"{self.state} may not become {self.asked}"

"""Messages: how each thing a source sent is known again, so that what is sent twice counts once.

A source numbers what it sends from 1 on, and starts again under a higher `boot` when it has forgotten its count. Of
each source a window is remembered: the highest number taken, and which of the 64 numbers up to it were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

NUMBERS_IN_WINDOW = 64
SOURCES_MAX = 4_096
NUMBER_MAX = 2**63 - 1
_ALL = (1 << NUMBERS_IN_WINDOW) - 1


@dataclass(frozen=True, slots=True)
class Message:
    """A range of the numbers under which one source sent something: `first` to `last`, both included.

    Raises:
        ValueError: the range is empty, or a number does not fit into 63 bits.
    """

    source: str
    boot: int
    first: int
    last: int

    def __post_init__(self) -> None:
        if not (1 <= self.first <= self.last <= NUMBER_MAX and 0 <= self.boot <= NUMBER_MAX):
            raise ValueError(f"{self.source!r} cannot number {self.first} to {self.last} under boot {self.boot}")

    def since(self, first: int) -> Message:
        """Return what is left of it from number `first` on."""
        return replace(self, first=max(first, self.first))


class Standing(Enum):
    """How a message stands to what was taken before: none, all, or some of its numbers were."""

    NEW = "new"
    REPEATED = "repeated"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Window:
    """What was taken of one source under one boot.

    `high` is the highest number taken, 0 for none; bit i of `seen` (64 bits) tells whether number `high - i` was.
    Numbers older than the window count as taken.
    """

    boot: int
    high: int = 0
    seen: int = 0

    def standing(self, first: int, last: int) -> Standing:
        """Return how the numbers from `first` to `last` stand to it."""
        asked = self._bits(first, last)
        new = last > self.high or bool(asked & ~self.seen)
        taken = first <= self.high - NUMBERS_IN_WINDOW or bool(asked & self.seen)
        if new and taken:
            return Standing.MIXED
        return Standing.NEW if new else Standing.REPEATED

    def with_taken(self, first: int, last: int) -> Window:
        """Return the window after the numbers from `first` to `last` were taken too."""
        high = max(self.high, last)
        shift = min(high - self.high, NUMBERS_IN_WINDOW)
        moved = Window(self.boot, high, (self.seen << shift) & _ALL)
        return replace(moved, seen=moved.seen | moved._bits(first, last))

    def _bits(self, first: int, last: int) -> int:
        """Return the bits of those numbers from `first` to `last` that lie within the window."""
        newest, oldest = max(self.high - last, 0), min(self.high - first, NUMBERS_IN_WINDOW - 1)
        return ((1 << (oldest + 1)) - 1) >> newest << newest if oldest >= newest else 0


class Windows:
    """The windows of all sources, the one that was taken from last at the end.

    There are at most `most`; of one too many, the source that was longest not taken from is forgotten. What depends on
    the order of the calls alone is the same wherever the same calls are made.
    """

    __slots__ = ("_most", "_windows")

    def __init__(self, windows: Iterable[tuple[str, Window]] = (), *, most: int = SOURCES_MAX) -> None:
        self._windows = dict(windows)
        self._most = most

    def __iter__(self) -> Iterator[tuple[str, Window]]:
        return iter(tuple(self._windows.items()))

    def __len__(self) -> int:
        return len(self._windows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Windows) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def of(self, source: str) -> Window | None:
        """Return the window of a source, None for one that is not known."""
        return self._windows.get(source)

    def standing(self, message: Message) -> Standing:
        """Return how a message stands to what was taken; one of an earlier boot is a stale sender's: repeated."""
        window = self._windows.get(message.source)
        if window is None or message.boot > window.boot:
            return Standing.NEW
        if message.boot < window.boot:
            return Standing.REPEATED
        return window.standing(message.first, message.last)

    def fresh(self, message: Message) -> Message | None:
        """Return what is new of a message whose source sends in order: all past its highest number; None if nothing."""
        window = self._windows.get(message.source)
        if window is None or message.boot > window.boot:
            return message
        if message.boot < window.boot or message.last <= window.high:
            return None
        return message.since(window.high + 1)

    def has(self, source: str, boot: int, number: int) -> bool:
        """Whether one number was taken, of a source whose messages may overtake each other."""
        return self.standing(Message(source, boot, number, number)) is Standing.REPEATED

    def take(self, message: Message) -> str | None:
        """Take a message; return the source that was forgotten to make room, if one was."""
        if self.standing(message) is Standing.REPEATED:
            return None
        window = self._windows.pop(message.source, None)
        if window is None or message.boot > window.boot:
            window = Window(message.boot)
        self._windows[message.source] = window.with_taken(message.first, message.last)
        if len(self._windows) <= self._most:
            return None
        oldest = next(iter(self._windows))
        del self._windows[oldest]
        return oldest

    def copy(self) -> Windows:
        """Return windows that go on by themselves."""
        return Windows(self._windows.items(), most=self._most)

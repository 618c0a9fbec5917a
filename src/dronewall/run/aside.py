"""What was set aside: entries of the journal on whose plots the pipeline failed. Nothing of them is lost or changed.

They stay in the journal for whoever mends the fault; no pipeline takes them, live, at a restart or in a replay.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class SetAside(msgspec.Struct, frozen=True):
    """Some entries, why they were set aside, and by which version."""

    entries: tuple[int, ...]
    why: str
    version: str


class Aside(Protocol):
    """Where it is remembered; it outlives the wall."""

    def all(self) -> tuple[SetAside, ...]:
        """Return everything that was set aside, oldest first."""
        ...

    def add(self, more: SetAside) -> None:
        """Remember more, for good when it returns.

        Raises:
            JournalError: it cannot be remembered.
        """
        ...


def entries_in(aside: tuple[SetAside, ...]) -> frozenset[int]:
    """Return the numbers of all entries that were set aside."""
    return frozenset(seq for one in aside for seq in one.entries)


class KeptInMemory:
    """For replays and tests: it is forgotten with the process."""

    def __init__(self) -> None:
        self._all: tuple[SetAside, ...] = ()

    def all(self) -> tuple[SetAside, ...]:
        """Return everything that was set aside, oldest first."""
        return self._all

    def add(self, more: SetAside) -> None:
        """Remember more."""
        self._all = (*self._all, more)

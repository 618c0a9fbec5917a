"""What was set aside: entries of the journal on whose plots the pipeline failed. Nothing of them is lost or changed.

They stay in the journal for whoever mends the fault; no pipeline takes them, live, at a restart or in a replay.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from dronewall.engine.state import State

KEY = "set-aside"


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


class KeptInState:
    """Kept among the state's keys, where every process that opens the journal finds it."""

    def __init__(self, state: State) -> None:
        self._state = state

    def all(self) -> tuple[SetAside, ...]:
        """Return everything that was set aside, oldest first."""
        kept = self._state.get(KEY)
        return told(None if kept is None else kept.value)

    def add(self, more: SetAside) -> None:
        """Remember more."""
        kept = self._state.get(KEY)
        every = msgspec.json.encode((*self.all(), more))
        self._state.put(KEY, every, expected=0 if kept is None else kept.revision)


def told(value: bytes | None) -> tuple[SetAside, ...]:
    """Return what the value under `KEY` tells was set aside, oldest first; nothing without one."""
    return () if value is None else msgspec.json.decode(value, type=tuple[SetAside, ...])

"""The seam of what is shared and changes: keys with values, changed by compare-and-set, and watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

LOOKED_EVERY_S = 0.1
"""How often a watch looks: a change is seen within twice that, unless the machine is out of breath."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A value and the revision at which it was put."""

    value: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a key became at a revision: a value, or None when it was deleted."""

    key: str
    value: bytes | None
    revision: int


class State(Protocol):
    """Keys with values; what follows are its laws.

    Every change gets a revision, one more than the one before it, whatever its key; none is given twice, not even
    after a deletion or a restart. A change happens only if its key is still at the revision the caller expects, 0 for
    a key that does not exist: of those who expect the same one, whatever their process, exactly one succeeds. It is
    durable when the call returns. It is a `JournalError` when it cannot keep its word.
    """

    def get(self, key: str) -> Kept | None:
        """Return what a key holds, None if it does not exist."""
        ...

    def put(self, key: str, value: bytes, *, expected: int) -> int:
        """Let a key hold a value and return the revision.

        Raises:
            Conflict: the key is not at revision `expected`; nothing changed.
        """
        ...

    def delete(self, key: str, *, expected: int) -> int:
        """Let a key exist no more and return the revision.

        Raises:
            Conflict: the key is not at revision `expected`, or does not exist; nothing changed.
        """
        ...

    def keys(self, prefix: str = "") -> Sequence[str]:
        """Return the keys that begin with `prefix`, in order."""
        ...

    def watch(self, prefix: str = "", *, after: int = 0) -> AsyncIterator[Change]:
        """Yield what keys with `prefix` became after revision `after`, in the order of revisions, until it is closed.

        Of a key that changed several times since it was last looked at only the newest change comes; the newest
        change of every key does come, from whatever process, within 0.2 s. Who starts again `after` the last revision
        that came misses nothing.
        """
        ...

    def close(self) -> None:
        """Let go of it, and end its watches; closing twice is fine."""
        ...


async def watched(changes: Callable[[int], Sequence[Change] | None], *, after: int) -> AsyncIterator[Change]:
    """Yield what `changes(after)` returns, over and over, each time after the newest change that came; None ends it."""
    while (newer := await asyncio.to_thread(changes, after)) is not None:
        for change in newer:
            after = change.revision
            yield change
        await asyncio.sleep(LOOKED_EVERY_S)

"""A state in memory: for demonstrations, tests and offline work. It keeps every law but survival."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence

from dronewall.engine.state import Change, Kept, watched
from dronewall.model.errors import Conflict, JournalError


class MemoryState:
    """Keys with values that end with their process."""

    __slots__ = ("_changes", "_closed", "_revision", "_turn")

    def __init__(self) -> None:
        self._changes: dict[str, Change] = {}
        self._revision = 0
        self._closed = False
        self._turn = threading.Lock()

    def get(self, key: str) -> Kept | None:
        """Return what a key holds."""
        self._refuse_when_closed()
        change = self._changes.get(key)
        return None if change is None or change.value is None else Kept(change.value, change.revision)

    def put(self, key: str, value: bytes, *, expected: int) -> int:
        """Let a key hold a value."""
        return self._change(key, value, expected)

    def delete(self, key: str, *, expected: int) -> int:
        """Let a key exist no more."""
        if self.get(key) is None:
            raise Conflict(key, expected, 0)
        return self._change(key, None, expected)

    def keys(self, prefix: str = "") -> Sequence[str]:
        """Return the keys that begin with `prefix`, in order."""
        self._refuse_when_closed()
        held = tuple(self._changes.items())
        return tuple(sorted(key for key, change in held if change.value is not None and key.startswith(prefix)))

    def watch(self, prefix: str = "", *, after: int = 0) -> AsyncIterator[Change]:
        """Yield what keys become."""
        return watched(lambda since: self._since(prefix, since), after=after)

    def close(self) -> None:
        """Accept nothing more."""
        self._closed = True

    def _change(self, key: str, value: bytes | None, expected: int) -> int:
        with self._turn:
            kept = self.get(key)
            found = 0 if kept is None else kept.revision
            if found != expected:
                raise Conflict(key, expected, found)
            self._revision += 1
            self._changes[key] = Change(key, value, self._revision)
            return self._revision

    def _since(self, prefix: str, after: int) -> Sequence[Change] | None:
        with self._turn:
            held = None if self._closed else tuple(self._changes.values())
        if held is None:
            return None
        newer = (change for change in held if change.revision > after and change.key.startswith(prefix))
        return sorted(newer, key=lambda change: change.revision)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise JournalError("memory", "the state is closed")

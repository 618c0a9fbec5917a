"""The writer's lock: a file beside the journal that keeps a second writer out, and notes what was acknowledged."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from dronewall.engine.sqlite_file import REMEDIES
from dronewall.model.errors import JournalError


class WriterLock:
    """The lock of one writer; the system lets go of it when the process dies.

    The note is written after an append is durable and waits for no disk: it may be older than the journal after a loss
    of power, and is never newer than what was acknowledged. So a journal that ends before it has lost entries.

    Raises:
        JournalError: another process holds it, or its file cannot be written.
    """

    __slots__ = ("_descriptor", "_noted")

    def __init__(self, path: Path) -> None:
        try:
            descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            problem, remedy = REMEDIES["SQLITE_CANTOPEN"]
            raise JournalError(str(path), f"{problem}: {(error.strerror or '').lower()}", remedy) from error
        words = os.pread(descriptor, 200, 0).decode("ascii", "replace").split()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise JournalError(
                str(path),
                f"another dronewall (process {words[0] if words else 'unknown'}) is writing to it",
                "End that one first, or give this one another journal.",
            ) from error
        self._descriptor: int | None = descriptor
        self._noted = (words[1], int(words[2])) if len(words) == 3 and words[2].isdigit() else ("", 0)
        self._write(*self._noted)

    def acknowledged(self, journal_id: str) -> int:
        """Return the newest entry of a journal that is noted as acknowledged, 0 if the note is about another one."""
        return self._noted[1] if self._noted[0] == journal_id else 0

    def note(self, journal_id: str, seq: int) -> None:
        """Note that all entries of a journal up to `seq` were acknowledged."""
        self._noted = (journal_id, seq)
        self._write(journal_id, seq)

    def release(self) -> None:
        """Let another writer come; releasing twice is fine."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, journal_id: str, seq: int) -> None:
        if self._descriptor is not None:
            # One call over the same bytes each time. On a full disk the lock holds without it.
            with suppress(OSError):
                os.pwrite(self._descriptor, f"{os.getpid():<10}\n{journal_id} {seq:020d}\n".encode(), 0)

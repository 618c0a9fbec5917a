"""The watchdog of the loop: should it stand still, it is told where, for a stuck process cannot tell itself."""

from __future__ import annotations

import faulthandler
from typing import TextIO

STUCK_S = 15.0
ARMED_EVERY_ROUNDS = 10


class LoopWatchdog:
    """Has the stacks of all threads printed when the loop has not gone round for a while; the process goes on.

    A service manager that hears no sign of life restarts the wall; these lines then say what it was at. The thread
    that waits is Python's own and needs no interpreter.

    Args:
        file: where to print; it has a descriptor and stays open.
        stuck_s: after how many seconds.
    """

    def __init__(self, file: TextIO, *, stuck_s: float = STUCK_S) -> None:
        self._file = file
        self._stuck_s = stuck_s
        self._rounds = 0

    def alive(self) -> None:
        """Take note of one round of the loop."""
        if self._rounds % ARMED_EVERY_ROUNDS == 0:
            faulthandler.dump_traceback_later(self._stuck_s, file=self._file)
        self._rounds += 1

    def close(self) -> None:
        """Wait no more."""
        faulthandler.cancel_dump_traceback_later()

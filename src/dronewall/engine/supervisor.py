"""The supervisor: a task that fails is started again, with growing pauses, and harms nobody else.

The one place of the house that catches every exception.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from dronewall.engine.clock import NS_PER_S, Clock
from dronewall.engine.links import Pauses
from dronewall.model.errors import RequestError

SOUND_AFTER_S = 60.0

R = TypeVar("R")


def attempted(work: Callable[[], R]) -> R | Exception:
    """Return what `work()` returns, or the error it ends with; for work whose failure harms nobody but itself.

    A lack of memory is no fault of the work, and is raised.
    """
    try:
        return work()
    except Exception as error:
        if isinstance(error, MemoryError):
            raise
        return error


async def kept_running(
    task: Callable[[], Awaitable[None]],
    *,
    clock: Clock,
    pauses: Pauses,
    on_failure: Callable[[Exception, int, float], None],
) -> None:
    """Await `task()` and start it again whenever it fails; return when it ends by itself.

    A `RequestError` of the first attempt is raised: what was asked for is wrong, and trying again will not mend it.
    Later ones are failures like others. A task that ran for a minute starts again with the shortest pause.

    Args:
        task: begins the work anew each time.
        clock: measures the pauses.
        pauses: how long to wait after how many failures in a row.
        on_failure: told the error, the number of failures in a row, and the pause in seconds.
    """
    failures, attempts = 0, 0
    while True:
        attempts += 1
        began_ns = clock.now_ns()
        try:
            await task()
        except Exception as error:
            if isinstance(error, RequestError) and attempts == 1:
                raise
            ran_s = (clock.now_ns() - began_ns) / NS_PER_S
            failures = 1 if ran_s >= SOUND_AFTER_S else failures + 1
            pause_s = pauses.after(failures)
            on_failure(error, failures, pause_s)
            await clock.sleep(pause_s)
        else:
            return

"""Seals a journal and kills itself at the n-th operation on the disk; run by the test beside it as a process."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archive_scenes import T0, S, archivist, worked_out

from dronewall.engine.retention import Limits
from dronewall.engine.sqlite_log import SqliteLog


def main(journal: Path, kill_at: int) -> None:
    done = 0

    def counted(operation: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            done += 1
            if done == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*args, **kwargs)

        return counting

    os.fsync, os.fdatasync = counted(os.fsync), counted(os.fdatasync)
    Path.rename, Path.unlink = counted(Path.rename), counted(Path.unlink)  # type: ignore[method-assign]
    shutil.rmtree = counted(shutil.rmtree)  # type: ignore[assignment]
    limits = Limits(segment_s=60.0, keep_days=1.0)
    report = worked_out(archivist(journal, limits), T0)[-1]
    log = SqliteLog(journal)
    while log.prune(report.prune_through_seq, most=50):
        pass
    log.close()
    worked_out(archivist(journal, Limits(segment_s=60.0, keep_days=200.0 / 86_400.0)), T0 + 400 * S)
    sys.stdout.write(f"{done}\n")


main(Path(sys.argv[1]), int(sys.argv[2]))

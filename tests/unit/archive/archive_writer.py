"""Fills, seals and prunes a journal again and again, and says what was acknowledged; run as a process by a test.

    python archive_writer.py JOURNAL TRACE

One line on standard output after each stretch of entries: `entries LAST POSITION`, where POSITION is the length of the
trace just after.
"""

from __future__ import annotations

import sys
from pathlib import Path

from archive_scenes import archivist, fill, pruned, worked_out

from dronewall.engine.sqlite_log import SqliteLog

ROUNDS, ROUND_S = 4, 90.0


def main(journal: Path, trace: Path) -> None:
    """Write, and say so."""
    log = SqliteLog(journal)
    keeper = archivist(journal)
    for turn in range(ROUNDS):
        fill(log, from_s=turn * ROUND_S, to_s=(turn + 1) * ROUND_S)
        sys.stdout.write(f"entries {log.last_seq} {trace.stat().st_size}\n")
        sys.stdout.flush()
        for report in worked_out(keeper):
            for _ in pruned(log, report.prune_through_seq):
                pass
    log.close()


main(Path(sys.argv[1]), Path(sys.argv[2]))

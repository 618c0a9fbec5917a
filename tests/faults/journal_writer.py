"""Writes a journal whose every entry can be foretold, and says what was acknowledged: run as a process of its own.

    python journal_writer.py JOURNAL TRACE SEED APPENDS

A journal that is there already is continued. When the journal can no longer be kept, it says why and ends at once, as
if it were killed. One line on standard output for each call that has returned: `entries FIRST LAST POSITION` or
`checkpoint SEQ POSITION`, where POSITION is the length of the trace just after. Before a call of append it says
`trying FIRST LAST POSITION`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from dronewall.engine.log import Checkpoint, Entry, EntryKind
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.errors import JournalError

CHECKPOINT_EVERY = 12
KINDS = (EntryKind.PLOTS, EntryKind.STEP, EntryKind.REFUSED)


def body_of(seq: int, seed: int) -> bytes:
    """Return what entry `seq` holds: mostly little, at times much."""
    chance = np.random.default_rng((seed, seq))
    many = int(chance.choice([40, 700, 9_000, 60_000], p=[0.4, 0.3, 0.25, 0.05]))
    return chance.bytes(int(chance.integers(1, many)))


def entry_of(seq: int, seed: int) -> Entry:
    """Return entry `seq`."""
    return Entry(KINDS[seq % len(KINDS)], seq * 1_000, body_of(seq, seed))


def checkpoint_of(seq: int, seed: int) -> Checkpoint:
    """Return the checkpoint after entry `seq`."""
    return Checkpoint(seq, body_of(seq + 1_000_000, seed) * 3)


def main(journal: Path, trace: Path, seed: int, appends: int) -> None:
    """Write, and say so."""
    chance = np.random.default_rng(seed)
    log = SqliteLog(journal)
    try:
        for turn in range(1, appends + 1):
            first, last = log.last_seq + 1, log.last_seq + int(chance.integers(1, 7))
            say(f"trying {first} {last}", trace)
            log.append([entry_of(seq, seed) for seq in range(first, last + 1)])
            say(f"entries {first} {last}", trace)
            if turn % CHECKPOINT_EVERY == 0:
                log.keep(checkpoint_of(last, seed))
                say(f"checkpoint {last}", trace)
    except JournalError as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        os._exit(1)
    log.close()


def say(what: str, trace: Path) -> None:
    """Say something with the point in time at which it is said."""
    sys.stdout.write(f"{what} {trace.stat().st_size}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))

"""Culprits: which of the entries that a step took are those the pipeline fails on. The others need not be set aside.

The journal is read once more up to that step, by a pipeline of its own; from the state it is in then, parts of what
came are tried, by halves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from dronewall.engine.log import Log
from dronewall.engine.supervisor import attempted
from dronewall.run.reader import Came, Reader, StepFailed, Stepping, stepped

Entries = Sequence[Came]


def culprits(
    failure: StepFailed, log: Log, *, begun: Callable[[], Stepping], set_aside: Iterable[int]
) -> tuple[int, ...]:
    """Return the numbers of the entries without which the failed step succeeds: those it fails on alone, or else all.

    Args:
        failure: what happened.
        log: holds everything up to that step.
        begun: makes a pipeline that knows nothing yet.
        set_aside: numbers of entries that are left out already.

    Raises:
        JournalError: an entry is missing or damaged.
    """
    reader = Reader(begun, set_aside=set_aside)
    try:
        reader.recall(log, on_entry=lambda *_: reader.seq >= failure.seq - 1)
    except StepFailed:  # what it fails on does not depend on what came alone
        return failure.came
    sensors, state, came = tuple(reader.pipeline.sensors), reader.pipeline.checkpoint(), reader.pending

    def fails(entries: Entries) -> bool:
        pipeline = begun()
        pipeline.learn(sensors)
        pipeline.restore(state)
        tried = attempted(lambda: stepped(pipeline, entries, now_ns=failure.now_ns, seq=failure.seq))
        return isinstance(tried, Exception)

    found = set(_failing(came, fails))
    rest = [entry for entry in came if entry[0] not in found]
    return tuple(seq for seq, _ in came if seq in found) if found and not fails(rest) else failure.came


def _failing(entries: Entries, fails: Callable[[Entries], bool]) -> list[int]:
    """Return the entries that a pipeline fails on alone."""
    if not entries or not fails(entries):
        return []
    if len(entries) == 1:
        return [entries[0][0]]
    half = len(entries) // 2
    return [*_failing(entries[:half], fails), *_failing(entries[half:], fails)]

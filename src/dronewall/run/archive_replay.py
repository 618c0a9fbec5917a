"""A journal of which much is sealed, and some perhaps gone, as contents for a replay."""

from __future__ import annotations

from collections.abc import Iterator

from dronewall.engine.archived_log import ArchivedLog
from dronewall.engine.entries import Content, content_of, state_of
from dronewall.run.reader import Reader


def archived_contents(log: ArchivedLog, reader: Reader) -> Iterator[tuple[int, Content]]:
    """Yield the contents of sealed segments and of the journal, with their numbers, from the oldest that is left.

    When the beginning is gone, `reader` is first put into the oldest state that is left, and what came before that is
    left out; without any state it begins with the oldest entry and knows nothing yet.

    Raises:
        JournalError: an entry is missing or damaged.
    """
    first_seq = log.first_seq
    beginning = log.beginning()
    if beginning is not None:
        reader.begin_in(state_of(beginning, journal=log.name), seq=beginning.seq)
        first_seq = beginning.seq + 1
    for stored in log.read(first_seq):
        yield stored.seq, content_of(stored, journal=log.name)

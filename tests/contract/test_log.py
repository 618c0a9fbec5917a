"""The laws of the log, for every log there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dronewall.engine.log import Checkpoint, Entry, EntryKind, Log, Stored
from dronewall.engine.memory_log import MemoryLog
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.errors import JournalError

ONE = Entry(EntryKind.WALL, 10, b"one")
TWO = Entry(EntryKind.PLOTS, -20, b"")
THREE = Entry(EntryKind.STEP, 2**62, bytes(range(256)) * 100)


@pytest.fixture(params=["memory", "sqlite"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    makers: dict[str, Callable[[], Log]] = {
        "memory": MemoryLog,
        "sqlite": lambda: SqliteLog(tmp_path / "wall.journal"),
    }
    made = makers[request.param]()
    yield made
    made.close()


def test_an_empty_log_ends_at_zero_and_yields_nothing(log: Log) -> None:
    assert log.last_seq == 0
    assert list(log.read()) == []


def test_what_was_appended_is_read_in_order_under_consecutive_numbers(log: Log) -> None:
    assert log.append([ONE, TWO]) == 2
    assert log.append([THREE]) == 3
    assert list(log.read()) == [Stored(1, ONE), Stored(2, TWO), Stored(3, THREE)]
    assert log.last_seq == 3


def test_appending_nothing_changes_nothing(log: Log) -> None:
    log.append([ONE])
    assert log.append([]) == 1


def test_reading_begins_where_it_was_asked_to(log: Log) -> None:
    log.append([ONE, TWO, THREE])
    assert [stored.seq for stored in log.read(2)] == [2, 3]
    assert list(log.read(4)) == []


def test_a_reader_sees_what_was_there_when_it_asked(log: Log) -> None:
    log.append([ONE, TWO])
    reader = log.read()
    log.append([THREE])
    assert [stored.seq for stored in reader] == [1, 2]


def test_only_the_two_newest_checkpoints_are_kept_newest_first(log: Log) -> None:
    for seq in (5, 9, 7):
        log.keep(Checkpoint(seq, b"state %d" % seq))
    assert log.checkpoints() == (Checkpoint(9, b"state 9"), Checkpoint(7, b"state 7"))


def test_a_checkpoint_of_the_same_entry_replaces_the_former(log: Log) -> None:
    log.keep(Checkpoint(5, b"old"))
    log.keep(Checkpoint(5, b"new"))
    assert log.checkpoints() == (Checkpoint(5, b"new"),)


def test_it_says_how_much_room_it_takes(log: Log) -> None:
    log.append([THREE] * 200)
    assert log.size_bytes >= 1_000_000


def test_a_closed_log_accepts_nothing(log: Log) -> None:
    log.append([ONE])
    log.close()
    with pytest.raises(JournalError, match="closed"):
        log.append([TWO])

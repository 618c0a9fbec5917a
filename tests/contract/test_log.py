"""The laws of the log, for every log there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dronewall.engine.log import Appended, Checkpoint, Entry, EntryKind, Log, Stored
from dronewall.engine.memory_log import MemoryLog
from dronewall.engine.messages import Message, Window
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
    assert log.append([ONE, TWO]) == Appended(2, (1, 2))
    assert log.append([THREE]) == Appended(3, (3,))
    assert list(log.read()) == [Stored(1, ONE), Stored(2, TWO), Stored(3, THREE)]
    assert log.last_seq == 3


def test_appending_nothing_changes_nothing(log: Log) -> None:
    log.append([ONE])
    assert log.append([]) == Appended(1, ())


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


def said(first: int, last: int, *, source: str = "feed a", boot: int = 1) -> Entry:
    return Entry(EntryKind.PLOTS, 0, b"%d to %d" % (first, last), Message(source, boot, first, last))


def test_an_entry_comes_back_with_the_message_it_holds(log: Log) -> None:
    log.append([said(1, 3), ONE])
    assert list(log.read()) == [Stored(1, said(1, 3)), Stored(2, ONE)]


def test_a_message_that_comes_again_is_left_out_and_the_numbers_go_on(log: Log) -> None:
    log.append([said(1, 3)])
    assert log.append([ONE, said(1, 3), said(2, 2), said(4, 4)]) == Appended(3, (2, 0, 0, 3))
    assert [stored.entry.body for stored in log.read()] == [b"1 to 3", b"one", b"4 to 4"]


def test_a_message_that_comes_twice_in_one_call_is_kept_once(log: Log) -> None:
    assert log.append([said(1, 3), said(1, 3)]) == Appended(1, (1, 0))


def test_a_message_taken_in_part_is_the_callers_mistake_and_nothing_is_kept(log: Log) -> None:
    log.append([said(1, 3)])
    with pytest.raises(ValueError, match="cut it"):
        log.append([ONE, said(4, 4), said(3, 5)])
    assert log.last_seq == 1
    assert log.append([said(4, 4)]) == Appended(2, (2,))


def test_a_source_that_starts_again_is_new_and_its_former_life_is_over(log: Log) -> None:
    log.append([said(1, 9)])
    assert log.append([said(1, 2, boot=2), said(10, 10, boot=1)]) == Appended(2, (2, 0))


def test_the_windows_tell_what_was_taken_of_each_source(log: Log) -> None:
    log.append([said(1, 3), said(7, 7, source="feed b"), ONE])
    assert list(log.windows()) == [("feed a", Window(1, 3, 0b111)), ("feed b", Window(1, 7, 1))]
    log.append([said(4, 4)])
    assert [source for source, _ in log.windows()] == ["feed b", "feed a"]


def test_the_windows_one_asks_for_are_ones_own(log: Log) -> None:
    log.windows().take(Message("feed a", 1, 1, 9))
    assert log.append([said(1, 9)]) == Appended(1, (1,))


def test_without_a_checkpoint_nothing_is_taken_out(log: Log) -> None:
    log.append([ONE, TWO, THREE])
    assert log.prune(3) == 0
    assert (log.first_seq, log.last_seq) == (1, 3)


def test_what_is_older_than_the_older_checkpoint_may_be_taken_out_and_no_more(log: Log) -> None:
    log.append([ONE] * 10)
    log.keep(Checkpoint(4, b""))
    log.keep(Checkpoint(8, b""))
    assert log.prune(2) == 2
    assert log.prune(9) == 2
    assert log.prune(9) == 0
    assert (log.first_seq, log.last_seq) == (5, 10)
    assert [stored.seq for stored in log.read(5)] == [5, 6, 7, 8, 9, 10]


def test_only_so_many_are_taken_out_at_once(log: Log) -> None:
    log.append([ONE] * 10)
    log.keep(Checkpoint(9, b""))
    assert [log.prune(9, most=4) for _ in range(4)] == [4, 4, 1, 0]


def test_the_newest_entry_always_stays_so_that_no_number_is_given_twice(log: Log) -> None:
    log.append([ONE, TWO])
    log.keep(Checkpoint(2, b""))
    assert log.prune(2) == 1
    assert log.append([THREE]) == Appended(3, (3,))
    assert list(log.read(2)) == [Stored(2, TWO), Stored(3, THREE)]


def test_whoever_asks_for_what_was_taken_out_is_told_where_it_went(log: Log) -> None:
    log.append([ONE] * 5)
    log.keep(Checkpoint(4, b""))
    log.prune(3)
    with pytest.raises(JournalError, match=r"entry 2 is no longer in it: it begins with entry 4.*archive"):
        list(log.read(2))


def test_taking_out_entries_forgets_nothing_about_their_sources(log: Log) -> None:
    log.append([said(1, 3), ONE, TWO])
    log.keep(Checkpoint(3, b""))
    assert log.prune(3) == 2
    assert log.append([said(1, 3)]) == Appended(3, (0,))

"""What was set aside is remembered with the journal, and known to whoever reads it."""

from __future__ import annotations

from pathlib import Path

from dronewall.engine.sqlite_log import SqliteLog
from dronewall.engine.sqlite_state import SqliteState, kept_in
from dronewall.run.aside import KEY, KeptInState, SetAside, entries_in, told

FIRST, SECOND = SetAside((3, 5), "a gate of no width", "0.1"), SetAside((9,), "again", "0.1")


def test_what_was_set_aside_is_found_again_by_the_next_wall_and_by_replays(tmp_path: Path) -> None:
    journal = tmp_path / "wall.journal"
    SqliteLog(journal).close()
    state = SqliteState(journal)
    aside = KeptInState(state)
    assert aside.all() == ()
    aside.add(FIRST)
    aside.add(SECOND)
    state.close()
    again = SqliteState(journal)
    assert KeptInState(again).all() == (FIRST, SECOND)
    again.close()
    before = journal.read_bytes()
    assert entries_in(told(kept_in(journal, KEY))) == {3, 5, 9}
    assert journal.read_bytes() == before


def test_a_journal_without_anything_set_aside_tells_of_nothing(tmp_path: Path) -> None:
    SqliteLog(tmp_path / "wall.journal").close()
    assert told(kept_in(tmp_path / "wall.journal", KEY)) == ()

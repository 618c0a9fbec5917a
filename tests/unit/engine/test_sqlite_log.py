"""What only the log in a file can get wrong."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from dronewall.engine.log import Checkpoint, Entry, EntryKind
from dronewall.engine.sqlite_log import APPLICATION_ID, SCHEMA_VERSION, SqliteLog, is_journal
from dronewall.model.errors import JournalError


def entry(number: int) -> Entry:
    return Entry(EntryKind.PLOTS, number, b"%d" % number)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wall.journal"


def filled(path: Path, count: int = 3) -> Path:
    log = SqliteLog(path)
    log.append([entry(i) for i in range(1, count + 1)])
    log.close()
    return path


def test_what_was_appended_is_there_when_it_is_opened_again(path: Path) -> None:
    again = SqliteLog(filled(path))
    assert again.last_seq == 3
    again.append([entry(4)])
    assert [stored.entry.at_ns for stored in again.read()] == [1, 2, 3, 4]
    again.close()


def test_every_commit_waits_for_the_disk(path: Path) -> None:
    log = SqliteLog(path)
    assert log._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert log._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    log.close()


def test_a_journal_is_known_by_its_first_page_even_before_it_was_closed(path: Path, tmp_path: Path) -> None:
    log = SqliteLog(path)
    assert is_journal(path)
    log.close()
    (tmp_path / "other").write_bytes(b"SQLite format 3\0" + bytes(100))
    assert not is_journal(tmp_path / "other")
    assert not is_journal(tmp_path / "absent")


def test_a_second_writer_is_told_who_holds_the_journal(path: Path) -> None:
    log = SqliteLog(path)
    with pytest.raises(JournalError, match=r"another dronewall \(process \d+\) is writing to it.*End that one first"):
        SqliteLog(path)
    log.close()
    SqliteLog(path).close()


def test_a_reader_may_look_while_the_writer_writes(path: Path) -> None:
    log = SqliteLog(path)
    log.append([entry(1)])
    reader = SqliteLog(path, read_only=True)
    assert [stored.seq for stored in reader.read()] == [1]
    with pytest.raises(JournalError, match="reading only"):
        reader.append([entry(2)])
    with pytest.raises(JournalError, match="reading only"):
        reader.keep(Checkpoint(1, b""))
    reader.close()
    log.close()


def test_reading_leaves_the_file_as_it_was(path: Path) -> None:
    before = hashlib.sha256(filled(path).read_bytes()).hexdigest()
    reader = SqliteLog(path, read_only=True)
    assert len(list(reader.read())) == 3
    reader.close()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_a_missing_journal_cannot_be_read(path: Path) -> None:
    with pytest.raises(JournalError, match="there is no such journal"):
        SqliteLog(path, read_only=True)
    assert not path.exists()


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(JournalError, match=r"not a journal.*Choose another path"):
        SqliteLog(path)


def test_a_file_of_something_else_is_left_alone(path: Path) -> None:
    path.write_bytes(b"a diary, not a journal" * 100)
    with pytest.raises(JournalError, match="not a journal"):
        SqliteLog(path)


def test_a_journal_of_a_newer_version_is_refused(path: Path) -> None:
    with sqlite3.connect(filled(path)) as newer:
        newer.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    newer.close()
    with pytest.raises(JournalError, match=r"newer dronewall.*Install that version"):
        SqliteLog(path)


def test_a_gap_is_an_error_and_never_skipped(path: Path) -> None:
    with sqlite3.connect(filled(path, 200)) as meddler:
        meddler.execute("DELETE FROM log WHERE seq = 100")
    meddler.close()
    log = SqliteLog(path)
    with pytest.raises(JournalError, match=r"entry 100 is missing.*dronewall recover"):
        list(log.read())
    log.close()


def test_an_append_that_fails_keeps_nothing_and_ends_the_log(path: Path) -> None:
    log = SqliteLog(path)
    log.append([entry(1)])
    with sqlite3.connect(path) as meddler:
        meddler.execute("INSERT INTO log (seq, kind, at_ns, body) VALUES (3, 3, 0, x'00')")
    meddler.close()
    with pytest.raises(JournalError):
        log.append([entry(2), entry(3)])
    with pytest.raises(JournalError):
        log.append([entry(2)])
    log.close()
    with sqlite3.connect(path) as look:
        assert look.execute("SELECT seq FROM log").fetchall() == [(1,), (3,)]
    look.close()


def test_a_journal_that_may_not_be_written_says_so(path: Path) -> None:
    filled(path)
    log = SqliteLog(path)
    log._connection.execute("PRAGMA query_only=1")
    with pytest.raises(JournalError, match=r"may not be written.*write permission"):
        log.append([entry(4)])
    log.close()


def test_the_file_names_its_owner(path: Path) -> None:
    with sqlite3.connect(filled(path)) as look:
        assert look.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    look.close()


def test_the_file_shrinks_when_entries_are_taken_out_a_little_at_a_time(path: Path) -> None:
    log = SqliteLog(path)
    for number in range(1, 41):
        log.append([Entry(EntryKind.PLOTS, number, bytes(1_000_000))])
    log.keep(Checkpoint(39, b""))
    full = log.size_bytes
    went = [log.prune(39) for _ in range(8)]
    assert max(went) < 12  # no append waits for more than some megabytes
    assert sum(went) == 39
    assert went[-1] == 0
    log.close()
    assert path.stat().st_size < full / 4

"""A journal of version 1 is brought to version 2 when it is opened for writing, whole or not at all."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dronewall.engine.envelope import pack
from dronewall.engine.log import Appended, Checkpoint, Entry, EntryKind, Stored
from dronewall.engine.messages import Message, Window
from dronewall.engine.sqlite_file import FROM_VERSION_1
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.engine.sqlite_state import SqliteState
from dronewall.model.errors import JournalError

VERSION_1 = """
PRAGMA journal_mode=WAL;
BEGIN;
CREATE TABLE log (
    seq INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);
PRAGMA application_id=0x44574A31;
PRAGMA user_version=1;
COMMIT;
"""
ENTRIES = [Entry(EntryKind.PLOTS, number, pack(number)) for number in range(1, 201)]
HELD = [Stored(number, entry) for number, entry in enumerate(ENTRIES, start=1)]
STATEMENTS = len(FROM_VERSION_1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal as version 1 left it: the statements that made it then, executed."""
    with sqlite3.connect(tmp_path / "wall.journal") as made:
        made.executescript(VERSION_1)
        rows = [(number, int(entry.kind), entry.at_ns, entry.body) for number, entry in enumerate(ENTRIES, start=1)]
        made.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", rows)
        made.execute("INSERT INTO checkpoints VALUES (150, x'00')")
    made.close()
    return tmp_path / "wall.journal"


def version(path: Path) -> int:
    with sqlite3.connect(path) as look:
        found = look.execute("PRAGMA user_version").fetchone()[0]
    look.close()
    return int(found)


def test_opened_for_writing_it_holds_what_it_held_and_goes_on_as_version_2(path: Path) -> None:
    log = SqliteLog(path)
    assert version(path) == 2
    assert list(log.read()) == HELD
    assert log.checkpoints() == (Checkpoint(150, b"\0"),)
    said = Entry(EntryKind.PLOTS, 0, pack("more"), Message("feed a", 1, 1, 5))
    assert log.append([said, said]) == Appended(201, (201, 0))
    log.close()
    again = SqliteLog(path)
    assert list(again.read(201)) == [Stored(201, said)]
    assert list(again.windows()) == [("feed a", Window(1, 5, 0b11111))]
    assert again.prune(200) == 150
    again.close()


def test_opened_for_reading_it_is_read_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    log = SqliteLog(path, read_only=True)
    assert list(log.read()) == HELD
    assert list(log.windows()) == []
    log.close()
    assert path.read_bytes() == before


def test_a_reader_that_was_there_before_reads_on(path: Path) -> None:
    reader = SqliteLog(path, read_only=True)
    writer = SqliteLog(path)
    assert list(reader.read()) == HELD
    reader.close()
    writer.close()


def test_the_state_brings_it_to_version_2_as_well_but_not_while_somebody_writes(path: Path) -> None:
    with pytest.raises(JournalError, match="is writing to it"), WriterOfVersion1(path):
        SqliteState(path)
    assert version(path) == 1
    state = SqliteState(path)
    state.put("zone", b"1", expected=0)
    state.close()
    assert version(path) == 2


class WriterOfVersion1:
    """Holds the lock as a wall of version 1 does."""

    def __init__(self, path: Path) -> None:
        self._lock = path.with_name(path.name + ".lock")

    def __enter__(self) -> None:
        import fcntl

        self._file = self._lock.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from dronewall.engine import sqlite_file

left = int(sys.argv[2])
connection = sqlite_file.connected(Path(sys.argv[1]), "mode=rw")

def count(statement):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

connection.execute("PRAGMA cache_size=1")
connection.set_trace_callback(count)
sqlite_file.bring_to_this_version(connection, sqlite_file.FROM_VERSION_1)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.parametrize("statements", [1, STATEMENTS // 2, STATEMENTS + 1, STATEMENTS + 2])
def test_killed_in_the_middle_it_is_version_1_still_and_the_next_start_brings_it_on(
    path: Path, statements: int
) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, path, str(statements)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert version(path) == 1
    log = SqliteLog(path)
    assert version(path) == 2
    assert list(log.read()) == HELD
    log.close()


@pytest.mark.slow
def test_killed_right_after_it_is_version_2(path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, path, "1000"], check=False, timeout=60)
    assert version(path) == 2
    log = SqliteLog(path)
    assert list(log.read()) == HELD
    log.close()

"""Damage to the journal's file: it is told before anything is written, and what is whole is saved."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from dronewall.cli.recover import run_recover
from dronewall.engine.envelope import pack
from dronewall.engine.log import Checkpoint, Entry, EntryKind, Stored
from dronewall.engine.messages import Message
from dronewall.engine.recovery import recover
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.engine.sqlite_state import SqliteState
from dronewall.engine.state import Kept
from dronewall.model.errors import DronewallError, InputError, JournalError

ENTRIES = 120
SEEDS = range(8)


def entry(number: int) -> Entry:
    body = pack(number, {"noise": np.random.default_rng(number).integers(0, 255, 3000, np.uint8)})
    return Entry(EntryKind.PLOTS, number, body, Message("feed a", 1, number, number))


EVERYTHING = [Stored(number, entry(number)) for number in range(1, ENTRIES + 1)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    log = SqliteLog(tmp_path / "wall.journal")
    for number in range(1, ENTRIES + 1):
        log.append([entry(number)])
    log.keep(Checkpoint(40, pack("state", {})))
    log.keep(Checkpoint(100, pack("state", {})))
    log.close()
    state = SqliteState(tmp_path / "wall.journal")
    state.put("zone", b"1", expected=0)
    state.close()
    return tmp_path / "wall.journal"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "saved.journal"


def page_of(path: Path, seq: int) -> int:
    """Return the offset of some byte that holds the body of an entry, away from both its ends."""
    at = path.read_bytes().find(entry(seq).body[1000:1020])
    assert at > 0
    return at


def spoil(path: Path, at: int, what: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(what)


def held(path: Path) -> list[Stored]:
    log = SqliteLog(path)
    found = list(log.read(log.first_seq))
    log.close()
    return found


def test_a_whole_journal_is_copied_whole(path: Path, out: Path) -> None:
    saved = recover(path, out)
    assert saved.whole
    assert (saved.entries, saved.lost, saved.checkpoint_seq, saved.sources, saved.keys) == (ENTRIES, 0, 100, 1, 1)
    assert held(out) == EVERYTHING
    old, new, state = SqliteLog(path), SqliteLog(out), SqliteState(out)
    assert new.windows() == old.windows()
    assert new.checkpoints() == old.checkpoints()
    assert state.get("zone") == Kept(b"1", 1)
    for each in (old, new, state):
        each.close()


def test_a_flipped_bit_in_an_entry_is_told_when_it_is_read_and_named(path: Path, out: Path) -> None:
    at = page_of(path, 50)
    spoil(path, at, bytes([path.read_bytes()[at] ^ 0x10]))
    log = SqliteLog(path)
    reading = log.read()
    assert [next(reading).seq for _ in range(49)] == list(range(1, 50))
    with pytest.raises(JournalError, match=r"entry 50 is damaged.*dronewall recover"):
        next(reading)
    log.close()
    saved = recover(path, out)
    assert (saved.last_seq, saved.lost, saved.checkpoint_seq) == (49, ENTRIES - 49, 40)
    assert held(out) == EVERYTHING[:49]


def test_what_was_lost_is_new_again_when_its_source_sends_it_again(path: Path, out: Path) -> None:
    spoil(path, page_of(path, 50), b"\0" * 8)
    recover(path, out)
    log = SqliteLog(out)
    assert log.append([entry(49), entry(50)]).seqs == (0, 50)
    log.close()


def test_damage_near_the_end_is_told_before_anything_is_written(path: Path) -> None:
    at = page_of(path, ENTRIES - 3)
    spoil(path, at, b"\0" * 8)
    with pytest.raises(JournalError, match=rf"entry {ENTRIES - 3} is damaged.*dronewall recover"):
        SqliteLog(path)


def test_a_file_that_was_cut_is_told_and_its_beginning_saved(path: Path, out: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 3)
    with pytest.raises(JournalError, match=r"damaged.*dronewall recover"):
        SqliteLog(path)
    saved = recover(path, out)
    assert 20 < saved.last_seq < 60
    assert saved.lost >= 1
    assert held(out) == EVERYTHING[: saved.last_seq]


def test_a_page_of_zeros_is_told_and_what_precedes_it_saved(path: Path, out: Path) -> None:
    page = page_of(path, 30) // 4096 * 4096
    spoil(path, page, bytes(4096))
    log = SqliteLog(path)
    with pytest.raises(JournalError, match="dronewall recover"):
        list(log.read())
    log.close()
    saved = recover(path, out)
    assert 28 <= saved.last_seq < 30
    assert held(out) == EVERYTHING[: saved.last_seq]


def torn(path: Path, tmp_path: Path, *, frames_kept: int) -> Path:
    """Return a copy of an open journal as a killed process leaves it, its write-ahead log cut after some frames."""
    copy = tmp_path / "torn.journal"
    for end in ("", "-wal", ".lock"):
        shutil.copy(path.with_name(path.name + end), copy.with_name(copy.name + end))
    with copy.with_name(copy.name + "-wal").open("r+b") as wal:
        wal.truncate(32 + frames_kept * (24 + 4096))
    return copy


def test_acknowledged_entries_that_are_gone_with_the_write_ahead_log_are_told_and_counted(
    tmp_path: Path, out: Path
) -> None:
    log = SqliteLog(tmp_path / "open.journal")
    for number in range(1, 21):
        log.append([entry(number)])
    copy = torn(tmp_path / "open.journal", tmp_path, frames_kept=20)
    log.close()
    with pytest.raises(JournalError, match=r"entries \d+ to 20 were acknowledged and are missing.*dronewall recover"):
        SqliteLog(copy)
    saved = recover(copy, out)
    assert 0 < saved.last_seq < 20
    assert saved.lost == 20 - saved.last_seq
    assert held(out) == EVERYTHING[: saved.last_seq]


def test_an_append_that_never_returned_is_no_loss(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "open.journal")
    log.append([entry(1)])
    log._connection.execute("PRAGMA cache_spill=1")
    wal = (tmp_path / "open.journal-wal").stat().st_size
    log.append([entry(2)])
    log._lock.note(log._id, 1)  # as if the machine had died before the append returned
    copy = torn(tmp_path / "open.journal", tmp_path, frames_kept=(wal - 32) // (24 + 4096) + 1)
    log.close()
    assert held(copy) == EVERYTHING[:1]


def test_a_new_journal_in_the_place_of_a_lost_one_has_nothing_to_answer_for(path: Path) -> None:
    path.unlink()
    log = SqliteLog(path)
    assert log.last_seq == 0
    log.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_flipped_bits_never_give_another_entry_than_was_written(path: Path, out: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = bytearray(path.read_bytes())
    for at in rng.integers(4096, len(whole), 3):
        whole[at] ^= 1 << rng.integers(8)
    path.write_bytes(whole)
    try:
        saved = recover(path, out)
    except DronewallError:
        assert not out.exists()
        return
    assert held(out) == EVERYTHING[: saved.last_seq]
    assert saved.whole == (saved.last_seq == ENTRIES and not saved.problems)


def test_a_journal_in_which_nothing_can_be_read_leaves_no_new_one_behind(path: Path, out: Path) -> None:
    spoil(path, 4096, bytes(path.stat().st_size - 4096))
    with pytest.raises(JournalError, match="nothing can be saved"):
        recover(path, out)
    assert list(out.parent.glob("saved*")) == []


def test_the_damaged_file_is_left_as_it_is(path: Path, out: Path) -> None:
    spoil(path, page_of(path, 50), b"\0" * 8)
    before = path.read_bytes()
    recover(path, out)
    assert path.read_bytes() == before


def test_a_journal_that_somebody_writes_to_is_not_recovered(path: Path, out: Path) -> None:
    log = SqliteLog(path)
    with pytest.raises(JournalError, match="is writing to it"):
        recover(path, out)
    log.close()
    assert not out.exists()


def test_nothing_is_written_over(path: Path, out: Path) -> None:
    out.write_bytes(b"mine")
    with pytest.raises(InputError, match="exists already"):
        recover(path, out)
    assert out.read_bytes() == b"mine"


def test_a_journal_of_version_1_is_saved_too(path: Path, out: Path) -> None:
    with sqlite3.connect(path) as older:
        for table in ("windows", "state", "about"):
            older.execute(f"DROP TABLE {table}")
        for column in ("source", "boot", "first", "last", "crc"):
            older.execute(f"ALTER TABLE log DROP COLUMN {column}")
        older.execute("PRAGMA user_version=1")
    older.close()
    assert recover(path, out).whole
    assert [stored.entry.body for stored in held(out)] == [stored.entry.body for stored in EVERYTHING]


def test_the_command_says_what_was_lost_and_ends_with_status_1(
    path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(path, page_of(path, 50), b"\0" * 8)
    assert run_recover(path, out, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["last_seq"], told["first_lost_seq"], told["lost_at_least"]) == (49, 50, ENTRIES - 49)
    assert told["problems"] == ["entry 50 is damaged: its checksum does not match"]

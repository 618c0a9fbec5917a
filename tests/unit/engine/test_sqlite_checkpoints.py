"""A large checkpoint is written in pieces between appends, is whole or not there, and leaves nothing behind."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from dronewall.engine.entries import State, checkpoint_of
from dronewall.engine.log import Checkpoint, Entry, EntryKind
from dronewall.engine.recovery import recover
from dronewall.engine.sqlite_checkpoints import PIECE_BYTES, steps_to_keep
from dronewall.engine.sqlite_file import opened_for_reading
from dronewall.engine.sqlite_log import SqliteLog

STEP = Entry(EntryKind.STEP, 1, b"")


def large(seq: int, pieces: float = 5.5) -> Checkpoint:
    return Checkpoint(seq, bytes([seq % 256]) * round(pieces * PIECE_BYTES))


def pieces_in(path: Path) -> set[int]:
    with sqlite3.connect(path) as connection:
        return {seq for (seq,) in connection.execute("SELECT seq FROM checkpoint_pieces")}


def test_a_large_checkpoint_comes_back_as_it_was_and_the_third_newest_goes_with_its_pieces(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    log.append([STEP] * 4)
    for seq in (1, 2, 3):
        log.keep(large(seq))
    assert log.checkpoints() == (large(3), large(2))
    log.close()
    assert pieces_in(path) == {2, 3}
    again = SqliteLog(path, read_only=True)
    assert again.checkpoints() == (large(3), large(2))
    again.close()


def test_sizes_around_a_piece_come_back_as_they_were(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "wall.journal")
    log.append([STEP])
    for size in (0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES + 1, 2 * PIECE_BYTES, 1):
        log.keep(Checkpoint(1, b"x" * size))
        assert log.checkpoints() == (Checkpoint(1, b"x" * size),)
    log.close()


def test_one_that_was_not_finished_is_not_there_and_goes_with_the_next(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    log.append([STEP] * 3)
    log.keep(large(1))
    log.close()
    with sqlite3.connect(path) as connection:  # what a kill in the middle leaves
        for step in list(steps_to_keep(large(2)))[:-1]:
            for statement, arguments in step:
                connection.execute(statement, arguments)
    log = SqliteLog(path)
    assert log.checkpoints() == (large(1),)
    log.keep(large(3))
    assert log.checkpoints() == (large(3), large(1))
    log.close()
    assert pieces_in(path) == {1, 3}


def test_one_kept_again_after_the_same_entry_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    log.append([STEP] * 3)
    log.keep(large(1))
    another = Checkpoint(1, b"another" * PIECE_BYTES)
    kept_between = []

    def look(statement: str) -> None:
        if statement.startswith("BEGIN"):
            kept_between.append(SqliteLog(path, read_only=True).checkpoints())

    log._connection.set_trace_callback(look)
    log.keep(another)
    log._connection.set_trace_callback(None)
    assert log.checkpoints() == (another,)
    assert kept_between
    assert set(kept_between) <= {(large(1),), (another,)}
    log.close()


def test_checkpoints_are_read_while_another_thread_has_its_turn(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "wall.journal")
    log.append([STEP])
    log.keep(large(1))
    read: list[object] = []
    with log._turn:
        reading = threading.Thread(target=lambda: read.append(log.checkpoints()), daemon=True)
        reading.start()
        reading.join(10.0)
    assert read == [(large(1),)]
    log.close()


def test_checkpoints_are_read_as_they_stood_though_others_take_their_place_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = SqliteLog(tmp_path / "wall.journal")
    log.append([STEP] * 4)
    log.keep(large(1))
    log.keep(large(2))
    later = [large(3), large(4)]

    def kept_meanwhile(statement: str) -> None:
        while later and "checkpoint_pieces" in statement:
            log.keep(later.pop(0))

    def opened_and_watched(path: Path) -> sqlite3.Connection:
        connection = opened_for_reading(path)
        connection.set_trace_callback(kept_meanwhile)
        return connection

    monkeypatch.setattr("dronewall.engine.sqlite_log.opened_for_reading", opened_and_watched)
    assert log.checkpoints() == (large(2), large(1))
    assert later == []
    assert log.checkpoints() == (large(4), large(3))
    log.close()


def test_entries_are_appended_while_a_checkpoint_is_written(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "wall.journal")
    log.append([STEP])
    keeping = threading.Thread(target=log.keep, args=(large(1, pieces=40.0),))
    keeping.start()
    appended = 0
    while keeping.is_alive():
        log.append([STEP])
        appended += 1
    assert appended > 5
    assert log.checkpoints()[0] == large(1, pieces=40.0)
    log.close()


def test_recovery_saves_a_large_checkpoint_too(tmp_path: Path) -> None:
    whole = checkpoint_of(State("v", (), {"a": np.arange(400_000)}), seq=2)
    log = SqliteLog(tmp_path / "wall.journal")
    log.append([STEP] * 3)
    log.keep(whole)
    log.close()
    saved = recover(tmp_path / "wall.journal", tmp_path / "new.journal")
    assert saved.checkpoint_seq == 2
    new = SqliteLog(tmp_path / "new.journal", read_only=True)
    assert new.checkpoints() == (whole,)
    new.close()

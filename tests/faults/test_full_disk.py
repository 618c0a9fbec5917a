"""Two megabytes of real disk, and damaged files: found, told with the way out, and nothing acknowledged is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from faulty_disk import FaultyDisk
from power_cuts import JOURNAL, check_sound, written
from test_bad_requests import ended

from dronewall.engine.sqlite_log import SqliteLog

SEED = 20_263
PAGE_BYTES = 4_096


@pytest.fixture
def small_disk(shim: Path, tmp_path: Path, without: Callable[[str], NoReturn]) -> Iterator[FaultyDisk]:
    """A folder with room for two megabytes, on a file system of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        without(f"no small file system can be mounted here ({made.stderr.strip()}); run as root")
    yield FaultyDisk(shim, tmp_path, folder)
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_file_system_without_room_ends_the_writer_with_the_remedy_and_keeps_what_was_safe(
    small_disk: FaultyDisk, tmp_path: Path
) -> None:
    told, done = written(small_disk, seed=SEED, appends=400)
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert "Free some space" in done.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in small_disk.folder.iterdir():
        (elsewhere / path.name).write_bytes(path.read_bytes())
    check_sound(elsewhere, told, small_disk.trace.stat().st_size, seed=SEED)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["torn", "page"])
def test_a_damaged_journal_is_found_and_recovered_to_the_last_good_entry(
    disk: FaultyDisk, tmp_path: Path, damage: str
) -> None:
    told, done = written(disk, seed=SEED, appends=100)
    assert done.returncode == 0, done.stderr
    journal = disk.folder / JOURNAL
    content = bytearray(journal.read_bytes())
    if damage == "torn":
        del content[len(content) * 2 // 3 // PAGE_BYTES * PAGE_BYTES + 1_000 :]
    else:
        middle = len(content) // 2 // PAGE_BYTES * PAGE_BYTES
        content[middle : middle + PAGE_BYTES] = bytes(PAGE_BYTES)
    journal.write_bytes(content)
    status, _, said = ended("replay", str(journal), "--headless", "--json", cwd=tmp_path)
    assert status == 1
    assert "recover" in said
    whole = tmp_path / "whole.journal"
    status, _, said = ended("recover", str(journal), "--out", str(whole), cwd=tmp_path)
    assert status in (0, 1), said
    assert journal.read_bytes() == content
    log = SqliteLog(whole)
    last = log.last_seq
    seqs = [stored.seq for stored in log.read()]
    log.close()
    assert 0 < last <= told.acknowledged(disk.trace.stat().st_size)
    assert seqs == list(range(1, last + 1))

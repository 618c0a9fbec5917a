"""A kill at any operation on the disk loses nothing and leaves nothing half."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from archive_scenes import T0, S, all_entries, archivist, fill, worked_out

from dronewall.engine.archived_log import ArchivedLog
from dronewall.engine.retention import Limits
from dronewall.engine.segments import sealed_folder, segments_in, verify
from dronewall.engine.sqlite_log import SqliteLog

NEVER = 10**9
FIRST_SEGMENT = 26
"""The operations of the first segment and some of the second: each of them is tried, later ones now and then."""


def killed(journal: Path, at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(Path(__file__).with_name("archive_kill.py")), str(journal), str(at)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_nothing_and_leaves_nothing_half(tmp_path: Path) -> None:
    whole = tmp_path / "whole.journal"
    log = SqliteLog(whole)
    fill(log, from_s=0.0, to_s=300.0)
    log.close()
    everything = all_entries(whole)

    def copied(name: str) -> Path:
        path = tmp_path / name / "wall.journal"
        path.parent.mkdir()
        shutil.copy(whole, path)
        return path

    operations = int(killed(copied("none"), NEVER).stdout)
    assert operations > 50
    hit = 0
    assert operations > FIRST_SEGMENT
    later = range(FIRST_SEGMENT, operations, max(1, (operations - FIRST_SEGMENT) // 8))
    for at in [*range(1, FIRST_SEGMENT), *later, operations, NEVER]:
        journal = copied(f"kill-{at}")
        hit += killed(journal, at).returncode == -9
        for segment in segments_in(sealed_folder(journal)):
            verify(segment)
        assert what_can_be_read(journal) == everything[-len(what_can_be_read(journal)) :]
        gone = len(everything) - len(what_can_be_read(journal))
        assert everything[gone].entry.at_ns - T0 <= 400 * S - 200 * S + 90 * S
        reports = worked_out(archivist(journal, Limits(segment_s=60.0)), T0)
        assert not [alert for report in reports for alert in report.alerts]
        assert not [path.name for path in sealed_folder(journal).iterdir() if path.name.startswith(".")]
        assert what_can_be_read(journal) == everything[gone:]
    assert hit >= 30


def what_can_be_read(journal: Path) -> list[object]:
    archived = ArchivedLog(lambda: SqliteLog(journal, read_only=True), sealed_folder(journal))
    entries = list(archived.read())
    archived.close()
    return list(entries)

"""Finished stretches of the journal are sealed beside it, verified, chained, and only then may be pruned."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from archive_scenes import RADAR, T0, S, all_entries, archivist, fill, pruned, worked_out

from dronewall.engine.archived_log import ArchivedLog
from dronewall.engine.entries import state_of
from dronewall.engine.log import Checkpoint, Entry, EntryKind
from dronewall.engine.messages import Message
from dronewall.engine.retention import Limits
from dronewall.engine.segments import (
    MANIFEST,
    checkpoint_in,
    entries_of,
    sealed_folder,
    segments_in,
    verify,
)
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.errors import JournalError


def opened(journal: Path) -> ArchivedLog:
    return ArchivedLog(lambda: SqliteLog(journal, read_only=True), sealed_folder(journal))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Five minutes of a wall."""
    log = SqliteLog(tmp_path / "wall.journal")
    fill(log, from_s=0.0, to_s=300.0)
    log.close()
    return tmp_path / "wall.journal"


def test_what_is_sealed_gives_back_the_very_entries(journal: Path) -> None:
    worked_out(archivist(journal))
    segments = segments_in(sealed_folder(journal))
    assert len(segments) >= 3
    sealed = [stored for segment in segments for stored in entries_of(segment)]
    assert sealed == all_entries(journal)[: len(sealed)]


def test_an_entrys_message_is_sealed_with_it(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    log.append([Entry(EntryKind.DECLARATION, T0, b"said", Message("a", 1, 5, 9)), Entry(EntryKind.STEP, T0, b"")])
    log.close()
    from dronewall.engine.sealing import Beginning, seal
    from dronewall.engine.segments import entries_of

    class NoTables:
        def empty(self) -> dict[str, object]:
            return {}

        def of(self, stored: object) -> dict[str, object]:
            return {}

    entries = all_entries(path)
    segment = seal(tmp_path / "s", [entries], NoTables(), Beginning(None, None, "1", "LIVE"), pause=lambda: None)
    assert list(entries_of(segment)) == entries
    assert entries[0].entry.message == Message("a", 1, 5, 9)


def test_a_segment_begins_right_after_a_step_and_with_the_state_of_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    archive = archivist(path)
    for part in range(30):
        fill(log, from_s=10.0 * part, to_s=10.0 * part + 10.0)
        worked_out(archive)
    log.close()
    segments = segments_in(sealed_folder(path))
    entries = {stored.seq: stored for stored in all_entries(path)}
    assert len(segments) >= 3
    assert segments[0].manifest.checkpoint_seq is None
    for before, after in pairwise(segments):
        assert entries[before.manifest.last_seq].entry.kind is EntryKind.STEP
        assert after.manifest.first_seq == before.manifest.last_seq + 1
        checkpoint = checkpoint_in(after)
        assert checkpoint is not None
        assert checkpoint.seq == before.manifest.last_seq
        assert state_of(checkpoint, journal="test").sensors == (RADAR,)


def test_without_a_checkpoint_in_reach_a_segment_ends_at_a_step(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    fill(log, from_s=0.0, to_s=300.0, checkpoint_every_s=1e9)
    log.close()
    worked_out(archivist(path))
    segments = segments_in(sealed_folder(path))
    entries = {stored.seq: stored for stored in all_entries(path)}
    assert len(segments) >= 3
    assert all(segment.manifest.checkpoint_seq is None for segment in segments)
    assert all(entries[segment.manifest.last_seq].entry.kind is EntryKind.STEP for segment in segments)


def test_a_segment_is_full_by_bytes_as_well_as_by_time(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    fill(log, from_s=0.0, to_s=100.0)
    log.close()
    worked_out(archivist(path, Limits(segment_bytes=5_000)))
    sizes = [segment.manifest.body_bytes for segment in segments_in(sealed_folder(path))]
    assert len(sizes) >= 3
    assert all(5_000 <= size <= 12_000 for size in sizes)


def test_each_manifest_names_the_digest_of_the_one_before(journal: Path) -> None:
    worked_out(archivist(journal))
    segments = segments_in(sealed_folder(journal))
    assert [s.manifest.previous for s in segments] == ["", *(s.sha256 for s in segments[:-1])]


def test_the_tables_hold_what_the_entries_held(journal: Path) -> None:
    worked_out(archivist(journal))
    segment = segments_in(sealed_folder(journal))[0]
    plots = pq.read_table(segment.file("plots.parquet"))
    rows = segment.manifest.rows
    assert rows["plots"] == plots.num_rows == 3 * rows["steps"]
    assert plots.slice(1, 1).select(["seq", "feed", "sensor_id", "at_ns", "range_m"]).to_pylist() == [
        {"seq": 3, "feed": "feed-a", "sensor_id": "radar-1", "at_ns": T0, "range_m": 1001.0}
    ]
    assert plots["azimuth_deg"][1].as_py() == pytest.approx(5.7295779513)
    assert plots["elevation_deg"].null_count == plots.num_rows
    assert pq.read_table(segment.file("sensors.parquet"))["sensor_id"].to_pylist() == ["radar-1"]
    assert pq.read_table(segment.file("refused.parquet"))["count"].to_pylist() == [2] * rows["refused"]


def test_only_what_is_sealed_may_be_pruned_and_one_entry_stays_as_the_joint(journal: Path) -> None:
    archive = archivist(journal)
    last = worked_out(archive)[-1]
    newest = segments_in(sealed_folder(journal))[-1].manifest
    assert last.prune_through_seq == newest.last_seq - 1
    log = SqliteLog(journal)
    assert sum(pruned(log, last.prune_through_seq)) > 0
    log.close()
    assert all_entries(journal)[0].seq <= newest.last_seq
    assert not worked_out(archivist(journal))[-1].alerts


def test_a_segment_that_rots_is_found_before_anything_is_pruned_for_it(journal: Path) -> None:
    worked_out(archivist(journal))
    path = segments_in(sealed_folder(journal))[1].file("entries.parquet")
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    with pytest.raises(JournalError, match="not what its manifest says"):
        verify(segments_in(sealed_folder(journal))[1])
    report = worked_out(archivist(journal))[-1]
    assert [alert.alert_id for alert in report.alerts] == ["archive-failed"]
    assert report.prune_through_seq == 0


def test_another_journal_under_the_same_name_is_not_joined_to_the_old_segments(journal: Path) -> None:
    worked_out(archivist(journal))
    for beside in journal.parent.glob("wall.journal*"):
        if beside.is_file():
            beside.unlink()
    log = SqliteLog(journal)
    fill(log, from_s=1000.0, to_s=1400.0)
    log.close()
    report = worked_out(archivist(journal))[-1]
    assert "another journal" in report.alerts[0].detail
    assert report.sealed is None
    assert report.prune_through_seq == 0
    with pytest.raises(JournalError, match="another journal"):
        opened(journal)


def test_what_a_kill_left_behind_is_cleared_away(journal: Path) -> None:
    worked_out(archivist(journal))
    folder = sealed_folder(journal)
    whole = {segment.folder.name for segment in segments_in(folder)}
    for name in (".sealing", ".removing-1-2", "000000009999-000000010000"):
        (folder / name).mkdir()
        (folder / name / "entries.parquet").write_bytes(b"half")
    assert {segment.folder.name for segment in segments_in(folder)} == whole
    archivist(journal).work(T0)
    assert {path.name for path in folder.iterdir() if path.is_dir()} == whole


def test_a_full_disk_leaves_the_journal_alone_and_says_so(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dronewall.engine.sealing.os.fdatasync", full)
    before = all_entries(journal)
    report = archivist(journal).work(T0)
    assert "No space left" in report.alerts[0].detail
    assert report.prune_through_seq == 0
    assert all_entries(journal) == before
    assert list(sealed_folder(journal).iterdir()) == []
    monkeypatch.undo()
    assert worked_out(archivist(journal))[-1].prune_through_seq > 0


def test_an_archivist_that_is_stopped_leaves_no_half_segment(journal: Path) -> None:
    archive = archivist(journal)
    archive.stop()
    report = archive.work(T0)
    assert report.sealed is None
    assert not report.alerts
    assert not list(sealed_folder(journal).glob("*/" + MANIFEST))


def test_the_archive_reads_as_one_log_after_pruning(journal: Path) -> None:
    everything = all_entries(journal)
    log = SqliteLog(journal)
    for _ in pruned(log, worked_out(archivist(journal))[-1].prune_through_seq):
        pass
    log.close()
    assert all_entries(journal)[0].seq > 1
    archived = opened(journal)
    assert archived.first_seq == 1
    assert list(archived.read()) == everything
    middle = everything[len(everything) // 2].seq
    assert list(archived.read(middle)) == everything[middle - 1 :]
    assert list(archived.read(everything[-1].seq)) == everything[-1:]
    archived.close()


def test_a_reader_goes_on_when_the_wall_seals_and_prunes_meanwhile(journal: Path) -> None:
    everything = all_entries(journal)
    archived = opened(journal)
    reading = archived.read(everything[20].seq)
    log = SqliteLog(journal)
    for _ in pruned(log, worked_out(archivist(journal))[-1].prune_through_seq):
        pass
    log.close()
    assert list(reading) == everything[20:]
    archived.close()


def test_the_oldest_state_to_begin_in_is_that_of_the_oldest_segment_left(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    archive = archivist(path)
    for part in range(30):
        fill(log, from_s=10.0 * part, to_s=10.0 * part + 10.0)
        report = worked_out(archive)[-1]
        for _ in pruned(log, report.prune_through_seq):
            pass
    assert opened(path).beginning() is None
    keep_nothing = Limits(segment_s=60.0, keep_days=0.0)
    archivist(path, keep_nothing).work(T0 + 400 * S)
    archived = opened(path)
    beginning = archived.beginning()
    assert beginning is not None
    assert beginning.seq == archived.first_seq - 1 > 0
    assert isinstance(beginning, Checkpoint)
    with pytest.raises(JournalError, match="entry 1 is gone"):
        next(archived.read(1))
    archived.close()
    log.close()

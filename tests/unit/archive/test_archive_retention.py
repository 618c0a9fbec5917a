"""What may go and what must stay, and in which order."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from archive_scenes import T0, S, all_entries, archivist, fill, pruned, worked_out

from dronewall.engine.retention import Kept, Limits, Why, removals
from dronewall.engine.segments import HOLD, REMOVED, sealed_folder, segments_in
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.run.archive import Removed

DAY = 86_400 * S
GB = 10**9
DAYS_OLD = (20, 10, 5, 1, 0)


def kept(*, held: tuple[int, ...] = ()) -> list[Kept]:
    """Five segments of 1 GB, ten entries each, so and so many days old."""
    return [Kept(10 * (i + 1), days * DAY, GB, i in held) for i, days in enumerate(DAYS_OLD)]


def going(
    segments: list[Kept], *, live_gb: float = 1.0, live_first_seq: int = 50, **limits: float
) -> list[tuple[int, Why]]:
    return list(
        removals(
            segments,
            live_bytes=round(live_gb * GB),
            live_first_seq=live_first_seq,
            limits=Limits(**limits),  # type: ignore[arg-type]
        )
    )


def test_what_is_older_than_the_days_to_keep_goes_and_nothing_else() -> None:
    assert going(kept(), keep_days=7.0) == [(0, Why.OLD), (1, Why.OLD)]


def test_past_the_room_the_oldest_go_first_and_no_more_than_needed() -> None:
    assert going(kept(), keep_days=30.0, max_gb=4.0) == [(0, Why.ROOM), (1, Why.ROOM)]


def test_what_went_for_its_age_counts_towards_the_room() -> None:
    assert going(kept(), keep_days=15.0, max_gb=5.0) == [(0, Why.OLD)]


def test_what_a_person_holds_stays_and_younger_ones_make_the_room() -> None:
    assert going(kept(held=(0, 1)), keep_days=7.0, max_gb=4.0) == [(2, Why.ROOM), (3, Why.ROOM)]


def test_what_still_stands_in_the_journal_stays_sealed() -> None:
    assert going(kept(), live_first_seq=15, keep_days=0.5) == [(0, Why.OLD)]


def test_the_newest_segment_stays_for_the_next_is_chained_to_it() -> None:
    assert [place for place, _ in going(kept(), live_first_seq=51, keep_days=0.0, max_gb=0.0)] == [0, 1, 2, 3]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A sealed and pruned journal."""
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    fill(log, from_s=0.0, to_s=400.0)
    for _ in pruned(log, worked_out(archivist(path))[-1].prune_through_seq):
        pass
    log.close()
    return path


def test_what_was_removed_is_noted_and_said(archive: Path) -> None:
    before = segments_in(sealed_folder(archive))
    report = archivist(archive, Limits(segment_s=60.0, max_gb=0.0)).work(T0)
    assert [one.name for one in report.removed] == [segment.folder.name for segment in before[:-1]]
    assert segments_in(sealed_folder(archive)) == before[-1:]
    notes = [msgspec.json.decode(line) for line in (sealed_folder(archive) / REMOVED).read_bytes().splitlines()]
    assert [(note["segment"], note["why"]) for note in notes] == [
        (segment.folder.name, "more than max_gb") for segment in before[:-1]
    ]
    assert notes[0]["at_ns"] == T0


def test_recordings_that_go_before_their_days_are_over_raise_an_alert(archive: Path) -> None:
    size = archive.stat().st_size + sum(s.total_bytes for s in segments_in(sealed_folder(archive)))
    limits = Limits(segment_s=60.0, max_gb=(size - 1) / GB)
    report = archivist(archive, limits).work(T0)
    assert len(report.removed) == 1
    assert [alert.alert_id for alert in report.alerts] == ["archive-removed"]
    assert report.removed[0].name in report.alerts[0].detail


def test_what_goes_for_its_age_is_as_agreed_and_raises_none(archive: Path) -> None:
    report = archivist(archive, Limits(segment_s=60.0, keep_days=0.0)).work(T0)
    assert report.removed
    assert report.alerts == ()


def names_in(journal: Path) -> list[str]:
    return [segment.folder.name for segment in segments_in(sealed_folder(journal))]


def gone_on(journal: Path, limits: Limits, *, from_s: float, to_s: float) -> list[Removed]:
    """Let a wall be started again, write on, seal and prune; return what was removed meanwhile."""
    log = SqliteLog(journal)
    fill(log, from_s=from_s, to_s=to_s)
    reports = worked_out(archivist(journal, limits), now_ns=T0 + round(to_s * S))
    for _ in pruned(log, reports[-1].prune_through_seq):
        pass
    log.close()
    reports += worked_out(archivist(journal, limits), now_ns=T0 + round(to_s * S))
    return [one for report in reports for one in report.removed]


def test_a_clock_set_forward_before_a_restart_makes_nothing_older(archive: Path) -> None:
    before, leap_s = names_in(archive), 8 * 86_400.0
    removed = gone_on(archive, Limits(segment_s=60.0, keep_days=7.0), from_s=400.0 + leap_s, to_s=800.0 + leap_s)
    assert removed == []
    assert names_in(archive)[: len(before)] == before


def test_a_clock_set_forward_while_entries_come_makes_nothing_older(archive: Path) -> None:
    before, leap_s, limits = names_in(archive), 8 * 86_400.0, Limits(segment_s=60.0, keep_days=7.0)
    log = SqliteLog(archive)
    fill(log, from_s=400.0, to_s=430.0)  # too little for a segment of its own: the leap is within the next one
    log.close()
    assert gone_on(archive, limits, from_s=430.0 + leap_s, to_s=800.0 + leap_s) == []
    spans_ns = [one.manifest.last_at_ns - one.manifest.first_at_ns for one in segments_in(sealed_folder(archive))]
    assert max(spans_ns) > 8 * DAY
    assert names_in(archive)[: len(before)] == before


def test_what_was_recorded_since_makes_it_older_whatever_the_clock_leapt(archive: Path) -> None:
    before, leap_s = names_in(archive), 8 * 86_400.0
    five_minutes = Limits(segment_s=60.0, keep_days=300.0 / 86_400.0)
    removed = gone_on(archive, five_minutes, from_s=400.0 + leap_s, to_s=800.0 + leap_s)
    assert [one.name for one in removed][: len(before) - 1] == before[:-1]
    assert {one.why for one in removed} == {Why.OLD}
    recorded_ns = [segment.manifest.spans_ns for segment in segments_in(sealed_folder(archive))]
    assert 240 * S < sum(recorded_ns[1:]) <= 300 * S


def test_a_file_keep_holds_a_segment(archive: Path) -> None:
    first = segments_in(sealed_folder(archive))[0]
    (first.folder / HOLD).touch()
    archivist(archive, Limits(segment_s=60.0, keep_days=0.0)).work(T0)
    assert segments_in(sealed_folder(archive))[0] == first


def test_a_journal_too_large_by_what_is_not_sealed_loses_nothing_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    fill(log, from_s=0.0, to_s=50.0)
    log.close()
    before = all_entries(path)
    report = archivist(path, Limits(max_gb=1e-6)).work(T0)
    assert [alert.alert_id for alert in report.alerts] == ["journal-large"]
    assert report.removed == ()
    assert all_entries(path) == before

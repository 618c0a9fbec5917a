"""The disk's room is judged before it is gone, from samples, and does not flutter."""

from __future__ import annotations

import pytest

from dronewall.engine.disk import DiskRoom, DiskSample, Room, RoomState

S = 1_000_000_000
T0 = 1_760_000_000 * S
GB = 10**9
TB = 1000 * GB


def watched(
    room: DiskRoom, *, free_gb: float, mb_per_s: float, own: float = 1.0, total_gb: float = 1000.0, max_gb: float = 0.0,
    journal_gb: float = 1.0, from_s: float = 0.0, seconds: float = 120.0,
) -> Room:  # fmt: skip
    """Let a disk fill for a while, a sample every five seconds; `own` is the journal's share of what is written."""
    told = None
    for at_s in range(0, int(seconds) + 1, 5):
        written = round(mb_per_s * 1e6 * at_s)
        told = room.take(
            DiskSample(
                T0 + round((from_s + at_s) * S),
                round(free_gb * GB) - written,
                round(total_gb * GB),
                round(journal_gb * GB) + round(own * written),
                round(max_gb * GB),
            )
        )
    assert told is not None
    return told


def test_a_disk_that_fills_steadily_names_the_hour_it_will_be_full() -> None:
    told = watched(DiskRoom(), free_gb=500.0, mb_per_s=10.0, seconds=300.0)
    assert told.bytes_per_s == pytest.approx(10e6)
    assert (told.full_ns - T0) / S == pytest.approx(50_000.0)
    assert told.state is RoomState.LOW


@pytest.mark.parametrize(
    ("seconds", "mb_per_s", "state"),
    [(60.0, 10.0, RoomState.AMPLE), (60.0, 200.0, RoomState.LOW), (180.0, 10.0, RoomState.AMPLE)],
)
def test_a_minute_foresees_an_hour_and_no_day(seconds: float, mb_per_s: float, state: RoomState) -> None:
    assert watched(DiskRoom(), free_gb=500.0, mb_per_s=mb_per_s, seconds=seconds).state is state


def test_a_disk_that_lasts_longer_than_a_day_is_ample() -> None:
    assert watched(DiskRoom(), free_gb=500.0, mb_per_s=5.0).state is RoomState.AMPLE


def test_a_disk_nobody_fills_has_no_hour() -> None:
    told = watched(DiskRoom(), free_gb=500.0, mb_per_s=0.0)
    assert (told.state, told.full_ns) == (RoomState.AMPLE, 0)


def test_one_large_file_does_not_change_the_rate() -> None:
    room = DiskRoom()
    watched(room, free_gb=500.0, mb_per_s=1.0)
    told = watched(room, free_gb=470.0, mb_per_s=1.0, from_s=125.0, seconds=10.0)
    assert told.bytes_per_s == pytest.approx(1e6, rel=0.3)


def test_a_journal_that_retention_bounds_does_not_fill_the_disk() -> None:
    told = watched(DiskRoom(), free_gb=500.0, mb_per_s=10.0, max_gb=50.0)
    assert (told.state, told.full_ns) == (RoomState.AMPLE, 0)


def test_what_others_write_still_fills_it_after_the_journal_has_its_size() -> None:
    told = watched(DiskRoom(), free_gb=100.0, mb_per_s=10.0, own=0.5, max_gb=51.0, total_gb=200.0)
    # Both write 10 MB/s until the journal has its size, 10,000 s in; the others fill the rest.
    assert told.state is RoomState.LOW
    assert (told.full_ns - T0) / S == pytest.approx(10_000.0, rel=0.01)
    told = watched(DiskRoom(), free_gb=100.0, mb_per_s=10.0, own=0.5, max_gb=26.0, total_gb=200.0)
    assert (told.full_ns - T0) / S == pytest.approx(5_000.0 + 10_000.0, rel=0.01)


def test_less_than_a_tenth_free_is_low_however_slowly_it_goes() -> None:
    assert watched(DiskRoom(), free_gb=99.0, mb_per_s=0.0).state is RoomState.LOW


@pytest.mark.parametrize(("reserve_gb", "free_gb"), [(10.0, 9.9), (0.5, 0.49)])
def test_less_than_the_reserve_is_critical(reserve_gb: float, free_gb: float) -> None:
    room = DiskRoom(reserve_bytes=round(reserve_gb * GB))
    assert watched(room, free_gb=free_gb, mb_per_s=0.0, total_gb=1000.0).state is RoomState.CRITICAL


def test_a_state_is_left_only_with_room_to_spare() -> None:
    room = DiskRoom(reserve_bytes=10 * GB)
    states = [
        room.take(DiskSample(T0 + i * S, round(free_gb * GB), TB)).state
        for i, free_gb in enumerate([101, 99, 101, 119, 121, 9, 11, 13, 121])
    ]
    low, ample, critical = RoomState.LOW, RoomState.AMPLE, RoomState.CRITICAL
    assert states == [ample, low, low, low, ample, critical, critical, low, ample]


def test_a_clock_that_goes_back_starts_the_rate_anew() -> None:
    room = DiskRoom()
    watched(room, free_gb=500.0, mb_per_s=10.0)
    told = watched(room, free_gb=480.0, mb_per_s=5.0, from_s=-60.0, seconds=60.0)
    assert told.bytes_per_s == pytest.approx(5e6)

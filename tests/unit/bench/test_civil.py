"""Civil aircraft seen and lost."""

from __future__ import annotations

import numpy as np

from dronewall.bench.civil import CivilSample, civil_count, civil_sample
from dronewall.model.tracks import Tracks, TrackStatus

S = 1_000_000_000
AIRCRAFT = 0x400F99


def heard(first_s: int, last_s: int) -> dict[int, np.ndarray]:
    return {AIRCRAFT: np.arange(first_s, last_s + 1, dtype=np.int64) * S}


def held(first_s: int, last_s: int, *, count: int = 1) -> list[CivilSample]:
    return [CivilSample(t * S, {AIRCRAFT: count if first_s <= t <= last_s else 0}) for t in range(200)]


def test_an_aircraft_with_one_track_throughout_is_seen_and_kept() -> None:
    counted = civil_count(heard(0, 100), held(10, 130))
    assert (counted.seen, counted.lost) == (1, 0)


def test_the_first_twenty_seconds_and_what_follows_thirty_after_the_last_report_are_free() -> None:
    assert civil_count(heard(0, 100), held(20, 129)).lost == 0
    assert civil_count(heard(0, 100), held(21, 129)).lost_icao24 == ((AIRCRAFT, 20 * S),)
    assert civil_count(heard(0, 100), held(20, 128)).lost_icao24 == ((AIRCRAFT, 129 * S),)


def test_two_tracks_with_one_address_are_a_loss() -> None:
    assert civil_count(heard(0, 100), held(0, 150, count=2)).lost == 1


def test_an_aircraft_heard_for_less_than_twenty_seconds_is_not_judged() -> None:
    counted = civil_count(heard(0, 19), [])
    assert (counted.seen, counted.lost) == (0, 0)


def test_after_a_long_silence_an_aircraft_is_judged_anew() -> None:
    both = {AIRCRAFT: np.concatenate([heard(0, 30)[AIRCRAFT], heard(100, 110)[AIRCRAFT]])}
    assert civil_count(both, held(0, 60)).lost == 0


def test_tentative_and_nameless_tracks_hold_no_aircraft() -> None:
    status = [TrackStatus.TENTATIVE, TrackStatus.CONFIRMED, TrackStatus.COASTING, TrackStatus.CONFIRMED]
    tracks = Tracks.of(4, track_id=[1, 2, 3, 4], status=status, icao24=[7, 7, 9, 0])
    assert civil_sample(5, tracks).tracks_of == {7: 1, 9: 1}

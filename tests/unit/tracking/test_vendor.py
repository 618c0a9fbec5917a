"""Other trackers' tracks fused with ours: as good as their plots would be, and nothing counted twice."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import ecef_from_enu, enu_axes
from dronewall.model.observations import Observations
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.model.tracks import RemoteTracks, TrackStatus, shown_id
from dronewall.tracking.tracker import Tracked, Tracker
from dronewall.tracking.vendor_words import own_numbers, rounds

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
RADAR = Sensor("radar", SensorKind.RADAR_3D, 52.0, 22.0, 100.0, period_s=2.0, range_max_m=60_000.0, pd=0.9)
SENSORS = Sensors(
    [RADAR, Sensor("vendor", SensorKind.VENDOR_TRACKER, sigma=Sigma(position_m=50.0), delivers_tracks=True)]
)
AXES = enu_axes(52.0, 22.0)


def off(east_m: float, north_m: float, up_m: float) -> np.ndarray:
    return np.array([east_m, north_m, up_m])


def told(at_s: float, refs: list[bytes], enu: np.ndarray, *, speed: float = 50.0, sensor: int = 1) -> RemoteTracks:
    """Reports of objects that fly east, with a covariance that is no filter's."""
    n = len(refs)
    place = ecef_from_enu(enu + off(speed * at_s, 0.0, 0.0), 52.0, 22.0, 100.0)
    return RemoteTracks.of(
        n,
        sensor=sensor,
        track_ref=refs,
        at_ns=T0 + round(at_s * NS),
        received_ns=T0 + round(at_s * NS),
        mean=np.concatenate([place, np.tile(AXES.T @ [speed, 0.0, 0.0], (n, 1))], axis=1),
        sigma_position_m=50.0,
        sigma_altitude_m=50.0,
        sigma_velocity_mps=3.0,
    )


def step(tracker: Tracker, reports: RemoteTracks, at_s: float) -> Tracked:
    return tracker.step(Observations.empty(), reports, now_ns=T0 + round(at_s * NS))


def followed(tracker: Tracker, refs: list[bytes], enu: np.ndarray, *, seconds: int, from_s: int = 0) -> Tracked:
    for at_s in range(from_s, from_s + seconds):
        tracked = step(tracker, told(float(at_s), refs, enu), at_s + 0.5)
    return tracked


ALONE = np.array([[5_000.0, 8_000.0, 600.0]])


def test_an_object_that_only_the_vendor_sees_is_on_the_picture() -> None:
    tracked = followed(Tracker(SENSORS), [b"V1"], ALONE, seconds=10)
    assert tracked.tracks.status.tolist() == [TrackStatus.CONFIRMED]
    assert tracked.track_of_remote.tolist() == tracked.tracks.track_id.tolist()
    heard = np.flatnonzero(tracked.tracks.heard_ns[0])
    assert heard.tolist() == [SensorKind.VENDOR_TRACKER]
    truth = ecef_from_enu(ALONE[0] + off(9.5 * 50.0, 0.0, 0.0), 52.0, 22.0, 100.0)
    assert np.linalg.norm(tracked.tracks.mean[0, :3] - truth) < 10.0


def test_what_is_told_again_and_again_makes_nobody_surer() -> None:
    tracked = followed(Tracker(SENSORS), [b"V1"], ALONE, seconds=60)
    sigma_m = np.sqrt(np.trace(tracked.tracks.covariance[0, :3, :3]) / 3.0)
    assert sigma_m > 45.0


def test_a_report_of_an_instant_told_before_is_no_news() -> None:
    tracker, other = Tracker(SENSORS), Tracker(SENSORS)
    followed(tracker, [b"V1"], ALONE, seconds=10)
    followed(other, [b"V1"], ALONE, seconds=10)
    again = told(9.0, [b"V1"], ALONE + off(300.0, 0.0, 0.0))
    after = step(tracker, RemoteTracks.concat([again, again]), 10.0).tracks
    assert np.array_equal(after.mean, step(other, RemoteTracks.empty(), 10.0).tracks.mean)


def test_our_own_track_that_comes_back_is_no_news() -> None:
    tracker, other = Tracker(SENSORS), Tracker(SENSORS)
    number = int(followed(tracker, [b"V1"], ALONE, seconds=10).tracks.track_id[0])
    followed(other, [b"V1"], ALONE, seconds=10)
    for at_s in range(10, 20):
        echo = told(at_s, [shown_id(number).encode()], ALONE + off(20.0, 0.0, 0.0), sensor=0)
        mine = step(tracker, echo, at_s + 0.5).tracks
        theirs = step(other, RemoteTracks.empty(), at_s + 0.5).tracks
    assert len(mine) == 1
    assert np.array_equal(mine.mean, theirs.mean)
    assert mine.updated_ns.tolist() == theirs.updated_ns.tolist()


def test_a_name_that_looks_like_ours_but_lies_elsewhere_is_the_vendors_own() -> None:
    tracker = Tracker(SENSORS)
    followed(tracker, [b"V1"], ALONE, seconds=10)
    tracked = followed(tracker, [b"V1", b"T-000001"], np.r_[ALONE, ALONE + off(0.0, 9e3, 0.0)], seconds=10, from_s=10)
    assert len(tracked.tracks) == 2


def test_two_that_come_close_stay_two_and_keep_their_names() -> None:
    tracker = Tracker(SENSORS)
    apart_m = np.r_[np.full(12, 900.0), np.linspace(900.0, 250.0, 40), np.full(20, 250.0)]
    told_as: set[tuple[int, ...]] = set()
    for at_s, y in enumerate(apart_m):
        reports = told(at_s, [b"V1", b"V2"], np.r_[ALONE, ALONE + off(0.0, y, 0.0)])
        track_of = step(tracker, reports, at_s + 0.5).track_of_remote.tolist()
        if at_s > 10:
            told_as.add(tuple(track_of))
    assert told_as == {(1, 2)}


def test_two_names_for_one_object_do_not_make_two_tracks() -> None:
    tracked = followed(Tracker(SENSORS), [b"V1", b"V2"], np.r_[ALONE, ALONE + off(10.0, 0.0, 0.0)], seconds=30)
    confirmed = tracked.tracks.status == TrackStatus.CONFIRMED
    assert np.count_nonzero(confirmed) == 1


def test_the_order_of_reports_within_a_batch_changes_nothing() -> None:
    enu = np.r_[ALONE, ALONE + off(0.0, 900.0, 0.0), ALONE + off(900.0, 0.0, 0.0)]
    one, other = Tracker(SENSORS), Tracker(SENSORS)
    for at_s in range(12):
        reports = told(at_s, [b"V1", b"V2", b"V3"], enu)
        mine = step(one, reports, at_s + 0.5).tracks
        theirs = step(other, reports.take(np.array([2, 0, 1])), at_s + 0.5).tracks
    order = np.argsort(mine.mean[:, 1]), np.argsort(theirs.mean[:, 1])
    assert np.allclose(mine.mean[order[0]], theirs.mean[order[1]], rtol=0, atol=1e-6)


def test_a_checkpoint_brings_all_of_it_back() -> None:
    tracker = Tracker(SENSORS)
    followed(tracker, [b"V1"], ALONE, seconds=10)
    other = Tracker(SENSORS)
    other.restore(tracker.checkpoint())
    for at_s in range(10, 15):
        reports = told(at_s, [b"V1"], ALONE + off(5.0, 0.0, 0.0))
        mine, theirs = step(tracker, reports, at_s + 0.5), step(other, reports, at_s + 0.5)
        assert np.array_equal(mine.tracks.covariance, theirs.tracks.covariance)
    assert sorted(tracker.checkpoint()) == sorted(other.checkpoint())
    for name, values in tracker.checkpoint().items():
        assert np.array_equal(values, other.checkpoint()[name], equal_nan=values.dtype.kind == "f"), name


def test_garbled_states_are_passed_over() -> None:
    tracker = Tracker(SENSORS)
    followed(tracker, [b"V1"], ALONE, seconds=10)
    reports = told(10.0, [b"V1", b"V2"], np.r_[ALONE, ALONE])
    broken = RemoteTracks(**{**dict(reports.columns()), "mean": np.full((2, 6), np.nan)})
    tracked = step(tracker, broken, 10.5)
    assert np.isfinite(tracked.tracks.mean).all()


@pytest.mark.parametrize(
    ("ref", "number"),
    [(b"T-000123", 123), (b"T-2-000123", (2 << 48) + 123), (b"T-12", -1), (b"K-000123", -1), (b"", -1)],
)
def test_names_of_ours_are_known(ref: bytes, number: int) -> None:
    assert own_numbers(np.array([ref], "S36")).tolist() == [number]


def test_no_round_holds_two_words_of_one_track() -> None:
    reports = RemoteTracks.concat([told(s, [b"V1", b"V2"], np.r_[ALONE, ALONE]) for s in (2.0, 1.0)])
    groups = [(sensor, rows.tolist()) for sensor, rows in rounds(reports)]
    assert groups == [(1, [2, 3]), (1, [0, 1])]

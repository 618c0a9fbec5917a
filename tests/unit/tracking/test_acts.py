"""What people say of tracks is done, told, undone and kept; what makes no sense is refused, and civil claims stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dronewall.model.errors import ActRefused
from dronewall.model.observations import Observations
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.model.track_acts import NOBODY, ActKind, TrackAct, TrackEvent, TrackEventKind
from dronewall.model.tracks import ALSO_MOST, Tracks, TrackStatus
from dronewall.tracking.tracker import Tracker

NS = 1_000_000_000
NOW = 1_800_000_000 * NS
SITE = np.array([6_378_137.0, 0.0, 0.0])


def tracker_of(*, claims: tuple[int, ...] = (0, 0, 0), apart_m: float = 5_000.0) -> Tracker:
    """Return a tracker that holds tracks 1, 2, 3, the last heard last, and a tentative track 4."""
    tracker = Tracker(Sensors([Sensor("radar", SensorKind.RADAR_3D, 0.0, 0.0, 0.0)]))
    store = tracker._store
    store.make_room(4, 1)
    c = store.columns
    store.count, store.next_id = 4, 5
    c.track_id[:4] = [1, 2, 3, 4]
    c.mean[:4, :, :3] = SITE + np.arange(4)[:, None, None] * np.array([0.0, apart_m, 0.0]) + [3_000.0, 0.0, 0.0]
    c.mean[:4, :, 4] = 40.0
    c.cov[:4] = np.diag([100.0**2] * 3 + [10.0**2] * 3)
    c.weight[:4] = 1.0 / c.weight.shape[1]
    for column in (c.at_ns, c.heard_at_ns, c.updated_ns, c.born_ns):
        column[:4] = NOW - np.array([3, 2, 1, 0]) * NS // 10
    c.existence[:4], c.hits[:4], c.revisit_s[:4] = 0.9, 9, 4.0
    c.status[:4] = [TrackStatus.CONFIRMED] * 3 + [TrackStatus.TENTATIVE]
    c.icao24[:3] = claims
    c.claimed_ns[:3] = np.where(np.array(claims) > 0, NOW - 60 * NS, 0)
    return tracker


def act(kind: ActKind, track_id: int, other_id: int = NOBODY) -> TrackAct:
    return TrackAct(kind, track_id, "kalnina", "seen by eye", other_id)


def after(tracker: Tracker, *acts: TrackAct, at_s: float = 0.1) -> tuple[Tracks, tuple[TrackEvent, ...]]:
    """Return the established tracks and the events of a step that takes acts."""
    numbered = [(70 + n, one) for n, one in enumerate(acts)]
    tracks = tracker.step(Observations.empty(), acts=numbered, now_ns=NOW + round(at_s * NS)).tracks
    return tracks.take(tracks.status != TrackStatus.TENTATIVE), tracker.events


def test_a_merged_track_goes_on_under_the_other_number_with_the_newest_estimate_and_remembers() -> None:
    tracker = tracker_of()
    before, _ = after(tracker)
    tracks, events = after(tracker, act(ActKind.MERGE, 3, 1), at_s=0.2)
    assert tracks.track_id.tolist() == [1, 2]
    assert np.linalg.norm(tracks.mean[0, :3] - before.mean[2, :3]) < 20.0
    assert tracks.also[0].tolist() == [3] + [0] * (ALSO_MOST - 1)
    assert (events[-1].kind, events[-1].track_id, events[-1].other_id) == (TrackEventKind.MERGED, 3, 1)
    assert (events[-1].by, events[-1].reason, events[-1].declared_seq) == ("kalnina", "seen by eye", 70)
    assert events[-1].at_ns == NOW + NS // 5


def test_a_merge_is_undone_by_a_split_and_the_two_stay_two() -> None:
    tracker = tracker_of()
    after(tracker, act(ActKind.MERGE, 1, 3))
    tracks, _ = after(tracker, act(ActKind.SPLIT, 3, 1), at_s=0.2)
    assert tracks.track_id.tolist() == [1, 2, 3]
    assert not tracks.also.any()
    later, _ = after(tracker, at_s=2.0)  # they are twins by every measure
    assert later.track_id.tolist() == [1, 2, 3]
    tracker._acts.apart = tracker._acts.apart[:0]
    alone, events = after(tracker, at_s=3.1)
    assert alone.track_id.tolist() == [1, 2]
    assert (events[-1].kind, events[-1].track_id, events[-1].by) == (TrackEventKind.MERGED, 3, "")
    assert alone.also[0, 0] == 3


def test_a_number_that_is_given_up_is_followed_by_a_new_one() -> None:
    tracker = tracker_of(claims=(0xABC, 0, 0))
    tracks, events = after(tracker, act(ActKind.SPLIT, 1))
    assert tracks.track_id.tolist() == [2, 3, 5]
    assert tracks.icao24[2] == 0xABC
    assert (events[-1].kind, events[-1].track_id, events[-1].other_id) == (TrackEventKind.SPLIT, 1, 5)
    assert tracker._store.next_id == 6


def test_a_dropped_track_is_gone_and_is_told() -> None:
    tracks, events = after(tracker_of(), act(ActKind.DROP, 2))
    assert tracks.track_id.tolist() == [1, 3]
    assert (events[-1].kind, events[-1].track_id) == (TrackEventKind.DROPPED, 2)


def test_what_the_tracker_ends_is_told_with_its_reason() -> None:
    tracker = tracker_of()
    tracker._store.columns.existence[1] = 0.0
    _, events = after(tracker)
    assert [(e.kind, e.track_id, e.by) for e in events] == [(TrackEventKind.DROPPED, 2, "")]
    assert events[0].reason == "not seen where it should have been"


def test_two_tracks_that_only_claims_tell_apart_become_one_and_that_is_told() -> None:
    tracker = tracker_of(claims=(0xABC, 0xABC, 0))
    tracker._store.columns.claims_only[:2] = True
    tracks, events = after(tracker)
    assert (events[-1].kind, {events[-1].track_id, events[-1].other_id}) == (TrackEventKind.MERGED, {1, 2})
    assert 0xABC in tracks.icao24


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (act(ActKind.DROP, 99), "no track T-000099"),
        (act(ActKind.DROP, 4), "no track T-000004"),  # tentative: nobody sees it
        (act(ActKind.DROP, 1), "answers as an aircraft"),
        (act(ActKind.MERGE, 2, 2), "one with itself"),
        (act(ActKind.MERGE, 2, 99), "no track T-000099"),
        (act(ActKind.MERGE, 1, 3), "say that they are two"),
        (act(ActKind.SPLIT, 2, 1), "was not merged into"),
    ],
)
def test_what_makes_no_sense_is_refused_before_and_changes_nothing_after(asked: TrackAct, says: str) -> None:
    tracker = tracker_of(claims=(0xABC, 0, 0xDEF))
    tracks, _ = after(tracker)
    with pytest.raises(ActRefused, match=says):
        tracker.check(asked, tracks)
    same, events = after(tracker, asked, at_s=0.2)
    assert same.track_id.tolist() == [1, 2, 3]
    assert events[-1].kind is TrackEventKind.REFUSED
    assert says in events[-1].reason


def test_who_asks_for_a_track_that_is_gone_is_told_what_became_of_it() -> None:
    tracker = tracker_of()
    tracks, _ = after(tracker, act(ActKind.MERGE, 3, 1), act(ActKind.DROP, 3))
    assert tracker.events[-1].kind is TrackEventKind.REFUSED
    with pytest.raises(ActRefused, match="T-000003 was merged and goes on as T-000001: seen by eye"):
        tracker.check(act(ActKind.DROP, 3), tracks)


ACTS = st.builds(
    act,
    st.sampled_from(ActKind),
    st.integers(1, 6),
    st.sampled_from([NOBODY, 1, 2, 3, 4, 5, 6]),
)


@given(st.lists(ACTS, max_size=6), st.tuples(*[st.sampled_from([0, 0xABC, 0xDEF])] * 3))
def test_no_act_takes_a_civil_claim_out_of_the_picture_or_a_number_twice(
    acts: list[TrackAct], claims: tuple[int, int, int]
) -> None:
    tracker = tracker_of(claims=claims)
    for n, one in enumerate(acts):
        tracks, _ = after(tracker, one, at_s=0.1 + 0.3 * n)
        assert set(tracks.icao24.tolist()) - {0} == set(claims) - {0}
        numbers = tracker._store.columns.track_id[: tracker._store.count].tolist()
        assert numbers == sorted(set(numbers))
        assert max(numbers) < tracker._store.next_id
        assert np.isfinite(tracks.mean).all()
        assert np.all(np.linalg.eigvalsh(tracks.covariance) > 0.0)


@given(st.lists(ACTS, min_size=1, max_size=5))
def test_a_restart_between_two_acts_changes_nothing(acts: list[TrackAct]) -> None:
    through, restarted = tracker_of(), tracker_of()
    for n, one in enumerate(acts):
        kept = Tracker(Sensors([Sensor("radar", SensorKind.RADAR_3D, 0.0, 0.0, 0.0)]))
        kept.restore(restarted.checkpoint())
        restarted = kept
        (tracks, events), (again, same) = (after(one_of, one, at_s=0.1 + 0.3 * n) for one_of in (through, restarted))
        assert events == same
        assert all(a.tobytes() == b.tobytes() for (_, a), (_, b) in zip(tracks.columns(), again.columns(), strict=True))

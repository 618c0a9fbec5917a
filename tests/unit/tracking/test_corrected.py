"""What comes late is published at once and corrected by a rerun: the same tracks in the end, under the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from dronewall.model.observations import Observations
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind
from dronewall.model.track_acts import ActKind, TrackAct, TrackEventKind
from dronewall.model.tracks import Tracks, TrackStatus
from dronewall.registration.registrar import Registrar
from dronewall.simulation import scenes
from dronewall.simulation.scenes import Played
from dronewall.tracking import corrected
from dronewall.tracking.corrected import CorrectedTracker
from dronewall.tracking.renumbering import NOBODY, Names, complete
from dronewall.tracking.tracker import Tracked, Tracker

NS = 1_000_000_000
Act = tuple[int, TrackAct]


@pytest.fixture(scope="module")
def scene() -> Played:
    return scenes.crossing(3, seconds=75.0)


def delayed(plots: Plots, delay_s: np.ndarray) -> Plots:
    """Return plots received so long after their time, in the order received."""
    received_ns = plots.at_ns + (delay_s * NS).astype(np.int64)
    return replace(plots, received_ns=received_ns).take(np.argsort(received_ns, kind="stable"))


def in_time(scene: Played) -> Plots:
    return delayed(scene.plots, np.zeros(len(scene.plots)))


def mixed(scene: Played, *, until_s: float, share: float = 1.0) -> Plots:
    """Return the plots of the time until `until_s`, a share of them up to 30 s late, and the others in time."""
    rng = np.random.default_rng(1)
    some = (scene.plots.at_ns < beginning(scene) + until_s * NS) & (rng.random(len(scene.plots)) < share)
    return delayed(scene.plots, np.where(some, rng.uniform(0.0, 30.0, len(scene.plots)), 0.0))


def beginning(scene: Played) -> int:
    return int(scene.plots.at_ns.min()) // NS * NS


def seconds(scene: Played, plots: Plots, until_s: int) -> Iterator[tuple[int, Observations]]:
    """Yield for each second its end and what was received in it."""
    registrar, begin = Registrar(scene.sensors), beginning(scene)
    edges = np.searchsorted(plots.received_ns, begin + np.arange(until_s + 1) * NS, side="right")
    edges[0] = 0
    for k in range(until_s):
        now_ns = begin + (k + 1) * NS
        yield now_ns, registrar.register(plots.take(slice(edges[k], edges[k + 1])), now_ns=now_ns).observations


def run(
    scene: Played, plots: Plots, until_s: int, acts: Callable[[int, Tracks], Sequence[Act]] = lambda *_: ()
) -> tuple[CorrectedTracker, list[Tracked]]:
    """Track for so many seconds; `acts` are asked for by the second, given the tracks of the one before."""
    tracker, told = CorrectedTracker(scene.sensors), list[Tracked]()
    for k, (now_ns, seen) in enumerate(seconds(scene, plots, until_s)):
        done = acts(k, told[-1].tracks) if told else ()
        told.append(tracker.step(seen, acts=done, now_ns=now_ns))
    return tracker, told


def apart(one: Tracks, other: Tracks) -> float:
    """Return by how much the farthest component of two pictures differs, m or m/s, whatever numbers they bear."""
    assert len(one) == len(other)
    rows, others = (np.lexsort(tracks.mean.T) for tracks in (one, other))
    assert np.array_equal(one.status[rows], other.status[others])
    assert np.allclose(one.existence[rows], other.existence[others], atol=1e-6)
    return float(np.abs(one.mean[rows] - other.mean[others]).max())


def same_bytes(one: Tracks, other: Tracks) -> bool:
    return all(a.tobytes() == b.tobytes() for (_, a), (_, b) in zip(one.columns(), other.columns(), strict=True))


def established(tracks: Tracks) -> np.ndarray:
    return tracks.track_id[tracks.status != TrackStatus.TENTATIVE]


@pytest.fixture(scope="module")
def in_order(scene: Played) -> Tracks:
    return run(scene, in_time(scene), 70)[1][-1].tracks


@pytest.fixture(scope="module")
def often_late(scene: Played) -> tuple[CorrectedTracker, list[Tracked]]:
    """A time in which every fifth plot is late."""
    return run(scene, mixed(scene, until_s=60.0, share=0.2), 36)


@pytest.mark.slow
def test_what_came_mixed_within_half_a_minute_gives_in_the_end_the_tracks_of_in_order(
    scene: Played, in_order: Tracks
) -> None:
    tracker, late = run(scene, mixed(scene, until_s=30.0), 70)
    assert tracker.lateness.late > 100
    assert tracker.lateness.left == 0
    assert len(in_order) > 20
    assert apart(in_order, late[-1].tracks) < 0.01


def test_a_rerun_in_many_steps_comes_to_the_same(
    scene: Played, in_order: Tracks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrected, "PACE", 8_000)
    late_ns = beginning(scene) + 20 * NS
    delay_s = np.where((scene.plots.at_ns > late_ns) & (scene.plots.at_ns < late_ns + 3 * NS), 15.0, 0.0)
    tracker, late = run(scene, delayed(scene.plots, delay_s), 70)
    assert 0 < tracker.lateness.reruns < 4
    assert apart(in_order, late[-1].tracks) < 0.01


def test_a_track_keeps_its_number_through_reruns(often_late: tuple[CorrectedTracker, list[Tracked]]) -> None:
    tracker, told = often_late
    assert tracker.lateness.reruns > 10
    numbers = [established(one.tracks) for one in told[20:]]
    assert len(np.unique(np.concatenate(numbers))) == 2
    assert tracker.events == ()


def test_a_track_whose_first_plots_come_late_began_earlier_and_keeps_its_number(scene: Played) -> None:
    early = scene.plots.at_ns < beginning(scene) + 6 * NS
    _, told = run(scene, delayed(scene.plots, np.where(early, 16.0, 0.0)), 26)
    published, corrected_ = told[14].tracks, told[-1].tracks
    numbers = established(published)
    assert len(numbers) == 2
    assert np.array_equal(established(corrected_), numbers)
    assert (published.born_ns[np.isin(published.track_id, numbers)] >= beginning(scene) + 6 * NS).all()
    assert (corrected_.born_ns[np.isin(corrected_.track_id, numbers)] < beginning(scene) + 6 * NS).all()


def test_no_number_is_given_twice(often_late: tuple[CorrectedTracker, list[Tracked]]) -> None:
    born: dict[int, int] = {}
    for one in often_late[1]:
        assert len(np.unique(one.tracks.track_id)) == len(one.tracks)
        assert (one.tracks.track_id > 0).all()
        for number, born_ns in zip(one.tracks.track_id.tolist(), one.tracks.born_ns.tolist(), strict=True):
            # A rerun may find that a track began earlier, but it is one that was there half a minute ago.
            assert abs(born.setdefault(number, born_ns) - born_ns) <= 32 * NS


def test_a_fresh_number_may_be_the_provisional_one_but_is_never_anothers() -> None:
    became = complete({3: 3, 10: NOBODY, 11: 7, 12: NOBODY}, [11, 13, 14], {13: 7, 14: 5}, first=10, fresh=10)
    assert became == {10: 10, 11: 7, 12: 11, 13: 12, 14: 5}
    names = Names(10, became)
    assert names.of(np.array([3, 10, 12, 14, 15])).tolist() == [3, 10, 11, 5, NOBODY]


def test_who_is_never_late_gets_what_the_tracker_alone_gives(scene: Played) -> None:
    tracker, bare = CorrectedTracker(scene.sensors), Tracker(scene.sensors)
    for now_ns, seen in seconds(scene, in_time(scene), 70):
        told, expected = tracker.step(seen, now_ns=now_ns), bare.step(seen, now_ns=now_ns)
        assert same_bytes(told.tracks, expected.tracks)
    assert tracker.lateness == (0, 0, 0)
    kept = tracker.checkpoint()
    assert not len(kept["window.serials"])
    assert not any(key.startswith("window.saved") for key in kept)


def test_a_checkpoint_in_the_middle_of_a_rerun_goes_on_as_if_nothing_had_happened(
    scene: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrected, "PACE", 9_000)
    monkeypatch.setattr(corrected, "BURST", 3_000)
    whole, first = CorrectedTracker(scene.sensors), CorrectedTracker(scene.sensors)
    underway = 0
    for k, (now_ns, seen) in enumerate(seconds(scene, mixed(scene, until_s=45.0, share=0.3), 36)):
        if k and k % 3 == 0:
            state = first.checkpoint()
            underway += any(key.startswith("rerun.") for key in state)
            first = CorrectedTracker(scene.sensors)
            first.restore(state)
        told, expected = first.step(seen, now_ns=now_ns), whole.step(seen, now_ns=now_ns)
        assert same_bytes(told.tracks, expected.tracks)
    assert first.lateness == whole.lateness
    assert first.lateness.reruns > 1
    assert underway > 2
    ours, theirs = first.checkpoint(), whole.checkpoint()
    assert ours.keys() == theirs.keys()
    assert all(np.asarray(ours[key]).tobytes() == np.asarray(theirs[key]).tobytes() for key in ours)


def test_a_register_that_grows_in_the_middle_of_the_window_does_not_matter(scene: Played) -> None:
    tracker = CorrectedTracker(scene.sensors)
    site = {"lat_deg": 54.0, "lon_deg": 24.0, "hae_m": 150.0}
    more = [Sensor(kind.name, kind, **site) for kind in (SensorKind.RADAR_3D, SensorKind.ACOUSTIC_PRESENCE)]
    early = scene.plots.at_ns < beginning(scene) + 6 * NS
    for k, (now_ns, seen) in enumerate(seconds(scene, delayed(scene.plots, np.where(early, 8.0, 0.0)), 18)):
        if k == 7:
            tracker.learn(scene.sensors.joined_by(more))
        told = tracker.step(seen, now_ns=now_ns)
    assert tracker.lateness.reruns > 2
    assert len(established(told.tracks)) == 2


def test_more_than_can_be_kept_is_compared_with_where_its_track_was(
    scene: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrected, "WINDOW_MOST", 20)
    tracker, told = run(scene, mixed(scene, until_s=60.0, share=0.2), 60)
    assert tracker.lateness.left > 30
    assert tracker.lateness.left > 0.8 * tracker.lateness.late
    assert len(established(told[-1].tracks)) == 2


def test_what_people_did_in_the_window_is_done_again_to_the_same_tracks_and_told_once(scene: Played) -> None:
    done: list[int] = []

    def acts(k: int, tracks: Tracks) -> list[Act]:
        if k != 18:
            return []
        done.extend(established(tracks).tolist())
        return [
            (7, TrackAct(ActKind.DROP, done[0], "anna", "a mast")),
            (9, TrackAct(ActKind.SPLIT, done[1], "anna", "another")),
        ]

    tracker, told = run(scene, mixed(scene, until_s=60.0, share=0.2), 34, acts)
    assert tracker.lateness.reruns > 10
    dropped, split = tracker.events
    assert (dropped.kind, dropped.track_id) == (TrackEventKind.DROPPED, done[0])
    assert (split.kind, split.track_id) == (TrackEventKind.SPLIT, done[1])
    for one in told[18:]:
        assert not np.isin(done, one.tracks.track_id).any()
        assert split.other_id in established(one.tracks)

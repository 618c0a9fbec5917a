"""The verdict on a run, held against runs that are made up: perfect, late, boastful, false."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dronewall.bench.tables import TrackTable, TruthTable
from dronewall.bench.tracking.beside import peer_figures, pooled_gospa
from dronewall.bench.tracking.page import write_page
from dronewall.bench.tracking.peers import NOISES, Peer, Scan, _interleaved, peers, scans_of, tuned
from dronewall.bench.tracking.play import Cost, Played, instants, truth_of
from dronewall.bench.tracking.run import Wanted, _chosen, _own_figures, tracking
from dronewall.bench.tracking.verdict import Verdict, verdict
from dronewall.bench.tracking_scenes.catalogue import staged
from dronewall.bench.tracking_scenes.staging import Staged
from dronewall.geodesy.wgs84 import ecef_from_enu
from dronewall.model.errors import InputError

COST = Cost(plots=1_000, cpu_s=2.0, wall_s=3.0, scan_ms=(1.0, 2.0, 3.0), held=10)


def short(name: str, seconds: float = 150.0) -> Staged:
    return replace(staged(name), seconds=seconds)


def said_of(truth: TruthTable, sigma_m: float, *, claimed_m: float) -> TrackTable:
    """Tracks that are on every object, wrong by `sigma_m` per axis."""
    off = np.random.default_rng(1).normal(0.0, sigma_m, truth.position.shape)
    return TrackTable.of(
        len(truth),
        at_ns=truth.at_ns,
        track_id=truth.object + 1,
        position=truth.position + off,
        velocity=truth.velocity,
        sigma_enu_m=np.full((len(truth), 3), claimed_m),
    )


def judged(stage: Staged, tracks: TrackTable, truth: TruthTable) -> Verdict:
    return verdict(stage, truth, Played(tracks, (), COST))


def test_a_run_that_is_honest_and_complete_is_told_so() -> None:
    stage = short("radar-50-turns")
    truth = truth_of(stage)
    told = judged(stage, said_of(truth, 40.0, claimed_m=40.0), truth)
    assert told.values["completeness"] == pytest.approx(1.0)
    assert told.values["anees"] == pytest.approx(1.0, abs=0.1)
    assert told.values["old_rmse_m"] == pytest.approx(40.0 * np.sqrt(3.0), rel=0.1)
    assert told.values["false_tracks"] == told.values["dual"] == 0.0
    assert told.values["plots_per_s"] == pytest.approx(500.0)
    assert told.values["scan_p50_ms"] == 2.0
    # One radar cannot know objects 40 km away so well: better than the bound shows that the bound is one.
    assert told.values["pcrlb_ratio"] < 1.0
    assert set(told.by_class) == {"cruise_missile", "loitering"}


def test_boasting_and_false_tracks_and_doubles_are_seen() -> None:
    stage = short("radar-50")
    truth = truth_of(stage)
    tracks = said_of(truth, 40.0, claimed_m=20.0)
    ghost = ecef_from_enu(np.array([[3e5, 3e5, 500.0]]), 52.0, 22.0, 0.0)
    at_ns = np.array(list(instants(stage)))
    false = TrackTable.of(len(at_ns), at_ns=at_ns, track_id=10**6, position=np.repeat(ghost, len(at_ns), axis=0))
    first = tracks.take(tracks.track_id == tracks.track_id[0])
    double = TrackTable.of(
        len(first), at_ns=first.at_ns, track_id=2 * 10**6, position=first.position + 100.0, velocity=first.velocity
    )
    told = judged(stage, TrackTable.concat([tracks, false, double]), truth)
    assert told.values["anees"] == pytest.approx(4.0, rel=0.1)
    assert told.values["false_tracks"] == 2.0
    assert told.values["false_per_h_10000km2"] == pytest.approx(2.0 / (150.0 / 3600.0) / (5_000.0 / 1e4))
    assert told.values["dual"] == pytest.approx(len(first) / np.count_nonzero(truth.scored))


def test_a_wall_counts_from_when_four_arrays_hear_it_and_a_drone_never_shown_is_never_confirmed() -> None:
    stage = short("wall-straight", 200.0)
    truth = truth_of(stage)
    tracks = said_of(truth, 30.0, claimed_m=30.0)
    late = tracks.take(tracks.at_ns >= stage.scene.epoch_ns + 60_000_000_000)
    at_once, waited = (judged(stage, part, truth).values["confirm_after_four_s"] for part in (tracks, late))
    assert at_once == 0.0
    assert waited is not None and 35.0 < waited < 60.0
    assert judged(stage, TrackTable.empty(), truth).values["confirm_after_four_s"] is None


def test_what_has_a_target_and_was_not_reached_is_a_miss_over_all_seeds() -> None:
    verdicts = [Verdict({"anees": value, "old_median_m": None}, {}, (), np.empty(0)) for value in (1.0, 1.6, 1.7)]
    anees, median = list(_own_figures("wall", (1, 2, 3), verdicts))
    assert (anees["value"], anees["p10"], anees["met"]) == (1.6, pytest.approx(1.12), False)
    assert median["met"] is False


def test_a_peer_gets_a_plot_when_we_do() -> None:
    stage = short("radar-10", 60.0)
    known_s = 0.0
    for event in _interleaved(stage, scans_of(stage)):
        if isinstance(event, Scan):
            known_s = event.received_s
            last_scan = event
        else:
            assert known_s <= (event - stage.scene.epoch_ns) / 1e9
    assert known_s > 50.0
    assert last_scan.seen.shape[1] == 3


def test_a_peer_is_compared_at_its_best() -> None:
    stage = short("radar-10", 60.0)
    truth = truth_of(stage)
    tried: list[float] = []

    def run(stage: Staged, scans: object, noise: float) -> TrackTable:
        tried.append(noise)
        return said_of(truth, 100.0 * abs(noise - 0.5) + 1.0, claimed_m=1.0)

    def worth(tracks: TrackTable) -> float:
        return float(np.linalg.norm(tracks.position - truth.position))

    best = tuned(Peer("fake", "numpy", run), stage, scans_of(stage), worth, NOISES)
    assert tried == list(NOISES)
    assert best.noise == 0.5


def test_a_peer_that_is_not_installed_is_named() -> None:
    missing = Peer("nobody", "no_such_package_anywhere", lambda *_: TrackTable.empty())
    (line,) = peer_figures("radar-10", missing, [])
    assert "not installed" in str(line["case"])


@pytest.mark.slow
@pytest.mark.parametrize("peer", peers(), ids=lambda peer: peer.name)
def test_an_installed_peer_tracks_what_it_is_given(peer: Peer) -> None:
    pytest.importorskip(peer.package)
    stage = short("radar-10", 60.0)
    truth = truth_of(stage)
    told = judged(stage, peer.run(stage, scans_of(stage), 0.2), truth)
    assert told.values["completeness"] > 0.5
    assert told.values["spuriousness"] < 0.2


def test_an_unknown_scene_is_refused() -> None:
    with pytest.raises(InputError, match="radar-50"):
        next(tracking(Wanted(only="nothing-of-the-kind")))


def test_gospa_is_held_against_the_best_of_stone_soup_in_each_scene_and_in_the_mean() -> None:
    gnn, joint = (peer for peer in peers() if peer.package == "stonesoup")
    told = {"a": ((80.0, 100.0), (80.0, 90.0)), "b": ((110.0, 100.0), (110.0, 130.0))}
    figures = [
        figure
        for scene, pairs in told.items()
        for peer, pair in zip((gnn, joint), pairs, strict=True)
        for figure in peer_figures(scene, peer, [{"gospa_m": pair, "q": (None, 0.2), "plots_per_s": (1e5, 50.0)}])
    ]
    held = [figure["met"] for figure in figures if "gospa_m" in str(figure["case"])]
    assert held == [True, True, False, True]
    (pooled,) = pooled_gospa(figures)
    assert pooled["value"] == pytest.approx((80 / 90 + 110 / 100) / 2)
    assert pooled["met"] is False


def test_the_page_holds_every_figure_and_loads_nothing(tmp_path: Path) -> None:
    told = {"a": [Verdict({"anees": 1.6}, {}, ((0.0, 500.0), (5.0, 100.0)), np.array([10.0, 20.0, 30.0]))]}
    figures = [*_own_figures("a", (1,), told["a"]), {"case": "all 2 scenes: <gospa>", "value": 0.8, "met": True}]
    write_page(tmp_path / "page.html", figures, told)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "anees" in page and "1.6" in page and "MISSED" in page and "&lt;gospa&gt;" in page
    assert page.count("<svg") == 2
    assert "http" not in page and "<script" not in page


def test_a_run_of_all_does_without_recordings_that_are_not_there(tmp_path: Path) -> None:
    here, absent = Wanted(recordings=tmp_path), Wanted(recordings=tmp_path / "absent")
    assert any(name.startswith("real-") for name in _chosen(here))
    assert not any(name.startswith("real-") for name in _chosen(absent))
    assert "radar-10000-36" not in _chosen(here)

"""Scores, on scenes small enough to reckon by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dronewall.bench.score import TrackTable, TruthTable, read_tracks, read_truth, score, score_files, track_table
from dronewall.geodesy.wgs84 import ecef_from_enu
from dronewall.model.errors import InputError
from dronewall.model.plots import ObjectClass
from dronewall.model.tracks import Tracks, TrackStatus

S = 1_000_000_000
FAR = 50_000.0


def truth_of(rows: list[tuple[float, int, float]], **given: object) -> TruthTable:
    """Rows of second, object and metres east."""
    at, who, east = (np.array(part) for part in zip(*rows, strict=True))
    enu = np.column_stack([east, np.zeros(len(rows)), np.full(len(rows), 1000.0)])
    position = ecef_from_enu(enu, 50.0, 30.0, 0.0)
    ids = tuple(str(n) for n in range(int(who.max()) + 1))
    at_ns = (at * S).astype(np.int64)
    still = np.zeros((len(rows), 3))
    return TruthTable.of(len(rows), at_ns=at_ns, object=who, position=position, velocity=still, object_ids=ids, **given)


def tracks_of(rows: list[tuple[float, int, float]], **given: object) -> TrackTable:
    """Rows of second, track and metres east."""
    at, who, east = (np.array(part) for part in zip(*rows, strict=True))
    enu = np.column_stack([east, np.zeros(len(rows)), np.full(len(rows), 1000.0)])
    position = ecef_from_enu(enu, 50.0, 30.0, 0.0)
    at_ns = (at * S).astype(np.int64)
    still = np.zeros((len(rows), 3))
    return TrackTable.of(len(rows), at_ns=at_ns, track_id=who, position=position, velocity=still, **given)


def test_perfect_tracks_score_zero() -> None:
    rows = [(t, who, 100.0 * t + FAR * who) for t in (0, 5, 10) for who in (0, 1)]
    result = score(truth_of(rows), tracks_of(rows))
    assert result["gospa_m"] == pytest.approx(0.0, abs=1e-6)
    assert result["t_gospa_m"] == pytest.approx(0.0, abs=1e-3)
    assert result["completeness"] == 1.0
    assert result["spuriousness"] == 0.0
    assert result["id_changes_per_truth"] == 0.0
    assert result["confirm_s"] == 0.0


def test_an_error_a_miss_and_a_false_track_cost_what_the_metric_says() -> None:
    truth = truth_of([(0, 0, 0.0), (0, 1, FAR), (5, 0, 0.0), (5, 1, FAR)])
    tracks = tracks_of([(0, 7, 30.0), (5, 7, 40.0), (0, 8, -FAR), (5, 8, -FAR)])
    result = score(truth, tracks)
    assert result["gospa_localisation_m2"] == pytest.approx((900 + 1600) / 2)
    assert result["gospa_missed_m2"] == result["gospa_false_m2"] == pytest.approx(500.0**2 / 2)
    assert result["gospa_m"] == pytest.approx(np.mean(np.sqrt([900 + 250_000, 1600 + 250_000])))
    assert result["completeness"] == result["spuriousness"] == 0.5
    assert result["rmse_m"] == pytest.approx(np.sqrt(1250))


def test_a_sample_without_any_track_still_counts_as_missed() -> None:
    truth = truth_of([(t, 0, 0.0) for t in range(31)])
    tracks = tracks_of([(t, 3, 0.0) for t in (10, 15, 30)])
    result = score(truth, tracks)
    assert result["completeness"] == pytest.approx(3 / 7)
    assert result["confirm_s"] == pytest.approx(10.0)


def test_denser_truth_is_compared_at_the_tracks_instants_only() -> None:
    truth = truth_of([(t, 0, 10.0 * t) for t in range(21)])
    tracks = tracks_of([(t, 3, 10.0 * t) for t in (0, 5, 10, 15, 20)])
    assert score(truth, tracks)["completeness"] == 1.0


def test_sparser_truth_is_interpolated_within_its_own_samples() -> None:
    truth = truth_of([(t, 0, 10.0 * t) for t in (0, 10, 20, 30, 70, 80)])
    tracks = tracks_of([(t, 3, 10.0 * t) for t in (0, 5, 10, 15, 20, 25, 30, 75)])
    result = score(truth, tracks)
    assert result["rmse_m"] == pytest.approx(0.0, abs=0.05)
    assert result["spuriousness"] == 0.0
    # Nobody knows where it was between 30 and 70 s, so nothing is missed there: of 0..30, 70, 75 and 80 two are.
    assert result["completeness"] == pytest.approx(8 / 10)


def test_what_lies_before_from_s_is_left_out() -> None:
    truth = truth_of([(t, 0, 0.0) for t in (0, 5, 10, 15)])
    tracks = tracks_of([(t, 3, 0.0) for t in (10, 15)])
    assert score(truth, tracks)["completeness"] == 0.5
    assert score(truth, tracks, from_s=10.0)["completeness"] == 1.0


def test_a_track_on_an_unscored_object_counts_neither_for_nor_against() -> None:
    scored = [True, False, True, False]
    truth = truth_of([(0, 0, 0.0), (0, 1, FAR), (5, 0, 0.0), (5, 1, FAR)], scored=scored)
    tracks = tracks_of([(0, 1, 0.0), (5, 1, 0.0), (0, 2, FAR + 100.0), (0, 3, FAR - 200.0)])
    result = score(truth, tracks)
    assert result["gospa_m"] == pytest.approx(0.0, abs=1e-6)
    assert result["spuriousness"] == 0.0
    assert result["completeness"] == 1.0


def test_a_change_of_number_is_counted_and_charged() -> None:
    truth = truth_of([(t, 0, 0.0) for t in (0, 5, 10, 15)])
    steady = score(truth, tracks_of([(t, 1, 0.0) for t in (0, 5, 10, 15)]))
    changed = score(truth, tracks_of([(t, 1 if t < 10 else 2, 0.0) for t in (0, 5, 10, 15)]))
    assert changed["gospa_m"] == steady["gospa_m"]
    assert changed["id_changes_per_truth"] == 1.0
    assert changed["t_gospa_m"] == pytest.approx(np.sqrt(500.0**2 / 2 / 4))


def test_a_gap_in_a_track_is_no_change_of_number() -> None:
    truth = truth_of([(t, 0, 0.0) for t in (0, 5, 10, 15)])
    result = score(truth, tracks_of([(t, 1, 0.0) for t in (0, 5, 15)]))
    assert result["id_changes_per_truth"] == 0.0
    assert result["t_gospa_m"] == pytest.approx(np.sqrt(500.0**2 / 2 / 4))


def test_anees_is_one_for_tracks_as_good_as_they_claim() -> None:
    rng = np.random.default_rng(3)
    truth = truth_of([(5 * t, 0, 0.0) for t in range(4000)])
    honest = np.array([30.0, 60.0, 90.0])
    place = ecef_from_enu(rng.normal((0.0, 0.0, 1000.0), honest, (4000, 3)), 50.0, 30.0, 0.0)
    tracks = TrackTable.of(
        4000, at_ns=truth.at_ns, track_id=1, position=place, sigma_enu_m=np.broadcast_to(honest, (4000, 3))
    )
    assert score(truth, tracks)["anees"] == pytest.approx(1.0, abs=0.06)
    boastful = TrackTable.of(
        4000, at_ns=truth.at_ns, track_id=1, position=place, sigma_enu_m=np.broadcast_to(honest / 2, (4000, 3))
    )
    assert score(truth, boastful)["anees"] == pytest.approx(4.0, abs=0.25)


def test_horizontal_leaves_height_out() -> None:
    truth = truth_of([(0, 0, 0.0), (5, 0, 0.0)])
    high = ecef_from_enu([[60.0, 0.0, 3000.0], [60.0, 0.0, 3000.0]], 50.0, 30.0, 0.0)
    tracks = TrackTable.of(2, at_ns=truth.at_ns, track_id=1, position=high, velocity=np.zeros((2, 3)))
    assert score(truth, tracks)["completeness"] == 0.0
    level = score(truth, tracks, horizontal=True, cutoff_m=1000.0)
    assert level["completeness"] == 1.0
    assert level["rmse_m"] == pytest.approx(60.0, rel=1e-3)


def test_each_class_answers_for_itself() -> None:
    classes = [ObjectClass.BALLOON, ObjectClass.BIRD] * 2
    truth = truth_of([(0, 0, 0.0), (0, 1, FAR), (5, 0, 0.0), (5, 1, FAR)], object_class=classes)
    said = [ObjectClass.UNKNOWN, ObjectClass.UNKNOWN, ObjectClass.BIRD, ObjectClass.UNKNOWN]
    tracks = tracks_of([(0, 1, 10.0), (5, 1, 10.0), (0, 2, -FAR), (5, 3, -FAR)], object_class=said)
    by_class = score(truth, tracks)["by_class"]
    assert by_class["balloon"]["completeness"] == 1.0
    assert by_class["balloon"]["spuriousness"] == 0.0
    assert by_class["bird"]["completeness"] == 0.0
    assert by_class["bird"]["gospa_false_m2"] == pytest.approx(500.0**2 / 2 / 2)


def test_nothing_to_measure_gives_no_figure_rather_than_a_good_one() -> None:
    result = score(TruthTable.empty(), TrackTable.empty())
    assert result["gospa_m"] is None
    assert result["completeness"] is None
    assert score(truth_of([(0, 0, 0.0)]), TrackTable.empty())["completeness"] == 0.0


def test_live_tracks_become_samples_with_their_claimed_errors() -> None:
    covariance = np.tile(np.diag([400.0] * 3 + [1.0] * 3), (3, 1, 1))
    mean = np.zeros((3, 6))
    mean[:, :3] = ecef_from_enu([[0.0, 0.0, 1000.0]] * 3, 50.0, 30.0, 0.0)
    status = [TrackStatus.TENTATIVE, TrackStatus.CONFIRMED, TrackStatus.COASTING]
    tracks = Tracks.of(3, track_id=[1, 2, 3], status=status, mean=mean, covariance=covariance)
    table = track_table([(5 * S, tracks)])
    assert table.track_id.tolist() == [2, 3]
    assert table.sigma_enu_m == pytest.approx(np.full((2, 3), 20.0))


TRUTH = "at_ns,object_id,lat_deg,lon_deg,hae_m,ve_mps,vn_mps,vu_mps,class,affiliation,scored\n"
TRACKS = (
    "at_ns,track_id,status,lat_deg,lon_deg,hae_m,ve_mps,vn_mps,vu_mps,sigma_e_m,sigma_n_m,sigma_u_m,"
    "existence,class,class_p,affiliation,updated_ns,quality,sensors,alternate_ids\n"
)


def test_files_are_read_as_formats_say(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text(TRUTH + "0,a,50,30,1000,10,0,0,balloon,unknown,\n0,b,51,30,1000,,,,bird,,0\n")
    (tmp_path / "tracks.csv").write_text(
        TRACKS + "0,281474976710657,confirmed,50,30,1020,13,4,0,20,20,20,0.99,balloon,0.8,unknown,0,9,radar_3d,\n"
    )
    truth, tracks = read_truth(tmp_path / "truth.csv"), read_tracks(tmp_path / "tracks.csv")
    assert truth.object_ids == ("a", "b")
    assert truth.scored.tolist() == [True, False]
    assert tracks.track_id.tolist() == [281474976710657]
    result = score_files(tmp_path / "truth.csv", tmp_path / "tracks.csv", export_referee=tmp_path / "out")
    assert result["gospa_m"] == pytest.approx(20.0)
    assert result["velocity_rmse_mps"] == pytest.approx(5.0, abs=1e-4)
    assert result["anees"] == pytest.approx(1 / 3)
    assert (tmp_path / "out" / "truth.csv").read_text().startswith("t,id,x,y,z,vx,vy,vz\n")


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        ("zero,a,50,30,0,0,0,0,bird,unknown,1", "at_ns", "'zero' is not a whole number"),
        ("0,a,north,30,0,0,0,0,bird,unknown,1", "lat_deg", "'north' is not a number"),
        ("0,a,nan,30,0,0,0,0,bird,unknown,1", "lat_deg", "not a finite number"),
        ("0,a,,30,0,0,0,0,bird,unknown,1", "lat_deg", "not a finite number"),
        ("0,a,91,30,0,0,0,0,bird,unknown,1", "lat_deg", "not an angle on earth"),
        ("0,a,50,30,0,inf,0,0,bird,unknown,1", "ve_mps", "not a finite number"),
        ("0,a,50,30,0,0,0,0,ufo,unknown,1", "class", "'ufo' is unknown here"),
        ("0,a,50,30,0,0,0,0,bird,unknown,maybe", "scored", "'maybe' is unknown here"),
        ("5,ok,50,30,0,0,0,0,bird,unknown,1", "object_id", "appears twice"),
        ("0,a,50,30,0", None, "has 5 fields"),
    ],
)
def test_a_bad_line_is_refused_by_name(tmp_path: Path, line: str, field: str | None, problem: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(f"{TRUTH}5,ok,50,30,0,0,0,0,bird,unknown,1\n{line}\n")
    with pytest.raises(InputError, match=problem) as refused:
        read_truth(path)
    assert (refused.value.file, refused.value.line, refused.value.field) == (str(path), 3, field)
    assert refused.value.remedy


def test_a_missing_file_or_column_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_tracks(tmp_path / "nowhere.csv")
    path = tmp_path / "tracks.csv"
    path.write_text("")
    with pytest.raises(InputError, match="empty"):
        read_tracks(path)
    path.write_text("at_ns,lat_deg,lon_deg,hae_m\n")
    with pytest.raises(InputError, match="column is missing") as refused:
        read_tracks(path)
    assert refused.value.field == "track_id"


def test_the_single_integrated_air_picture_is_reckoned_from_the_same_pairs() -> None:
    seconds = (0, 5, 10, 15)
    truth = truth_of([(t, 0, 0.0) for t in seconds] + [(t, 1, FAR) for t in seconds])
    first = [(0, 7, 30.0), (5, 7, 30.0), (10, 9, 30.0), (15, 9, 30.0)]
    beside, nowhere = [(10, 8, 200.0)], [(t, 5, -FAR) for t in seconds]
    siap = score(truth, tracks_of(first + beside + nowhere))["siap"]
    assert siap["completeness"] == pytest.approx(4 / 8)
    assert siap["ambiguity"] == pytest.approx(5 / 4)
    assert siap["spuriousness"] == pytest.approx(5 / 9)
    assert siap["position_accuracy_m"] == pytest.approx(30.0)
    assert siap["velocity_accuracy_mps"] == pytest.approx(0.0)
    assert siap["number_changes_per_s"] == pytest.approx(1 / 20)
    assert siap["longest_segment"] == pytest.approx((2 / 4 + 0) / 2)


def test_nothing_shown_leaves_the_air_picture_unmeasured() -> None:
    siap = score(truth_of([(0, 0, 0.0), (5, 0, 0.0)]), TrackTable.empty())["siap"]
    assert siap["completeness"] == 0.0
    assert siap["ambiguity"] is None and siap["spuriousness"] is None and siap["number_changes_per_s"] is None
    assert siap["longest_segment"] == 0.0


def test_a_segment_ends_where_the_track_is_lost_even_if_its_number_comes_back() -> None:
    truth = truth_of([(t, 0, 0.0) for t in (0, 5, 10, 15, 20)])
    tracks = tracks_of([(t, 7, 30.0) for t in (0, 5, 15, 20)] + [(10, 8, -FAR)])
    siap = score(truth, tracks)["siap"]
    assert siap["longest_segment"] == pytest.approx(2 / 5)
    assert siap["number_changes_per_s"] == 0.0

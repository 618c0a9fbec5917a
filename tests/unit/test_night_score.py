"""A run over a simulated sky is judged by its truth: errors, changes of number, civil aircraft lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dronewall.cli.night_score import NightScore
from dronewall.engine.entries import PlotsCame
from dronewall.geodesy.wgs84 import ecef_from_geodetic
from dronewall.model.identity import Identities
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.tracks import Tracks, TrackStatus
from dronewall.run.reader import nothing_yet
from dronewall.simulation.truth import Truth

S = 1_000_000_000
START_NS = 1_700_000_000 * S
ADDRESS = 0x4841A2
PLACE = ecef_from_geodetic(52.0, 22.0, 9_000.0)


class StillSky:
    """One airliner that does not move."""

    def truth_at(self, at_ns: int) -> Truth:
        return Truth.of(
            1, at_ns=at_ns, object_id=b"A", lat_deg=52.0, lon_deg=22.0, hae_m=9_000.0, ve_mps=0, vn_mps=0, vu_mps=0
        )


def picture(second: float, *, track_id: int = 1, off_m: float = 0.0, **tracks: Any) -> Picture:
    mean = np.concatenate([np.add(PLACE, [off_m, 0.0, 0.0]), np.zeros(3)])[None]
    given = {"status": TrackStatus.CONFIRMED, "icao24": ADDRESS, "covariance": np.eye(6)[None], **tracks}
    return replace(
        nothing_yet(TruthDomain.SIMULATION),
        at_ns=START_NS + round(second * S),
        tracks=Tracks.of(1, track_id=track_id, mean=mean, **given),
        identities=Identities.of(1, track_id=track_id),
    )


def heard(second: float) -> PlotsCame:
    at_ns = START_NS + round(second * S)
    return PlotsCame("adsb", Plots.of(1, icao24=ADDRESS, at_ns=at_ns, received_ns=at_ns, sensor_ids=("r",)), 1)


def judged(*pictures: Picture) -> dict[str, Any]:
    score = NightScore(StillSky())
    for second, one in enumerate(pictures):
        score(one, [heard(second)])
    return score.result()


def test_a_track_on_its_object_scores_its_distance() -> None:
    result = judged(*(picture(second + 0.003 * second, off_m=30.0) for second in range(40)))
    assert result == {"id_changes": 0, "civil_seen": 1, "civil_lost": 0, "gospa_m": pytest.approx(30.0, abs=0.01)}


def test_a_change_of_number_is_counted() -> None:
    result = judged(*(picture(second, track_id=1 + (second >= 10)) for second in range(40)))
    assert result["id_changes"] == 1


def test_an_aircraft_without_a_track_is_lost() -> None:
    result = judged(*(picture(second, icao24=0 if second == 35 else ADDRESS) for second in range(40)))
    assert (result["civil_seen"], result["civil_lost"]) == (1, 1)


def test_seconds_without_any_track_count_as_missed() -> None:
    shown = [picture(second) for second in range(10)]
    unseen = [picture(second, status=TrackStatus.TENTATIVE) for second in range(10, 20)]
    assert judged(*shown, *unseen)["gospa_m"] > 100.0


def test_ten_pictures_a_second_are_sampled_once() -> None:
    score = NightScore(StillSky())
    for step in range(50):
        score(picture(step / 10), [])
    assert len(score._instants) == 5


def test_a_run_that_never_showed_anything_has_no_figures() -> None:
    assert NightScore(StillSky()).result() == {"id_changes": 0, "civil_seen": 0, "civil_lost": 0, "gospa_m": None}

"""What stands: a mast that always answers stays unconfirmed, a drone that came to hover does not."""

from __future__ import annotations

import numpy as np
import pytest
from one_radar import NS, RADAR, SIGMA, T0, observed

from dronewall.model.sensors import Sensors
from dronewall.model.tracks import TrackStatus
from dronewall.tracking.coverage import SPELL_SCANS
from dronewall.tracking.tracker import Tracker

PERIOD_S = 4


def scans_of(
    tracker: Tracker, azimuth_rad: float, scans: range, *, answers: float, rng: np.random.Generator
) -> list[int]:
    """Let what stands 15 km off answer some of the scans, which hold a false plot too.

    Returns the scans after which a track was confirmed.
    """
    confirmed = []
    for scan in scans:
        read = azimuth_rad + rng.normal(0.0, SIGMA[1], int(rng.random() < answers))
        false = rng.uniform(-3.0, -0.5, 1)
        tracks = tracker.step(observed(np.r_[read, false], scan), now_ns=T0 + scan * PERIOD_S * NS).tracks
        if np.any(tracks.status == TrackStatus.CONFIRMED):
            confirmed.append(scan)
    return confirmed


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_has_always_answered_is_no_track_and_what_comes_to_hover_is(seed: int) -> None:
    """A turbine that stood still for ten minutes is forgotten by the map of clutter, and is no track nevertheless."""
    rng, tracker, scan = np.random.default_rng(seed), Tracker(Sensors([RADAR])), 0
    for azimuth_rad, scans, answers, seen in (
        (0.5, 2 * SPELL_SCANS, 0.5, True),
        (0.5, 150, 0.0, True),
        (0.5, 40, 0.9, False),
        (2.0, 40, 0.9, True),
    ):
        confirmed = scans_of(tracker, azimuth_rad, range(scan, scan + scans), answers=answers, rng=rng)
        assert seen or not confirmed
        scan += scans
    assert confirmed[0] - (scan - 40) <= 15

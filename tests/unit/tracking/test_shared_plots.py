"""One plot for two members of a group: who was merged into a neighbour's plot was not missed."""

from __future__ import annotations

import numpy as np
from one_radar import NS, RADAR, SIGMA, T0, observed

from dronewall.model.sensors import Sensors
from dronewall.model.tracks import TrackStatus
from dronewall.tracking.tracker import Tracker


def existence_after_merging(*, group: int) -> float:
    """Two objects half a cell apart, resolved for a while, then one plot for both: existence of the lesser known."""
    tracker = Tracker(Sensors([RADAR]))
    apart = np.array([0.0, 2.5 * SIGMA[1]])
    for scan in range(12):
        tracks = tracker.step(observed(apart, scan), now_ns=T0 + scan * 4 * NS).tracks
    columns, count = tracker._store.columns, tracker._store.count
    assert np.count_nonzero(tracks.status != TrackStatus.TENTATIVE) == 2
    columns.group[:count] = group
    for scan in range(12, 16):
        columns.group[: tracker._store.count] = group
        tracker.step(observed(apart[:1] + 0.3 * SIGMA[1], scan), now_ns=T0 + scan * 4 * NS)
    return float(columns.existence[:2].min())


def test_a_member_that_shares_a_plot_keeps_its_existence() -> None:
    """Without a group a neighbour's plot is no excuse."""
    alone, member = existence_after_merging(group=0), existence_after_merging(group=7)
    assert alone < 0.8
    assert member > 0.95

"""Distress codes raise one alert per episode."""

from __future__ import annotations

import pytest

from dronewall.assessment.distress import distress_alerts
from dronewall.model.picture import AlertPriority
from dronewall.model.tracks import Tracks, TrackStatus


@pytest.mark.parametrize("squawk", [7500, 7600, 7700])
def test_a_distress_code_is_critical_and_keeps_its_id(squawk: int) -> None:
    tracks = Tracks.of(1, track_id=[12], status=[TrackStatus.COASTING], squawk=[squawk], icao24=[0xABC])
    (alert,) = distress_alerts(tracks)
    assert alert.priority is AlertPriority.CRITICAL
    assert alert.alert_id == distress_alerts(tracks)[0].alert_id
    assert "T-000012" in alert.title
    assert str(squawk) in alert.title


def test_other_codes_and_tentative_tracks_raise_none() -> None:
    tracks = Tracks.of(2, track_id=[1, 2], status=[TrackStatus.CONFIRMED, TrackStatus.TENTATIVE], squawk=[1200, 7700])
    assert distress_alerts(tracks) == ()

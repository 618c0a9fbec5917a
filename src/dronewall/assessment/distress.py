"""Alerts for aircraft that ask for help: the three distress codes of secondary radar."""

from __future__ import annotations

import numpy as np

from dronewall.model.picture import Alert, AlertPriority
from dronewall.model.tracks import Tracks, TrackStatus, shown_id

DISTRESS_CODES = {7500: "unlawful interference", 7600: "radio failure", 7700: "emergency"}
"""ICAO Doc 8168, volume III: codes that a pilot sets in distress."""


def distress_alerts(tracks: Tracks) -> tuple[Alert, ...]:
    """Return one alert per established track that squawks a distress code; the same episode keeps the same id."""
    established = tracks.status != TrackStatus.TENTATIVE
    rows = np.flatnonzero(established & np.isin(tracks.squawk, list(DISTRESS_CODES)))
    return tuple(
        Alert(
            alert_id=f"distress:{int(tracks.track_id[row])}:{int(tracks.squawk[row])}",
            priority=AlertPriority.CRITICAL,
            raised_at=int(tracks.claims_since_ns[row]),
            title=f"{shown_id(int(tracks.track_id[row]))} squawks {int(tracks.squawk[row])}",
            detail=f"{DISTRESS_CODES[int(tracks.squawk[row])]}; address {int(tracks.icao24[row]):06X}",
            track_id=int(tracks.track_id[row]),
        )
        for row in rows.tolist()
    )

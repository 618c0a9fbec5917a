"""A first identity: claims give reasons, silence gives none, and nothing here says hostile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dronewall.identification.claims import CLAIM_FRESH_S, explain, identify
from dronewall.model.identity import Affiliation
from dronewall.model.plots import CLASS_COUNT, ObjectClass
from dronewall.model.sensors import SensorKind
from dronewall.model.tracks import KIND_COUNT, Tracks, TrackStatus

NS = 1_000_000_000
NOW = 1_800_000_000 * NS


def track(**columns: Any) -> Tracks:
    return Tracks.of(1, track_id=[7], status=[TrackStatus.CONFIRMED], **columns)


def speaking(*, since_s: float = 30.0, silent_s: float = 1.0, **columns: Any) -> Tracks:
    claimed = NOW - int(silent_s * NS)
    return track(icao24=0x4841A2, claimed_ns=claimed, claims_since_ns=claimed - int(since_s * NS), **columns)


def affiliation(tracks: Tracks) -> Affiliation:
    return Affiliation(int(identify(tracks, now_ns=NOW).affiliation[0]))


def test_a_steady_transponder_makes_a_track_neutral_and_says_why() -> None:
    tracks = speaking(callsign=b"QXA123")
    assert affiliation(tracks) is Affiliation.NEUTRAL
    reasons = explain(tracks, 0, now_ns=NOW)
    assert reasons.affiliation is Affiliation.NEUTRAL
    assert reasons.evidence_for == ("transponder 4841A2 (QXA123) spoke for 30 s, last 1 s ago",)
    assert "no independent sensor" in reasons.evidence_against[0]


def test_an_independent_sensor_confirms_the_claimed_place() -> None:
    heard = np.zeros(KIND_COUNT, np.int64)
    heard[SensorKind.RADAR_3D] = NOW - 4 * NS
    reasons = explain(speaking(heard_ns=heard[None]), 0, now_ns=NOW)
    assert any("radar_3d 4 s ago" in reason for reason in reasons.evidence_for)
    assert reasons.evidence_against == ()


@pytest.mark.parametrize(
    "tracks",
    [track(), speaking(since_s=1.0), speaking(silent_s=CLAIM_FRESH_S + 5.0)],
    ids=["never spoke", "spoke once", "fell silent"],
)
def test_everything_else_stays_unknown(tracks: Tracks) -> None:
    assert affiliation(tracks) is Affiliation.UNKNOWN
    assert explain(tracks, 0, now_ns=NOW).affiliation is Affiliation.UNKNOWN


def test_no_reply_is_evidence_of_nothing() -> None:
    reasons = explain(track(), 0, now_ns=NOW)
    assert reasons.evidence_against == ()
    assert "evidence of nothing" in reasons.evidence_for[0]


def test_sensors_classes_come_before_what_a_transponder_suggests() -> None:
    classes = np.zeros((1, CLASS_COUNT), np.float32)
    classes[0, [ObjectClass.HELICOPTER, ObjectClass.AEROPLANE]] = [0.7, 0.3]
    told = identify(speaking(classes=classes), now_ns=NOW)
    assert told.object_class[0] == ObjectClass.HELICOPTER
    assert told.class_p[0] == pytest.approx(0.7)
    assert identify(speaking(), now_ns=NOW).object_class[0] == ObjectClass.AEROPLANE
    assert identify(track(), now_ns=NOW).class_p[0] == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_heard_nothing_becomes_worse_than_unknown(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 200
    claimed = NOW - rng.integers(0, 200 * NS, n)
    tracks = Tracks.of(
        n,
        track_id=np.arange(n),
        status=rng.integers(0, 4, n),
        icao24=rng.integers(0, 3, n) * 0x101010,
        claimed_ns=claimed,
        claims_since_ns=claimed - rng.integers(0, 100 * NS, n),
        squawk=rng.choice([-1, 7500, 7600, 7700, 1200], n),
        classes=rng.dirichlet(np.ones(CLASS_COUNT), n).astype(np.float32),
        existence=rng.random(n),
    )
    assert set(identify(tracks, now_ns=NOW).affiliation.tolist()) <= {Affiliation.UNKNOWN, Affiliation.NEUTRAL}

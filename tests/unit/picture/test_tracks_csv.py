"""`tracks.csv` says what other people's programs rely on, and nothing an object claims can break it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import ecef_from_enu, ecef_from_geodetic
from dronewall.model.identity import Affiliation, Identities
from dronewall.model.picture import Bearings, Picture, TruthDomain
from dronewall.model.plots import ObjectClass
from dronewall.model.sensors import SensorKind
from dronewall.model.tracks import KIND_COUNT, RemoteTracks, Tracks, TrackStatus
from dronewall.picture.tracks_csv import HEADER, rows

AT_NS = 1_700_000_005_000_000_000
S = 1_000_000_000


def picture(**tracks: Any) -> Picture:
    place = ecef_from_geodetic(54.0, 25.0, 1000.0)
    velocity = ecef_from_enu([10.0, -20.0, 3.0], 54.0, 25.0, 1000.0) - place
    heard_ns = np.zeros((1, KIND_COUNT), np.int64)
    heard_ns[0, SensorKind.RADAR_3D] = AT_NS - 5 * S
    heard_ns[0, SensorKind.ADSB] = AT_NS - 100 * S
    given: dict[str, Any] = {
        "track_id": 7,
        "status": TrackStatus.CONFIRMED,
        "mean": np.concatenate([place, velocity])[None],
        "covariance": np.diag([25.0, 25.0, 25.0, 1.0, 1.0, 1.0])[None],
        "existence": 0.987654,
        "updated_ns": AT_NS - S,
        "heard_ns": heard_ns,
        "quality": 9,
        "icao24": 0x4CA123,
        "callsign": b"RYR12 ",
    }
    return Picture(
        seq=1,
        at_ns=AT_NS,
        truth_domain=TruthDomain.LIVE,
        tracks=Tracks.of(1, **{**given, **tracks}),
        identities=Identities.of(1, affiliation=Affiliation.NEUTRAL, object_class=ObjectClass.AEROPLANE, class_p=0.9),
        remote_tracks=RemoteTracks.empty(),
        bearings=Bearings.empty(),
        alerts=(),
        plots_total=0,
        confirmed_total=1,
        unplaceable=(),
    )


def only_row(of: Picture) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO(HEADER + rows(of)))
    assert None not in row
    return row


def test_a_row_says_where_how_sure_and_what() -> None:
    row = only_row(picture())
    assert (row["at_ns"], row["track_id"], row["status"]) == (str(AT_NS), "7", "confirmed")
    assert [float(row[name]) for name in ("lat_deg", "lon_deg", "hae_m")] == pytest.approx([54.0, 25.0, 1000.0])
    assert [float(row[name]) for name in ("ve_mps", "vn_mps", "vu_mps")] == pytest.approx([10.0, -20.0, 3.0], abs=1e-3)
    assert [row[name] for name in ("sigma_e_m", "sigma_n_m", "sigma_u_m")] == ["5.000"] * 3
    assert (row["class"], row["class_p"], row["affiliation"]) == ("aeroplane", "0.900", "neutral")
    assert (row["existence"], row["quality"], row["updated_ns"]) == ("0.9877", "9", str(AT_NS - S))
    assert row["alternate_ids"] == "4CA123;RYR12"


def test_only_the_kinds_heard_within_a_minute_feed_a_track() -> None:
    assert only_row(picture())["sensors"] == "radar_3d"


@pytest.mark.parametrize("status", [TrackStatus.TENTATIVE, TrackStatus.DROPPED])
def test_tracks_that_nobody_sees_are_left_out(status: TrackStatus) -> None:
    assert rows(picture(status=status)) == ""


def test_a_coasting_track_is_shown_as_coasting() -> None:
    assert only_row(picture(status=TrackStatus.COASTING))["status"] == "coasting"


def test_what_is_unknown_is_an_empty_field() -> None:
    mean = np.concatenate([ecef_from_geodetic(54.0, 25.0, 1000.0), [np.nan] * 3])[None]
    assert only_row(picture(mean=mean))["ve_mps"] == ""


def test_a_claim_cannot_break_the_table() -> None:
    row = only_row(picture(callsign=b'",;\r\nX', uas_id=b"\xff\x00;=1+1"))
    assert row["alternate_ids"].startswith("4CA123;X;")
    assert row["alternate_ids"].count(";") == 2


def test_no_tracks_are_no_rows() -> None:
    empty = picture()
    assert rows(replace(empty, tracks=Tracks.empty(), identities=Identities.empty())) == ""

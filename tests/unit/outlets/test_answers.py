"""What the API answers, in the vocabulary of files."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from dronewall.bench.page_sky import made_up_sky, picture_of, status_of
from dronewall.model.groups import Groups
from dronewall.model.identity import Affiliation, Identity
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.model.status import SensorHealth
from dronewall.outlets.web.answers import (
    claims,
    health_of,
    sensor_views,
    status_view,
    text,
    track_detail,
    tracks_view,
)
from dronewall.outlets.web.display import shown

AT_NS = 1_700_000_000_000_000_000
SKY = made_up_sky(30, begun_ns=AT_NS, arrays=6)
PICTURE = picture_of(SKY, at_ns=AT_NS, seq=3)
COLUMNS = [
    "track_id",
    "status",
    "lat_deg",
    "lon_deg",
    "hae_m",
    "ve_mps",
    "vn_mps",
    "vu_mps",
    "sigma_e_m",
    "sigma_n_m",
    "sigma_u_m",
    "existence",
    "class",
    "class_p",
    "affiliation",
    "updated_ns",
    "quality",
    "sensors",
    "alternate_ids",
]


def test_a_track_is_told_in_the_columns_of_the_tracks_file() -> None:
    view = tracks_view(PICTURE, shown(PICTURE), SKY.sensors)
    told = json.loads(msgspec.json.encode(view))["tracks"][0]
    assert [name for name in told if name not in ("id", "group_id")] == COLUMNS
    assert told["id"] == "T-000001"
    assert told["lat_deg"] == pytest.approx(SKY.lat_deg[0])
    assert told["status"] in ("confirmed", "coasting")


def test_what_is_not_measured_is_null_and_never_nan() -> None:
    remote = replace(PICTURE.remote_tracks, sigma_position_m=np.full(12, np.nan))
    view = tracks_view(replace(PICTURE, remote_tracks=remote), shown(PICTURE), SKY.sensors)
    assert view.remote_tracks[0].sigma_position_m is None
    json.loads(msgspec.json.encode(view), parse_constant=pytest.fail)


def test_a_detail_tells_the_evidence_on_both_sides() -> None:
    identity = Identity(Affiliation.SUSPECT, ("one",), ("two", "three"))
    detail = track_detail(PICTURE, shown(PICTURE), 5, identity)
    assert detail is not None
    assert detail.evidence_for == ("one",)
    assert detail.evidence_against == ("two", "three")
    assert detail.sources[0].kind in ("radar_3d", "adsb")


def test_a_track_tells_its_group_and_the_group_how_many_it_likely_holds() -> None:
    of_group = np.where(np.arange(30) < 4, 9, 0)
    groups = Groups.of(
        1,
        group_id=[9],
        since_ns=AT_NS,
        mean=PICTURE.tracks.mean[:1],
        spread=np.diag([9e4] * 3),
        members=4,
        count=50,
        count_low=44,
        count_high=57,
    )
    picture = replace(PICTURE, groups=groups, tracks=replace(PICTURE.tracks, group_id=of_group))
    view = tracks_view(picture, shown(picture), SKY.sensors)
    assert [(g.id, g.members, g.count_low, g.count, g.count_high) for g in view.groups] == [("G-0009", 4, 44, 50, 57)]
    assert view.groups[0].lat_deg == pytest.approx(SKY.lat_deg[0])
    assert [track.group_id for track in view.tracks if track.track_id <= 5] == [9, 9, 9, 9, None]
    member, other = (track_detail(picture, shown(picture), number, None) for number in (1, 5))
    assert member is not None
    assert other is not None
    assert member.group == view.groups[0]
    assert other.group is None


def test_a_track_that_is_not_there_has_no_detail() -> None:
    assert track_detail(PICTURE, shown(PICTURE), 31, None) is None


def test_what_an_object_says_of_itself_is_shown_as_text_and_nothing_else() -> None:
    assert text(b"LOT\x003\x1b[31m") == "LOT3[31m"
    assert text(b"\xff\xfe") == "\ufffd\ufffd"


def test_a_squawk_of_zero_is_a_claim_and_an_absent_one_is_not() -> None:
    tracks = PICTURE.tracks
    squawk = np.full(30, -1, np.int16)
    squawk[0] = 0
    tracks = replace(tracks, squawk=squawk)
    assert claims(tracks, 0)["squawk"] == "0000"
    assert "squawk" not in claims(tracks, 1)


def radar(period_s: float | None = 4.0) -> Sensor:
    return Sensor("r", SensorKind.RADAR_3D, 50.0, 20.0, 100.0, period_s=period_s)


@pytest.mark.parametrize(
    ("sensor", "heard_ago_s", "lost", "health"),
    [
        (radar(), 5.0, False, "heard"),
        (radar(), 16.0, False, "late"),
        (radar(10.0), 29.0, False, "heard"),
        (radar(10.0), 31.0, False, "late"),
        (radar(), 1.0, True, "lost"),
        (Sensor("a", SensorKind.ACOUSTIC_ARRAY), 600.0, False, "quiet"),
    ],
)
def test_a_silent_radar_is_late_and_a_silent_microphone_is_quiet(
    sensor: Sensor, heard_ago_s: float, lost: bool, health: str
) -> None:
    assert health_of(sensor, AT_NS - int(heard_ago_s * 1e9), AT_NS, feed_lost=lost) == health


@pytest.mark.parametrize(("silent", "health"), [(False, "quiet"), (True, "late")])
def test_a_radar_never_heard_is_quiet_until_it_is_known_to_be_silent(silent: bool, health: str) -> None:
    assert health_of(radar(), 0, AT_NS, feed_lost=False, silent=silent) == health


def test_a_sensor_that_nobody_counts_is_not_called_silent() -> None:
    assert sensor_views(Sensors([radar()]), None, AT_NS)[0].health == "unknown"


def test_what_is_wrong_with_a_sensor_is_told_with_its_rate() -> None:
    known = SensorHealth("r", 7.5, AT_NS, float("nan"), ("slow: 7 reports in the last minute",))
    status = replace(status_of(SKY, at_ns=AT_NS), sensors=(known,), heard_ns=(AT_NS,))
    (view,) = sensor_views(Sensors([radar()]), status, AT_NS)
    assert (view.problems, view.plots_per_s, view.clock_offset_s) == (known.problems, 7.5, None)


def test_a_sensor_whose_feed_is_down_is_lost() -> None:
    views = sensor_views(SKY.sensors, status_of(SKY, at_ns=AT_NS), AT_NS)
    assert {view.sensor_id for view in views if view.health == "lost"} == {"receiver-1"}


def test_the_status_counts_what_is_shown() -> None:
    view = status_view(
        status_of(SKY, at_ns=AT_NS), PICTURE, shown(PICTURE), now_ns=AT_NS, published_ns=AT_NS, clients=2
    )
    assert (view.tracks, view.remote_tracks, view.seq, view.clients) == (30, 12, 3, 2)


def test_before_any_picture_the_status_has_no_tracks() -> None:
    view = status_view(status_of(SKY, at_ns=AT_NS), None, None, now_ns=1, published_ns=0, clients=0)
    assert (view.tracks, view.at_ns) == (0, 0)

"""The binary layout of pictures, read back by a decoder of the tests' own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dronewall.bench.page_sky import made_up_sky, picture_of
from dronewall.model.groups import Groups
from dronewall.model.identity import Affiliation
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.sensors import SensorKind
from dronewall.model.tracks import KIND_COUNT, TrackStatus
from dronewall.outlets.web.display import shown
from dronewall.outlets.web.frames import (
    BEARING_COLUMNS,
    GONE_COLUMNS,
    GROUP_COLUMNS,
    HEADER,
    MAGIC,
    REMOTE_COLUMNS,
    TRACK_COLUMNS,
    VERSION,
    delta_frame,
    full_frame,
    kinds_mask,
)

AT_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
SKY = made_up_sky(50, begun_ns=AT_NS, arrays=9)


def pictured(step: int = 0) -> Picture:
    return picture_of(SKY, at_ns=AT_NS + step * STEP_NS, seq=7 + step)


def read(frame: bytes) -> dict[str, Any]:
    names = (
        "magic version kind domain number base seq at_ns sent_ns plots confirmed tracks gone remote bearings tentative"
        " groups"
    )
    head = dict(zip(names.split(), HEADER.unpack_from(frame), strict=True))
    at, full = HEADER.size, head["kind"] == 0
    tables = {"tracks": TRACK_COLUMNS}
    whole = {"remote": REMOTE_COLUMNS, "bearings": BEARING_COLUMNS, "groups": GROUP_COLUMNS}
    tables |= whole if full else {"gone": GONE_COLUMNS}
    for table, layout in tables.items():
        columns = {}
        for name, dtype in layout.items():
            columns[name] = np.frombuffer(frame, dtype, head[table], at)
            at += -(-columns[name].nbytes // 8) * 8
        head[f"{table}_columns"] = columns
    assert at == len(frame)
    return head


def numbers(columns: dict[str, Any]) -> list[int]:
    return [(int(high) << 32) | int(low) for low, high in zip(columns["id_low"], columns["id_high"], strict=True)]


def test_a_full_frame_holds_the_whole_picture() -> None:
    picture = pictured()
    frame = read(full_frame(picture, shown(picture), number=3, sent_ns=AT_NS + 5))
    assert (frame["magic"], frame["version"], frame["domain"]) == (MAGIC, VERSION, 2)
    assert (frame["number"], frame["seq"], frame["at_ns"], frame["sent_ns"]) == (3, 7, AT_NS, AT_NS + 5)
    columns = frame["tracks_columns"]
    assert numbers(columns) == list(range(1, 51))
    np.testing.assert_allclose(columns["lat_deg"], SKY.lat_deg, atol=1e-5)
    np.testing.assert_allclose(columns["lon_deg"], SKY.lon_deg, atol=1e-5)
    np.testing.assert_allclose(columns["hae_m"], SKY.hae_m, atol=0.1)
    np.testing.assert_allclose(columns["speed_mps"], SKY.speed_mps, atol=0.01)
    np.testing.assert_allclose(columns["major_m"], SKY.sigma_m, rtol=1e-4)
    np.testing.assert_allclose(columns["minor_m"], SKY.sigma_m / 3, rtol=1e-4)
    np.testing.assert_allclose(columns["sigma_up_m"], 60.0, rtol=1e-4)
    assert (columns["affiliation"] == SKY.affiliation).all()
    assert (frame["remote"], frame["bearings"]) == (len(picture.remote_tracks), len(picture.bearings))


def test_groups_stand_behind_all_that_older_readers_know() -> None:
    picture = pictured()
    mean = picture.tracks.mean[:1]
    spread = np.diag([9e4, 9e4, 9e4])
    groups = Groups.of(
        1, group_id=[(2 << 48) + 5], mean=mean, spread=spread, members=31, count=50, count_low=44, count_high=57
    )
    without, withal = (
        full_frame(each, shown(each), number=3, sent_ns=AT_NS) for each in (picture, replace(picture, groups=groups))
    )
    assert withal[HEADER.size : len(without)] == without[HEADER.size :]
    columns = read(withal)["groups_columns"]
    assert numbers(columns) == [(2 << 48) + 5]
    told = [int(columns[name][0]) for name in ("members", "count", "count_low", "count_high")]
    assert told == [31, 50, 44, 57]
    np.testing.assert_allclose([columns["major_m"][0], columns["minor_m"][0]], 300.0, rtol=1e-5)
    np.testing.assert_allclose(columns["lat_deg"][0], SKY.lat_deg[0], atol=1e-5)


def test_every_column_begins_on_eight_bytes() -> None:
    for count in (1, 2, 3, 5, 7):
        sky = made_up_sky(count, begun_ns=AT_NS, arrays=3)
        picture = picture_of(sky, at_ns=AT_NS, seq=1)
        assert len(full_frame(picture, shown(picture), number=1, sent_ns=0)) % 8 == 0


def test_the_ellipse_points_along_the_course() -> None:
    picture = pictured()
    columns = read(full_frame(picture, shown(picture), number=1, sent_ns=0))["tracks_columns"]
    off = (columns["azimuth_deg"] - np.degrees(SKY.course_rad)) % 180.0
    assert np.minimum(off, 180.0 - off).max() < 0.5


def test_a_delta_holds_what_changed_and_nothing_else() -> None:
    before, now = pictured(0), pictured(1)
    frame = read(delta_frame(now, shown(now), shown(before), number=2, base=1, sent_ns=0))
    news = np.flatnonzero(before.tracks.updated_ns != now.tracks.updated_ns)
    assert numbers(frame["tracks_columns"]) == now.tracks.track_id[news].tolist()
    assert 0 < len(news) < 50
    assert (frame["base"], frame["gone"], frame["remote"], frame["bearings"]) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"status": TrackStatus.COASTING},
        {"affiliation": Affiliation.HOSTILE},
        {"object_class": 9},
    ],
)
def test_a_change_of_status_identity_or_class_is_a_change(changed: dict[str, int]) -> None:
    before = pictured()
    name, value = next(iter(changed.items()))
    table = before.tracks if name == "status" else before.identities
    column = np.array(getattr(table, name))
    column[4] = value if column[4] != value else value - 1
    now = replace(before, **{"tracks" if name == "status" else "identities": replace(table, **{name: column})})
    frame = read(delta_frame(now, shown(now), shown(before), number=2, base=1, sent_ns=0))
    assert numbers(frame["tracks_columns"]) == [5]


def test_a_delta_names_the_tracks_that_are_gone() -> None:
    before = pictured()
    now = replace(before, tracks=before.tracks.take(np.arange(3, 50)))
    frame = read(delta_frame(now, shown(now), shown(before), number=2, base=1, sent_ns=0))
    assert numbers(frame["gone_columns"]) == [1, 2, 3]
    assert frame["tracks"] == 0


def test_the_first_tracks_of_all_are_all_news() -> None:
    now = pictured()
    empty = replace(now, tracks=now.tracks.take(np.arange(0)))
    frame = read(delta_frame(now, shown(now), shown(empty), number=2, base=1, sent_ns=0))
    assert frame["tracks"] == 50


def test_track_numbers_of_any_shard_survive() -> None:
    picture = pictured()
    ids = picture.tracks.track_id + (0x7ABC << 48)
    picture = replace(picture, tracks=replace(picture.tracks, track_id=ids))
    frame = read(full_frame(picture, shown(picture), number=1, sent_ns=0))
    assert numbers(frame["tracks_columns"]) == ids.tolist()


def test_tentative_and_dropped_tracks_are_not_sent_and_the_tentative_are_counted() -> None:
    picture = pictured()
    status = np.full(50, TrackStatus.CONFIRMED, np.uint8)
    status[:7], status[7:9] = TrackStatus.TENTATIVE, TrackStatus.DROPPED
    picture = replace(picture, tracks=replace(picture.tracks, status=status))
    frame = read(full_frame(picture, shown(picture), number=1, sent_ns=0))
    assert (frame["tracks"], frame["tentative"]) == (41, 7)


def test_an_empty_picture_is_a_frame_too() -> None:
    picture = picture_of(made_up_sky(0, begun_ns=AT_NS, arrays=0), at_ns=AT_NS, seq=1, domain=TruthDomain.LIVE)
    frame = read(full_frame(picture, shown(picture), number=1, sent_ns=0))
    assert (frame["tracks"], frame["domain"]) == (0, 0)


def test_a_bearing_of_no_track_has_both_halves_full() -> None:
    picture = pictured()
    columns = read(full_frame(picture, shown(picture), number=1, sent_ns=0))["bearings_columns"]
    assert set(columns["track_low"].tolist()) == set(columns["track_high"].tolist()) == {0xFFFF_FFFF}


def test_information_from_the_future_has_no_age_rather_than_an_enormous_one() -> None:
    picture = pictured()
    ahead = replace(picture, tracks=replace(picture.tracks, updated_ns=picture.tracks.updated_ns + 10**10))
    columns = read(full_frame(ahead, shown(ahead), number=1, sent_ns=0))["tracks_columns"]
    assert columns["age_ms"][~SKY.coasting].max() == 0


def test_a_kind_of_sensor_feeds_a_track_for_a_minute() -> None:
    heard = np.zeros((3, KIND_COUNT), np.int64)
    heard[0, SensorKind.RF_DF] = AT_NS - 59 * 10**9
    heard[1, SensorKind.RF_DF] = AT_NS - 61 * 10**9
    assert kinds_mask(heard, AT_NS).tolist() == [1 << SensorKind.RF_DF, 0, 0]

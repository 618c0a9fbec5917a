"""The picture as bytes for browsers: a header, then columns. Pure; `static/js/wire.js` reads what this writes.

Everything is little-endian. Each column is padded with zeros to a multiple of eight bytes, so that a browser lays
typed arrays over the message without copying it. `docs/page.md` tells the layout to others.

A **full** frame holds everything. A **delta** holds the tracks that changed since the frame numbered `base`, and the
numbers of those that are gone; who has not seen `base` asks for nothing and simply gets the next full frame. Remote
tracks, bearings and groups travel in full frames only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.groups import Groups
from dronewall.model.picture import Bearings, Picture, TruthDomain
from dronewall.model.sensors import SensorKind
from dronewall.model.tracks import RemoteTracks
from dronewall.outlets.web.display import Shown, kinematics_from_mean, spread_from_covariance

MAGIC = b"DWPF"
VERSION = 1
HEADER = Struct("<4sHBBIIqqqqqIIIIII")
"""magic, version, kind, truth domain, number, base, picture seq, at_ns, sent_ns, plots_total, confirmed_total,
tracks, gone, remote tracks, bearings, tentative, groups: 80 bytes."""

DOMAIN_CODE = {TruthDomain.LIVE: 0, TruthDomain.EXERCISE: 1, TruthDomain.SIMULATION: 2}
FED_WITHIN_S = 60.0
"""A kind of sensor counts as feeding a track while its newest information is at most this old."""

Columns = Mapping[str, NDArray[Any]]

TRACK_COLUMNS: Mapping[str, str] = {
    "id_low": "<u4",
    "id_high": "<u4",
    "lon_deg": "<f4",
    "lat_deg": "<f4",
    "hae_m": "<f4",
    "course_deg": "<f4",
    "speed_mps": "<f4",
    "climb_mps": "<f4",
    "major_m": "<f4",
    "minor_m": "<f4",
    "azimuth_deg": "<f4",
    "sigma_up_m": "<f4",
    "age_ms": "<u4",
    "kinds": "<u2",
    "existence": "|u1",
    "class_p": "|u1",
    "status": "|u1",
    "affiliation": "|u1",
    "object_class": "|u1",
    "quality": "|u1",
    "callsign": "|S8",
}
GONE_COLUMNS: Mapping[str, str] = {"id_low": "<u4", "id_high": "<u4"}
REMOTE_COLUMNS: Mapping[str, str] = {
    "sensor": "<i4",
    "lon_deg": "<f4",
    "lat_deg": "<f4",
    "hae_m": "<f4",
    "course_deg": "<f4",
    "speed_mps": "<f4",
    "sigma_m": "<f4",
    "age_ms": "<u4",
    "track_ref": "|S36",
    "callsign": "|S8",
}
BEARING_COLUMNS: Mapping[str, str] = {
    "sensor": "<i4",
    "lon_deg": "<f4",
    "lat_deg": "<f4",
    "azimuth_deg": "<f4",
    "sigma_deg": "<f4",
    "reach_m": "<f4",
    "age_ms": "<u4",
    "track_low": "<u4",
    "track_high": "<u4",
    "kind": "|u1",
}
GROUP_COLUMNS: Mapping[str, str] = {
    "id_low": "<u4",
    "id_high": "<u4",
    "lon_deg": "<f4",
    "lat_deg": "<f4",
    "hae_m": "<f4",
    "course_deg": "<f4",
    "speed_mps": "<f4",
    "major_m": "<f4",
    "minor_m": "<f4",
    "azimuth_deg": "<f4",
    "members": "<u4",
    "count": "<u4",
    "count_low": "<u4",
    "count_high": "<u4",
}
NO_TRACK = 0xFFFF_FFFF
"""Both halves of the track number of a bearing that was associated with none."""


class FrameKind(IntEnum):
    """What a frame is relative to."""

    FULL = 0
    DELTA = 1


def full_frame(picture: Picture, shown: Shown, *, number: int, sent_ns: int) -> bytes:
    """Return the frame that needs none before it."""
    remote, bearings, groups = picture.remote_tracks, picture.bearings, picture.groups
    counts = (len(shown.tracks), 0, len(remote), len(bearings), shown.tentative, len(groups))
    return b"".join(
        (
            _header(picture, FrameKind.FULL, number, 0, sent_ns, counts),
            *_packed(TRACK_COLUMNS, track_columns(shown, picture.at_ns)),
            *_packed(REMOTE_COLUMNS, remote_columns(remote, picture.at_ns)),
            *_packed(BEARING_COLUMNS, bearing_columns(bearings, picture.at_ns)),
            *_packed(GROUP_COLUMNS, group_columns(groups)),
        )
    )


def delta_frame(picture: Picture, shown: Shown, before: Shown, *, number: int, base: int, sent_ns: int) -> bytes:
    """Return the frame of what changed since frame `base`, which showed `before`."""
    changed = shown.take(changed_rows(shown, before))
    gone = np.setdiff1d(before.tracks.track_id, shown.tracks.track_id)
    counts = (len(changed.tracks), len(gone), 0, 0, shown.tentative, 0)
    return b"".join(
        (
            _header(picture, FrameKind.DELTA, number, base, sent_ns, counts),
            *_packed(TRACK_COLUMNS, track_columns(changed, picture.at_ns)),
            *_packed(GONE_COLUMNS, _halves(gone)),
        )
    )


def changed_rows(shown: Shown, before: Shown) -> NDArray[np.intp]:
    """Return the rows of `shown` that are new, newly informed, or of another status or identity than `before`."""
    ids = shown.tracks.track_id
    if len(before.tracks) == 0:
        return np.arange(len(ids))
    order = np.argsort(before.tracks.track_id, kind="stable")
    place = np.searchsorted(before.tracks.track_id, ids, sorter=order)
    row = order[np.minimum(place, len(order) - 1)]
    changed = before.tracks.track_id[row] != ids
    changed |= before.tracks.updated_ns[row] != shown.tracks.updated_ns
    changed |= before.tracks.status[row] != shown.tracks.status
    changed |= before.identities.affiliation[row] != shown.identities.affiliation
    changed |= before.identities.object_class[row] != shown.identities.object_class
    return np.flatnonzero(changed)


def track_columns(shown: Shown, at_ns: int) -> Columns:
    """Return the columns of tracks as they travel."""
    tracks, identities = shown.tracks, shown.identities
    place = kinematics_from_mean(tracks.mean)
    spread = spread_from_covariance(tracks.covariance, place.lat_deg, place.lon_deg)
    return {
        **_halves(tracks.track_id),
        "lon_deg": place.lon_deg,
        "lat_deg": place.lat_deg,
        "hae_m": place.hae_m,
        "course_deg": place.course_deg,
        "speed_mps": place.speed_mps,
        "climb_mps": place.velocity_mps[:, 2],
        "major_m": spread.major_m,
        "minor_m": spread.minor_m,
        "azimuth_deg": spread.azimuth_deg,
        "sigma_up_m": spread.sigma_enu_m[:, 2],
        "age_ms": _age_ms(at_ns, tracks.updated_ns),
        "kinds": kinds_mask(tracks.heard_ns, at_ns),
        "existence": _percent(tracks.existence),
        "class_p": _percent(identities.class_p),
        "status": tracks.status,
        "affiliation": identities.affiliation,
        "object_class": identities.object_class,
        "quality": tracks.quality,
        "callsign": tracks.callsign,
    }


def remote_columns(remote: RemoteTracks, at_ns: int) -> Columns:
    """Return the columns of remote tracks as they travel."""
    place = kinematics_from_mean(remote.mean)
    return {
        "sensor": remote.sensor,
        "lon_deg": place.lon_deg,
        "lat_deg": place.lat_deg,
        "hae_m": place.hae_m,
        "course_deg": place.course_deg,
        "speed_mps": place.speed_mps,
        "sigma_m": remote.sigma_position_m,
        "age_ms": _age_ms(at_ns, remote.at_ns),
        "track_ref": remote.track_ref,
        "callsign": remote.callsign,
    }


def bearing_columns(bearings: Bearings, at_ns: int) -> Columns:
    """Return the columns of bearings as they travel."""
    track = _halves(bearings.track_id)
    return {
        "sensor": bearings.sensor,
        "lon_deg": bearings.lon_deg,
        "lat_deg": bearings.lat_deg,
        "azimuth_deg": np.degrees(bearings.azimuth_rad) % 360.0,
        "sigma_deg": np.degrees(bearings.sigma_azimuth_rad),
        "reach_m": bearings.reach_m,
        "age_ms": _age_ms(at_ns, bearings.at_ns),
        "track_low": track["id_low"],
        "track_high": track["id_high"],
        "kind": bearings.kind,
    }


def group_columns(groups: Groups) -> Columns:
    """Return the columns of groups as they travel; the ellipse is the 1-σ one of the members' places."""
    place = kinematics_from_mean(groups.mean)
    spread = spread_from_covariance(groups.spread, place.lat_deg, place.lon_deg)
    return {
        **_halves(groups.group_id),
        "lon_deg": place.lon_deg,
        "lat_deg": place.lat_deg,
        "hae_m": place.hae_m,
        "course_deg": place.course_deg,
        "speed_mps": place.speed_mps,
        "major_m": spread.major_m,
        "minor_m": spread.minor_m,
        "azimuth_deg": spread.azimuth_deg,
        "members": groups.members,
        "count": groups.count,
        "count_low": groups.count_low,
        "count_high": groups.count_high,
    }


def kinds_mask(heard_ns: NDArray[np.int64], at_ns: int) -> NDArray[np.uint16]:
    """Return, for each track, a bit for each kind of sensor that fed it within the last `FED_WITHIN_S`."""
    fed = (heard_ns > 0) & (at_ns - heard_ns <= int(FED_WITHIN_S * 1e9))
    bits = np.left_shift(1, np.arange(len(SensorKind)))
    return (fed * bits).sum(axis=1).astype(np.uint16)


def _header(
    picture: Picture, kind: FrameKind, number: int, base: int, sent_ns: int, counts: tuple[int, int, int, int, int, int]
) -> bytes:
    return HEADER.pack(
        MAGIC,
        VERSION,
        kind,
        DOMAIN_CODE[picture.truth_domain],
        number & 0xFFFF_FFFF,
        base & 0xFFFF_FFFF,
        picture.seq,
        picture.at_ns,
        sent_ns,
        picture.plots_total,
        picture.confirmed_total,
        *counts,
    )


def _packed(layout: Mapping[str, str], columns: Columns) -> Iterator[bytes]:
    for name, dtype in layout.items():
        data = np.ascontiguousarray(columns[name], dtype=dtype).tobytes()
        yield data + bytes(-len(data) % 8)


def _halves(track_id: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    # A JavaScript number holds 53 bits; a track number may have 64.
    whole = track_id.astype(np.uint64)
    return {"id_low": whole & np.uint64(0xFFFF_FFFF), "id_high": whole >> np.uint64(32)}


def _age_ms(at_ns: int, then_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.clip((at_ns - then_ns) // 1_000_000, 0, 0xFFFF_FFFF)


def _percent(probability: NDArray[Any]) -> NDArray[Any]:
    return np.clip(np.rint(np.nan_to_num(probability) * 100.0), 0, 100)

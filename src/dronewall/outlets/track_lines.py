"""Tracks as lines of JSON in the vocabulary of `tracks.csv`: absent is left out, lists are lists."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from dronewall.geodesy.wgs84 import enu_axes, geodetic_from_ecef
from dronewall.model.identity import Affiliation
from dronewall.model.picture import Picture
from dronewall.model.plots import ObjectClass
from dronewall.model.sensors import SensorKind
from dronewall.model.tracks import Tracks, TrackStatus

FED_WITHIN_NS = 60_000_000_000
"""A kind of sensor feeds a track as long as it was heard within the last minute."""
SHOWN = (TrackStatus.CONFIRMED, TrackStatus.COASTING)

Change = tuple[Any, ...]
"""What makes a track another one than the line before said; its place alone, carried forward, does not."""
Lines = dict[int, tuple[Change, bytes]]
"""By number of the track."""


def lines_of(picture: Picture, before: Lines) -> Lines:
    """Return the lines of every confirmed or coasting track, with what would make them new.

    A track that has not changed keeps the line it had before.
    """
    shown = np.isin(picture.tracks.status, SHOWN)
    tracks, identities = picture.tracks.take(shown), picture.identities.take(shown)
    lat_deg, lon_deg, hae_m = geodetic_from_ecef(tracks.mean[:, :3])
    axes = enu_axes(lat_deg, lon_deg)
    velocity = np.einsum("nij,nj->ni", axes, tracks.mean[:, 3:])
    variance = np.einsum("nij,njk,nik->ni", axes, tracks.covariance[:, :3, :3], axes)
    sigma = np.sqrt(np.maximum(variance, 0.0))
    lines: Lines = {}
    changes = (tracks.updated_ns, tracks.status, identities.object_class, identities.affiliation)
    for row, (track_id, *now) in enumerate(zip(*(c.tolist() for c in (tracks.track_id, *changes)), strict=True)):
        change = tuple(now)
        if (kept := before.get(track_id)) is not None and kept[0] == change:
            lines[track_id] = kept
            continue
        fields = {
            "at_ns": picture.at_ns,
            "track_id": track_id,
            "status": TrackStatus(tracks.status[row]).name.lower(),
            "lat_deg": round(float(lat_deg[row]), 8),
            "lon_deg": round(float(lon_deg[row]), 8),
            "hae_m": round(float(hae_m[row]), 2),
            **_three(velocity[row], "ve_mps", "vn_mps", "vu_mps"),
            **_three(sigma[row], "sigma_e_m", "sigma_n_m", "sigma_u_m"),
            "existence": round(float(tracks.existence[row]), 4),
            "class": ObjectClass(identities.object_class[row]).label,
            "class_p": round(float(identities.class_p[row]), 3),
            "affiliation": Affiliation(identities.affiliation[row]).label,
            "updated_ns": int(tracks.updated_ns[row]),
            "quality": int(tracks.quality[row]),
            "sensors": _kinds(tracks, row, picture.at_ns),
            "alternate_ids": _names(tracks, row),
        }
        lines[track_id] = change, msgspec.json.encode(fields) + b"\n"
    return lines


def gone(track_id: int, at_ns: int) -> bytes:
    """Return the line that says that a track is no longer shown."""
    return msgspec.json.encode({"at_ns": at_ns, "track_id": track_id, "status": "dropped"}) + b"\n"


def _three(values: Any, *names: str) -> dict[str, float]:
    return {name: round(float(value), 3) for name, value in zip(names, values, strict=True)}


def _kinds(tracks: Tracks, row: int, at_ns: int) -> list[str]:
    heard_ns = tracks.heard_ns[row].tolist()
    return [kind.label for kind in SensorKind if heard_ns[kind] > 0 and at_ns - heard_ns[kind] <= FED_WITHIN_NS]


def _names(tracks: Tracks, row: int) -> list[str]:
    """What the object is called by its transponder or Remote ID."""
    icao24, callsign, uas_id = int(tracks.icao24[row]), tracks.callsign[row], tracks.uas_id[row]
    names = (f"{icao24:06X}" if icao24 else "", callsign.decode("ascii", "replace"), uas_id.decode("ascii", "replace"))
    return [name.strip() for name in names if name.strip()]

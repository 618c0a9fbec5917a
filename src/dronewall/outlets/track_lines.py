"""Tracks as lines of JSON in the vocabulary of `tracks.csv`: absent is left out, lists are lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any

import msgspec
import numpy as np

from dronewall.geodesy.wgs84 import enu_axes, geodetic_from_ecef
from dronewall.model.identity import Affiliation, Identities
from dronewall.model.picture import Picture
from dronewall.model.plots import ObjectClass
from dronewall.model.sensors import SensorKind
from dronewall.model.tracks import Tracks, TrackStatus

FED_WITHIN_NS = 60_000_000_000
"""A kind of sensor feeds a track as long as it was heard within the last minute."""
SIGMAS = ("sigma_e_m", "sigma_n_m", "sigma_u_m")
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
    columns = (tracks.updated_ns, tracks.status, identities.object_class, identities.affiliation)
    changes = dict(zip(tracks.track_id.tolist(), zip(*(c.tolist() for c in columns), strict=True), strict=True))
    new = [row for row, (track_id, change) in enumerate(changes.items()) if before.get(track_id, (None,))[0] != change]
    made = _made(tracks.take(np.array(new, np.intp)), identities.take(np.array(new, np.intp)), picture.at_ns)
    return {
        track_id: (change, made[track_id]) if track_id in made else before[track_id]
        for track_id, change in changes.items()
    }


def _made(tracks: Tracks, identities: Identities, at_ns: int) -> dict[int, bytes]:
    """Return the lines of tracks by their numbers."""
    lat_deg, lon_deg, hae_m = geodetic_from_ecef(tracks.mean[:, :3])
    axes = enu_axes(lat_deg, lon_deg)
    velocity = np.einsum("nij,nj->in", axes, tracks.mean[:, 3:])
    variance = np.einsum("nij,njk,nik->in", axes, tracks.covariance[:, :3, :3], axes)
    columns: dict[str, Iterable[Any]] = {
        "at_ns": repeat(at_ns, len(tracks)),
        "track_id": tracks.track_id.tolist(),
        "status": (TrackStatus(status).name.lower() for status in tracks.status.tolist()),
        "lat_deg": np.round(lat_deg, 8).tolist(),
        "lon_deg": np.round(lon_deg, 8).tolist(),
        "hae_m": np.round(hae_m, 2).tolist(),
        **dict(zip(("ve_mps", "vn_mps", "vu_mps"), np.round(velocity, 3).tolist(), strict=True)),
        **dict(zip(SIGMAS, np.round(np.sqrt(np.maximum(variance, 0.0)), 3).tolist(), strict=True)),
        "existence": np.round(tracks.existence, 4).tolist(),
        "class": (ObjectClass(item).label for item in identities.object_class.tolist()),
        "class_p": np.round(identities.class_p.astype(np.float64), 3).tolist(),
        "affiliation": (Affiliation(item).label for item in identities.affiliation.tolist()),
        "updated_ns": tracks.updated_ns.tolist(),
        "quality": tracks.quality.tolist(),
        "sensors": _kinds(tracks, at_ns),
        "alternate_ids": _names(tracks),
    }
    encode = msgspec.json.Encoder().encode
    rows = zip(*columns.values(), strict=True)
    return {row[1]: encode(dict(zip(columns, row, strict=True))) + b"\n" for row in rows}


def gone(track_id: int, at_ns: int) -> bytes:
    """Return the line that says that a track is no longer shown."""
    return msgspec.json.encode({"at_ns": at_ns, "track_id": track_id, "status": "dropped"}) + b"\n"


def _kinds(tracks: Tracks, at_ns: int) -> Iterator[list[str]]:
    labels = [kind.label for kind in SensorKind]
    feeding = (tracks.heard_ns > 0) & (at_ns - tracks.heard_ns <= FED_WITHIN_NS)
    for row in feeding.tolist():
        yield [label for label, feeds in zip(labels, row, strict=True) if feeds]


def _names(tracks: Tracks) -> Iterator[list[str]]:
    """What each object is called by its transponder or Remote ID."""
    for icao24, *said in zip(tracks.icao24.tolist(), tracks.callsign.tolist(), tracks.uas_id.tolist(), strict=True):
        names = (f"{icao24:06X}" if icao24 else "", *(claim.decode("ascii", "replace") for claim in said))
        yield [name.strip() for name in names if name.strip()]

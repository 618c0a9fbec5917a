"""`tracks.csv`: every confirmed or coasting track at a sample instant, as text for other people's programs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import enu_axes, geodetic_from_ecef
from dronewall.model.identity import Affiliation
from dronewall.model.picture import Picture
from dronewall.model.plots import ObjectClass
from dronewall.model.sensors import SensorKind
from dronewall.model.tracks import Tracks, TrackStatus, shown_id

HEADER = (
    "at_ns,track_id,status,lat_deg,lon_deg,hae_m,ve_mps,vn_mps,vu_mps,sigma_e_m,sigma_n_m,sigma_u_m,existence,"
    "class,class_p,affiliation,updated_ns,quality,sensors,alternate_ids\n"
)
FED_WITHIN_NS = 60_000_000_000
"""A kind of sensor feeds a track as long as it was heard within the last minute."""
_MEANS_SOMETHING_IN_CSV = str.maketrans(dict.fromkeys(',;"\r\n', " "))


def rows(picture: Picture) -> str:
    """Return the lines of one sample, each with its end, in the order of `HEADER`."""
    shown = np.isin(picture.tracks.status, (TrackStatus.CONFIRMED, TrackStatus.COASTING))
    tracks, identities = picture.tracks.take(shown), picture.identities.take(shown)
    if not len(tracks):
        return ""
    lat_deg, lon_deg, hae_m = geodetic_from_ecef(tracks.mean[:, :3])
    axes = enu_axes(lat_deg, lon_deg)
    velocity = np.einsum("nij,nj->in", axes, tracks.mean[:, 3:])
    variance = np.einsum("nij,njk,nik->in", axes, tracks.covariance[:, :3, :3], axes)
    columns = (
        (f"{picture.at_ns}" for _ in range(len(tracks))),
        _whole(tracks.track_id),
        _labels(tracks.status, {status: status.name.lower() for status in TrackStatus}),
        _decimal(lat_deg, 8),
        _decimal(lon_deg, 8),
        _decimal(hae_m, 2),
        *(_decimal(component, 3) for component in velocity),
        *(_decimal(np.sqrt(np.maximum(component, 0.0)), 3) for component in variance),
        _decimal(tracks.existence, 4),
        _labels(identities.object_class, {item: item.label for item in ObjectClass}),
        _decimal(identities.class_p, 3),
        _labels(identities.affiliation, {item: item.label for item in Affiliation}),
        _whole(tracks.updated_ns),
        _whole(tracks.quality),
        _kinds(tracks.heard_ns, picture.at_ns),
        _alternate_ids(tracks),
    )
    return "".join(",".join(cells) + "\n" for cells in zip(*columns, strict=True))


def _whole(values: NDArray[np.integer]) -> Iterable[str]:
    return map(str, values.tolist())


def _decimal(values: NDArray[np.floating], digits: int) -> Iterable[str]:
    return (f"{value:.{digits}f}" if value == value else "" for value in values.tolist())


def _labels(values: NDArray[np.uint8], label_of: dict[int, str]) -> Iterable[str]:
    return (label_of[value] for value in values.tolist())


def _kinds(heard_ns: NDArray[np.int64], at_ns: int) -> Iterable[str]:
    labels = [kind.label for kind in SensorKind]
    feeding = (heard_ns > 0) & (at_ns - heard_ns <= FED_WITHIN_NS)
    return (";".join(label for label, feeds in zip(labels, row, strict=True) if feeds) for row in feeding.tolist())


def _alternate_ids(tracks: Tracks) -> Iterable[str]:
    """What the object is called by its transponder or Remote ID, made plain for it may say anything; then by us."""
    columns = (tracks.icao24, tracks.callsign, tracks.uas_id, tracks.also)
    for icao24, callsign, uas_id, also in zip(*(column.tolist() for column in columns), strict=True):
        numbers = (shown_id(number) for number in also if number)
        names = (f"{icao24:06X}" if icao24 else "", _plain(callsign), _plain(uas_id), *numbers)
        yield ";".join(name for name in names if name)


def _plain(claim: bytes) -> str:
    text = claim.decode("ascii", "replace").translate(_MEANS_SOMETHING_IN_CSV)
    return "".join(character for character in text if character.isprintable()).strip()

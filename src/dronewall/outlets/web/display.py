"""Tracks as people see them: geodetic places, local velocities, sigmas along east, north and up. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import enu_axes, geodetic_from_ecef
from dronewall.model.identity import Affiliation, Identities
from dronewall.model.picture import Picture
from dronewall.model.plots import ObjectClass
from dronewall.model.tracks import Tracks, TrackStatus

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Kinematics:
    """Where objects are and how they move, one row each: degrees WGS84, m above the ellipsoid, m/s east, north, up."""

    lat_deg: FloatArray
    lon_deg: FloatArray
    hae_m: FloatArray
    velocity_mps: FloatArray

    @property
    def course_deg(self) -> FloatArray:
        """Course over ground from true north, clockwise."""
        return np.degrees(np.arctan2(self.velocity_mps[:, 0], self.velocity_mps[:, 1])) % 360.0

    @property
    def speed_mps(self) -> FloatArray:
        """Speed over ground."""
        return np.hypot(self.velocity_mps[:, 0], self.velocity_mps[:, 1])


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How uncertain places are: 1-σ in m along east, north, up, and the horizontal ellipse.

    `azimuth_deg` is the direction of the ellipse's longer half-axis `major_m`, from true north, clockwise, 0 to 180.
    """

    sigma_enu_m: FloatArray
    major_m: FloatArray
    minor_m: FloatArray
    azimuth_deg: FloatArray


def kinematics_from_mean(mean: FloatArray) -> Kinematics:
    """Return what people see of ECEF means (n, 6) in m and m/s."""
    lat_deg, lon_deg, hae_m = geodetic_from_ecef(mean[:, :3])
    velocity = np.einsum("nij,nj->ni", enu_axes(lat_deg, lon_deg), mean[:, 3:])
    return Kinematics(lat_deg, lon_deg, hae_m, velocity)


def spread_from_covariance(covariance: FloatArray, lat_deg: FloatArray, lon_deg: FloatArray) -> Spread:
    """Return the spread of places with ECEF covariances (n, 3, 3) or (n, 6, 6), of which the first three axes count."""
    axes = enu_axes(lat_deg, lon_deg)
    local = axes @ covariance[:, :3, :3] @ axes.transpose(0, 2, 1)
    sigma = np.sqrt(np.maximum(np.diagonal(local, axis1=1, axis2=2), 0.0))
    east, north, both = local[:, 0, 0], local[:, 1, 1], local[:, 0, 1]
    mid, half = (east + north) / 2.0, np.hypot((east - north) / 2.0, both)
    azimuth = np.degrees(0.5 * np.arctan2(2.0 * both, north - east)) % 180.0
    return Spread(sigma, np.sqrt(np.maximum(mid + half, 0.0)), np.sqrt(np.maximum(mid - half, 0.0)), azimuth)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The tracks of a picture that people see, confirmed or coasting, each with its identity in the same row."""

    tracks: Tracks
    identities: Identities
    tentative: int

    def take(self, rows: NDArray[np.intp]) -> Shown:
        """Return the rows picked by an index array."""
        return Shown(self.tracks.take(rows), self.identities.take(rows), self.tentative)


def shown(picture: Picture) -> Shown:
    """Return what people see of a picture: tentative tracks are counted, not shown."""
    status = picture.tracks.status
    rows = np.flatnonzero((status == TrackStatus.CONFIRMED) | (status == TrackStatus.COASTING))
    tracks = picture.tracks.take(rows)
    tentative = int(np.count_nonzero(status == TrackStatus.TENTATIVE))
    return Shown(tracks, identities_of(tracks, picture.identities), tentative)


def identities_of(tracks: Tracks, identities: Identities) -> Identities:
    """Return identities in the order of `tracks`; a track nobody spoke of is unknown."""
    if len(identities) == 0:
        return Identities.of(len(tracks), track_id=tracks.track_id)
    order = np.argsort(identities.track_id, kind="stable")
    place = np.searchsorted(identities.track_id, tracks.track_id, sorter=order)
    row = order[np.minimum(place, len(order) - 1)]
    known = identities.track_id[row] == tracks.track_id
    return Identities.of(
        len(tracks),
        track_id=tracks.track_id,
        affiliation=np.where(known, identities.affiliation[row], Affiliation.UNKNOWN),
        object_class=np.where(known, identities.object_class[row], ObjectClass.UNKNOWN),
        class_p=np.where(known, identities.class_p[row], 0.0),
    )

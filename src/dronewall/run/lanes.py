"""Lanes: which reports go first when not all can. Pure; asked only under overload.

Alerts, identities and people's statements have no lane here: they never stand in a queue that sheds.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes, enu_from_spherical
from dronewall.model.identity import Affiliation
from dronewall.model.picture import Picture
from dronewall.model.plots import ObjectClass, Plots
from dronewall.model.sensors import Sensors
from dronewall.model.tracks import TrackStatus

CELL_M = 10_000.0
"""Near means: in the same cube of this edge or in one that touches it."""
THREATENING = [
    ObjectClass.UAV_FIXED_WING,
    ObjectClass.UAV_ROTARY,
    ObjectClass.LOITERING,
    ObjectClass.DECOY,
    ObjectClass.CRUISE_MISSILE,
]
_PRIMES = np.array([73_856_093, 19_349_663, 83_492_791], np.int64)
_AROUND = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3)


class Lane(IntEnum):
    """What a report is near to: the lower, the sooner it is taken."""

    THREAT = 0
    TRACK = 1
    BULK = 2


WAITS_AT_MOST_MS = np.array([2_000.0, 600.0, 300.0])
"""How long a report may wait, by lane, before it is shed."""


class Lanes:
    """Tells reports' lanes by one picture; a second later it is still right: nothing flies ten kilometres a second.

    A report without a place of its own (a bearing, say) counts as near a track: it is rare and tells much.
    """

    def __init__(self, sensors: Sensors, picture: Picture) -> None:
        self._sensors = sensors
        tracks, affiliation = picture.tracks, picture.identities.affiliation
        shown = np.isin(tracks.status, (TrackStatus.CONFIRMED, TrackStatus.COASTING))
        likely = tracks.classes[:, THREATENING].sum(axis=1) >= 0.5
        if len(affiliation) == len(tracks):
            likely = likely | np.isin(affiliation, (Affiliation.SUSPECT, Affiliation.HOSTILE))
        self._near_tracks = _cells_around(tracks.mean[shown, :3])
        self._near_threats = _cells_around(tracks.mean[shown & likely, :3])

    def of(self, plots: Plots) -> NDArray[np.uint8]:
        """Return each report's lane."""
        lanes = np.full(len(plots), Lane.TRACK, np.uint8)
        ecef = _places(plots, self._sensors)
        placed = np.isfinite(ecef).all(axis=1)
        here = _cells(ecef[placed])
        near = np.where(_among(here, self._near_tracks), Lane.TRACK, Lane.BULK)
        lanes[placed] = np.where(_among(here, self._near_threats), Lane.THREAT, near)
        return lanes


def _places(plots: Plots, sensors: Sensors) -> NDArray[np.float64]:
    """Return about where reports are, ECEF m; NaN where they do not say."""
    known = [sensors.get(sensor_id) for sensor_id in plots.sensor_ids]
    site = np.array(
        [(s.lat_deg, s.lon_deg, s.hae_m or 0.0) if s is not None and s.sited else (np.nan,) * 3 for s in known], float
    ).reshape(-1, 3)
    with np.errstate(invalid="ignore"):
        origin, axes = ecef_from_geodetic(*site.T), enu_axes(site[:, 0], site[:, 1])
        elevation = np.nan_to_num(plots.elevation_rad, nan=0.05)
        enu = enu_from_spherical(plots.range_m, plots.azimuth_rad, elevation)
        seen = origin[plots.sensor] + np.einsum("ni,nij->nj", enu, axes[plots.sensor])
        said = ecef_from_geodetic(plots.lat_deg, plots.lon_deg, np.nan_to_num(plots.altitude_m))
    return np.where(np.isfinite(plots.lat_deg)[:, None], said, seen)


def _cells(ecef: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of the cube each place lies in."""
    return (np.floor(ecef / CELL_M).astype(np.int64) * _PRIMES).sum(axis=1)


def _cells_around(ecef: NDArray[np.float64]) -> NDArray[np.int64]:
    cubes = np.unique(np.floor(ecef / CELL_M).astype(np.int64), axis=0)
    return np.unique(((cubes[:, None, :] + _AROUND) * _PRIMES).sum(axis=2))


def _among(values: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which values stand in a sorted array."""
    if len(known) == 0:
        return np.zeros(len(values), np.bool_)
    at = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return known[at] == values

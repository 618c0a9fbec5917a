"""What scores are made from: where every object truly was, and where every track said one was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import enu_axes, geodetic_from_ecef
from dronewall.model.plots import NAN, ObjectClass
from dronewall.model.table import Table, column
from dronewall.model.tracks import Tracks, TrackStatus


@dataclass(frozen=True, slots=True, eq=False)
class TruthTable(Table):
    """Where objects were: one row per object and instant, in any order.

    `object` is a row of `object_ids`; position m and velocity m/s in ECEF. A row with `scored` false is out of every
    sensor's reach, or just gone: a track on it counts neither for nor against.
    """

    at_ns: NDArray[np.int64] = column("<i8")
    object: NDArray[np.int32] = column("<i4")
    position: NDArray[np.float64] = column("<f8", cell=(3,), absent=NAN)
    velocity: NDArray[np.float64] = column("<f8", cell=(3,), absent=NAN)
    object_class: NDArray[np.uint8] = column("|u1", absent=ObjectClass.UNKNOWN)
    scored: NDArray[np.bool_] = column("|b1", absent=True)
    object_ids: tuple[str, ...] = ()

    def _beside(self, rows: NDArray[Any] | slice) -> dict[str, Any]:
        return {"object_ids": self.object_ids}


@dataclass(frozen=True, slots=True, eq=False)
class TrackTable(Table):
    """Where tracks said objects were: one row per confirmed or coasting track and sample instant, in any order.

    Position m and velocity m/s in ECEF; `sigma_enu_m` claimed 1-σ errors of position along local east, north, up.
    """

    at_ns: NDArray[np.int64] = column("<i8")
    track_id: NDArray[np.int64] = column("<i8")
    position: NDArray[np.float64] = column("<f8", cell=(3,), absent=NAN)
    velocity: NDArray[np.float64] = column("<f8", cell=(3,), absent=NAN)
    sigma_enu_m: NDArray[np.float64] = column("<f8", cell=(3,), absent=NAN)
    object_class: NDArray[np.uint8] = column("|u1", absent=ObjectClass.UNKNOWN)


def sampled(at_ns: int, tracks: Tracks) -> TrackTable:
    """Return one sample of live tracks, already predicted to `at_ns`: the confirmed and coasting ones."""
    shown = (tracks.status == TrackStatus.CONFIRMED) | (tracks.status == TrackStatus.COASTING)
    kept = tracks.take(shown)
    if not len(kept):
        return TrackTable.empty()
    position = kept.mean[:, :3]
    lat_deg, lon_deg, _ = geodetic_from_ecef(position)
    axes = enu_axes(lat_deg, lon_deg)
    spread = np.einsum("nij,njk,nik->ni", axes, kept.covariance[:, :3, :3], axes)
    likeliest = np.where(kept.classes.sum(axis=1) > 0, kept.classes.argmax(axis=1), ObjectClass.UNKNOWN)
    return TrackTable.of(
        len(kept),
        at_ns=at_ns,
        track_id=kept.track_id,
        position=position,
        velocity=kept.mean[:, 3:],
        sigma_enu_m=np.sqrt(np.maximum(spread, 0.0)),
        object_class=likeliest,
    )


def track_table(samples: Iterable[tuple[int, Tracks]]) -> TrackTable:
    """Return the table of many samples, each an instant and the tracks predicted to it."""
    return TrackTable.concat([sampled(at_ns, tracks) for at_ns, tracks in samples])

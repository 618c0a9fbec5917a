"""Tracks: objects as estimated at one instant; and remote tracks, estimated elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from dronewall.model.errors import IllegalMove
from dronewall.model.plots import CLASS_COUNT, NAN
from dronewall.model.sensors import SensorKind
from dronewall.model.table import Table, column

KIND_COUNT = len(SensorKind)
ALSO_MOST = 8
"""So many numbers of tracks that were merged into one are remembered with it."""


class TrackStatus(IntEnum):
    """The life of a track; `may_become` holds every legal move."""

    TENTATIVE = 0
    CONFIRMED = 1
    COASTING = 2
    DROPPED = 3

    def may_become(self, other: TrackStatus) -> bool:
        """Whether the move to `other` is legal; staying is always legal."""
        return other is self or other in _MOVES[self]

    def moved_to(self, other: TrackStatus) -> TrackStatus:
        """Return `other` if the move is legal.

        Raises:
            IllegalMove: it is not.
        """
        if not self.may_become(other):
            raise IllegalMove(self.name, other.name)
        return other


_MOVES = {
    TrackStatus.TENTATIVE: {TrackStatus.CONFIRMED, TrackStatus.DROPPED},
    TrackStatus.CONFIRMED: {TrackStatus.COASTING, TrackStatus.DROPPED},
    TrackStatus.COASTING: {TrackStatus.CONFIRMED, TrackStatus.DROPPED},
    TrackStatus.DROPPED: set[TrackStatus](),
}


def shown_id(track_id: int) -> str:
    """Return a track's number as people see it: `T-000123`, with the shard in front when it is not the first."""
    shard, counter = track_id >> 48, track_id & 0xFFFF_FFFF_FFFF
    return f"T-{counter:06d}" if shard == 0 else f"T-{shard}-{counter:06d}"


@dataclass(frozen=True, slots=True, eq=False)
class Tracks(Table):
    """One row per object, all predicted to the picture's instant.

    `track_id` is shard (16 bits) and counter (48 bits), never reused. `mean` is position m and velocity m/s in ECEF,
    `covariance` its 6 x 6 covariance. `updated_ns` is the newest information in the track (for sound: when it was
    emitted); `heard_ns` the newest information by kind of sensor, 0 for never. `classes` are probabilities, all 0
    when no sensor said anything. Claims (`icao24`, `callsign`, `squawk`, `uas_id`) are what the object says of itself,
    `claimed_ns` when it last did, `claims_since_ns` when it began. `also` are numbers of tracks that were merged into
    it, the newest first, 0 for none. `group_id` is the group it flies in, 0 for none.
    """

    track_id: NDArray[np.int64] = column("<i8")
    status: NDArray[np.uint8] = column("|u1", absent=TrackStatus.TENTATIVE)
    mean: NDArray[np.float64] = column("<f8", cell=(6,), absent=NAN)
    covariance: NDArray[np.float64] = column("<f8", cell=(6, 6), absent=NAN)
    existence: NDArray[np.float64] = column("<f8")
    born_ns: NDArray[np.int64] = column("<i8")
    updated_ns: NDArray[np.int64] = column("<i8")
    heard_ns: NDArray[np.int64] = column("<i8", cell=(KIND_COUNT,))
    quality: NDArray[np.uint8] = column("|u1")
    classes: NDArray[np.float32] = column("<f4", cell=(CLASS_COUNT,), absent=0.0)
    icao24: NDArray[np.uint32] = column("<u4", absent=0)
    callsign: NDArray[np.bytes_] = column("|S8", absent=b"")
    squawk: NDArray[np.int16] = column("<i2", absent=-1)
    uas_id: NDArray[np.bytes_] = column("|S24", absent=b"")
    claimed_ns: NDArray[np.int64] = column("<i8")
    claims_since_ns: NDArray[np.int64] = column("<i8")
    also: NDArray[np.int64] = column("<i8", cell=(ALSO_MOST,))
    group_id: NDArray[np.int64] = column("<i8")


@dataclass(frozen=True, slots=True, eq=False)
class RemoteTracks(Table):
    """Tracks estimated elsewhere, as last told: their errors are correlated with ours, so they are never plots.

    `sensor` is a row of the register of sensors, `track_ref` the sender's own number; position and velocity ECEF.
    `covariance` is theirs, 6 x 6 in ECEF, as far as the sender told it: NaN where it told none, and for velocity where
    it told that of position only. The sigmas are declared, stated or assumed ones, for what it did not tell.
    `track_id` is our track that is held to be the same object, -1 for none.
    """

    sensor: NDArray[np.int32] = column("<i4")
    track_ref: NDArray[np.bytes_] = column("|S36", absent=b"")
    at_ns: NDArray[np.int64] = column("<i8")
    received_ns: NDArray[np.int64] = column("<i8")
    mean: NDArray[np.float64] = column("<f8", cell=(6,), absent=NAN)
    sigma_position_m: NDArray[np.float64] = column("<f8", absent=NAN)
    sigma_altitude_m: NDArray[np.float64] = column("<f8", absent=NAN)
    sigma_velocity_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    covariance: NDArray[np.float64] = column("<f8", cell=(6, 6), absent=NAN)
    icao24: NDArray[np.uint32] = column("<u4", absent=0)
    callsign: NDArray[np.bytes_] = column("|S8", absent=b"")
    classes: NDArray[np.float32] = column("<f4", cell=(CLASS_COUNT,), absent=0.0)
    track_id: NDArray[np.int64] = column("<i8", absent=-1)

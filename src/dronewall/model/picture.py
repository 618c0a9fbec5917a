"""The picture: what we hold to be true at one instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.model.groups import Groups
from dronewall.model.identity import Identities
from dronewall.model.plots import NAN
from dronewall.model.sensors import SensorKind
from dronewall.model.table import Table, column
from dronewall.model.track_acts import TrackEvent
from dronewall.model.tracks import RemoteTracks, Tracks


class TruthDomain(Enum):
    """Whether what is shown is the world, an exercise or a simulation. The three never mix."""

    LIVE = "LIVE"
    EXERCISE = "EXERCISE"
    SIMULATION = "SIMULATION"


@dataclass(frozen=True, slots=True, eq=False)
class Bearings(Table):
    """Recent directions from sensors that measure no range: drawn as bearings, never as points.

    One without azimuth (NaN) says that something is heard around the sensor: drawn as a circle. Site in
    degrees WGS84; `reach_m` is how far the sensor may hear; `track_id` the track it was associated with, or -1.
    """

    sensor: NDArray[np.int32] = column("<i4")
    kind: NDArray[np.uint8] = column("|u1", absent=SensorKind.RF_DF)
    at_ns: NDArray[np.int64] = column("<i8")
    lat_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    lon_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    azimuth_rad: NDArray[np.float64] = column("<f8", absent=NAN)
    sigma_azimuth_rad: NDArray[np.float64] = column("<f8", absent=NAN)
    reach_m: NDArray[np.float64] = column("<f8", absent=NAN)
    track_id: NDArray[np.int64] = column("<i8", absent=-1)


class AlertPriority(IntEnum):
    """How soon a person must look."""

    INFORMATION = 0
    WARNING = 1
    CRITICAL = 2


class AlertState(Enum):
    """The life of an alert."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person must look at now."""

    alert_id: str
    priority: AlertPriority
    raised_at: int
    title: str
    detail: str
    state: AlertState = AlertState.NEW
    track_id: int = -1
    sensor_id: str = ""


class Lateness(NamedTuple):
    """Counts over the run: observations that came late, those of them that no rerun could take, and reruns."""

    late: int = 0
    left: int = 0
    reruns: int = 0


def _nothing_taken() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is held to be true at `at_ns`, after the journal's entry `seq`; each stage added its part.

    `plots_total` and `confirmed_total` count over the whole run; `unplaceable` counts plots left out, each with its
    sensor and reason. `track_events` are the newest events of tracks, the newest last; those of this step have its
    instant. `took_received_ns` is when the plots were received whose effect is in this picture and in none
    before it: not always those of its step, for plots wait a moment for others that are older. `lateness` tells how
    often plots came too late even for that, and what became of them.
    """

    seq: int
    at_ns: int
    truth_domain: TruthDomain
    tracks: Tracks
    identities: Identities
    remote_tracks: RemoteTracks
    bearings: Bearings
    alerts: tuple[Alert, ...]
    plots_total: int
    confirmed_total: int
    unplaceable: tuple[tuple[str, str, int], ...]
    track_events: tuple[TrackEvent, ...] = ()
    took_received_ns: NDArray[np.int64] = field(default_factory=_nothing_taken)
    groups: Groups = field(default_factory=Groups.empty)
    lateness: Lateness = Lateness()

"""Truth and tracks brought to the same instants, so that they can be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.bench.tables import TrackTable, TruthTable
from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes, geodetic_from_ecef

LONGEST_GAP = 1.5
"""In sampling periods of an object: truth is not interpolated across a longer silence."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Truth and tracks at common instants; rows of both are ordered by instant.

    `instants` are ns UTC; `truth_instant` and `tracks_instant` say which of them each row belongs to.
    """

    instants: NDArray[np.int64]
    truth: TruthTable
    truth_instant: NDArray[np.intp]
    tracks: TrackTable
    tracks_instant: NDArray[np.intp]


def scene_from(truth: TruthTable, tracks: TrackTable, *, horizontal: bool = False, from_s: float = 0.0) -> Scene:
    """Bring truth and tracks to common instants.

    Args:
        truth: sampled as densely or sparsely as it likes.
        tracks: sampled at regular instants, those without any track left out.
        horizontal: set every height to the ellipsoid and drop vertical velocity.
        from_s: leave out what lies earlier than this many seconds after the first truth.
    """
    instants = common_instants(truth.at_ns, tracks.at_ns)
    if len(truth):
        instants = instants[instants >= truth.at_ns.min() + round(from_s * 1e9)]
    truth, truth_instant = _truth_at(truth, instants)
    row = np.searchsorted(instants, tracks.at_ns)
    kept = np.isin(tracks.at_ns, instants)
    order = np.argsort(row[kept], kind="stable")
    tracks, tracks_instant = tracks.take(np.flatnonzero(kept)[order]), row[kept][order]
    if horizontal:
        truth, tracks = _flattened_truth(truth), _flattened_tracks(tracks)
    return Scene(instants, truth, truth_instant, tracks, tracks_instant)


def common_instants(truth_ns: NDArray[np.int64], tracks_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the instants to compare at, in order: those of the tracks' own clock within the time truth is known.

    A sample without any track leaves no row in a file, so the tracks' clock is told from the greatest common divisor of
    the steps between the samples that have some. When fewer than two are left, the truth's own instants are taken.
    """
    if not len(truth_ns):
        return np.unique(tracks_ns)
    known, first, last = np.unique(truth_ns), truth_ns.min(), truth_ns.max()
    sampled = np.unique(tracks_ns)
    if len(sampled) < 2:
        within = sampled[(sampled >= first) & (sampled <= last)]
        return np.union1d(known, within)
    period = int(np.gcd.reduce(np.diff(sampled)))
    if (last - first) // period > 1_000_000:
        # Irregular samples have no clock to speak of.
        return sampled[(sampled >= first) & (sampled <= last)]
    begin = sampled[0] + -((sampled[0] - first) // period) * period
    return np.arange(begin, last + 1, period, dtype=np.int64)


def _truth_at(truth: TruthTable, instants: NDArray[np.int64]) -> tuple[TruthTable, NDArray[np.intp]]:
    """Return where objects were at the instants: their own samples, else linear between two neighbouring ones."""
    truth = truth.take(np.lexsort((truth.at_ns, truth.object)))
    if not len(truth) or not len(instants):
        return truth.take(slice(0, 0)), np.empty(0, np.intp)
    first, count = _inside(truth, instants)
    exact = np.searchsorted(instants, truth.at_ns)
    hit = np.flatnonzero(np.append(instants, -1)[exact] == truth.at_ns)
    left = np.repeat(np.arange(len(truth)), count)
    nth = np.arange(len(left)) - np.repeat(np.cumsum(count) - count, count)
    instant = np.concatenate([exact[hit], first[left] + nth])
    rows, after = np.concatenate([hit, left]), np.concatenate([hit, left + 1])
    gap = np.maximum(truth.at_ns[after] - truth.at_ns[rows], 1)
    weight = ((instants[instant] - truth.at_ns[rows]) / gap)[:, None]
    order = np.argsort(instant, kind="stable")
    found = TruthTable.of(
        len(rows),
        at_ns=instants[instant],
        object=truth.object[rows],
        position=(1.0 - weight) * truth.position[rows] + weight * truth.position[after],
        velocity=(1.0 - weight) * truth.velocity[rows] + weight * truth.velocity[after],
        object_class=truth.object_class[rows],
        scored=truth.scored[rows] & truth.scored[after],
        object_ids=truth.object_ids,
    )
    return found.take(order), instant[order]


def _inside(truth: TruthTable, instants: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return, for each row and the next of the same object, the first instant strictly between and how many are."""
    gap = np.append(np.diff(truth.at_ns), 0)
    neighbours = np.append(np.diff(truth.object) == 0, False)
    near = neighbours & (gap <= LONGEST_GAP * _sampling_period(truth.object, gap, neighbours))
    first = np.searchsorted(instants, truth.at_ns, side="right")
    beyond = np.searchsorted(instants, np.append(truth.at_ns[1:], truth.at_ns[-1]), side="left")
    return first, np.where(near, np.maximum(beyond - first, 0), 0)


def _sampling_period(
    objects: NDArray[np.int32], gap: NDArray[np.int64], neighbours: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return each row's object's median step between samples, ns."""
    period = np.zeros(int(objects.max()) + 1)
    who, step = objects[neighbours], gap[neighbours]
    order = np.lexsort((step, who))
    named, begin, count = np.unique(who[order], return_index=True, return_counts=True)
    period[named] = step[order][begin + (count - 1) // 2]
    return period[objects]


def _flattened_truth(truth: TruthTable) -> TruthTable:
    position, velocity = _flattened(truth.position, truth.velocity)
    rest = {name: values for name, values in truth.columns() if name not in ("position", "velocity")}
    return TruthTable(position=position, velocity=velocity, object_ids=truth.object_ids, **rest)


def _flattened_tracks(tracks: TrackTable) -> TrackTable:
    position, velocity = _flattened(tracks.position, tracks.velocity)
    rest = {name: values for name, values in tracks.columns() if name not in ("position", "velocity")}
    return TrackTable(position=position, velocity=velocity, **rest)


def _flattened(
    position: NDArray[np.float64], velocity: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions moved down to the ellipsoid and velocities without their vertical part."""
    lat_deg, lon_deg, _ = geodetic_from_ecef(position)
    up = enu_axes(lat_deg, lon_deg)[:, 2, :]
    level = velocity - np.einsum("ni,ni->n", velocity, up)[:, None] * up
    return ecef_from_geodetic(lat_deg, lon_deg, np.zeros(len(position))), level

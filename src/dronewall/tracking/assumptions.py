"""What the tracker makes of observations before it associates them: looks in the order of time, and what to expect.

A look is what one sensor reported within a fraction of a second. With each observation goes what its sensor is held
to miss, to make up and to find anew; what came of it teaches where radars report what is not there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.tracks import TrackStatus
from dronewall.tracking.columns import CLOSE, LOOK, Events, Looks, Outcome
from dronewall.tracking.parameters import CRUISE
from dronewall.tracking.sensing import (
    CLAIMED_CLUTTER,
    ELEVATION_SPAN_RAD,
    HEIGHT_SPAN_M,
    Sensing,
    illuminators,
    kappa_of_direction,
    kappa_of_position,
    kappa_of_range,
    kappa_of_range_sum,
    ranges_m,
)
from dronewall.tracking.store import TrackColumns

LOOK_NS, LOOK_UNNUMBERED_NS = 500_000_000, 100_000_000
"""Plots of one sensor and scan within half a second are judged together: in one scan no object is reported twice. A
radar that does not number its scans may turn faster than it declares, so only its plots of one tenth are."""
STRAGGLERS = -2
"""Stands for the radar of a look whose scan was over: it says nothing of who was missed, and begins no track, for a
false plot of long ago reaches far."""
STANDING_MPS = 5.0
"""The plots of a track that is slower are held to be clutter as well: a turbine would hide behind its own track."""
CLUTTER_LEAST = 0.3
"""Nowhere is there less clutter than this share of the radar's mean: what was not seen yet may still come."""
POINTLESS = (ObservationKind.NOTHING, ObservationKind.PRESENCE)
"""What says nothing of where an object is."""
FloatArray = NDArray[np.float64]
EventRow = tuple[int, int, int, int, int, float, int]


def in_looks(o: Observations, sensing: Sensing) -> tuple[NDArray[np.intp], Events]:
    """Group observations into looks of one sensor, in the order of time, and close scans between them.

    Returns the order of the observations, and the events, whose rows count in that order.
    """
    if not len(o):
        return np.empty(0, np.intp), _events([])
    direction = np.isin(o.kind, (ObservationKind.DIRECTION, ObservationKind.SOUND_DIRECTION))
    alone = (sensing.slot[o.sensor] < 0) | direction
    width = np.where(o.scan >= 0, LOOK_NS, LOOK_UNNUMBERED_NS)
    bucket = np.where(alone, o.at_ns, o.at_ns // width * width)
    single = np.where(alone, np.arange(len(o)), illuminators(o.transmitter))
    order = np.lexsort((single, o.scan, o.sensor, bucket))
    keys = np.stack([bucket[order], o.sensor[order], o.scan[order], single[order]], axis=1)
    starts = np.flatnonzero(np.r_[True, np.any(keys[1:] != keys[:-1], axis=1)])
    first = order[starts]
    rows: list[EventRow] = []
    for look in zip(
        starts.tolist(),
        [*starts[1:].tolist(), len(o)],
        o.sensor[first].tolist(),
        o.scan[first].tolist(),
        o.at_ns[first].tolist(),
        np.logical_or.reduceat(~np.isin(o.kind[order], POINTLESS), starts).tolist(),
        np.logical_or.reduceat(o.scan_end[order], starts).tolist(),
        strict=True,
    ):
        rows.extend(_look_events(sensing, *look))
    return order, _events(rows)


def _look_events(
    sensing: Sensing, first: int, last: int, sensor: int, scan: int, at_ns: int, seen: bool, ends: bool
) -> Iterator[EventRow]:
    """Yield one look, if it holds what was `seen`, and the scans that it closes before and, where it `ends`, after."""
    antenna = sensing.antennas.get(sensor)
    if antenna is None or sensing.is_straggler(antenna, scan, at_ns):
        if seen:
            yield LOOK, first, last, -1 if antenna is None else STRAGGLERS, 0, 0.0, 0
        return
    if sensing.begins_anew(antenna, scan, at_ns):
        yield CLOSE, 0, 0, antenna.slot, antenna.stamp, antenna.pd, antenna.heard_ns
        sensing.close(antenna)
    if antenna.since_ns < 0:
        antenna.since_ns, antenna.scan = at_ns, scan
    antenna.heard_ns = max(antenna.heard_ns, at_ns)
    if seen:
        yield LOOK, first, last, antenna.slot, antenna.stamp, antenna.pd, 0
    if ends:
        yield CLOSE, 0, 0, antenna.slot, antenna.stamp, antenna.pd, antenna.heard_ns
        sensing.close(antenna)


def _events(rows: list[EventRow]) -> Events:
    table = np.array([row[:6] for row in rows], float).reshape(-1, 6)
    at_ns = np.array([row[6] for row in rows], np.int64)
    first, last, radar, stamp = (np.ascontiguousarray(table[:, i], np.int32) for i in range(1, 5))
    return Events(table[:, 0].astype(np.uint8), first, last, radar, stamp, table[:, 5].copy(), at_ns)


def with_assumptions(o: Observations, events: Events, sensing: Sensing) -> Looks:
    """Return observations with what is assumed of each: detection, clutter, births, reach."""
    count, s = len(o), o.sensor
    raised = np.isfinite(o.z[:, 1])
    direction = (o.kind == ObservationKind.DIRECTION) | (o.kind == ObservationKind.SOUND_DIRECTION)
    positioned = o.kind == ObservationKind.POSITION
    kappa = np.where(direction, kappa_of_direction(sensing.per_rad[s], raised), kappa_of_position(count))
    birth = np.where(positioned, np.where(sensing.cooperative[s], 0.9, 0.3), 0.0)
    pd, radar = np.ones(count), np.full(count, -1, np.int32)
    summed = o.kind == ObservationKind.RANGE_SUM
    by_radar = (o.kind < ObservationKind.POSITION) | summed
    if np.any(by_radar):
        at = np.flatnonzero((sensing.slot[s] >= 0) & by_radar)
        slot = sensing.slot[s[at]]
        radar[at] = slot
        pd[at] = sensing.pd[slot]
        kappa[at], birth[at] = _densities(o, at, slot, summed[at], sensing)
    for n in np.flatnonzero(events.radar == STRAGGLERS).tolist():
        radar[events.first[n] : events.last[n]] = -1
        birth[events.first[n] : events.last[n]] = 0.0
    return Looks(
        kind=o.kind,
        at_ns=o.at_ns,
        site=o.site,
        transmitter=o.transmitter,
        z=o.z,
        noise=o.noise,
        place=o.place,
        spread=o.spread,
        floor_m=o.floor_m,
        range_rate_mps=o.range_rate_mps,
        sigma_range_rate_mps=o.sigma_range_rate_mps,
        velocity=o.velocity,
        sigma_velocity_mps=o.sigma_velocity_mps,
        icao24=o.icao24,
        pd=pd,
        kappa=kappa,
        birth=birth,
        radar=radar,
        reach_m=sensing.reach_m[s] if count else np.empty(0),
        claimed=sensing.cooperative[s] if count else np.empty(0, np.bool_),
    )


def _densities(
    o: Observations, at: NDArray[np.intp], slot: NDArray[np.intp], summed: NDArray[np.bool_], sensing: Sensing
) -> tuple[FloatArray, FloatArray]:
    """Return what is assumed of plots `at` (k,) of the radars `slot` (k,).

    Returns:
        The density of clutter and of new objects, and how probably an unclaimed plot is a new object.
    """
    clutter, births, reach_m = sensing.clutter()[slot], sensing.births()[slot], sensing.radar_reach_m[slot]
    elevated = o.kind[at] == ObservationKind.RANGE_AZIMUTH_ELEVATION
    height = o.kind[at] == ObservationKind.RANGE_AZIMUTH_ALTITUDE
    span = np.where(elevated, ELEVATION_SPAN_RAD, np.where(height, HEIGHT_SPAN_M, 1.0))
    rarer = np.where(o.icao24[at] != 0, CLAIMED_CLUTTER, 1.0)
    range_m = ranges_m(o.z[at, 0], o.transmitter[at])
    uniform = kappa_of_range(clutter, reach_m, range_m, 1.0)
    mapped = sensing.maps.density(slot, range_m, np.nan_to_num(o.z[at, 1]), clutter)
    false = rarer * np.maximum(mapped, CLUTTER_LEAST * uniform)
    found, unknown = sensing.undetected.density(slot, range_m, np.nan_to_num(o.z[at, 1]))
    new = found * np.maximum(range_m, 0.1 * reach_m) + unknown * kappa_of_range(births, reach_m, range_m, 1.0)
    third = np.where(elevated, np.maximum(sensing.maps.rising(slot, o.z[at, 2]), 1.0 / span), 1.0 / span)
    kappa = np.where(summed, rarer * kappa_of_range_sum(clutter + births, reach_m), false * third + rarer * new / span)
    birth = np.where(summed, births / (births + rarer * clutter), new / (new + false * third * span))
    return kappa, birth


def learn_clutter(
    look: Looks, outcome: Outcome, columns: TrackColumns, grouped: NDArray[np.intp], sensing: Sensing
) -> None:
    """Add to each radar's scan the plots that no track claimed, and to its map those of no established track.

    Those that lie in a group, rows `grouped`, are its members', though not all of these have a track of their own.
    """
    mine = np.flatnonzero((look.radar >= 0) & (look.kind < ObservationKind.POSITION))
    if not len(mine):
        return
    unclaimed, taken = outcome.unclaimed.copy(), outcome.row[mine]
    unclaimed[grouped] = 0.0
    row = np.maximum(taken, 0)
    moving = np.linalg.norm(columns.mean[row, CRUISE, 3:], axis=1) > STANDING_MPS
    established = (taken >= 0) & (columns.status[row] != TrackStatus.TENTATIVE) & moving
    established |= np.isin(mine, grouped)
    slot = look.radar[mine].astype(np.intp)
    np.add.at(sensing.unclaimed, slot, unclaimed[mine])
    nobody = np.where(established, unclaimed[mine], 1.0)
    elevation = np.where(look.kind[mine] == ObservationKind.RANGE_AZIMUTH_ELEVATION, look.z[mine, 2], 0.0)
    sensing.maps.add(slot, ranges_m(look.z[mine, 0], look.transmitter[mine]), look.z[mine, 1], nobody, elevation)

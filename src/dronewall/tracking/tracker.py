"""The tracker: observations in, tracks out, one step at a time. It asks nobody the time and reads no wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.groups import Groups
from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.sensors import Sensors
from dronewall.model.track_acts import TrackAct, TrackEvent
from dronewall.model.tracks import RemoteTracks, Tracks, TrackStatus
from dronewall.tracking.above_ground import lift_mirrored
from dronewall.tracking.acts import Acts, check, standing_in
from dronewall.tracking.columns import CLOSE, LOOK, Events, Looks, Outcome, outcome_for
from dronewall.tracking.group_scans import ScanPlots, is_counted
from dronewall.tracking.groups import GroupBook
from dronewall.tracking.history import TrackHistory
from dronewall.tracking.lifecycle import Lifecycle, quality
from dronewall.tracking.look import replay_events
from dronewall.tracking.motion import picture_at
from dronewall.tracking.neighbours import neighbours_for, rebuild
from dronewall.tracking.parameters import CRUISE, Parameters
from dronewall.tracking.presence import Presence
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
from dronewall.tracking.sound import SoundTracker
from dronewall.tracking.store import TrackStore
from dronewall.tracking.vendor import VendorFusion
from dronewall.tracking.vendor_tracks import rows_of

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
CLASS_MEMORY, CLASS_LOOKS = 0.1, 3.0
"""Weight of the newest report of class, and how many independent looks all of them together are worth: sensors of one
kind repeat each other's errors, so a hundred reports must not add up to certainty."""
POINTLESS = (ObservationKind.NOTHING, ObservationKind.PRESENCE)
"""What says nothing of where an object is."""
EventRow = tuple[int, int, int, int, int, float, int]
NO_REMOTE = RemoteTracks.empty()


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """A step's tracks and groups, and for each observation and remote track the track that took it (-1 none)."""

    tracks: Tracks
    groups: Groups
    track_of_observation: NDArray[np.int64]
    track_of_remote: NDArray[np.int64]
    late: int


class Tracker:
    """Keeps tracks by IMM-EKF, belief-propagation association and existence probability."""

    def __init__(self, sensors: Sensors, *, parameters: Parameters | None = None, shard: int = 0) -> None:
        self._p = parameters or Parameters()
        self._store = TrackStore(shard=shard)
        self._sensing = Sensing(sensors, self._p)
        self._lifecycle = Lifecycle(self._p)
        self._history, self._acts = TrackHistory(), Acts()
        self._groups = GroupBook(shard=shard)
        self._vendors = VendorFusion(self._p)
        self._sound = SoundTracker(sensors, self._p)
        self._presence = Presence(sensors)

    @property
    def confirmed_total(self) -> int:
        """How many tracks were ever confirmed."""
        return self._lifecycle.confirmed_total

    def learn(self, sensors: Sensors) -> None:
        """Take over a register of sensors that has grown."""
        self._sensing.learn(sensors)
        self._sound.learn(sensors)
        self._presence.learn(sensors)

    @property
    def events(self) -> tuple[TrackEvent, ...]:
        """The newest events of tracks, oldest first."""
        return self._history.told

    def check(self, act: TrackAct, tracks: Tracks) -> None:
        """Check that an act makes sense of the tracks of the latest step.

        Raises:
            ActRefused: it does not.
        """
        check(act, standing_in(tracks), self._history)

    def step(
        self,
        observations: Observations,
        remote_tracks: RemoteTracks = NO_REMOTE,
        *,
        acts: Sequence[tuple[int, TrackAct]] = (),
        now_ns: int,
    ) -> Tracked:
        """Take people's acts, each with its journal entry, then observations and others' tracks in the order received.

        Returns all tracks predicted to `now_ns`.
        """
        self._do(acts, now_ns)
        ordered, events = self._in_looks(observations)
        taken = observations.take(ordered)
        look = self._looks(taken, events)
        outcome = self._associate(look, events)
        self._learn_clutter(look, outcome, self._grouped(taken, look, events))
        track_of = np.full(len(observations), -1, np.int64)
        track_of[ordered[outcome.own]] = self._store.columns.track_id[outcome.row[outcome.own]]
        self._remember(taken, outcome)
        lift_mirrored(self._store)
        self._vendors.judge(observations, track_of)
        track_of_remote = self._fuse(remote_tracks, now_ns)
        self._sound.step(taken, self._left_to_sound(outcome), self._store, now_ns=now_ns)
        x, cov = self._predicted(now_ns)
        self._presence.weigh(observations, self._store, x, cov, now_ns=now_ns)
        kept = self._lifecycle.review(self._store, x, cov, history=self._history, apart=self._acts.apart, now_ns=now_ns)
        self._acts.forget_ended(self._store)
        self._history.end_step()
        x, cov = x[kept], cov[kept]
        groups = self._groups.review(self._store, x, cov, self._sensing, now_ns=now_ns)
        return Tracked(self._tracks(x, cov), groups, track_of, track_of_remote, int(outcome.late.sum()))

    def _do(self, acts: Sequence[tuple[int, TrackAct]], now_ns: int) -> None:
        """Do what people said to tracks as they were in the last picture; whoever knows a number learns the new one."""
        for seq, act in acts:
            renamed = self._acts.do(act, self._store, self._history, at_ns=now_ns, declared_seq=seq)
            for old, new in renamed.items():
                self._vendors.rename(old, new)
                self._sound.rename(old, new)

    def _in_looks(self, o: Observations) -> tuple[NDArray[np.intp], Events]:
        """Group observations into looks of one sensor, in the order of time, and close scans between them."""
        if not len(o):
            return np.empty(0, np.intp), _events([])
        scanning = np.isin(o.sensor, list(self._sensing.antennas))
        direction = np.isin(o.kind, (ObservationKind.DIRECTION, ObservationKind.SOUND_DIRECTION))
        alone = ~scanning | direction
        width = np.where(o.scan >= 0, LOOK_NS, LOOK_UNNUMBERED_NS)
        bucket = np.where(alone, o.at_ns, o.at_ns // width * width)
        single = np.where(alone, np.arange(len(o)), illuminators(o.transmitter))
        order = np.lexsort((single, o.scan, o.sensor, bucket))
        keys = np.stack([bucket[order], o.sensor[order], o.scan[order], single[order]], axis=1)
        starts = np.flatnonzero(np.r_[True, np.any(keys[1:] != keys[:-1], axis=1)])
        rows: list[EventRow] = []
        for first, last in zip(starts.tolist(), [*starts[1:].tolist(), len(o)], strict=True):
            rows.extend(self._look_events(o, order, first, last))
        return order, _events(rows)

    def _look_events(self, o: Observations, order: NDArray[np.intp], first: int, last: int) -> Iterator[EventRow]:
        """Yield one look and the scans that it closes before and after itself."""
        row = int(order[first])
        antenna = self._sensing.antennas.get(int(o.sensor[row]))
        seen = int(np.count_nonzero(~np.isin(o.kind[order[first:last]], POINTLESS)))
        if antenna is None:
            if seen:
                yield LOOK, first, last, -1, 0, 0.0, 0
            return
        scan, at_ns = int(o.scan[row]), int(o.at_ns[row])
        if self._sensing.is_straggler(antenna, scan, at_ns):
            if seen:
                yield LOOK, first, last, STRAGGLERS, 0, 0.0, 0
            return
        if self._sensing.begins_anew(antenna, scan, at_ns):
            yield CLOSE, 0, 0, antenna.slot, antenna.stamp, antenna.pd, antenna.heard_ns
            self._sensing.close(antenna)
        if antenna.since_ns < 0:
            antenna.since_ns, antenna.scan = at_ns, scan
        antenna.heard_ns = max(antenna.heard_ns, at_ns)
        if seen:
            yield LOOK, first, last, antenna.slot, antenna.stamp, antenna.pd, 0
        if np.any(o.scan_end[order[first:last]]):
            yield CLOSE, 0, 0, antenna.slot, antenna.stamp, antenna.pd, antenna.heard_ns
            self._sensing.close(antenna)

    def _looks(self, o: Observations, events: Events) -> Looks:
        """Return observations with what is assumed of each: detection, clutter, births, reach."""
        count, s = len(o), o.sensor
        raised = np.isfinite(o.z[:, 1])
        direction = (o.kind == ObservationKind.DIRECTION) | (o.kind == ObservationKind.SOUND_DIRECTION)
        positioned = o.kind == ObservationKind.POSITION
        kappa = np.where(direction, kappa_of_direction(self._sensing.per_rad[s], raised), kappa_of_position(count))
        birth = np.where(positioned, np.where(self._sensing.cooperative[s], 0.9, 0.3), 0.0)
        pd, radar = np.ones(count), np.full(count, -1, np.int32)
        span = np.select(
            [o.kind == ObservationKind.RANGE_AZIMUTH_ELEVATION, o.kind == ObservationKind.RANGE_AZIMUTH_ALTITUDE],
            [ELEVATION_SPAN_RAD, HEIGHT_SPAN_M],
            1.0,
        )
        for sensor in np.unique(s[np.isin(s, list(self._sensing.antennas))]).tolist():
            antenna = self._sensing.antennas[sensor]
            summed = o.kind == ObservationKind.RANGE_SUM
            at = np.flatnonzero((s == sensor) & ((o.kind < ObservationKind.POSITION) | summed))
            clutter, births = self._sensing.clutter(antenna), self._sensing.births(antenna)
            rarer = np.where(o.icao24[at] != 0, CLAIMED_CLUTTER, 1.0)
            range_m = ranges_m(o.z[at, 0], o.transmitter[at])
            uniform = kappa_of_range(clutter, antenna.reach_m, range_m, 1.0)
            mapped = antenna.map.density(range_m, np.nan_to_num(o.z[at, 1]), expected=clutter)
            false = rarer * np.maximum(mapped, CLUTTER_LEAST * uniform)
            new = kappa_of_range(births, antenna.reach_m, range_m, 1.0)
            raised_here = o.kind[at] == ObservationKind.RANGE_AZIMUTH_ELEVATION
            third = np.where(raised_here, np.maximum(antenna.map.rising(o.z[at, 2]), 1.0 / span[at]), 1.0 / span[at])
            kappa[at] = np.where(
                summed[at],
                rarer * kappa_of_range_sum(clutter + births, antenna.reach_m),
                false * third + rarer * new / span[at],
            )
            birth[at] = np.where(
                summed[at], births / (births + rarer * clutter), new / (new + false * third * span[at])
            )
            pd[at], radar[at] = antenna.pd, antenna.slot
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
            reach_m=self._sensing.reach_m[s] if count else np.empty(0),
            claimed=self._sensing.cooperative[s] if count else np.empty(0, np.bool_),
        )

    def _associate(self, look: Looks, events: Events) -> Outcome:
        """Run the inner loop over the events and return what became of each observation."""
        outcome = outcome_for(len(look.kind))
        if not len(events.what):
            return outcome
        store, before = self._store, self._store.count
        store.make_room(len(look.kind), len(self._sensing.antennas))
        index = neighbours_for(store.capacity)
        rebuild(index, store.columns, store.count, int(np.median(look.at_ns)), self._p.motion)
        store.count, store.next_id = replay_events(
            store.columns, store.count, store.next_id,
            index, look, events, self._sensing.visibility, self._p.motion, outcome,
        )  # fmt: skip
        store.clear_claims(before)
        return outcome

    def _grouped(self, o: Observations, look: Looks, events: Events) -> NDArray[np.intp]:
        """Count plots for the groups they lie in; return the rows of those that lie in one."""
        if not len(self._groups):
            return np.empty(0, np.intp)
        rows, plots = _scan_plots(o, look, events)
        return rows[self._groups.count_plots(plots)]

    def _learn_clutter(self, look: Looks, outcome: Outcome, grouped: NDArray[np.intp]) -> None:
        """Add to each radar's scan the plots that no track claimed, and to its map those of no established track.

        Those that lie in a group, rows `grouped`, are its members', though not all of these have a track of their own.
        """
        columns, row = self._store.columns, np.maximum(outcome.row, 0)
        moving = np.linalg.norm(columns.mean[row, CRUISE, 3:], axis=1) > STANDING_MPS
        established = (outcome.row >= 0) & (columns.status[row] != TrackStatus.TENTATIVE) & moving
        unclaimed = outcome.unclaimed.copy()
        established[grouped], unclaimed[grouped] = True, 0.0
        for antenna in self._sensing.antennas.values():
            mine = np.flatnonzero((look.radar == antenna.slot) & (look.kind < ObservationKind.POSITION))
            if len(mine):
                antenna.unclaimed += float(unclaimed[mine].sum())
                nobody = np.where(established[mine], unclaimed[mine], 1.0)
                raised = look.kind[mine] == ObservationKind.RANGE_AZIMUTH_ELEVATION
                elevation = np.where(raised, look.z[mine, 2], 0.0)
                range_m = ranges_m(look.z[mine, 0], look.transmitter[mine])
                antenna.map.add(range_m, look.z[mine, 1], nobody, elevation)

    def _remember(self, o: Observations, outcome: Outcome) -> None:
        """Give tracks what their plots said of class, of themselves, and when each kind of sensor heard them."""
        rows = np.flatnonzero(outcome.own)
        row = outcome.row[rows]
        columns, claims = self._store.columns, self._store.claims
        np.maximum.at(columns.heard_ns, (row, self._sensing.kind[o.sensor[rows]]), o.at_ns[rows])
        for column, said, absent in (
            (claims.callsign, o.callsign, b""),
            (claims.squawk, o.squawk, -1),
            (claims.uas_id, o.uas_id, b""),
        ):
            told = said[rows] != absent
            column[row[told]] = said[rows][told]
        spoke = np.flatnonzero(o.classes[rows].sum(axis=1) > 0.0)
        _blend_classes(columns.class_score, row[spoke], o.classes[rows[spoke]])

    def _fuse(self, told: RemoteTracks, now_ns: int) -> NDArray[np.int64]:
        """Fuse what other trackers told; return for each report the number of our track (-1 none)."""
        track_of = self._vendors.fuse(self._store, told, now_ns=now_ns)
        spoke = np.flatnonzero((track_of >= 0) & (told.classes.sum(axis=1) > 0.0))
        row = rows_of(self._store, track_of[spoke])
        kept = np.flatnonzero(row >= 0)
        _blend_classes(self._store.columns.class_score, row[kept].astype(np.int32), told.classes[spoke[kept]])
        return track_of

    def _left_to_sound(self, outcome: Outcome) -> NDArray[np.bool_]:
        """Return which observations no track took, or only one that the sound tracker keeps."""
        free = ~outcome.own
        free[outcome.own] = self._sound.holds(self._store.columns.track_id[outcome.row[outcome.own]])
        return free

    def _predicted(self, now_ns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        count, c = self._store.count, self._store.columns
        x, cov = np.empty((count, 6)), np.empty((count, 6, 6))
        picture_at(c.mean, c.cov, c.weight, c.at_ns, count, now_ns, self._p.motion, x, cov)
        return x, cov

    def _tracks(self, x: NDArray[np.float64], cov: NDArray[np.float64]) -> Tracks:
        count, c, claims = self._store.count, self._store.columns, self._store.claims
        return Tracks(
            track_id=c.track_id[:count].copy(),
            status=c.status[:count].copy(),
            mean=x,
            covariance=cov,
            existence=c.existence[:count].copy(),
            born_ns=c.born_ns[:count].copy(),
            updated_ns=c.updated_ns[:count].copy(),
            heard_ns=c.heard_ns[:count].copy(),
            quality=quality(cov),
            classes=_class_probabilities(c.class_score[:count]),
            icao24=c.icao24[:count].copy(),
            callsign=claims.callsign[:count].copy(),
            squawk=claims.squawk[:count].copy(),
            uas_id=claims.uas_id[:count].copy(),
            claimed_ns=c.claimed_ns[:count].copy(),
            claims_since_ns=c.claims_since_ns[:count].copy(),
            also=self._store.also.numbers[:count].copy(),
            group_id=c.group[:count].copy(),
        )

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the whole state as named arrays."""
        return {
            **self._store.checkpoint(),
            **self._sensing.checkpoint(),
            **self._lifecycle.checkpoint(),
            **self._history.checkpoint(),
            **self._acts.checkpoint(),
            **self._groups.checkpoint(),
            **self._vendors.checkpoint(),
            **self._sound.checkpoint(),
            **self._presence.checkpoint(),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self._store.restore(state)
        self._sensing.restore(state)
        self._lifecycle.restore(state)
        self._history.restore(state)
        self._acts.restore(state)
        self._groups.restore(state)
        self._vendors.restore(state)
        self._sound.restore(state)
        self._presence.restore(state)


def _events(rows: list[EventRow]) -> Events:
    table = np.array([row[:6] for row in rows], float).reshape(-1, 6)
    at_ns = np.array([row[6] for row in rows], np.int64)
    first, last, radar, stamp = (np.ascontiguousarray(table[:, i], np.int32) for i in range(1, 5))
    return Events(table[:, 0].astype(np.uint8), first, last, radar, stamp, table[:, 5].copy(), at_ns)


def _scan_plots(o: Observations, look: Looks, events: Events) -> tuple[NDArray[np.intp], ScanPlots]:
    """Return the plots of radars that may count objects, by row and each with its radar's slot and scan."""
    stamp = np.zeros(len(o), np.int64)
    for n in np.flatnonzero(events.what == LOOK).tolist():
        stamp[events.first[n] : events.last[n]] = events.stamp[n]
    rows = np.flatnonzero((look.radar >= 0) & is_counted(o))
    return rows, ScanPlots(o.take(rows), look.radar[rows].astype(np.int64), stamp[rows], look.kappa[rows])


def _blend_classes(score: NDArray[np.float64], row: NDArray[np.int32], told: NDArray[np.float32]) -> None:
    """Let reports of class (k, classes) on tracks `row` (k,) move the tracks' log scores towards what they say."""
    rows, at, count = np.unique(row, return_inverse=True, return_counts=True)
    mean = np.zeros((len(rows), score.shape[1]))
    np.add.at(mean, at, np.log(np.maximum(told.astype(float), 1e-3)))
    mean /= count[:, None]
    new = 1.0 - (1.0 - CLASS_MEMORY) ** count[:, None]
    score[rows] += new * (CLASS_LOOKS * mean - score[rows])


def _class_probabilities(score: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return class probabilities (n, classes) of accumulated log scores; all 0 where nobody said anything."""
    silent = ~np.any(score, axis=1)
    likely = np.exp(score - score.max(axis=1, keepdims=True, initial=-np.inf)) if len(score) else score
    out = (likely / np.maximum(likely.sum(axis=1, keepdims=True), 1e-300)).astype(np.float32)
    out[silent] = 0.0
    return out

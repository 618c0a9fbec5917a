"""The tracker: observations in, tracks out, one step at a time. It asks nobody the time and reads no wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.groups import Groups
from dronewall.model.observations import Observations
from dronewall.model.sensors import Sensors
from dronewall.model.track_acts import TrackAct, TrackEvent
from dronewall.model.tracks import RemoteTracks, Tracks
from dronewall.model.weather import Weather
from dronewall.tracking.above_ground import lift_mirrored
from dronewall.tracking.acts import Acts, check, standing_in
from dronewall.tracking.assumptions import in_looks, learn_clutter, with_assumptions
from dronewall.tracking.classes import class_probabilities
from dronewall.tracking.columns import LOOK, Events, Looks, Outcome, outcome_for
from dronewall.tracking.group_scans import ScanPlots, is_counted
from dronewall.tracking.groups import GroupBook
from dronewall.tracking.history import TrackHistory
from dronewall.tracking.lifecycle import Lifecycle, quality
from dronewall.tracking.look import replay_events
from dronewall.tracking.motion import picture_at
from dronewall.tracking.neighbours import neighbours_for, rebuild
from dronewall.tracking.parameters import Parameters
from dronewall.tracking.presence import Presence
from dronewall.tracking.renumbering import Renumbering
from dronewall.tracking.sensing import Sensing
from dronewall.tracking.sound import SoundTracker
from dronewall.tracking.store import TrackStore
from dronewall.tracking.vendor import VendorFusion
from dronewall.tracking.vendor_tracks import rows_of

CLASS_MEMORY, CLASS_LOOKS = 0.1, 3.0
"""Weight of the newest report of class, and how many independent looks all of them together are worth: sensors of one
kind repeat each other's errors, so a hundred reports must not add up to certainty."""
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
    """Keeps tracks by IMM-EKF, belief-propagation association and existence probability.

    `replay` is the inner loop; a benchmark puts one with another association in its place.
    """

    replay = staticmethod(replay_events)

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

    @property
    def count(self) -> int:
        """How many tracks there are."""
        return self._store.count

    @property
    def next_numbers(self) -> tuple[int, int]:
        """The next free numbers of tracks and of groups."""
        return self._store.next_id, self._groups.next_id

    def learn(self, sensors: Sensors) -> None:
        """Take over a register of sensors that has grown."""
        self._sensing.learn(sensors)
        self._sound.learn(sensors)
        self._presence.learn(sensors)

    @property
    def weather(self) -> Weather:
        """All that was told of the weather."""
        return self._sound.weather

    def learn_weather(self, weather: Weather) -> None:
        """Take over all that is told of the weather; sound is carried by it."""
        self._sound.learn_weather(weather)

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
        self._sensing.undetected.advance(now_ns=now_ns)
        taken, outcome, track_of = self._take(observations)
        track_of_remote = self._fuse(remote_tracks, now_ns)
        self._sound.step(taken, self._left_to_sound(outcome), self._store, now_ns=now_ns)
        x, cov = self._predicted(now_ns)
        self._presence.weigh(observations, self._store, x, cov, now_ns=now_ns)
        kept = self._lifecycle.review(
            self._store, x, cov, self._sensing, history=self._history, apart=self._acts.apart, now_ns=now_ns
        )
        self._acts.forget_ended(self._store)
        self._history.end_step()
        x, cov = x[kept], cov[kept]
        groups = self._groups.review(self._store, x, cov, self._sensing, now_ns=now_ns)
        return Tracked(self._tracks(x, cov), groups, track_of, track_of_remote, int(outcome.late.sum()))

    def _take(self, observations: Observations) -> tuple[Observations, Outcome, NDArray[np.int64]]:
        """Return observations in the order taken, what became of each, and, in the order given, whose each is."""
        track_of = np.full(len(observations), -1, np.int64)
        if not len(observations):
            return observations, outcome_for(0), track_of
        ordered, events = in_looks(observations, self._sensing)
        taken = observations.take(ordered)
        look = with_assumptions(taken, events, self._sensing)
        self._sensing.look_around()
        outcome = self._associate(look, events)
        learn_clutter(look, outcome, self._store.columns, self._grouped(taken, look, events), self._sensing)
        track_of[ordered[outcome.own]] = self._store.columns.track_id[outcome.row[outcome.own]]
        self._remember(taken, outcome)
        lift_mirrored(self._store)
        self._vendors.judge(observations, track_of)
        return taken, outcome, track_of

    def _do(self, acts: Sequence[tuple[int, TrackAct]], now_ns: int) -> None:
        """Do what people said to tracks as they were in the last picture; whoever knows a number learns the new one."""
        for seq, act in acts:
            renamed = self._acts.do(act, self._store, self._history, at_ns=now_ns, declared_seq=seq)
            for old, new in renamed.items():
                self._vendors.rename(old, new)
                self._sound.rename(old, new)

    def _associate(self, look: Looks, events: Events) -> Outcome:
        """Run the inner loop over the events and return what became of each observation."""
        outcome = outcome_for(len(look.kind))
        if not len(events.what):
            return outcome
        store, before = self._store, self._store.count
        store.make_room(len(look.kind), len(self._sensing.antennas))
        index = neighbours_for(store.capacity)
        rebuild(index, store.columns, store.count, int(np.median(look.at_ns)), self._p.motion)
        store.count, store.next_id = self.replay(
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
        if not len(told):
            return track_of
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
            classes=class_probabilities(c.class_score[:count]),
            icao24=c.icao24[:count].copy(),
            callsign=claims.callsign[:count].copy(),
            squawk=claims.squawk[:count].copy(),
            uas_id=claims.uas_id[:count].copy(),
            claimed_ns=c.claimed_ns[:count].copy(),
            claims_since_ns=c.claims_since_ns[:count].copy(),
            also=self._store.also.numbers[:count].copy(),
            group_id=c.group[:count].copy(),
        )

    def begin_rerun(self, published: Tracker) -> tuple[int, int]:
        """Number what begins from now on from the next free numbers of `published` on, which are returned."""
        self._store.next_id, self._groups.next_id = published.next_numbers
        self._history = TrackHistory()
        return published.next_numbers

    def take_over(self, published: Tracker, numbers: Renumbering, *, now_ns: int) -> tuple[Tracks, Groups]:
        """Become what is published in the stead of `published`, under other numbers; return what that is at `now_ns`.

        What has become of established tracks that are no more is told; of what was told before, nothing is told again.
        """
        for part in (self._store, self._groups, self._vendors, self._sound, self._acts):
            part.restore(numbers.applied(part.checkpoint()))
        self._store.next_id = max(published.next_numbers[0], numbers.tracks.beyond)
        self._groups.next_id = max(published.next_numbers[1], numbers.groups.beyond)
        self._store.remember_published(published._store)
        reruns, self._history = self._history, published._history
        self._history.note_replaced(published._store, self._store, reruns, numbers.tracks.of, now_ns=now_ns)
        self._history.end_step()
        self._lifecycle.confirmed_total = max(self._lifecycle.confirmed_total, published.confirmed_total)
        return self._tracks(*self._predicted(now_ns)), self._groups.as_of(now_ns)

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

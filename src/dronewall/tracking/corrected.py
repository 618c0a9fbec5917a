"""The tracker that publishes now and corrects itself when late observations come.

A late observation is compared with where its track was, at once. It is also laid where it belongs in the last half
minute, which a second tracker then goes through again, with births, clutter, scans and existence; when this has caught
up, its tracks are the picture. How much it does in a step is counted in observations, never timed, so that the same
input gives the same pictures, and no step takes long.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.observations import Observations
from dronewall.model.picture import Lateness
from dronewall.model.sensors import Sensors
from dronewall.model.track_acts import TrackAct, TrackEvent
from dronewall.model.tracks import RemoteTracks, Tracks
from dronewall.model.weather import Weather
from dronewall.tracking.parameters import Parameters
from dronewall.tracking.rerun import Rerun, births
from dronewall.tracking.tracker import NO_REMOTE, Tracked, Tracker
from dronewall.tracking.window import NS, NumberedAct, Saved, Window, states_from, states_named

TOLERATED_NS = NS
"""What comes so long after the step that should have had it changes a track's state hardly by more than its noise."""
WATCHFUL_NS = 60 * NS
"""So long after a late observation, and after the first of all, states are kept; who is never late costs nothing."""
RESTING_NS = 60 * NS
"""So long nothing is kept after more came than can be."""
PACE = 40_000
"""How many observations a second of the picture's time a rerun goes through: it costs a third of a core at most."""
BURST = 10_000
"""So many in one step: a tenth of a second."""
WINDOW_MOST = 300_000
"""How many observations are kept, some 120 MB."""
CATCH_UP_S = 30
"""A rerun that would need longer, at the rate at which observations come, is not begun."""
EVERY_NS = NS
"""No rerun begins sooner after the last one began: what comes late meanwhile goes together."""
SPAN_LEAST_NS = 5 * NS
NOWHERE = 1 << 62


class CorrectedTracker:
    """A `Tracker` whose picture is rerun for what comes late, up to 30 s.

    Args:
        sensors: the register.
        wait_ns: how long after its time an observation that is not late is handed over.
        tracker: makes the tracker that is corrected.
        parameters: say how late an observation may be.
    """

    def __init__(
        self,
        sensors: Sensors,
        *,
        tracker: Callable[[Sensors], Tracker] = Tracker,
        wait_ns: int = 0,
        parameters: Parameters | None = None,
    ) -> None:
        self._sensors, self._p, self._make = sensors, parameters or Parameters(), tracker
        self._tracker = self._made()
        self._wait_ns, self._late_ns = wait_ns, round(self._p.motion.late_s * NS)
        self._window = Window()
        self._rerun: Rerun | None = None
        self._dirty: int | None = None
        self._before_ns = -1
        self._watched_until_ns = self._rests_until_ns = self._began_ns = -1
        self._allowance = 0
        self.lateness = Lateness()

    def _made(self) -> Tracker:
        return self._make(self._sensors)

    @property
    def confirmed_total(self) -> int:
        """How many tracks were ever confirmed."""
        return self._tracker.confirmed_total

    @property
    def events(self) -> tuple[TrackEvent, ...]:
        """The newest events of tracks, oldest first."""
        return self._tracker.events

    def learn(self, sensors: Sensors) -> None:
        """Take over a register of sensors that has grown."""
        self._sensors = sensors
        self._tracker.learn(sensors)
        if self._rerun is not None:
            self._rerun.tracker.learn(sensors)

    def learn_weather(self, weather: Weather) -> None:
        """Take over all that is told of the weather; a rerun goes by what is known of it now."""
        self._tracker.learn_weather(weather)
        if self._rerun is not None:
            self._rerun.tracker.learn_weather(weather)

    def check(self, act: TrackAct, tracks: Tracks) -> None:
        """Check that an act makes sense of the tracks of the latest step.

        Raises:
            ActRefused: it does not.
        """
        self._tracker.check(act, tracks)

    def step(
        self,
        observations: Observations,
        remote_tracks: RemoteTracks = NO_REMOTE,
        *,
        acts: Sequence[NumberedAct] = (),
        now_ns: int,
    ) -> Tracked:
        """Do what `Tracker.step` does; where a rerun has caught up, return its tracks.

        The tracks that took observations and reports are those of before the rerun, -1 where it has them no more.
        """
        self._prepare(len(observations) > 0, acts, now_ns)
        before = self._tracker.next_numbers[0]
        tracked = self._tracker.step(observations, remote_tracks, acts=acts, now_ns=now_ns)
        late = self._late(observations)
        if self._window.is_open:
            self._keep(observations, late, remote_tracks, tracked.track_of_observation, before, now_ns)
            tracked = self._rerun_some(tracked, now_ns)
            self._forget(now_ns)
        elif late.any():
            self._count(late=late, left=late)
            if now_ns >= self._rests_until_ns:
                self._watched_until_ns = now_ns + WATCHFUL_NS
                self._window.open(self._tracker.checkpoint(), begun_ns=now_ns)
        self._before_ns = now_ns
        return tracked

    def _prepare(self, some: bool, acts: Sequence[NumberedAct], now_ns: int) -> None:
        """Begin a new piece if it is time for one, and the window with the first step of all."""
        window = self._window
        if self._before_ns < 0:
            window.open(self._tracker.checkpoint(), begun_ns=window.begun_ns)
        if some and self._watched_until_ns < 0:
            self._watched_until_ns = now_ns + WATCHFUL_NS
        if window.is_open and window.begins_piece(now_ns, acts):
            if window.is_marked(now_ns) and self._dirty is None and self._rerun is None:
                window.keep([Saved(window.last + 1, self._tracker.checkpoint())])
            window.begin_piece(now_ns, acts, tracks=self._tracker.count)

    def _late(self, observations: Observations) -> NDArray[np.bool_]:
        """Return which observations a step well before this one should have had."""
        return observations.at_ns + (self._wait_ns + TOLERATED_NS) < self._before_ns

    def _keep(
        self,
        observations: Observations,
        late: NDArray[np.bool_],
        remote_tracks: RemoteTracks,
        track_of: NDArray[np.int64],
        before: int,
        now_ns: int,
    ) -> None:
        """Keep what came where it belongs; what cannot be laid there, where it came."""
        window = self._window
        window.pieces[-1].end_ns = now_ns
        if len(remote_tracks):
            window.pieces[-1].remote.append(remote_tracks)
        serials = window.numbered(len(observations))
        window.births.update(births(track_of, observations.at_ns, serials, before))
        place = self._places(observations, late, now_ns)
        window.lay(observations, serials, place)
        if self._rerun is not None and len(place):
            self._rerun.spoilt(int(place.min()))

    def _places(self, observations: Observations, late: NDArray[np.bool_], now_ns: int) -> NDArray[np.int64]:
        """Return in which piece each observation is to lie: where it belongs if it is late, else where it came.

        So does what is hardly late, where that makes no state void and a rerun that is underway has not come by yet.
        """
        window = self._window
        due_ns = observations.at_ns + self._wait_ns
        there = window.places(due_ns)
        late = late & (there < window.last)
        if late.any():
            self._watched_until_ns = now_ns + WATCHFUL_NS
            fits = (there >= self._least_place(now_ns)) & (due_ns > window.begun_ns)
            fits &= now_ns - observations.at_ns <= self._late_ns + NS
            self._count(late=late, left=late & ~fits)
            late &= fits
        if late.any():
            self._dirty = min(NOWHERE if self._dirty is None else self._dirty, int(there[late].min()))
        unseen = window.saved[-1].before if self._rerun is None else max(window.saved[-1].before, self._rerun.at)
        return np.where(late | (there >= min(unseen, window.last)), there, window.last)

    def _count(self, *, late: NDArray[np.bool_], left: NDArray[np.bool_]) -> None:
        counts = self.lateness
        self.lateness = counts._replace(late=counts.late + int(late.sum()), left=counts.left + int(left.sum()))

    def _least_place(self, now_ns: int) -> int:
        """Return the first piece from which a rerun can catch up before more has come than can be kept."""
        window = self._window
        span_s = max(now_ns - window.pieces[0].end_ns, SPAN_LEAST_NS) / NS
        left_over = PACE - window.cost_from(window.first) / span_s
        for saved in window.saved if left_over > 0.0 else ():
            needs_s = window.cost_from(saved.before) / left_over
            more = needs_s * window.count_from(window.first) / span_s
            if needs_s <= CATCH_UP_S and window.count_from(saved.before) + more <= WINDOW_MOST:
                return saved.before
        return NOWHERE

    def _rerun_some(self, tracked: Tracked, now_ns: int) -> Tracked:
        """Begin a rerun if one is due, and go on with it; return its tracks where it has caught up, else `tracked`."""
        fair = PACE * min(now_ns - self._before_ns, NS) // NS
        self._allowance = min(self._allowance + fair, max(fair, BURST))
        if self._rerun is None and self._dirty is not None and now_ns - self._began_ns >= EVERY_NS:
            self._rerun = self._begun(self._window.before(self._dirty))
            self._dirty, self._began_ns = None, now_ns
        rerun, window = self._rerun, self._window
        while rerun is not None and self._allowance > 0:
            self._allowance -= window.pieces[rerun.at - window.first].cost
            again = rerun.go_on(window, self._tracker.events)
            if rerun.at > window.last:
                return self._take_over(rerun, tracked, again, now_ns)
        return tracked

    def _begun(self, saved: Saved) -> Rerun:
        tracker = self._made()
        tracker.restore(saved.state)
        tracker.learn(self._sensors)  # the register may have grown since
        tracker.learn_weather(self._tracker.weather)
        first, first_group = tracker.begin_rerun(self._tracker)
        return Rerun(tracker, saved.before, first, first_group, used=set(saved.state["tracks.track_id"].tolist()))

    def _take_over(self, rerun: Rerun, published: Tracked, again: Tracked, now_ns: int) -> Tracked:
        """Let what a rerun came to be the picture, under the numbers that were published."""
        window, tracker = self._window, rerun.tracker
        numbers = rerun.renumbering(published, again, self._tracker.next_numbers)
        tracks, groups = tracker.take_over(self._tracker, numbers, now_ns=now_ns)
        window.keep([Saved(index, numbers.applied(state)) for index, state in rerun.saved])
        window.rename_births(rerun.begun_by, numbers.tracks)
        self._tracker, self._rerun, self._dirty = tracker, None, rerun.dirty
        self.lateness = self.lateness._replace(reruns=self.lateness.reruns + 1)
        return Tracked(
            tracks,
            groups,
            np.where(np.isin(published.track_of_observation, tracks.track_id), published.track_of_observation, -1),
            np.where(np.isin(published.track_of_remote, tracks.track_id), published.track_of_remote, -1),
            published.late,
        )

    def _forget(self, now_ns: int) -> None:
        """Forget what no rerun needs; all of it where it is too much, or where nothing has been late for long."""
        window, rerun = self._window, self._rerun
        idle = 0 <= self._watched_until_ns <= now_ns and rerun is None and self._dirty is None
        if idle or window.count_from(window.first) > WINDOW_MOST:
            if not idle:
                self._rests_until_ns = now_ns + RESTING_NS
            window.close()
            self._rerun = self._dirty = None
            return
        needed = [window.last] if self._dirty is None else [self._dirty]
        if rerun is not None:
            needed += [rerun.at] if rerun.dirty is None else [rerun.at, rerun.dirty]
        window.prune(min(needed), now_ns=now_ns)

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the whole state as named arrays."""
        rerun = self._rerun
        told = {
            "instants": [self._before_ns, self._watched_until_ns, self._rests_until_ns, self._began_ns],
            "allowance": self._allowance,
            "dirty": self._dirty,
            "lateness": list(self.lateness),
            "rerun": None if rerun is None else rerun.told(),
        }
        return {
            **self._tracker.checkpoint(),
            **self._window.checkpoint(),
            "corrected": np.frombuffer(json.dumps(told).encode(), np.uint8).copy(),
            **(states_named("rerun", [Saved(rerun.at, rerun.tracker.checkpoint()), *rerun.saved]) if rerun else {}),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self._tracker.restore(state)
        self._window.restore(state)
        told = json.loads(state["corrected"].tobytes())
        self._before_ns, self._watched_until_ns, self._rests_until_ns, self._began_ns = told["instants"]
        self._allowance, self._dirty, self.lateness = told["allowance"], told["dirty"], Lateness(*told["lateness"])
        self._rerun = None
        if told["rerun"] is not None:
            (_, here), *saved = states_from(state, "rerun", [told["rerun"]["at"], *told["rerun"]["saved"]])
            tracker = self._made()
            tracker.restore(here)
            self._rerun = Rerun.from_told(told["rerun"], tracker, saved)

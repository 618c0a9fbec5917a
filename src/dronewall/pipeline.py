"""Read this first: the whole flow, told once.

    feeds → registration → tracking → identification → assessment → picture → outlets

Plots go in, and what people say of tracks; a picture comes out. Between these doors nothing opens a socket, sleeps, or
asks the time: `now_ns` is an argument. What came in is in the journal before `step` is called, and a journal's steps
replayed give the same pictures. Nothing here proposes, and nothing here could order: those need people, who come with
later rooms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.assessment.distress import distress_alerts
from dronewall.identification.claims import explain, identify
from dronewall.model.biases import SensorBias
from dronewall.model.clocks import SensorClock
from dronewall.model.errors import ActRefused
from dronewall.model.identity import Identity
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, Sensors
from dronewall.model.track_acts import TrackAct
from dronewall.model.weather import Weather
from dronewall.picture.bearings import BearingBoard
from dronewall.registration.biases import SensorBiases
from dronewall.registration.clocks import SensorClocks
from dronewall.registration.registrar import Registrar
from dronewall.registration.reorder import REORDER_NS, ReorderBuffer
from dronewall.registration.repeats import Repeats
from dronewall.registration.warm import warm_registration
from dronewall.tracking.corrected import CorrectedTracker
from dronewall.tracking.remote import RemoteBoard
from dronewall.tracking.tracker import Tracker
from dronewall.tracking.warm import kernels_were_cached, warm_kernels, warm_sound


class Pipeline:
    """The rooms in a row, and what they keep from step to step.

    Plots wait up to `reorder_ns` for older ones. Where all that was received until an instant belongs to its picture,
    as in recordings, that is 0. `tracker` makes the tracker, where a benchmark compares another with it.
    """

    def __init__(
        self,
        sensors: Sensors,
        *,
        truth_domain: TruthDomain,
        reorder_ns: int = REORDER_NS,
        tracker: Callable[[Sensors], Tracker] = Tracker,
    ) -> None:
        self.truth_domain = truth_domain
        self._repeats = Repeats(sensors)
        self._clocks = SensorClocks(sensors)
        self._biases = SensorBiases(sensors)
        self._reorder = ReorderBuffer(wait_ns=reorder_ns)
        self._registrar = Registrar(sensors)
        self._tracker = CorrectedTracker(sensors, tracker=tracker, wait_ns=reorder_ns)
        self._remote = RemoteBoard()
        self._bearings = BearingBoard()
        self._plots_total = 0
        self._late_total = 0
        self._now_ns = 0
        self._unplaceable: dict[tuple[str, str], int] = {}
        self._latest: Picture | None = None

    def step(self, plots: Plots, acts: Sequence[tuple[int, TrackAct]] = (), *, now_ns: int, seq: int) -> Picture:
        """Take the plots received since the last step, in order; return the picture at `now_ns`, named by `seq`.

        Acts, each with the number of its entry in the journal, are done to the tracks of the last picture first.

        Time does not go back: the picture after a step at a later instant is of that instant.
        """
        now_ns = self._now_ns = max(now_ns, self._now_ns)
        applied_ns = self._clocks.applied_ns()
        once, repeated = self._repeats.step(plots, now_ns=now_ns)
        timed = self._clocks.step(once, now_ns=now_ns)
        self._reorder.push(self._biases.step(timed.plots, applied_ns, now_ns=now_ns), now_ns=now_ns)
        due = self._reorder.release(now_ns)
        registered = self._registrar.register(due, now_ns=now_ns)
        observations = self._biases.widened(registered.observations)
        tracked = self._tracker.step(observations, registered.remote_tracks, acts=acts, now_ns=now_ns)
        self._biases.learn_from_tracks(
            registered.observations, tracked.track_of_observation, tracked.tracks, now_ns=now_ns
        )
        identities = identify(tracked.tracks, now_ns=now_ns)
        alerts = (*distress_alerts(tracked.tracks), *self._clocks.alerts(), *self._biases.alerts())
        remote_tracks = self._remote.step(registered.remote_tracks, tracked.track_of_remote, now_ns=now_ns)
        bearings = self._bearings.step(observations, tracked.track_of_observation, self.sensors, now_ns=now_ns)
        self._count(plots, (*repeated, *timed.unplaceable, *registered.unplaceable), tracked.late)
        self._latest = Picture(
            seq=seq,
            at_ns=now_ns,
            truth_domain=self.truth_domain,
            tracks=tracked.tracks,
            identities=identities,
            remote_tracks=remote_tracks,
            groups=tracked.groups,
            bearings=bearings,
            alerts=alerts,
            plots_total=self._plots_total,
            confirmed_total=self._tracker.confirmed_total,
            unplaceable=tuple((sensor, reason, n) for (sensor, reason), n in sorted(self._unplaceable.items())),
            track_events=self._tracker.events,
            took_received_ns=due.received_ns,
            lateness=self._tracker.lateness,
        )
        return self._latest

    @property
    def sensors(self) -> Sensors:
        """The register of sensors as it is now."""
        return self._registrar.sensors

    def learn(self, sensors: Iterable[Sensor]) -> None:
        """Add sensors to the register."""
        self._registrar.learn(sensors)
        self._tracker.learn(self.sensors)
        self._repeats.learn(self.sensors)
        self._clocks.learn(self.sensors)
        self._biases.learn(self.sensors)

    def learn_weather(self, weather: Weather) -> None:
        """Take over all that is told of the weather, instead of what was told before."""
        self._tracker.learn_weather(weather)

    def clocks(self) -> tuple[SensorClock, ...]:
        """Return what is known of the sensors' clocks, in the order of the register; call it between steps."""
        return self._clocks.told()

    def biases(self) -> tuple[SensorBias, ...]:
        """Return what is known of the radars' steady errors, in the order of the register; call it between steps."""
        return self._biases.told()

    def explain(self, track_id: int) -> Identity | None:
        """Return why a track of the latest picture is held to be what it is, None if there is no such track."""
        latest = self._latest  # a step in another thread may replace it meanwhile
        if latest is None:
            return None
        rows = np.flatnonzero(latest.tracks.track_id == track_id)
        return explain(latest.tracks, int(rows[0]), now_ns=latest.at_ns) if len(rows) else None

    def check(self, act: TrackAct) -> None:
        """Check that a person's act makes sense of the latest picture, before it is journalled.

        Raises:
            ActRefused: it does not; the error says why.
        """
        latest = self._latest
        if latest is None:
            raise ActRefused("there is no picture yet", "Wait for the first one.")
        self._tracker.check(act, latest.tracks)

    def _count(self, plots: Plots, unplaceable: tuple[tuple[str, str, int], ...], late: int) -> None:
        self._plots_total += int(np.count_nonzero(~plots.empty_scan))
        for sensor_id, reason, n in unplaceable:
            self._unplaceable[sensor_id, reason] = self._unplaceable.get((sensor_id, reason), 0) + n
        self._late_total += late

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the whole state as named arrays: `restore` of it goes on as if nothing had happened."""
        counted = [f"{sensor}\t{reason}\t{n}" for (sensor, reason), n in sorted(self._unplaceable.items())]
        return {
            **self._repeats.checkpoint(),
            **self._clocks.checkpoint(),
            **self._biases.checkpoint(),
            **self._reorder.checkpoint(),
            **self._tracker.checkpoint(),
            **self._remote.checkpoint(),
            **self._bearings.checkpoint(),
            "totals": np.array([self._plots_total, self._late_total, self._now_ns], np.int64),
            "unplaceable": np.frombuffer("\n".join(counted).encode(), np.uint8),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned, under the same register of sensors."""
        self._repeats.restore(state)
        self._clocks.restore(state)
        self._biases.restore(state)
        self._reorder.restore(state)
        self._tracker.restore(state)
        self._remote.restore(state)
        self._bearings.restore(state)
        self._plots_total, self._late_total, self._now_ns = (int(value) for value in state["totals"])
        lines = state["unplaceable"].tobytes().decode().splitlines()
        split = (line.split("\t") for line in lines)
        self._unplaceable = {(sensor, reason): int(n) for sensor, reason, n in split}


def warm_up(*, beside: Callable[[], None] = lambda: None) -> Iterator[tuple[int, int]]:
    """Compile the kernels step by step, yielding how many of how many are done.

    `beside` is called once it is known that kernels are to be compiled, and again before those of `warm_the_rest`: so
    that another process may compile these meanwhile.
    """
    total = len(REST)
    for done, steps in warm_kernels():
        total = steps + len(REST)
        yield done, total
        if done in (1, steps) and not kernels_were_cached():
            beside()
    for left, step in zip(range(len(REST) - 1, -1, -1), REST, strict=True):
        step()
        yield total - left, total


def warm_the_rest() -> None:
    """Compile the kernels of sound and registration, which need hardly any other."""
    for step in REST:
        step()


REST: tuple[Callable[[], None], ...] = (warm_sound, warm_registration)

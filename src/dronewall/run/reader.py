"""The reader: how the journal's contents become pictures. Live, at a restart and in a replay it is the same code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from numpy.typing import NDArray

from dronewall import __version__
from dronewall.engine.entries import (
    Content,
    Declared,
    PlotsCame,
    SensorsJoined,
    State,
    Stepped,
    checkpoint_of,
    content_of,
    state_of,
)
from dronewall.engine.log import Checkpoint, Log
from dronewall.engine.supervisor import attempted
from dronewall.model.clocks import SensorClock
from dronewall.model.errors import JournalError
from dronewall.model.identity import Identities, Identity
from dronewall.model.picture import Bearings, Picture, TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, Sensors
from dronewall.model.track_acts import TrackAct
from dronewall.model.tracks import RemoteTracks, Tracks
from dronewall.wire.track_acts import act_in

STATE_LAYOUT = 11
"""To be raised whenever what a pipeline keeps in a checkpoint changes its names or its meaning."""
MADE_BY = f"{__version__}, layout {STATE_LAYOUT}"


Came = tuple[int, Plots | TrackAct]
"""What a step takes of one entry, with its number."""


class Stepping(Protocol):
    """What a reader needs of the pipeline; see `dronewall.pipeline.Pipeline`."""

    @property
    def sensors(self) -> Sensors:
        """The register as it is now."""
        ...

    def learn(self, sensors: Iterable[Sensor]) -> None:
        """Let sensors join the register."""
        ...

    def step(self, plots: Plots, acts: Sequence[tuple[int, TrackAct]] = (), *, now_ns: int, seq: int) -> Picture:
        """Take plots and people's acts on tracks, and return the picture at `now_ns`."""
        ...

    def explain(self, track_id: int) -> Identity | None:
        """Return a track's identity with its reasons."""
        ...

    def check(self, act: TrackAct) -> None:
        """Check that an act makes sense of the latest picture.

        Raises:
            ActRefused: it does not.
        """
        ...

    def clocks(self) -> tuple[SensorClock, ...]:
        """Return what is known of the sensors' clocks; between steps."""
        ...

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the whole state as named arrays."""
        ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        ...


class StepFailed(Exception):
    """The pipeline failed in the step of entry `seq` to `now_ns`, on the plots or acts of the entries `came`.

    Its state is spoilt.
    """

    def __init__(self, seq: int, now_ns: int, came: tuple[int, ...], error: Exception) -> None:
        self.seq = seq
        self.now_ns = now_ns
        self.came = came
        self.error = error
        super().__init__(f"the step of entry {seq} failed: {type(error).__name__}: {error}")


class Reader:
    """Hands contents to a pipeline in the order of their numbers; a step takes all plots and acts before it.

    Its state after entry `seq` depends on the entries up to `seq`, on those that are `set_aside`, and on nothing else.

    Args:
        begun: makes a pipeline that knows nothing yet.
        set_aside: numbers of entries of which nothing is ever handed on, for a pipeline failed on them.
    """

    def __init__(self, begun: Callable[[], Stepping], *, set_aside: Iterable[int] = ()) -> None:
        self._begun = begun
        self._pipeline = begun()
        self._pending: list[Came] = []
        self._set_aside = set(set_aside)
        self.seq = 0
        self.now_ns = 0
        self.picture: Picture | None = None

    @property
    def pipeline(self) -> Stepping:
        """The pipeline it feeds; another one after `begin_again`."""
        return self._pipeline

    def begin_again(self, *, without: Iterable[int]) -> None:
        """Forget everything, and from now on leave out some entries too."""
        self._set_aside.update(without)
        self._pipeline = self._begun()
        self._pending = []
        self.seq = 0

    def take(self, seq: int, content: Content) -> Picture | None:
        """Take the content of entry `seq`; return the new picture if it was a step.

        Raises:
            StepFailed: the pipeline raised an error.
        """
        self.seq = seq
        if isinstance(content, SensorsJoined):
            self._pipeline.learn(content.sensors)
        elif isinstance(content, PlotsCame):
            if len(content.plots) and seq not in self._set_aside:
                self._pending.append((seq, content.plots))
        elif isinstance(content, Declared):
            if (act := act_in(content)) is not None and seq not in self._set_aside:
                self._pending.append((seq, act))
        elif isinstance(content, Stepped):
            return self._step(seq, content.now_ns)
        return None

    def _step(self, seq: int, now_ns: int) -> Picture:
        came, self._pending = self._pending, []
        made = attempted(lambda: stepped(self._pipeline, came, now_ns=now_ns, seq=seq))
        if isinstance(made, Exception):
            raise StepFailed(seq, now_ns, tuple(number for number, _ in came), made) from made
        self.now_ns, self.picture = now_ns, made
        return made

    def recall(self, log: Log, *, on_entry: Callable[[int, int], bool]) -> None:
        """Become what a reader of the whole log would be, from the newest checkpoint that this version wrote.

        Args:
            log: the journal as it is now.
            on_entry: told how many entries are read, of how many; whether to stop there.

        Raises:
            JournalError: an entry is missing or damaged.
            StepFailed: the pipeline raised an error.
        """
        self._restore(log)
        self.catch_up(log, on_entry=on_entry)

    def catch_up(self, log: Log, *, on_entry: Callable[[int, int], bool]) -> None:
        """Read on from where it stands to the end of the log as it is now; otherwise as `recall`."""
        first, last = self.seq + 1, log.last_seq
        for stored in log.read(first):
            self.take(stored.seq, content_of(stored, journal=log.name))
            if on_entry(stored.seq - first + 1, last - first + 1):
                return

    def checkpoint(self) -> Callable[[], Checkpoint]:
        """Return how to make the state after the last step into something to keep. Nothing may be pending.

        What is returned may be called in another thread while the next steps go on.
        """
        state = State(MADE_BY, tuple(self._pipeline.sensors), self._pipeline.checkpoint())
        return partial(checkpoint_of, state, seq=self.seq)

    def begin_in(self, state: State, *, seq: int) -> None:
        """Become what a reader was right after entry `seq`; of another version's state only the sensors are known."""
        self._pipeline.learn(state.sensors)
        if state.version == MADE_BY:
            self._pipeline.restore(state.arrays)
        self.seq = seq

    @property
    def pending(self) -> tuple[Came, ...]:
        """What the next step takes, each with the number of its entry."""
        return tuple(self._pending)

    @property
    def settled(self) -> bool:
        """Whether all that was read so far has been taken by a step: only then may a checkpoint be made."""
        return not self._pending

    def _restore(self, log: Log) -> None:
        for checkpoint in log.checkpoints():
            try:
                state = state_of(checkpoint, journal=log.name)
            except JournalError:  # a checkpoint only saves time: what it held is in the entries too
                continue
            if state.version == MADE_BY and checkpoint.seq <= log.last_seq:
                self.begin_in(state, seq=checkpoint.seq)
                return
        if log.first_seq > 1:
            raise JournalError(
                log.name,
                f"it begins with entry {log.first_seq}, and no checkpoint in it was made by dronewall {MADE_BY}",
                "Start it with the version that wrote it, or begin a new journal: what is sealed stays readable.",
            )


def stepped(pipeline: Stepping, came: Sequence[Came], *, now_ns: int, seq: int) -> Picture:
    """Return the picture that a pipeline makes of what came."""
    plots = Plots.concat([one for _, one in came if isinstance(one, Plots)])
    acts = [(number, one) for number, one in came if isinstance(one, TrackAct)]
    return pipeline.step(plots, acts, now_ns=now_ns, seq=seq)


def nothing_yet(truth_domain: TruthDomain) -> Picture:
    """Return the picture before the first step: nothing is known."""
    return Picture(
        seq=0,
        at_ns=0,
        truth_domain=truth_domain,
        tracks=Tracks.empty(),
        identities=Identities.empty(),
        remote_tracks=RemoteTracks.empty(),
        bearings=Bearings.empty(),
        alerts=(),
        plots_total=0,
        confirmed_total=0,
        unplaceable=(),
    )

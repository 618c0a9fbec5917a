"""The reader: how the journal's contents become pictures. Live, at a restart and in a replay it is the same code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from dronewall import __version__
from dronewall.engine.entries import (
    Content,
    PlotsCame,
    SensorsJoined,
    State,
    Stepped,
    checkpoint_of,
    content_of,
    state_of,
)
from dronewall.engine.log import Checkpoint, Log
from dronewall.model.errors import JournalError
from dronewall.model.identity import Identities, Identity
from dronewall.model.picture import Bearings, Picture, TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, Sensors
from dronewall.model.tracks import RemoteTracks, Tracks


class Stepping(Protocol):
    """What a reader needs of the pipeline; see `dronewall.pipeline.Pipeline`."""

    @property
    def sensors(self) -> Sensors:
        """The register as it is now."""
        ...

    def learn(self, sensors: Iterable[Sensor]) -> None:
        """Let sensors join the register."""
        ...

    def step(self, plots: Plots, *, now_ns: int, seq: int) -> Picture:
        """Take plots and return the picture at `now_ns`."""
        ...

    def explain(self, track_id: int) -> Identity | None:
        """Return a track's identity with its reasons."""
        ...

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the whole state as named arrays."""
        ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        ...


class Reader:
    """Hands contents to a pipeline in the order of their numbers; a step takes all plots before it.

    Its state after entry `seq` depends on the entries up to `seq` and on nothing else.
    """

    def __init__(self, pipeline: Stepping) -> None:
        self._pipeline = pipeline
        self._pending: list[Plots] = []
        self.seq = 0
        self.now_ns = 0
        self.picture: Picture | None = None

    @property
    def pipeline(self) -> Stepping:
        """The pipeline it feeds."""
        return self._pipeline

    def take(self, seq: int, content: Content) -> Picture | None:
        """Take the content of entry `seq`; return the new picture if it was a step."""
        self.seq = seq
        if isinstance(content, SensorsJoined):
            self._pipeline.learn(content.sensors)
        elif isinstance(content, PlotsCame):
            if len(content.plots):
                self._pending.append(content.plots)
        elif isinstance(content, Stepped):
            plots, self._pending = Plots.concat(self._pending), []
            self.now_ns = content.now_ns
            self.picture = self._pipeline.step(plots, now_ns=content.now_ns, seq=seq)
            return self.picture
        return None

    def recall(self, log: Log, *, on_entry: Callable[[int, int], bool]) -> None:
        """Become what a reader of the whole log would be, from the newest checkpoint that this version wrote.

        Args:
            log: the journal as it is now.
            on_entry: told how many entries are read, of how many; whether to stop there.

        Raises:
            JournalError: an entry is missing or damaged.
        """
        self._restore(log)
        first, last = self.seq + 1, log.last_seq
        for stored in log.read(first):
            self.take(stored.seq, content_of(stored, journal=log.name))
            if on_entry(stored.seq - first + 1, last - first + 1):
                return

    def checkpoint(self) -> Checkpoint:
        """Return the state after the last step as something to keep. Nothing may be pending."""
        state = State(__version__, tuple(self._pipeline.sensors), self._pipeline.checkpoint())
        return checkpoint_of(state, seq=self.seq)

    @property
    def settled(self) -> bool:
        """Whether all plots read so far have been taken by a step: only then may a checkpoint be made."""
        return not self._pending

    def _restore(self, log: Log) -> None:
        for checkpoint in log.checkpoints():
            try:
                state = state_of(checkpoint, journal=log.name)
            except JournalError:  # a checkpoint only saves time: what it held is in the entries too
                continue
            if state.version == __version__ and checkpoint.seq <= log.last_seq:
                self._pipeline.learn(state.sensors)
                self._pipeline.restore(state.arrays)
                self.seq = checkpoint.seq
                return


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

"""The tracker played through a staged scene: what it says at the sample instants, and what that costs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dronewall.bench.tables import TrackTable, TruthTable, sampled
from dronewall.bench.tracking_scenes.staging import Staged
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.geodesy.wgs84 import enu_axes
from dronewall.model.groups import Groups
from dronewall.model.picture import TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensors
from dronewall.model.tracks import Tracks, TrackStatus
from dronewall.pipeline import Pipeline
from dronewall.simulation.truth import Truth
from dronewall.tracking.tracker import Tracker

SCANS_TIMED_S = 10.0
"""The last seconds are stepped scan by scan, to time each; before that in whole seconds, to time the work. Arrays of
microphones have no scans: each report would be one, some thousand steps a second."""
PACED_RUNS = 5
MOST_KEPT = 2_500
"""Full covariances are kept for scenes of up to so many tracks."""


@dataclass(frozen=True, slots=True)
class Cost:
    """`plots` in `cpu_s` seconds of one core and `wall_s` by the clock; `scan_ms` of the scans timed alone."""

    plots: int
    cpu_s: float
    wall_s: float
    scan_ms: tuple[float, ...]
    held: int

    @property
    def plots_per_s(self) -> float:
        """Plots taken in a second of one core."""
        return self.plots / self.cpu_s if self.cpu_s > 0 else float("nan")


@dataclass(frozen=True, slots=True)
class Played:
    """What came out: samples of the tracks, the full ones where few enough, the groups at every step, and the cost."""

    tracks: TrackTable
    kept: tuple[tuple[int, Tracks], ...]
    cost: Cost
    groups: tuple[tuple[int, Groups], ...] = ()


def truth_of(staged: Staged) -> TruthTable:
    """Return the truth at the sample instants, with the sky's rows as objects."""
    scene = staged.scene
    ids = [word.decode() for word in scene.sky.signatures.object_id.tolist()]
    row_of = {word: row for row, word in enumerate(ids)}
    parts = []
    for at_ns in instants(staged):
        truth = scene.truth_at(at_ns)
        parts.append(_table(truth, row_of, tuple(ids)))
    return TruthTable(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name, _ in parts[0].columns()},
        object_ids=tuple(ids),
    )


def _table(truth: Truth, row_of: dict[str, int], ids: tuple[str, ...]) -> TruthTable:
    enu = np.stack([truth.ve_mps, truth.vn_mps, truth.vu_mps], axis=1)
    return TruthTable.of(
        len(truth),
        at_ns=truth.at_ns,
        object=[row_of[word.decode()] for word in truth.object_id.tolist()],
        position=truth.ecef(),
        velocity=np.einsum("nji,nj->ni", enu_axes(truth.lat_deg, truth.lon_deg), enu),
        object_class=truth.object_class,
        scored=truth.scored,
        object_ids=ids,
    )


def instants(staged: Staged) -> range:
    """Return the sample instants, ns UTC: multiples of the sample time since the Unix epoch."""
    step = staged.sample_s * NS_PER_S
    begin = staged.scene.epoch_ns
    return range(-(-begin // step) * step, begin + round(staged.seconds * NS_PER_S), step)


def play(staged: Staged, tracker: Callable[[Sensors], Tracker] = Tracker) -> Played:
    """Run the tracker, or another, over a scene as it is delivered."""
    pipeline = Pipeline(staged.scene.sensors, truth_domain=TruthDomain.SIMULATION, reorder_ns=0, tracker=tracker)
    if staged.weather is not None:
        pipeline.learn_weather(staged.weather)
    clock, asked = WallClock(), set(instants(staged))
    samples: list[TrackTable] = []
    kept: list[tuple[int, Tracks]] = []
    groups: list[tuple[int, Groups]] = []
    scan_ms: list[float] = []
    count = held = 0
    cpu_s = wall_s = 0.0
    for seq, (now_ns, plots, alone) in enumerate(_steps(staged)):
        began_cpu, began = _cpu_s(), clock.now_ns()
        picture = pipeline.step(plots, now_ns=now_ns, seq=seq)
        spent_s = (clock.now_ns() - began) / NS_PER_S
        if alone:
            scan_ms.append(1e3 * spent_s)
        else:
            wall_s += spent_s
            cpu_s += _cpu_s() - began_cpu
            count += int(np.count_nonzero(~plots.empty_scan))
        groups.append((now_ns, picture.groups))
        held = max(held, len(picture.tracks))
        if now_ns in asked:
            samples.append(sampled(now_ns, picture.tracks))
            if len(picture.tracks) <= MOST_KEPT:
                kept.append((now_ns, _shown(picture.tracks)))
    cost = Cost(count, cpu_s, wall_s, tuple(scan_ms), held)
    return Played(TrackTable.concat(samples), tuple(kept), cost, tuple(groups))


def pace(staged: Staged) -> float:
    """Return how many plots a second are taken by one step for each scan and each sample instant: as peers are run.

    The median of a few runs, by the clock: one alone takes less than a second.
    """
    steps = list(_steps_as_peers(staged))
    plots = sum(int(np.count_nonzero(~batch.empty_scan)) for _, batch in steps)
    spent_s = [_spent_s(staged, steps) for _ in range(PACED_RUNS)]
    return plots / float(np.median(spent_s))


def _spent_s(staged: Staged, steps: Sequence[tuple[int, Plots]]) -> float:
    pipeline = Pipeline(staged.scene.sensors, truth_domain=TruthDomain.SIMULATION, reorder_ns=0)
    clock = WallClock()
    began = clock.now_ns()
    for seq, (now_ns, plots) in enumerate(steps):
        pipeline.step(plots, now_ns=now_ns, seq=seq)
    return (clock.now_ns() - began) / NS_PER_S


def _steps_as_peers(staged: Staged) -> Iterator[tuple[int, Plots]]:
    """Yield every scan when it is received, and every sample instant."""
    waiting = list(instants(staged))
    nothing = Plots.empty()
    for at_ns, plots, _ in _steps(staged, alone_s=staged.seconds):
        while waiting and waiting[0] < at_ns:
            yield waiting.pop(0), nothing
        if len(plots):
            yield at_ns, plots
    for at_ns in waiting:
        yield at_ns, nothing


def _shown(tracks: Tracks) -> Tracks:
    return tracks.take((tracks.status == TrackStatus.CONFIRMED) | (tracks.status == TrackStatus.COASTING))


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system


def _steps(staged: Staged, alone_s: float = SCANS_TIMED_S) -> Iterator[tuple[int, Plots, bool]]:
    """Yield instants with the plots received until then, and whether the step is one scan, to be timed alone.

    So are those of the last `alone_s` seconds.
    """
    scene = staged.scene
    begin_ns = scene.epoch_ns
    end_ns = begin_ns + round(staged.seconds * NS_PER_S)
    alone_ns = end_ns - (0 if staged.horizontal else round(alone_s * NS_PER_S))
    for at_ns in range(begin_ns, end_ns, NS_PER_S):
        until_ns = min(at_ns + NS_PER_S, end_ns)
        plots = scene.plots_between(at_ns, until_ns)
        if at_ns >= alone_ns and len(plots):
            received = plots.received_ns
            cuts = np.flatnonzero(np.r_[True, np.diff(received) > 0, True])
            for first, last in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
                yield int(received[first]), plots.take(slice(first, last)), True
            plots = plots.take(slice(0, 0))
        yield until_ns, plots, False

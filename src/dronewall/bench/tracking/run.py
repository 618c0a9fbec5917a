"""The benchmark as it is told once: scenes, seeds, our run, the peers' runs, figures, and a page of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dronewall.bench.tracking.beside import (
    PEER_SEEDS,
    Compared,
    all_beside,
    clustered_figures,
    peer_figures,
    pooled_gospa,
    takes_peers,
)
from dronewall.bench.tracking.page import write_page
from dronewall.bench.tracking.pairs import pair_figures
from dronewall.bench.tracking.peers import peers
from dronewall.bench.tracking.play import play, truth_of
from dronewall.bench.tracking.targets import UNITS, target_of
from dronewall.bench.tracking.verdict import Verdict, verdict
from dronewall.bench.tracking_scenes.catalogue import RECORDINGS, names, staged
from dronewall.bench.tracking_scenes.staging import Staged, write_staged
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.model.errors import InputError
from dronewall.run.compiling import compiled_by_two

Figure = dict[str, object]

SEEDS = (1, 2, 3)
QUICK = ("radar-10", "radar-50-turns", "radar-200-36", "wall", "crossing")
QUICK_S, QUICK_WALL_S = 100.0, 180.0
ENOUGH_S = 40.0
"""A quick run begins no scene that would end after this, were it as long as the longest yet."""
ENOUGH_TRUTHS, CHANGES_AT_MOST = 500, 0.02
HUGE = ("quiet-12h", "radar-10000-36", "wall-huge")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the benchmark is run: `only` scenes whose name holds this, or the one that has it."""

    quick: bool = False
    only: str = ""
    seeds: int | None = None
    out: Path | None = None
    page: Path | None = None
    recordings: Path = RECORDINGS


def tracking(wanted: Wanted) -> Iterator[Figure]:
    """Yield the figures of every scene wanted, each as soon as it is known; write the page at the end.

    With `out` nothing is measured: the scenes are written there, each to a folder of its name.

    Raises:
        InputError: no scene has such a name, or a recording is missing.
    """
    chosen = _chosen(wanted)
    if wanted.out is not None:
        yield from _written(chosen, wanted, wanted.out)
        return
    for _ in compiled_by_two():
        pass
    clock = WallClock()
    began_ns = clock.now_ns()
    told: dict[str, list[Verdict]] = {}
    figures: list[Figure] = []
    longest_s = 0.0
    for name in chosen:
        spent_s = (clock.now_ns() - began_ns) / NS_PER_S
        if wanted.quick and spent_s + longest_s > ENOUGH_S:
            break
        for figure in _scene_figures(name, wanted, told):
            figures.append(figure)
            yield figure
        longest_s = max(longest_s, (clock.now_ns() - began_ns) / NS_PER_S - spent_s)
    if not (wanted.only or wanted.quick or _recorded(wanted)):
        yield _figure(f"recorded flights are not in {wanted.recordings}: name their folder with --recordings")
    for figure in (*pooled_gospa(figures), *_pooled_changes(told)):
        figures.append(figure)
        yield figure
    if wanted.page is not None:
        write_page(wanted.page, figures, told)


def _chosen(wanted: Wanted) -> list[str]:
    """Return the scenes to run; a full name may be one that no list has."""
    listed = list(QUICK) if wanted.quick else names()
    if not wanted.only:
        return [name for name in listed if name not in HUGE and (_recorded(wanted) or not name.startswith("real-"))]
    if wanted.only in names() or wanted.only.startswith(("radar-", "late-", "real-")):
        return [wanted.only]
    chosen = [name for name in names() if wanted.only in name]
    if not chosen:
        raise InputError(
            f"no scene has '{wanted.only}' in its name", f"There are: {', '.join(names())}", field="--only"
        )
    return chosen


def _recorded(wanted: Wanted) -> bool:
    """Whether recorded flights are here; a run of all does without them."""
    return wanted.recordings.is_dir()


def _written(chosen: Sequence[str], wanted: Wanted, folder: Path) -> Iterator[Figure]:
    for name in chosen:
        for seed in range(1, (wanted.seeds or 1) + 1):
            place = folder / (name if seed == 1 else f"{name}-seed{seed}")
            written = write_staged(staged(name, seed, recordings=wanted.recordings), place)
            yield _figure(f"{name}: plots written to {place}", seed=seed, value=float(written.plots), unit="plots")


def _scene_figures(name: str, wanted: Wanted, told: dict[str, list[Verdict]]) -> Iterator[Figure]:
    """Yield all figures of one scene: ours over the seeds, then those beside peers."""
    seeds = (1,) if wanted.quick and wanted.seeds is None else tuple(range(1, (wanted.seeds or len(SEEDS)) + 1))
    verdicts: list[Verdict] = []
    compared: dict[str, list[Compared]] = {}
    clustered: list[Figure] = []
    for seed in seeds:
        stage = _cut(staged(name, seed, recordings=wanted.recordings), wanted)
        truth = truth_of(stage)
        played = play(stage)
        verdicts.append(verdict(stage, truth, played))
        if seed == seeds[0] and not wanted.quick:
            clustered += clustered_figures(stage, truth, played)
        if seed <= PEER_SEEDS and takes_peers(stage, quick=wanted.quick, asked=wanted.only):
            for who, beside in all_beside(stage, truth, played, quick=wanted.quick):
                compared.setdefault(who, []).append(beside)
    told[name] = verdicts
    yield from _own_figures(name, seeds, verdicts)
    yield from _class_figures(name, seeds, verdicts)
    yield from pair_figures(name, seeds, verdicts, recordings=wanted.recordings)
    yield from clustered
    for peer in peers():
        yield from peer_figures(name, peer, compared.get(peer.name, []))


def _cut(stage: Staged, wanted: Wanted) -> Staged:
    if not wanted.quick:
        return stage
    return replace(stage, seconds=min(stage.seconds, QUICK_WALL_S if stage.horizontal else QUICK_S))


def _own_figures(name: str, seeds: Sequence[int], verdicts: Sequence[Verdict]) -> Iterator[Figure]:
    for figure in verdicts[0].values:
        values = [v.values.get(figure) for v in verdicts]
        target = target_of(name, figure)
        line = _over_seeds(f"{name}: {figure}", seeds, values, UNITS.get(figure, "1"))
        if target is not None and target.shown is not None:
            line["target"] = target.shown
            value = _pooled(figure, values)
            line["value"] = value
            line["met"] = None if value is None else target.holds(value)
            # Nothing shown is no success: what has a target must be measurable.
            if value is None and figure in ("old_median_m", "anees"):
                line["met"] = False
        yield line


def _pooled(figure: str, values: Sequence[float | None]) -> float | None:
    """Return what a target is held against: the mean of rates, the median of everything else."""
    told = [value for value in values if value is not None and np.isfinite(value)]
    if not told:
        return None
    rates = ("id_changes_per_truth", "false_per_h_10000km2", "spuriousness", "dual", "group_covers", "group_unbroken")
    return float(np.mean(told)) if figure in rates else float(np.median(told))


def _pooled_changes(told: dict[str, list[Verdict]]) -> Iterator[Figure]:
    """Yield changes of number per truth over all scenes of radars with scattered objects together."""
    pairs = [
        (v.values.get("id_changes_per_truth"), v.values.get("truths"))
        for name, verdicts in told.items()
        if name.startswith("radar-")
        for v in verdicts
    ]
    known = [(changes, truths) for changes, truths in pairs if changes is not None and truths]
    truths = sum(truths for _, truths in known)
    if truths < ENOUGH_TRUTHS:
        return
    value = sum(changes * count for changes, count in known) / truths
    line = _figure(f"all radar scenes, {truths:.0f} truths: id_changes_per_truth", value=value, unit="1")
    line.update(target=CHANGES_AT_MOST, met=value <= CHANGES_AT_MOST)
    yield line


def _class_figures(name: str, seeds: Sequence[int], verdicts: Sequence[Verdict]) -> Iterator[Figure]:
    """Yield a few figures by class, where there is more than one."""
    classes = sorted({label for v in verdicts for label in v.by_class})
    for label in classes if len(classes) > 1 else ():
        for figure in ("gospa_m", "completeness", "rmse_m", "anees", "id_changes_per_truth", "confirm_s"):
            values = [v.by_class.get(label, {}).get(figure) for v in verdicts]
            yield _over_seeds(f"{name}: {label}: {figure}", seeds, values, UNITS.get(figure, "1"))


def _over_seeds(case: str, seeds: Sequence[int], values: Sequence[float | None], unit: str) -> Figure:
    told = [float(value) for value in values if value is not None and np.isfinite(value)]
    line = _figure(case, seed=seeds[0] if len(seeds) == 1 else None, unit=unit)
    if told:
        median, p10, p90 = (float(np.percentile(told, share)) for share in (50, 10, 90))
        line.update(value=median, median=median, p10=p10, p90=p90)
    return line


def _figure(case: str, **given: object) -> Figure:
    return {"bench": "tracking", "case": case, "value": None, **given}

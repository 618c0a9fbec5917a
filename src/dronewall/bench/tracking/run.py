"""The benchmark as it is told once: scenes, seeds, our run, the peers' runs, figures, and a page of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dronewall.bench.score import score
from dronewall.bench.tables import TrackTable, TruthTable
from dronewall.bench.tracking.page import write_page
from dronewall.bench.tracking.pairs import pair_figures
from dronewall.bench.tracking.peers import MANY, NOISES, Peer, peers, scans_of, tuned
from dronewall.bench.tracking.play import play, truth_of
from dronewall.bench.tracking.targets import UNITS, target_of
from dronewall.bench.tracking.verdict import Verdict, numbers, verdict
from dronewall.bench.tracking_scenes.catalogue import RECORDINGS, names, staged
from dronewall.bench.tracking_scenes.staging import Staged, write_staged
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.model.errors import InputError
from dronewall.model.sensors import SensorKind
from dronewall.pipeline import warm_up

Figure = dict[str, object]
Compared = dict[str, tuple[float | None, float | None]]
"""Ours and a peer's, by figure."""

SEEDS = (1, 2, 3)
PEER_SEEDS = 2
QUICK = ("radar-10", "radar-50-turns", "radar-200-36", "wall", "crossing")
QUICK_S, QUICK_WALL_S, QUICK_PEER_S = 100.0, 180.0, 40.0
ENOUGH_S = 25.0
"""A quick run begins no scene after this."""
QUICK_COMPARED = ("radar-10",)
COMPARED = ("radar-10", "radar-50", "radar-50-turns", "radar-50-fine-turns", "crossing", "dense")
"""Scenes that peers are given in a run of all."""
AGAINST = {"gospa_m": 0.85, "t_gospa_m": None, "id_changes_per_truth": None, "rmse_m": None, "anees": None}
"""What is compared with peers, and the ratio that is wanted."""
HUGE = ("quiet-12h", "radar-10000-36")


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
    for _ in warm_up():
        pass
    clock = WallClock()
    began_ns = clock.now_ns()
    told: dict[str, list[Verdict]] = {}
    figures: list[Figure] = []
    for name in chosen:
        if wanted.quick and (clock.now_ns() - began_ns) / NS_PER_S > ENOUGH_S:
            break
        for figure in _scene_figures(name, wanted, told):
            figures.append(figure)
            yield figure
    if wanted.page is not None:
        write_page(wanted.page, figures, told)


def _chosen(wanted: Wanted) -> list[str]:
    """Return the scenes to run; a full name may be one that no list has."""
    listed = list(QUICK) if wanted.quick else names()
    if not wanted.only:
        return [name for name in listed if name not in HUGE]
    if wanted.only in names() or wanted.only.startswith(("radar-", "late-", "real-")):
        return [wanted.only]
    chosen = [name for name in names() if wanted.only in name]
    if not chosen:
        raise InputError(
            f"no scene has '{wanted.only}' in its name", f"There are: {', '.join(names())}", field="--only"
        )
    return chosen


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
    for number, seed in enumerate(seeds):
        stage = _cut(staged(name, seed, recordings=wanted.recordings), wanted)
        truth = truth_of(stage)
        played = play(stage)
        verdicts.append(verdict(stage, truth, played))
        if number < PEER_SEEDS and _fits_peers(stage, wanted):
            for who, beside in _all_beside(stage, truth, played.tracks, wanted):
                compared.setdefault(who, []).append(beside)
    told[name] = verdicts
    yield from _own_figures(name, seeds, verdicts)
    yield from _class_figures(name, seeds, verdicts)
    yield from pair_figures(name, seeds, verdicts, recordings=wanted.recordings)
    for peer in peers():
        yield from _peer_figures(name, peer, compared.get(peer.name, []))


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
    rates = ("id_changes_per_truth", "false_per_h_10000km2", "spuriousness", "dual")
    return float(np.mean(told)) if figure in rates else float(np.median(told))


def _class_figures(name: str, seeds: Sequence[int], verdicts: Sequence[Verdict]) -> Iterator[Figure]:
    """Yield a few figures by class, where there is more than one."""
    classes = sorted({label for v in verdicts for label in v.by_class})
    for label in classes if len(classes) > 1 else ():
        for figure in ("gospa_m", "completeness", "rmse_m", "anees", "id_changes_per_truth", "confirm_s"):
            values = [v.by_class.get(label, {}).get(figure) for v in verdicts]
            yield _over_seeds(f"{name}: {label}: {figure}", seeds, values, UNITS.get(figure, "1"))


def _fits_peers(stage: Staged, wanted: Wanted) -> bool:
    """Whether peers can take a scene: standing 3D radars only, and not too much for them."""
    if stage.name not in (QUICK_COMPARED if wanted.quick else COMPARED) and not (
        wanted.only and wanted.only == stage.name
    ):
        return False
    return all(s.kind is SensorKind.RADAR_3D and s.sited for s in stage.scene.sensors) and stage.seconds < 1_000.0


def _all_beside(stage: Staged, truth: TruthTable, ours: TrackTable, wanted: Wanted) -> Iterator[tuple[str, Compared]]:
    """Yield ours and each peer's best, judged over what the peers were given.

    A peer with `like` is run at the process noise that was best for that one: both have the same filter.
    """
    if wanted.quick:
        stage = replace(stage, seconds=min(stage.seconds, QUICK_PEER_S))
    scans = scans_of(stage)
    if sum(len(scan.seen) for scan in scans) > MANY:
        return
    until_ns = stage.scene.epoch_ns + round(stage.seconds * NS_PER_S)
    truth = truth.take(np.flatnonzero(truth.at_ns < until_ns))
    ours = ours.take(np.flatnonzero(ours.at_ns < until_ns))
    mine = numbers(_scored(stage, truth, ours))
    best_noise: dict[str, float] = {}
    for peer in peers():
        if not peer.installed or (peer.one_radar and len(stage.scene.sensors) > 1) or (wanted.quick and peer.like):
            continue
        noises = (NOISES[1],) if wanted.quick else (best_noise[peer.like],) if peer.like else NOISES
        best = tuned(peer, stage, scans, lambda tracks: _gospa(stage, truth, tracks), noises)
        best_noise[peer.name] = best.noise
        theirs = numbers(_scored(stage, truth, best.tracks))
        compared: Compared = {figure: (mine.get(figure), theirs.get(figure)) for figure in AGAINST}
        yield peer.name, {**compared, "q": (None, best.noise), "plots_per_s": (None, best.plots_per_s)}


def _scored(stage: Staged, truth: TruthTable, tracks: TrackTable) -> dict[str, object]:
    return score(truth, tracks, cutoff_m=stage.cutoff_m, horizontal=stage.horizontal, from_s=stage.from_s)


def _gospa(stage: Staged, truth: TruthTable, tracks: TrackTable) -> float:
    value = _scored(stage, truth, tracks)["gospa_m"]
    return float(value) if isinstance(value, float) else float("inf")


def _peer_figures(name: str, peer: Peer, compared: Sequence[Compared]) -> Iterator[Figure]:
    if name not in COMPARED and not compared:
        return
    if not peer.installed:
        yield _figure(f"{name}: {peer.name} is not installed: pip install 'dronewall[bench]'", peer=peer.name)
        return
    for figure, wanted_ratio in AGAINST.items():
        pairs = [told[figure] for told in compared if None not in told[figure]]
        if not pairs:
            continue
        ours, theirs = (float(np.mean([pair[side] for pair in pairs])) for side in (0, 1))
        line = _figure(f"{name}: {figure} beside {peer.name}", value=ours, unit=UNITS.get(figure, "1"))
        line.update(peer=peer.name, peer_value=theirs, ratio=ours / theirs if theirs else None)
        if wanted_ratio is not None and theirs:
            line.update(target=wanted_ratio, met=ours / theirs <= wanted_ratio)
        yield line
    if compared:
        used = ", ".join(f"{told['q'][1]:g}" for told in compared)
        speed = float(np.median([told["plots_per_s"][1] or 0.0 for told in compared]))
        line = _figure(f"{name}: plots/s of {peer.name}, best q {used}", value=None, unit="1/s")
        line.update(peer=peer.name, peer_value=speed)
        yield line


def _over_seeds(case: str, seeds: Sequence[int], values: Sequence[float | None], unit: str) -> Figure:
    told = [float(value) for value in values if value is not None and np.isfinite(value)]
    line = _figure(case, seed=seeds[0] if len(seeds) == 1 else None, unit=unit)
    if told:
        median, p10, p90 = (float(np.percentile(told, share)) for share in (50, 10, 90))
        line.update(value=median, median=median, p10=p10, p90=p90)
    return line


def _figure(case: str, **given: object) -> Figure:
    return {"bench": "tracking", "case": case, "value": None, **given}

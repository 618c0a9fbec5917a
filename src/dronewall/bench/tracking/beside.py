"""Ours beside the peers: which scenes they are given, what is compared, and the lines that say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from dronewall.bench.score import score
from dronewall.bench.tables import TrackTable, TruthTable
from dronewall.bench.tracking.clustered import ClusteredTracker
from dronewall.bench.tracking.peers import MANY, NOISES, Peer, peers, scans_of, tuned
from dronewall.bench.tracking.play import Played, pace, play
from dronewall.bench.tracking.targets import UNITS
from dronewall.bench.tracking.verdict import numbers
from dronewall.bench.tracking_scenes.staging import Staged
from dronewall.engine.clock import NS_PER_S
from dronewall.model.sensors import SensorKind

Figure = dict[str, object]
Compared = dict[str, tuple[float | None, float | None]]
"""Ours and a peer's, by figure."""

PEER_SEEDS = 2
QUICK_COMPARED, QUICK_PEER_S = ("radar-10",), 40.0
COMPARED = ("radar-10", "radar-50", "radar-50-turns", "radar-50-fine-turns", "crossing", "dense")
"""Scenes that peers are given in a run of all."""
TIMED = {"radar-200": 20.0}
"""Scenes of which a peer is given the first seconds only, to see how fast it is."""
FASTER = 1_000.0
FIGURES = ("gospa_m", "t_gospa_m", "id_changes_per_truth", "rmse_m", "anees")
GOSPA_MEAN, GOSPA_EVER = 0.85, 1.0
"""What GOSPA may be of the best of Stone Soup: in the mean over scenes, and in each."""
REFERENCE = "Stone Soup"
CLUSTERED = "clustered Hungarian"
CLUSTERED_COMPARED = (*COMPARED, "radar-200-36", "swarm-300")
"""Scenes, one seed each, in which association by belief propagation stands beside assignment."""
COMPILING_S = 12.0
"""A scene's first seconds are played once before, so that the reference's kernels are compiled when it is timed."""


def takes_peers(stage: Staged, *, quick: bool, asked: str) -> bool:
    """Whether peers can take a scene: standing 3D radars only, and among those compared or `asked` for by name."""
    if stage.name not in (QUICK_COMPARED if quick else (*COMPARED, *TIMED)) and asked != stage.name:
        return False
    return all(s.kind is SensorKind.RADAR_3D and s.sited for s in stage.scene.sensors) and stage.seconds < 1_000.0


def all_beside(stage: Staged, truth: TruthTable, ours: Played, *, quick: bool) -> Iterator[tuple[str, Compared]]:
    """Yield ours and each peer's best, judged over what the peers were given.

    A peer with `like` is run at the process noise that was best for that one: both have the same filter.
    """
    timed = stage.name in TIMED
    cut_s = QUICK_PEER_S if quick else TIMED.get(stage.name, stage.seconds)
    stage = replace(stage, seconds=min(stage.seconds, cut_s))
    scans = scans_of(stage)
    if sum(len(scan.seen) for scan in scans) > MANY:
        return
    until_ns = stage.scene.epoch_ns + round(stage.seconds * NS_PER_S)
    truth = truth.take(np.flatnonzero(truth.at_ns < until_ns))
    shown = ours.tracks.take(np.flatnonzero(ours.tracks.at_ns < until_ns))
    mine = numbers(_scored(stage, truth, shown))
    best_noise: dict[str, float] = {}
    paced = pace(stage)
    for peer in peers():
        if not peer.installed or (peer.one_radar and len(stage.scene.sensors) > 1) or (peer.like and (quick or timed)):
            continue
        noises = (NOISES[1],) if quick or timed else (best_noise[peer.like],) if peer.like else NOISES
        best = tuned(peer, stage, scans, lambda tracks: _gospa(stage, truth, tracks), noises)
        best_noise[peer.name] = best.noise
        theirs = numbers(_scored(stage, truth, best.tracks))
        told: Compared = {} if timed else {figure: (mine.get(figure), theirs.get(figure)) for figure in FIGURES}
        speeds = (paced, best.plots_per_s)
        yield peer.name, {**told, "q": (None, best.noise), "plots_per_s": speeds}


def clustered_figures(stage: Staged, truth: TruthTable, ours: Played) -> Iterator[Figure]:
    """Yield a scene's figures beside those of the same tracker with clustered assignment; nothing for large scenes."""
    if stage.name not in CLUSTERED_COMPARED:
        return
    play(replace(stage, seconds=COMPILING_S), ClusteredTracker)
    theirs = play(stage, ClusteredTracker)
    mine, reference = (numbers(_scored(stage, truth, played.tracks)) for played in (ours, theirs))
    mine["plots_per_s"], reference["plots_per_s"] = ours.cost.plots_per_s, theirs.cost.plots_per_s
    for figure in (*FIGURES, "plots_per_s"):
        case = f"{stage.name}: {figure} beside {CLUSTERED}"
        yield _line(case, CLUSTERED, mine.get(figure), reference.get(figure), UNITS.get(figure, "1"))


def _scored(stage: Staged, truth: TruthTable, tracks: TrackTable) -> dict[str, object]:
    return score(truth, tracks, cutoff_m=stage.cutoff_m, horizontal=stage.horizontal, from_s=stage.from_s)


def _gospa(stage: Staged, truth: TruthTable, tracks: TrackTable) -> float:
    value = _scored(stage, truth, tracks)["gospa_m"]
    return float(value) if isinstance(value, float) else float("inf")


def peer_figures(name: str, peer: Peer, compared: Sequence[Compared]) -> Iterator[Figure]:
    """Yield a line for each figure compared with one peer, or the one that says that it is not installed."""
    if not peer.installed and name in (*COMPARED, *TIMED):
        yield _line(f"{name}: {peer.name} is not installed: pip install 'dronewall[bench]'", peer.name, None, None)
    for figure in (*FIGURES, "plots_per_s") if compared else ():
        pairs = [(told[figure][0], told[figure][1]) for told in compared if figure in told]
        known = [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
        if known:
            ours, theirs = (float(np.mean([pair[side] for pair in known])) for side in (0, 1))
            line = _line(f"{name}: {figure} beside {peer.name}", peer.name, ours, theirs, UNITS.get(figure, "1"))
            yield _held(line, name, figure, peer)
    if compared:
        used = [told["q"][1] for told in compared]
        line = _line(f"{name}: process noise best for {peer.name}", peer.name, None, None, "m2/s3")
        yield {**line, "peer_value": float(np.median([q for q in used if q is not None]))}


def _held(line: Figure, name: str, figure: str, peer: Peer) -> Figure:
    """Return a line with its target: GOSPA against Stone Soup in every scene, speed where it is timed."""
    ratio = line["ratio"]
    if not isinstance(ratio, float) or not peer.name.startswith(REFERENCE):
        return line
    if figure == "gospa_m":
        return {**line, "target": GOSPA_EVER, "met": ratio <= GOSPA_EVER}
    if figure == "plots_per_s" and name in TIMED:
        return {**line, "target": FASTER, "met": ratio >= FASTER}
    return line


def pooled_gospa(figures: Sequence[Mapping[str, object]]) -> Iterator[Figure]:
    """Yield the mean over scenes of GOSPA over that of the best of Stone Soup's pipelines there."""
    best: dict[str, float] = {}
    for figure in figures:
        case, ratio = str(figure["case"]), figure.get("ratio")
        if f": gospa_m beside {REFERENCE}" in case and isinstance(ratio, float):
            scene = case.partition(":")[0]
            best[scene] = max(best.get(scene, 0.0), ratio)
    if best:
        value = float(np.mean(list(best.values())))
        line = _line(f"all {len(best)} scenes: gospa_m beside the best of {REFERENCE}", REFERENCE, None, None)
        yield {**line, "value": value, "ratio": value, "target": GOSPA_MEAN, "met": value <= GOSPA_MEAN}


def _line(case: str, peer: str, ours: float | None, theirs: float | None, unit: str = "1") -> Figure:
    ratio = ours / theirs if ours is not None and theirs else None
    return {
        "bench": "tracking",
        "case": case,
        "value": ours,
        "unit": unit,
        "peer": peer,
        "peer_value": theirs,
        "ratio": ratio,
    }

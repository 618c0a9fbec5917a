"""Scenes told beside one like it: late beside in order, biased beside unbiased, a maker's tracks beside its plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dronewall.bench.tracking.play import play, truth_of
from dronewall.bench.tracking.verdict import Verdict, verdict
from dronewall.bench.tracking_scenes.catalogue import staged
from dronewall.bench.tracking_scenes.staging import Staged


@dataclass(frozen=True, slots=True)
class Pair:
    """A scene is to be at most `most` times as bad as `other` in `figure`, from `from_s` on."""

    other: str
    figure: str
    most: float
    from_s: float = 0.0


LEARNT_S = 600.0
"""How long registration has to learn what sensors are wrong by."""


def pair_of(name: str) -> Pair | None:
    """Return what a scene is told beside, or None."""
    if name.startswith("late-"):
        return Pair(name.removeprefix("late-"), "gospa_m", 1.25)
    if name == "biased":
        return Pair("unbiased", "gospa_m", 1.10, LEARNT_S)
    if name == "vendor":
        return Pair("vendor-central", "old_rmse_m", 1.05)
    return None


def pair_figures(
    name: str, seeds: Sequence[int], verdicts: Sequence[Verdict], *, recordings: Path
) -> Iterator[dict[str, object]]:
    """Yield the ratio of a scene to the one beside it, seed by seed the same sky; nothing if it has none."""
    pair = pair_of(name)
    if pair is None:
        return
    ratios, values, others = [], [], []
    for seed, own in zip(seeds, verdicts, strict=True):
        ours = own if not pair.from_s else _judged(staged(name, seed, recordings=recordings), pair.from_s)
        other = _judged(staged(pair.other, seed, recordings=recordings), pair.from_s)
        value, beside = ours.values.get(pair.figure), other.values.get(pair.figure)
        if value is not None and beside:
            ratios.append(value / beside)
            values.append(value)
            others.append(beside)
    line: dict[str, object] = {"bench": "tracking", "case": f"{name}: {pair.figure} beside {pair.other}", "unit": "m"}
    if ratios:
        ratio = float(np.median(ratios))
        p10, p90 = (float(np.percentile(values, share)) for share in (10, 90))
        line.update(value=float(np.median(values)), median=float(np.median(values)), p10=p10, p90=p90)
        line.update(peer=pair.other, peer_value=float(np.median(others)), ratio=ratio, target=pair.most)
        line["met"] = ratio <= pair.most
    yield line


def _judged(stage: Staged, from_s: float) -> Verdict:
    stage = replace(stage, from_s=from_s)
    return verdict(stage, truth_of(stage), play(stage))

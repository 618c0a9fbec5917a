"""A night written down: `sensors.jsonl`, `plots.jsonl` and `truth.csv`, as if it had been recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dronewall.simulation.night import Scene
from dronewall.simulation.source import NS
from dronewall.simulation.truth import Truth, write_truth
from dronewall.wire import plots_jsonl, sensors_jsonl


@dataclass(frozen=True, slots=True)
class Recording:
    """How much was written."""

    sensors: int
    plots: int
    truths: int


def truths(scene: Scene, from_ns: int, to_ns: int, *, sample_s: int = 5) -> Iterator[Truth]:
    """Yield the truth at every multiple of `sample_s` since the Unix epoch in [from_ns, to_ns)."""
    step = sample_s * NS
    for at_ns in range(-(-from_ns // step) * step, to_ns, step):
        yield scene.truth_at(at_ns)


def write(scene: Scene, seconds: float, out_dir: Path, *, from_s: float = 0.0, sample_s: int = 5) -> Recording:
    """Write `seconds` of a scene, beginning `from_s` into it, to three files in `out_dir`; return how much.

    Plots are those received in that time. Pieces of a second are written as they are made: a night is never held whole.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    from_ns = scene.epoch_ns + round(from_s * NS)
    to_ns = from_ns + round(seconds * NS)
    (out_dir / "sensors.jsonl").write_bytes(sensors_jsonl.encoded(scene.sensors))
    plots = 0
    with (out_dir / "plots.jsonl").open("wb") as out:
        for piece_ns in range(from_ns, to_ns, NS):
            piece = scene.plots_between(piece_ns, min(piece_ns + NS, to_ns))
            out.write(plots_jsonl.encoded(piece))
            plots += len(piece)
    told = write_truth(out_dir / "truth.csv", truths(scene, from_ns, to_ns, sample_s=sample_s))
    return Recording(len(scene.sensors), plots, told)


def plots_per_s(scene: Scene, from_ns: int, seconds: int) -> dict[str, float]:
    """Return how many plots each kind of sensor delivers a second, under the names used in files."""
    kind_of = {sensor.sensor_id: sensor.kind.label for sensor in scene.sensors}
    counts: Counter[str] = Counter()
    for second in range(seconds):
        plots = scene.plots_between(from_ns + second * NS, from_ns + (second + 1) * NS)
        for sensor_id, count in zip(plots.sensor_ids, np.bincount(plots.sensor), strict=True):
            counts[kind_of[sensor_id]] += int(count)
    return {kind: count / seconds for kind, count in sorted(counts.items())}

"""`dronewall score`: tracks judged by truth, as one object of numbers. `formats.md` of the project names them.

One assignment serves everything: at each instant the one that makes GOSPA least. From it come errors, completeness,
changes of number, honesty of the claimed errors and the delay until an object is shown. Nothing is measured on a track
that lies on an object with `scored` 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.bench.align import Scene, scene_from
from dronewall.bench.files import read_tracks, read_truth
from dronewall.bench.gospa import Pairs, assigned_pairs, gospa, near_pairs
from dronewall.bench.siap import siap
from dronewall.bench.tables import TrackTable, TruthTable, sampled, track_table
from dronewall.bench.tgospa import trajectory_cost
from dronewall.geodesy.wgs84 import enu_axes, geodetic_from_ecef
from dronewall.model.plots import ObjectClass

__all__ = ["TrackTable", "TruthTable", "read_tracks", "read_truth", "sampled", "score", "score_files", "track_table"]

CUTOFF_M = 500.0
"""The standard cutoff; 1000 m is usual for sensors that only hear, with `horizontal`."""

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """A scene with its pairs: all that are near and, of those, the ones assigned."""

    scene: Scene
    near: Pairs
    assigned: Pairs


def score(
    truth: TruthTable,
    tracks: TrackTable,
    *,
    cutoff_m: float = CUTOFF_M,
    horizontal: bool = False,
    from_s: float = 0.0,
) -> Result:
    """Return every figure over all objects, and the same `by_class`.

    Args:
        cutoff_m: how far from an object a track may lie and still be on it.
        horizontal: leave height and vertical velocity out.
        from_s: leave out what lies earlier than this many seconds after the first truth.

    Returns:
        The names of `formats.md`; None where there is nothing to measure. `t_gospa_method` says how T-GOSPA was had:
        `exact`, `lp` (not above the exact value) or `bound` (not below it).
    """
    judged = judge(truth, tracks, cutoff_m=cutoff_m, horizontal=horizontal, from_s=from_s)
    return score_judged(judged, cutoff_m=cutoff_m, horizontal=horizontal)


def score_judged(judged: Judged, *, cutoff_m: float, horizontal: bool) -> Result:
    """Return the figures of a scene that has been judged; see `score`."""
    result = _figures(judged, cutoff_m=cutoff_m, horizontal=horizontal)
    classes = np.unique(judged.scene.truth.object_class)
    result["by_class"] = {
        ObjectClass(value).label: _figures(_of_class(judged, value), cutoff_m=cutoff_m, horizontal=horizontal)
        for value in classes
    }
    return result


def score_files(
    truth: Path,
    tracks: Path,
    *,
    cutoff_m: float = CUTOFF_M,
    horizontal: bool = False,
    from_s: float = 0.0,
    export_referee: Path | None = None,
) -> Result:
    """Score two files; with `export_referee` also write what an independent referee reads.

    Raises:
        InputError: a file cannot be read.
    """
    told, said = read_truth(truth), read_tracks(tracks)
    if export_referee is not None:
        judged = judge(told, said, cutoff_m=cutoff_m, horizontal=horizontal, from_s=from_s)
        write_referee(judged.scene, export_referee)
    return score(told, said, cutoff_m=cutoff_m, horizontal=horizontal, from_s=from_s)


def judge(
    truth: TruthTable, tracks: TrackTable, *, cutoff_m: float, horizontal: bool = False, from_s: float = 0.0
) -> Judged:
    """Return the scene to be measured: at common instants, without unscored objects and the tracks on them."""
    scene = scene_from(truth, tracks, horizontal=horizontal, from_s=from_s)
    near = near_pairs(
        scene.truth.position, scene.truth_instant, scene.tracks.position, scene.tracks_instant, cutoff_m=cutoff_m
    )
    assigned = assigned_pairs(near, cutoff_m=cutoff_m)
    spared = _tracks_on_unscored(scene, near, assigned)
    return _cut(Judged(scene, near, assigned), scene.truth.scored, ~spared)


def _tracks_on_unscored(scene: Scene, near: Pairs, assigned: Pairs) -> NDArray[np.bool_]:
    """Return which track rows are on an unscored object: assigned to it, or left over and closest to it."""
    closest = np.full(len(scene.tracks), -1)
    order = np.argsort(-near.distance_m, kind="stable")
    closest[near.track[order]] = near.truth[order]
    closest[assigned.track] = assigned.truth
    return (closest >= 0) & ~np.append(scene.truth.scored, True)[closest]


def _cut(judged: Judged, truth_kept: NDArray[np.bool_], tracks_kept: NDArray[np.bool_]) -> Judged:
    """Return the scene with some rows of truth and tracks only; what is left of a best assignment is still the best."""
    scene = judged.scene
    smaller = replace(
        scene,
        truth=scene.truth.take(truth_kept),
        truth_instant=scene.truth_instant[truth_kept],
        tracks=scene.tracks.take(tracks_kept),
        tracks_instant=scene.tracks_instant[tracks_kept],
    )
    row, column = np.cumsum(truth_kept) - 1, np.cumsum(tracks_kept) - 1

    def renumbered(pairs: Pairs) -> Pairs:
        kept = pairs.take(truth_kept[pairs.truth] & tracks_kept[pairs.track])
        return Pairs(row[kept.truth], column[kept.track], kept.distance_m)

    return Judged(smaller, renumbered(judged.near), renumbered(judged.assigned))


def _of_class(judged: Judged, value: int) -> Judged:
    """Return the part of the scene that concerns one class: its objects, the tracks on them, and the tracks on nothing
    that say they are of this class. Nobody else can tell to which class a false track belongs.
    """
    scene = judged.scene
    of_class = scene.truth.object_class == value
    kept = scene.tracks.object_class == value
    kept[judged.assigned.track] = of_class[judged.assigned.truth]
    return _cut(judged, of_class, kept)


def _figures(judged: Judged, *, cutoff_m: float, horizontal: bool) -> Result:
    scene, pairs = judged.scene, judged.assigned
    count = len(scene.instants)
    per_instant = gospa(pairs, scene.truth_instant, scene.tracks_instant, cutoff_m=cutoff_m, count=count)
    rows = len(scene.truth) + len(scene.tracks)
    along = trajectory_cost(
        judged.near,
        scene.truth.object[judged.near.truth].astype(np.intp),
        scene.tracks.track_id[judged.near.track].astype(np.intp),
        scene.truth_instant[judged.near.truth],
        rows=rows,
        cutoff_m=cutoff_m,
    )
    instants = len(per_instant.missed_m2)
    return {
        "gospa_m": _mean(per_instant.distance_m),
        "gospa_localisation_m2": _mean(per_instant.localisation_m2),
        "gospa_missed_m2": _mean(per_instant.missed_m2),
        "gospa_false_m2": _mean(per_instant.false_m2),
        "t_gospa_m": float(np.sqrt(max(along.cost_m2, 0.0) / instants)) if instants else None,
        "t_gospa_method": along.method,
        "completeness": len(pairs.truth) / len(scene.truth) if len(scene.truth) else None,
        "spuriousness": 1.0 - len(pairs.track) / len(scene.tracks) if len(scene.tracks) else None,
        "id_changes_per_truth": _id_changes_per_truth(scene, pairs),
        "anees": _anees(scene, pairs, horizontal=horizontal),
        **_errors(scene, pairs),
        "confirm_s": _confirm_s(scene, pairs),
        "siap": siap(scene, judged.near, pairs),
    }


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _errors(scene: Scene, pairs: Pairs) -> Result:
    """Errors of position and velocity over all assigned pairs."""
    away = pairs.distance_m
    off = scene.truth.velocity[pairs.truth] - scene.tracks.velocity[pairs.track]
    speed_sq = np.einsum("ni,ni->n", off, off)
    speed_sq = speed_sq[np.isfinite(speed_sq)]
    return {
        "rmse_m": float(np.sqrt(np.mean(away**2))) if len(away) else None,
        "median_m": float(np.median(away)) if len(away) else None,
        "p95_m": float(np.percentile(away, 95)) if len(away) else None,
        "velocity_rmse_mps": float(np.sqrt(speed_sq.mean())) if len(speed_sq) else None,
    }


def _anees(scene: Scene, pairs: Pairs, *, horizontal: bool) -> float | None:
    """Average normalised estimation error squared of position, per axis: 1 where tracks are as good as they claim.

    From the claimed sigmas along east, north and up, so what a track knows of their correlation does not count.
    """
    lat_deg, lon_deg, _ = geodetic_from_ecef(scene.tracks.position[pairs.track])
    off = scene.tracks.position[pairs.track] - scene.truth.position[pairs.truth]
    enu = np.einsum("nij,nj->ni", enu_axes(lat_deg, lon_deg), off)
    axes = 2 if horizontal else 3
    claimed = scene.tracks.sigma_enu_m[pairs.track, :axes]
    told = (claimed > 0).all(axis=1)
    return float(np.mean((enu[told, :axes] / claimed[told]) ** 2)) if told.any() else None


def _id_changes_per_truth(scene: Scene, pairs: Pairs) -> float | None:
    """How often an object's track is another one than when it last had one, per object."""
    objects = len(np.unique(scene.truth.object))
    who, number = scene.truth.object[pairs.truth], scene.tracks.track_id[pairs.track]
    order = np.lexsort((scene.truth_instant[pairs.truth], who))
    changed = (np.diff(who[order]) == 0) & (np.diff(number[order]) != 0)
    return float(np.count_nonzero(changed) / objects) if objects else None


def _confirm_s(scene: Scene, pairs: Pairs) -> float | None:
    """Median delay from an object's first instant to the first track on it, over the objects that got one."""
    at_ns = scene.instants[scene.truth_instant]
    began, shown = _earliest(scene.truth.object, at_ns), _earliest(scene.truth.object[pairs.truth], at_ns[pairs.truth])
    delays = [(first - began[who]) / 1e9 for who, first in shown.items()]
    return float(np.median(delays)) if delays else None


def _earliest(who: NDArray[np.int32], at_ns: NDArray[np.int64]) -> dict[int, int]:
    order = np.lexsort((at_ns, who))
    named, first = np.unique(who[order], return_index=True)
    return dict(zip(named.tolist(), at_ns[order][first].tolist(), strict=True))


def write_referee(scene: Scene, folder: Path) -> None:
    """Write `truth.csv` and `tracks.csv` as an independent referee reads them: `t,id,x,y,z,vx,vy,vz` in s, m and m/s.

    Exactly what is scored here: common instants, without unscored objects and the tracks on them. Times count from the
    first instant; ids of tracks are numbered anew, for a table of floats would round them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = scene.instants[0] if len(scene.instants) else 0
    _, number = np.unique(scene.tracks.track_id, return_inverse=True)
    for name, table, who in (("truth.csv", scene.truth, scene.truth.object), ("tracks.csv", scene.tracks, number)):
        rows = np.column_stack([(table.at_ns - start) / 1e9, who, table.position, table.velocity])
        np.savetxt(folder / name, rows, fmt="%.17g", delimiter=",", header="t,id,x,y,z,vx,vy,vz", comments="")

"""What one run of one scene is worth: everything that is said of it, before many seeds are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.bench.gospa import gospa
from dronewall.bench.score import Judged, judge, score_judged
from dronewall.bench.tables import TrackTable, TruthTable
from dronewall.bench.tracking.bound import bound, heard_by_four_s, looks_of, told_mode, told_rate
from dronewall.bench.tracking.grouping import group_values
from dronewall.bench.tracking.nis import nis_per_axis
from dronewall.bench.tracking.play import Played
from dronewall.bench.tracking_scenes.staging import Staged
from dronewall.engine.clock import NS_PER_S
from dronewall.geodesy.wgs84 import FloatArray
from dronewall.simulation.looks import Looks
from dronewall.simulation.streams import stream

SCANS_ESTABLISHED, SOUND_ESTABLISHED_S = 10, 30.0
AFTER_TURN_S = 20.0
MANOEUVRE_NOISES = (0.1, 0.3, 1.0, 3.0)
"""Times the tracker's own: the filter that is told modes is given whichever leaves it the least error in turns."""
"""A turn is not over for a filter when the object flies straight again."""
MOST_BOUNDED, MOST_BOUNDED_BY_SOUND = 1_500, 200
"""Objects up to which the bound is computed; a wall of arrays looks at each several times a second."""
LONGEST_SOUND_S = 25.0
Values = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Figures by name, the same by class, and the errors of established tracks for drawing."""

    values: Values
    by_class: dict[str, Values]
    gospa_at: tuple[tuple[float, float], ...]
    errors_m: FloatArray


def verdict(staged: Staged, truth: TruthTable, played: Played) -> Verdict:
    """Return all that is measured of our own run."""
    judged = judged_of(staged, truth, played.tracks)
    result = score_judged(judged, cutoff_m=staged.cutoff_m, horizontal=staged.horizontal)
    classes = result.pop("by_class")
    off, established = _errors(judged), _established(staged, judged)
    values: Values = {
        **numbers(result),
        **_false_tracks(staged, judged),
        "dual": _dual(judged),
        "truths": float(len(np.unique(judged.scene.truth.object))),
        **_of_errors(off[established]),
        **group_values(staged.swarm, played.groups),
        "plots_per_s": played.cost.plots_per_s,
        "scan_p50_ms": _percentile(played.cost.scan_ms, 50),
        "scan_p99_ms": _percentile(played.cost.scan_ms, 99),
        "held": float(played.cost.held),
        "real_time": staged.seconds / max(played.cost.cpu_s, 1e-9),
    }
    most = MOST_BOUNDED_BY_SOUND if staged.horizontal else MOST_BOUNDED
    looks = looks_of(staged) if len(staged.scene.sky) <= most else None
    if looks is not None:
        if staged.plan is not None:
            values.update(_against_best(staged, judged, looks, established))
        if played.kept:
            values["nis"] = nis_per_axis(staged, judged, played.kept, looks, established)
    by_class = {name: numbers(part) for name, part in classes.items()}
    return Verdict(values, by_class, _gospa_at(staged, judged), off[established])


def judged_of(staged: Staged, truth: TruthTable, tracks: TrackTable) -> Judged:
    """Return the comparison that a scene asks for."""
    return judge(truth, tracks, cutoff_m=staged.cutoff_m, horizontal=staged.horizontal, from_s=staged.from_s)


def numbers(result: dict[str, Any]) -> Values:
    """Return what is a number, or could have been one, of a score; nested objects by dotted names."""
    flat: Values = {}
    for name, value in result.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": told for inner, told in numbers(value).items()})
        elif value is None or isinstance(value, float):
            flat[name] = value
    return flat


def _percentile(values: tuple[float, ...], share: float) -> float | None:
    return float(np.percentile(values, share)) if values else None


def _errors(judged: Judged) -> FloatArray:
    return judged.assigned.distance_m


def _established(staged: Staged, judged: Judged) -> NDArray[np.bool_]:
    """Whether each assigned pair's track has been shown for ten scans, or 30 s where there is only sound."""
    tracks = judged.scene.tracks
    named, which = np.unique(tracks.track_id, return_inverse=True)
    first = np.full(len(named), np.iinfo(np.int64).max)
    np.minimum.at(first, which, tracks.at_ns)
    age_s = (tracks.at_ns - first[which]) / NS_PER_S
    return np.asarray(age_s[judged.assigned.track] >= established_s(staged))


def established_s(staged: Staged) -> float:
    """Return how old a track is when it is established, s."""
    if staged.horizontal:
        return SOUND_ESTABLISHED_S
    scanning = [s.period_s for s in staged.scene.sensors if s.kind.regular and s.period_s]
    return SCANS_ESTABLISHED * (float(np.median(scanning)) if scanning else 5.0)


def _of_errors(off: FloatArray) -> Values:
    if not len(off):
        return {"old_rmse_m": None, "old_median_m": None, "old_p95_m": None}
    return {
        "old_rmse_m": float(np.sqrt(np.mean(off**2))),
        "old_median_m": float(np.median(off)),
        "old_p95_m": float(np.percentile(off, 95)),
    }


def _false_tracks(staged: Staged, judged: Judged) -> Values:
    """Tracks that are on no object in more than half of their samples, per hour and 10,000 km²."""
    tracks = judged.scene.tracks
    named, which = np.unique(tracks.track_id, return_inverse=True)
    samples = np.bincount(which, minlength=len(named))
    hits = np.bincount(which[judged.assigned.track], minlength=len(named))
    false = int(np.count_nonzero(hits < 0.5 * samples))
    if staged.area_km2 is None:
        return {"false_tracks": float(false), "false_per_h_10000km2": None}
    hours = staged.seconds / 3_600.0
    return {"false_tracks": float(false), "false_per_h_10000km2": false / hours / (staged.area_km2 / 1e4)}


def _dual(judged: Judged) -> float | None:
    """Share of tracked objects' samples at which a second track, on nothing else, lies within the cutoff."""
    if not len(judged.assigned.truth):
        return None
    spare = ~np.isin(judged.near.track, judged.assigned.track)
    tracked = np.isin(judged.near.truth, judged.assigned.truth)
    return float(len(np.unique(judged.near.truth[spare & tracked])) / len(judged.assigned.truth))


def _gospa_at(staged: Staged, judged: Judged) -> tuple[tuple[float, float], ...]:
    """GOSPA over time: seconds since the first instant, and metres."""
    scene = judged.scene
    told_ = gospa(
        judged.assigned,
        scene.truth_instant,
        scene.tracks_instant,
        cutoff_m=staged.cutoff_m,
        count=len(scene.instants),
    )
    begun = int(scene.instants[0]) if len(scene.instants) else 0
    there = np.union1d(scene.truth_instant, scene.tracks_instant)
    at_s = (scene.instants[there] - begun) / NS_PER_S
    return tuple(zip(at_s.tolist(), told_.distance_m.tolist(), strict=True))


def _against_best(staged: Staged, judged: Judged, looks: Looks, established: NDArray[np.bool_]) -> Values:
    """Ratios to the bound and to the filter that is told everything, over the same rows."""
    best = bound(staged, looks)
    rows = judged.assigned.take(np.flatnonzero(established))
    objects = judged.scene.truth.object[rows.truth]
    at_s = (judged.scene.truth.at_ns[rows.truth] - staged.scene.epoch_ns) / NS_PER_S
    column = np.searchsorted(best.at_s, at_s - 1e-6)
    off = judged.scene.truth.velocity[rows.truth] - judged.scene.tracks.velocity[rows.track]
    place_sq, speed_sq = rows.distance_m**2, np.sum(off**2, axis=1)
    turning = _turning(staged, objects, at_s)
    straight = ~_ever_turned(staged, objects, at_s)
    values: Values = {
        "pcrlb_m": _rms(best.position_m2[objects, column]),
        "pcrlb_ratio": _ratio(place_sq, best.position_m2[objects, column], straight),
        "pcrlb_velocity_ratio": _ratio(speed_sq, best.velocity_m2[objects, column], straight),
        "straight_rms_m": _rms(place_sq[straight]),
        "turning_rms_m": _rms(place_sq[turning]),
    }
    if any(looks.delay_s > 0):
        values["confirm_after_four_s"] = _confirm_after_four(staged, judged, looks)
        return values
    if staged.plan is not None and np.any(staged.plan.turn_radps):
        values.update(_against_told(staged, looks, place_sq, objects, column, turning))
    return values


def _against_told(
    staged: Staged,
    looks: Looks,
    place_sq: FloatArray,
    objects: NDArray[np.int32],
    column: NDArray[np.intp],
    turning: NDArray[np.bool_],
) -> Values:
    """Ratios to filters that are told what is hidden; the one that is told modes has the noise that serves it best."""
    every = np.ones(len(objects), bool)
    tried = [
        told_mode(staged, looks, stream(staged.seed, "told"), noise=noise).position_m2[objects, column]
        for noise in MANOEUVRE_NOISES
    ]
    mode = min(tried, key=lambda squares: float(np.nanmean(squares[turning])) if turning.any() else 0.0)
    rate = told_rate(staged, looks, stream(staged.seed, "told")).position_m2[objects, column]
    return {
        "told_ratio": _ratio(place_sq, mode, every),
        "told_turning_ratio": _ratio(place_sq, mode, turning),
        "rate_told_turning_ratio": _ratio(place_sq, rate, turning),
    }


def _rms(squares: FloatArray) -> float | None:
    return float(np.sqrt(np.nanmean(squares))) if len(squares) else None


def _ratio(ours: FloatArray, best: FloatArray, rows: NDArray[np.bool_]) -> float | None:
    fair = rows & np.isfinite(ours) & np.isfinite(best)
    return float(np.sqrt(ours[fair].mean() / best[fair].mean())) if fair.any() else None


def _turning(staged: Staged, objects: NDArray[np.int32], at_s: FloatArray) -> NDArray[np.bool_]:
    """Whether each object is turning at an instant, or has just done so."""
    plan = staged.plan
    if plan is None:
        return np.zeros(len(objects), bool)
    lag_s = LONGEST_SOUND_S if staged.horizontal else 0.0
    since, until = plan.turn_from_s[objects], plan.turn_until_s[objects] + AFTER_TURN_S + lag_s
    return np.asarray((plan.turn_radps[objects] != 0) & (at_s >= since) & (at_s < until))


def _ever_turned(staged: Staged, objects: NDArray[np.int32], at_s: FloatArray) -> NDArray[np.bool_]:
    """Whether an object has begun its turn: straight is what has not."""
    plan = staged.plan
    if plan is None:
        return np.zeros(len(objects), bool)
    return np.asarray((plan.turn_radps[objects] != 0) & (at_s >= plan.turn_from_s[objects]))


def _confirm_after_four(staged: Staged, judged: Judged, looks: Looks) -> float | None:
    """Median delay from sound reaching an object's fourth array to the first track on it; the missed count as never."""
    heard = heard_by_four_s(looks, len(staged.scene.sky))
    truth, pairs = judged.scene.truth, judged.assigned
    shown: dict[int, float] = {}
    for row in np.argsort(truth.at_ns[pairs.truth], kind="stable")[::-1]:
        shown[int(truth.object[pairs.truth[row]])] = float(truth.at_ns[pairs.truth[row]] - staged.scene.epoch_ns) / 1e9
    asked = np.flatnonzero(heard < staged.seconds - 60.0)
    delays = [max(shown.get(int(row), np.inf) - heard[row], 0.0) for row in asked]
    told_ = float(np.median(delays)) if delays else float("nan")
    return told_ if np.isfinite(told_) else None

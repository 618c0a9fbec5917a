"""What a simulated run says about itself, for only there is truth: GOSPA, changes of number, civil aircraft lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dronewall.bench.civil import CivilSample, civil_count, civil_sample
from dronewall.bench.gospa import gospa
from dronewall.bench.score import CUTOFF_M, TrackTable, TruthTable, judge, sampled
from dronewall.engine.clock import NS_PER_S
from dronewall.engine.entries import Content, PlotsCame
from dronewall.geodesy.wgs84 import enu_axes
from dronewall.model.picture import Picture
from dronewall.simulation.truth import Truth

SAMPLE_S = 1.0


class Told(Protocol):
    """Whoever knows the truth, such as a night."""

    def truth_at(self, at_ns: int) -> Truth:
        """Return every object at an instant."""
        ...


class NightScore:
    """Samples the picture each second, and judges the samples by the truth when all is over; an observer."""

    def __init__(self, night: Told) -> None:
        self._night = night
        self._instants: list[int] = []
        self._tracks: list[TrackTable] = []
        self._civil: list[CivilSample] = []
        self._heard: list[tuple[NDArray[np.uint32], NDArray[np.int64]]] = []

    def __call__(self, picture: Picture, contents: Sequence[Content]) -> None:
        """Take a picture and what led to it."""
        for content in contents:
            if isinstance(content, PlotsCame):
                claims = np.flatnonzero(content.plots.icao24)
                if len(claims):
                    # When it was received: a picture cannot show what has not arrived.
                    self._heard.append((content.plots.icao24[claims], content.plots.received_ns[claims]))
        if self._instants and picture.at_ns < self._instants[-1] + SAMPLE_S * NS_PER_S:
            return
        # Whole seconds since the first sample stand for the instants: a live step is never exactly on the second.
        self._tracks.append(_at(sampled(picture.at_ns, picture.tracks), len(self._instants)))
        self._civil.append(civil_sample(picture.at_ns, picture.tracks))
        self._instants.append(picture.at_ns)

    def result(self) -> dict[str, Any]:
        """Return the figures under the names of the summary; None where there is nothing to measure."""
        truth = _truth_table((row, self._night.truth_at(at_ns)) for row, at_ns in enumerate(self._instants))
        judged = judge(truth, TrackTable.concat(self._tracks), cutoff_m=CUTOFF_M)
        scene, pairs = judged.scene, judged.assigned
        figures = gospa(pairs, scene.truth_instant, scene.tracks_instant, cutoff_m=CUTOFF_M, count=len(scene.instants))
        civil = civil_count(self._heard_ns(), self._civil)
        changes = _changes(
            scene.truth.object[pairs.truth], scene.tracks.track_id[pairs.track], scene.truth_instant[pairs.truth]
        )
        return {
            "id_changes": changes,
            "civil_seen": civil.seen,
            "civil_lost": civil.lost,
            "gospa_m": round(float(figures.distance_m.mean()), 2) if len(figures.distance_m) else None,
        }

    def _heard_ns(self) -> dict[int, NDArray[np.int64]]:
        if not self._heard:
            return {}
        address = np.concatenate([address for address, _ in self._heard])
        at_ns = np.concatenate([at_ns for _, at_ns in self._heard])
        order = np.argsort(address, kind="stable")
        named, first = np.unique(address[order], return_index=True)
        return dict(zip(named.tolist(), np.split(at_ns[order], first[1:]), strict=True))


def _changes(objects: NDArray[np.int32], numbers: NDArray[np.int64], instants: NDArray[np.intp]) -> int:
    """Return how often an object's track was another one than when it last had one."""
    order = np.lexsort((instants, objects))
    return int(np.count_nonzero((np.diff(objects[order]) == 0) & (np.diff(numbers[order]) != 0)))


def _at(table: TrackTable, second: int) -> TrackTable:
    columns = dict(table.columns())
    columns["at_ns"] = np.full(len(table), second * NS_PER_S, np.int64)
    return TrackTable(**columns)


def _truth_table(samples: Iterable[tuple[int, Truth]]) -> TruthTable:
    truths = [(row, truth) for row, truth in samples]
    if not truths:
        return TruthTable.empty()
    names, objects = np.unique(np.concatenate([truth.object_id for _, truth in truths]), return_inverse=True)
    lat_deg, lon_deg = (np.concatenate([getattr(t, name) for _, t in truths]) for name in ("lat_deg", "lon_deg"))
    enu = np.concatenate([np.column_stack([t.ve_mps, t.vn_mps, t.vu_mps]) for _, t in truths])
    return TruthTable.of(
        len(objects),
        at_ns=np.concatenate([np.full(len(truth), row * NS_PER_S) for row, truth in truths]),
        object=objects,
        position=np.concatenate([truth.ecef() for _, truth in truths]),
        velocity=np.einsum("nji,nj->ni", enu_axes(lat_deg, lon_deg), enu),
        object_class=np.concatenate([truth.object_class for _, truth in truths]),
        scored=np.concatenate([truth.scored for _, truth in truths]),
        object_ids=tuple(name.decode() for name in names.tolist()),
    )

"""What is remembered of other trackers: the last word of each of their tracks, and what each tracker's words are worth.

Sources are judged by plots of the same objects from sensors of ours, whose errors know nothing of theirs, and by how
their news fits our tracks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import NAN
from dronewall.model.table import Table, column, column_specs
from dronewall.tracking.remote import LIFETIME_S

FloatArray = NDArray[np.float64]

SAMPLES_UNTIL_TRUSTED = 20
MISFIT_MOST = 5.0
"""A source's news is taken as news, as much less sure as it has proved, while its mean squared misfit in sigmas per
dimension is no more than this."""
REPETITION_MOST, REPETITION_FORGIVEN = 0.5, 0.3
"""Correlation between one piece of news and the next beyond which they are not new, and below which they are again."""
MEMORY = 0.01
CLIP_SQ = 9.0
"""What lies beyond three sigmas moves an estimate no more than what lies there."""
WIDENING_MOST = 400.0


@dataclass(slots=True)
class SourceWorth:
    """How good one source's words have proved.

    `widening` ≥ 1 is by how much the variances fall short that it tells, or that are declared of it. `news` counts its
    pieces of news; `misfit` is their mean square, in sigmas per dimension, and `repetition` their correlation, -1 to 1,
    with the one before. `trusted` tells that its news may be taken as news, `echoes` that it has given ours back to us.
    """

    widening: float = 1.0
    news: int = 0
    misfit: float = 1.0
    repetition: float = 0.0
    trusted: bool = False
    echoes: bool = False

    @property
    def variance(self) -> float:
        """By how much variances that it tells are to be multiplied when they are taken whole."""
        return max(self.widening, self.misfit if self.news >= SAMPLES_UNTIL_TRUSTED else 1.0)

    def learn_distances(self, distance_sq: FloatArray) -> None:
        """Take squared distances (n,) of independent plots, in sigmas per dimension: they should be 1 in the mean."""
        for value in distance_sq.tolist():
            self.widening *= math.exp(2.0 * MEMORY * (min(value, CLIP_SQ) - 1.0))
            self.widening = min(max(self.widening, 1.0), WIDENING_MOST)

    def learn_news(self, misfit: FloatArray, repetition: FloatArray) -> None:
        """Take mean squares (n,) of news in sigmas, and their correlations (n,) with the news before, NaN for none."""
        for value, again in zip(misfit.tolist(), repetition.tolist(), strict=True):
            self.news += 1
            weight = max(MEMORY, 1.0 / self.news)
            self.misfit += weight * (min(value, CLIP_SQ * max(self.misfit, 1.0)) - self.misfit)
            if again == again:
                self.repetition += weight * (again - self.repetition)
        limit = REPETITION_MOST if self.trusted else REPETITION_FORGIVEN
        sound = self.misfit <= MISFIT_MOST and self.repetition <= limit
        self.trusted = sound and self.news >= SAMPLES_UNTIL_TRUSTED


@dataclass(frozen=True, slots=True, eq=False)
class Followed(Table):
    """The last word of each remote track, and what we hold it to be.

    `mean` and `covariance` are as used, ECEF; `filtered` tells whether the covariance is a filter's own, told whole.
    `told` counts reports since `first_ns`. `track_id` is our track (-1 none), `astray` for how many reports it has not
    fitted, `alone` for how many none has. `news` (3,) is the direction of the last news in units of its sigma.
    """

    sensor: NDArray[np.int32] = column("<i4")
    track_ref: NDArray[np.bytes_] = column("|S36", absent=b"")
    at_ns: NDArray[np.int64] = column("<i8")
    first_ns: NDArray[np.int64] = column("<i8")
    mean: NDArray[np.float64] = column("<f8", cell=(6,), absent=NAN)
    covariance: NDArray[np.float64] = column("<f8", cell=(6, 6), absent=NAN)
    filtered: NDArray[np.bool_] = column("|b1", absent=False)
    told: NDArray[np.int32] = column("<i4")
    track_id: NDArray[np.int64] = column("<i8", absent=-1)
    astray: NDArray[np.int32] = column("<i4")
    alone: NDArray[np.int32] = column("<i4")
    news: NDArray[np.float64] = column("<f8", cell=(3,), absent=NAN)


class VendorMemory:
    """All remote tracks that were told of lately, and all sources that ever told of any."""

    def __init__(self) -> None:
        self.worth: dict[int, SourceWorth] = {}
        self.become(Followed.empty())

    def become(self, followed: Followed) -> None:
        """Take over `followed` as what is remembered."""
        self.columns = {name: np.array(values) for name, values in followed.columns()}
        self._row_of = {key: row for row, key in enumerate(self._keys())}

    def _keys(self) -> zip[tuple[int, bytes]]:
        return zip(self.columns["sensor"].tolist(), self.columns["track_ref"].tolist(), strict=True)

    def source(self, sensor: int) -> SourceWorth:
        """Return what a source's words are worth."""
        return self.worth.setdefault(sensor, SourceWorth())

    def rows_of(self, sensor: int, refs: NDArray[np.bytes_]) -> NDArray[np.intp]:
        """Return the rows of remote tracks; those nobody told of before get one."""
        keys = [(sensor, ref) for ref in refs.tolist()]
        new = [key for key in keys if key not in self._row_of]
        if new:
            more = Followed.of(len(new), sensor=sensor, track_ref=[ref for _, ref in new], at_ns=-1)
            for name, values in more.columns():
                self.columns[name] = np.concatenate([self.columns[name], values])
            self._row_of.update(zip(new, range(len(self._row_of), len(self._row_of) + len(new)), strict=True))
        return np.array([self._row_of[key] for key in keys], np.intp)

    def forget(self, now_ns: int) -> None:
        """Forget the remote tracks that were not told of for too long."""
        fresh = (now_ns - self.columns["at_ns"]) / 1e9 <= LIFETIME_S
        if not fresh.all():
            self.become(Followed(**{name: values[fresh] for name, values in self.columns.items()}))

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        worth = [
            [float(sensor), *(float(getattr(self.worth[sensor], field.name)) for field in fields(SourceWorth))]
            for sensor in sorted(self.worth)
        ]
        told = {f"vendor.{name}": values.copy() for name, values in self.columns.items()}
        return {**told, "vendor.worth": np.array(worth, float).reshape(len(worth), 1 + len(fields(SourceWorth)))}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self.become(Followed(**{spec.name: state[f"vendor.{spec.name}"].copy() for spec in column_specs(Followed)}))
        kinds = [type(getattr(SourceWorth(), field.name)) for field in fields(SourceWorth)]
        self.worth = {
            int(row[0]): SourceWorth(*(kind(value) for kind, value in zip(kinds, row[1:].tolist(), strict=True)))
            for row in state["vendor.worth"]
        }

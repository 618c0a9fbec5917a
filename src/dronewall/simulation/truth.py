"""Truth: where every object really is, which only a simulation knows."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray, ecef_from_geodetic
from dronewall.model.identity import Affiliation
from dronewall.model.plots import NAN, ObjectClass
from dronewall.model.table import Table, column

HEADER = (
    *("at_ns", "object_id", "lat_deg", "lon_deg", "hae_m", "ve_mps", "vn_mps", "vu_mps"),
    *("class", "affiliation", "scored"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Truth(Table):
    """One row per object and instant. A track on an object that is not `scored` counts neither for nor against.

    Not scored is what no sensor could detect at that instant, and what was there until less than 30 s ago: it is told
    as if it had gone straight on.
    """

    at_ns: NDArray[np.int64] = column("<i8")
    object_id: NDArray[np.bytes_] = column("|S12", absent=b"")
    lat_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    lon_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    hae_m: NDArray[np.float64] = column("<f8", absent=NAN)
    ve_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    vn_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    vu_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    object_class: NDArray[np.uint8] = column("|u1", absent=ObjectClass.UNKNOWN)
    affiliation: NDArray[np.uint8] = column("|u1", absent=Affiliation.UNKNOWN)
    scored: NDArray[np.bool_] = column("|b1", absent=True)

    def ecef(self) -> FloatArray:
        """Return positions (n, 3), m."""
        return ecef_from_geodetic(self.lat_deg, self.lon_deg, self.hae_m)


def write_truth(path: Path, truths: Iterable[Truth]) -> int:
    """Write `truth.csv`; return how many rows."""
    rows = 0
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        for truth in truths:
            writer.writerows(_csv_rows(truth))
            rows += len(truth)
    return rows


def _csv_rows(truth: Truth) -> Iterable[tuple[object, ...]]:
    return zip(
        truth.at_ns.tolist(),
        (object_id.decode() for object_id in truth.object_id.tolist()),
        (f"{v:.9f}" for v in truth.lat_deg),
        (f"{v:.9f}" for v in truth.lon_deg),
        *((f"{v:.3f}" for v in values) for values in (truth.hae_m, truth.ve_mps, truth.vn_mps, truth.vu_mps)),
        (ObjectClass(c).label for c in truth.object_class.tolist()),
        (Affiliation(a).label for a in truth.affiliation.tolist()),
        truth.scored.astype(int).tolist(),
        strict=True,
    )

"""Groups as a file: one line for each, read back."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.groups import Groups
from dronewall.model.picture import TruthDomain
from dronewall.picture.groups_csv import HEADER, rows
from dronewall.run.reader import nothing_yet


def test_a_group_is_one_line_with_its_place_and_its_count() -> None:
    velocity = np.array([30.0, -40.0, 1.0]) @ enu_axes(52.0, 22.0)
    mean = np.concatenate([ecef_from_geodetic(52.0, 22.0, 400.0), velocity])
    groups = Groups.of(
        1, group_id=[7], mean=mean[None], spread=np.eye(3), members=31, count=50, count_low=44, count_high=57
    )
    picture = replace(nothing_yet(TruthDomain.SIMULATION), at_ns=5, groups=groups)
    (row,) = csv.DictReader(io.StringIO(HEADER + rows(picture)))
    assert [row[name] for name in ("at_ns", "group_id", "members", "count", "count_low", "count_high")] == [
        "5", "7", "31", "50", "44", "57",
    ]  # fmt: skip
    told = [float(row[name]) for name in ("lat_deg", "lon_deg", "hae_m", "ve_mps", "vn_mps", "vu_mps")]
    assert told == pytest.approx([52.0, 22.0, 400.0, 30.0, -40.0, 1.0], abs=1e-2)


def test_no_group_is_no_line() -> None:
    assert rows(nothing_yet(TruthDomain.SIMULATION)) == ""

"""Radars that read wrong, with trusted aircraft in the sky: after ten minutes the tracks are as good as without.

Noise is simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dronewall.model.plots import Plots
from dronewall.simulation import scenes

RADARS = ("far-a", "far-b", "near-c")
RANGE_M, AZIMUTH_DEG, TIME_S = 80.0, 0.3, 0.3


def biased(plots: Plots, sign: np.ndarray) -> Plots:
    """Return plots with the errors of each radar in the signs (3, 3) given."""
    row_of = {name: row for row, name in enumerate(RADARS)}
    sensor = np.array([row_of.get(name, -1) for name in plots.sensor_ids])[plots.sensor]
    by = np.where((sensor >= 0)[:, None], sign[sensor], 0.0)
    return replace(
        plots,
        range_m=np.maximum(plots.range_m + RANGE_M * by[:, 0], 1.0),
        azimuth_rad=np.mod(plots.azimuth_rad + np.radians(AZIMUTH_DEG) * by[:, 1], 2 * np.pi),
        at_ns=plots.at_ns + (TIME_S * 1e9 * by[:, 2]).astype(np.int64),
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_radars_that_read_wrong_give_tracks_as_good_as_those_that_read_right(judge: Callable, seed: int) -> None:
    played = scenes.traffic_over_radars(seed)
    sign = np.random.default_rng(seed).choice([-1.0, 1.0], (3, 3))
    right = judge(played, from_s=600.0)
    wrong = judge(played._replace(plots=biased(played.plots, sign)), from_s=600.0)
    assert wrong.score["gospa_m"] <= 1.1 * right.score["gospa_m"]
    assert wrong.score["completeness"] >= 0.98
    assert wrong.score["spuriousness"] <= 0.02
    named = {alert.sensor_id for alert in wrong.picture.alerts if alert.alert_id.startswith("bias:")}
    assert named == set(RADARS)
    assert not [alert for alert in right.picture.alerts if alert.alert_id.startswith("bias:")]

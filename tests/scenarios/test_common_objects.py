"""Radars that read wrong and see the same drones, with no trusted aircraft among them: tracks as good as without.

Noise is simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dronewall.model.biases import BiasSource
from dronewall.model.plots import Plots
from dronewall.pipeline import Pipeline
from dronewall.registration.biases import SensorBiases
from dronewall.simulation import scenes
from dronewall.simulation.source import NS

RADARS = tuple(f"far-{name}" for name in "abcde")
RANGE_M, AZIMUTH_DEG, TIME_S = 80.0, 0.3, 0.3


def biased(plots: Plots, sign: np.ndarray) -> Plots:
    """Return plots with the errors of each radar in the signs (5, 3) given."""
    row_of = {name: row for row, name in enumerate(RADARS)}
    by = sign[np.array([row_of[name] for name in plots.sensor_ids])[plots.sensor]]
    return replace(
        plots,
        range_m=np.maximum(plots.range_m + RANGE_M * by[:, 0], 1.0),
        azimuth_rad=np.mod(plots.azimuth_rad + np.radians(AZIMUTH_DEG) * by[:, 1], 2 * np.pi),
        at_ns=plots.at_ns + (TIME_S * 1e9 * by[:, 2]).astype(np.int64),
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
def test_radars_without_trusted_aircraft_give_one_track_of_one_drone(judge: Callable, seed: int) -> None:
    played = scenes.drones_over_radars(seed)
    wrong = played._replace(plots=biased(played.plots, np.random.default_rng(seed).choice([-1.0, 1.0], (5, 3))))
    right, told = judge(played, from_s=600.0), judge(wrong, from_s=600.0)
    assert told.score["gospa_m"] <= 1.1 * right.score["gospa_m"]
    assert told.score["spuriousness"] <= 0.02
    assert told.score["id_changes_per_truth"] == 0.0
    named = {alert.sensor_id for alert in told.picture.alerts if alert.alert_id.startswith("bias:")}
    assert named == set(RADARS)
    assert not [alert for alert in right.picture.alerts if alert.alert_id.startswith("bias:")]


@pytest.mark.slow
def test_radars_that_read_right_give_the_same_tracks_as_if_nobody_compared_them(
    judge: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = scenes.drones_over_radars(13)
    compared = judge(played, from_s=60.0)
    monkeypatch.setattr(SensorBiases, "learn_from_tracks", lambda *_, **__: None)
    alone = judge(played, from_s=60.0)
    assert compared.score["gospa_m"] == pytest.approx(alone.score["gospa_m"], rel=0.01)


@pytest.mark.slow
def test_a_radar_that_is_turned_is_told_and_pulls_no_other(judge: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    played = scenes.drones_over_radars(14)
    p, begun_ns = played.plots, int(played.truth.at_ns.min())
    turned = np.array([name == "far-c" for name in p.sensor_ids])[p.sensor] & (p.received_ns - begun_ns > 450 * NS)
    azimuth_rad = np.mod(p.azimuth_rad + np.radians(1.0) * turned, 2 * np.pi)
    pipelines: list[Pipeline] = []
    begin = Pipeline.__init__

    def noted(self: Pipeline, *args: object, **more: object) -> None:
        begin(self, *args, **more)
        pipelines.append(self)

    monkeypatch.setattr(Pipeline, "__init__", noted)
    judged = judge(played._replace(plots=replace(p, azimuth_rad=azimuth_rad)), from_s=650.0)
    drift = {alert.sensor_id for alert in judged.picture.alerts if alert.alert_id.startswith("drift:")}
    assert drift == {"far-c"}
    told = {bias.sensor_id: bias for bias in pipelines[0].biases()}
    assert np.degrees(told["far-c"].moved.azimuth_rad) == pytest.approx(1.0, abs=0.05)
    assert all(bias.source is BiasSource.COMMON_TRACKS for bias in told.values())
    others = [bias for name, bias in told.items() if name != "far-c"]
    assert all(abs(np.degrees(bias.estimate.azimuth_rad)) < 0.03 for bias in others)
    assert judged.score["spuriousness"] <= 0.02

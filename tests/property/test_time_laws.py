"""Laws of time: how reports were mixed on their way does not matter, and no gap or leap breaks the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.pipeline import Pipeline

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
TICK = NS // 10
SIGMA = Sigma(range_m=30.0, azimuth_deg=0.1, elevation_deg=0.2)
SENSORS = Sensors(
    [
        Sensor("east", SensorKind.RADAR_3D, 54.0, 24.0, 100.0, SIGMA, period_s=1.0, pd=0.9),
        Sensor("west", SensorKind.RADAR_3D, 54.0, 23.9, 100.0, SIGMA, period_s=1.0, pd=0.9),
    ]
)
IDS = ("east", "west")


def reports(rng: np.random.Generator, seconds: float) -> Plots:
    """Return what two radars report of a few objects that fly away from them, in the order of time."""
    count = round(seconds * 20)
    at_s = np.sort(rng.uniform(0.0, seconds, count))
    which = rng.integers(0, 4, count)
    return Plots.of(
        count,
        sensor=rng.integers(0, 2, count),
        at_ns=T0 + (at_s * 1e9).astype(np.int64),
        received_ns=T0 + (at_s * 1e9).astype(np.int64),
        range_m=8_000.0 + 3_000.0 * which + 60.0 * at_s + rng.normal(0.0, 20.0, count),
        azimuth_rad=0.5 + 0.4 * which + rng.normal(0.0, 1e-3, count),
        elevation_rad=0.1 + rng.normal(0.0, 2e-3, count),
        sensor_ids=IDS,
    )


def run(pipeline: Pipeline, plots: Plots, received_ns: np.ndarray, seconds: float) -> list[Picture]:
    """Return the pictures of plots that come at other times, in the order in which they come."""
    order = np.argsort(received_ns, kind="stable")
    columns = {**dict(plots.take(order).columns()), "received_ns": received_ns[order]}
    came, pictures = Plots(**columns, sensor_ids=IDS), []
    for now_ns in range(T0 + TICK, T0 + round((seconds + 0.3) * NS), TICK):
        due = (came.received_ns > now_ns - TICK) & (came.received_ns <= now_ns)
        pictures.append(pipeline.step(came.take(due), now_ns=now_ns, seq=now_ns // TICK))
    return pictures


def begun() -> Pipeline:
    return Pipeline(SENSORS, truth_domain=TruthDomain.SIMULATION)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_reports_that_were_mixed_within_30_ms_give_the_same_tracks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plots = reports(rng, 6.0)
    delay_ns = rng.integers(0, 30_000_000, len(plots))
    prompt, mixed = (run(begun(), plots, plots.at_ns + delay, 6.0) for delay in (0 * delay_ns, delay_ns))
    assert any(len(picture.tracks) for picture in prompt)
    for one, other in zip(prompt, mixed, strict=True):
        assert one.tracks.track_id.tolist() == other.tracks.track_id.tolist()
        np.testing.assert_allclose(one.tracks.mean, other.tracks.mean, rtol=0.0, atol=1e-6)
        np.testing.assert_allclose(one.tracks.existence, other.tracks.existence, rtol=0.0, atol=1e-6)


def test_every_report_takes_effect_in_exactly_one_picture() -> None:
    plots = reports(np.random.default_rng(5), 3.0)
    pictures = run(begun(), plots, plots.at_ns, 3.0)
    taken = np.concatenate([picture.took_received_ns for picture in pictures])
    assert np.sort(taken).tolist() == plots.received_ns.tolist()
    assert all(np.all(picture.took_received_ns <= picture.at_ns) for picture in pictures)


def test_a_pipeline_put_away_while_plots_wait_goes_on_as_if_nothing_had_happened() -> None:
    plots = reports(np.random.default_rng(6), 2.0)
    here, there = begun(), begun()
    run(here, plots, plots.at_ns, 1.55)
    there.restore({name: values.copy() for name, values in here.checkpoint().items()})
    first, second = (one.step(Plots.empty(), now_ns=T0 + 3 * NS, seq=99) for one in (here, there))
    assert first.took_received_ns.tolist() == second.took_received_ns.tolist()
    assert first.tracks.mean.tobytes() == second.tracks.mean.tobytes()


@pytest.mark.parametrize("leap_s", [3_600.0, -3_600.0])
def test_an_hour_that_is_missing_or_comes_twice_breaks_nothing(leap_s: float) -> None:
    rng = np.random.default_rng(7)
    pipeline, plots = begun(), reports(rng, 6.0)
    before = run(pipeline, plots, plots.at_ns, 6.0)[-1]
    assert len(before.tracks)
    now_ns = before.at_ns + round(leap_s * NS)
    late = plots.take(slice(-20, None))
    after = [pipeline.step(late, now_ns=now_ns + k * TICK, seq=1_000 + k) for k in range(5)][-1]
    assert after.at_ns >= before.at_ns
    assert np.isfinite(after.tracks.mean).all()
    assert np.isfinite(after.tracks.covariance).all()
    assert len(after.tracks) == 0 if leap_s > 0 else len(after.tracks) > 0
    assert len(np.unique(after.tracks.track_id)) == len(after.tracks)


def test_a_radar_whose_clock_is_ahead_shares_its_tracks_with_one_whose_clock_is_right() -> None:
    rng = np.random.default_rng(8)
    plots = reports(rng, 20.0)
    shift_ns = np.where(plots.sensor == 1, 7 * NS, 0)
    skewed = Plots(**{**dict(plots.columns()), "at_ns": plots.at_ns + shift_ns}, sensor_ids=IDS)
    pipeline = begun()
    last = run(pipeline, skewed, plots.at_ns, 20.0)[-1]
    west = pipeline.clocks()[1]
    assert west.offset_s == pytest.approx(7.0, abs=0.02)
    assert west.corrected > 100
    assert [alert.title for alert in last.alerts] == ["The clock of west is 7.0 s ahead"]
    assert np.all(last.tracks.updated_ns <= last.at_ns)

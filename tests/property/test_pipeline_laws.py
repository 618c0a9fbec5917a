"""Laws of the whole flow: whatever plots come, the picture stays a picture, and the same plots give the same one."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dronewall.model.identity import Affiliation
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.plots import COVARIANCE_CELLS, NAN, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.pipeline import Pipeline
from dronewall.registration.reorder import REORDER_NS

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
SENSORS = Sensors(
    [
        Sensor("radar", SensorKind.RADAR_3D, 54.0, 24.0, 100.0, Sigma(range_m=30.0), period_s=2.0, pd=0.9),
        Sensor("flat", SensorKind.RADAR_2D, -89.999, 10.0, 2800.0, period_s=4.0),
        Sensor("ears", SensorKind.ACOUSTIC_ARRAY, 54.05, 24.1, 90.0),
        Sensor("finder", SensorKind.RF_DF, 0.0, 179.999, 10.0, range_max_m=60_000.0),
        Sensor("receiver", SensorKind.ADSB),
        Sensor("moving", SensorKind.RADAR_3D),
        Sensor("vendor", SensorKind.VENDOR_TRACKER, delivers_tracks=True),
    ]
)
IDS = (*(sensor.sensor_id for sensor in SENSORS), "nobody")


def anything(rng: np.random.Generator, count: int, at_ns: int) -> Plots:
    """Return plots of which some are sound, some odd and some absurd."""

    def odd(usual: NDArray[np.float64], *extremes: float) -> NDArray[np.float64]:
        out = np.where(rng.random(count) < 0.3, NAN, usual)
        strange = rng.random(count) < 0.1
        out[strange] = rng.choice([*extremes, 0.0, 1e9, -1e9], int(strange.sum()))
        return out

    near, far = rng.uniform(53.8, 54.2, count), rng.uniform(-90, 90, count)
    columns: dict[str, Any] = {
        "sensor": rng.integers(0, len(IDS), count),
        "at_ns": at_ns + rng.choice([0, 0, 0, -NS, -20 * NS, -200 * NS, 60 * NS, -at_ns], count),
        "received_ns": at_ns,
        "scan": rng.choice([-1, -1, 3, 4, 2**40], count),
        "scan_end": rng.random(count) < 0.2,
        "empty_scan": rng.random(count) < 0.1,
        "range_m": odd(rng.uniform(100, 40_000, count), 1e-3, 4e6),
        "azimuth_rad": odd(rng.uniform(0, 6.3, count), -7.0),
        "elevation_rad": odd(rng.uniform(0, 0.3, count), 1.5707, -1.5707),
        "range_rate_mps": odd(rng.uniform(-100, 100, count), 3e5),
        "lat_deg": odd(np.where(rng.random(count) < 0.7, near, far), 90.0, -90.0),
        "lon_deg": odd(rng.uniform(23.8, 24.2, count), 180.0, -180.0),
        "altitude_m": odd(rng.uniform(0, 9_000, count), -900.0, 99_000.0),
        "altitude_datum": rng.integers(0, 4, count),
        "velocity_east_mps": odd(rng.uniform(-200, 200, count)),
        "velocity_north_mps": odd(rng.uniform(-200, 200, count)),
        "covariance": rng.choice([NAN, 0.0, 1.0, 400.0, -5.0, 1e12], (count, COVARIANCE_CELLS)),
        "sigma_range_m": rng.choice([NAN, 0.0, -1.0, 1e-9, 50.0, 1e8], count),
        "sigma_position_m": rng.choice([NAN, 0.0, 20.0, 1e7], count),
        "pose_lat_deg": odd(near),
        "pose_lon_deg": odd(rng.uniform(23.8, 24.2, count)),
        "icao24": rng.choice([0, 0, 0x111111, 0x222222], count),
        "squawk": rng.choice([-1, 7700, 1200], count),
        "track_ref": rng.choice([b"", b"V-1", b"V-2"], count),
        "classes": rng.choice([0.0, 0.5, 1.0], (count, 12)),
    }
    return Plots.of(count, sensor_ids=IDS, **columns)


def pictures(seed: int, *, steps: int = 5) -> list[Picture]:
    rng = np.random.default_rng(seed)
    pipeline = Pipeline(SENSORS, truth_domain=TruthDomain.SIMULATION)
    return [
        pipeline.step(anything(rng, int(rng.integers(0, 60)), T0 + k * NS), now_ns=T0 + k * NS + NS // 10, seq=k)
        for k in range(steps)
    ]


@settings(max_examples=max(25, settings().max_examples // 10))  # each runs the whole pipeline
@given(st.integers(0, 2**32 - 1))
def test_whatever_comes_the_picture_stays_a_picture(seed: int) -> None:
    for picture in pictures(seed):
        tracks = picture.tracks
        assert np.isfinite(tracks.mean).all()
        assert np.isfinite(tracks.covariance).all()
        np.testing.assert_allclose(tracks.covariance, np.swapaxes(tracks.covariance, 1, 2), rtol=1e-6, atol=1e-6)
        scale = np.abs(tracks.covariance).max(axis=(1, 2), initial=1.0)
        assert np.all(np.linalg.eigvalsh(tracks.covariance)[:, 0] > -1e-9 * scale) if len(tracks) else True
        assert np.all((tracks.existence >= 0.0) & (tracks.existence <= 1.0))
        assert len(np.unique(tracks.track_id)) == len(tracks)
        assert set(picture.identities.affiliation.tolist()) <= {Affiliation.UNKNOWN, Affiliation.NEUTRAL}
        assert picture.identities.track_id.tolist() == tracks.track_id.tolist()


@settings(max_examples=max(25, settings().max_examples // 10))  # each runs the whole pipeline
@given(st.integers(0, 2**32 - 1))
def test_the_same_plots_give_the_same_picture_to_the_byte(seed: int) -> None:
    for first, second in zip(pictures(seed, steps=2), pictures(seed, steps=2), strict=True):
        assert all(
            a.tobytes() == b.tobytes()
            for (_, a), (_, b) in zip(first.tracks.columns(), second.tracks.columns(), strict=True)
        )


@settings(max_examples=max(25, settings().max_examples // 10))  # each runs the whole pipeline
@given(st.integers(0, 2**32 - 1))
def test_every_plot_is_used_or_counted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pipeline = Pipeline(SENSORS, truth_domain=TruthDomain.SIMULATION)
    plots = anything(rng, 40, T0)
    pipeline.step(plots, now_ns=T0, seq=1)
    picture = pipeline.step(Plots.empty(), now_ns=T0 + REORDER_NS, seq=2)
    assert picture.plots_total == np.count_nonzero(~plots.empty_scan)
    nobody = int(np.count_nonzero(plots.sensor == len(IDS) - 1))
    counted = {(who, why): n for who, why, n in picture.unplaceable}
    assert counted.get(("nobody", "sensor unknown: add it to sensors.jsonl"), 0) == nobody

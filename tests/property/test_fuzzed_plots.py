"""Plots from hell: at the poles, across the antimeridian, twice, from the future, NaN and a million kilometres away.

Each is used or refused and counted, the tracker lives, and the picture stays sound.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.plots import COVARIANCE_CELLS, NAN, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.model.tracks import TrackStatus
from dronewall.pipeline import Pipeline
from dronewall.registration.registrar import Registered
from dronewall.registration.repeats import REASON

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
STEPS = 4
SITES = {
    "north-pole": (SensorKind.RADAR_3D, 90.0, 0.0),
    "south-pole": (SensorKind.RADAR_2D, -90.0, 77.0),
    "east-of-180": (SensorKind.RADAR_3D, 12.0, -179.99),
    "west-of-180": (SensorKind.RADAR_2D, 12.05, 179.99),
    "passive": (SensorKind.PASSIVE_RADAR, 12.0, 180.0),
    "ears-1": (SensorKind.ACOUSTIC_ARRAY, 12.01, 179.98),
    "ears-2": (SensorKind.ACOUSTIC_ARRAY, 89.99, -120.0),
    "presence": (SensorKind.ACOUSTIC_PRESENCE, 12.02, -180.0),
    "finder": (SensorKind.RF_DF, 12.0, 179.95),
    "camera": (SensorKind.CAMERA, 89.98, 60.0),
    "receiver": (SensorKind.ADSB, None, None),
    "aloft": (SensorKind.RADAR_3D, None, None),
}
SENSORS = Sensors(
    [
        *(
            Sensor(name, kind, lat, lon, None if lat is None else 100.0, Sigma(range_m=40.0), period_s=2.0)
            for name, (kind, lat, lon) in SITES.items()
        ),
        Sensor("vendor", SensorKind.VENDOR_TRACKER, delivers_tracks=True),
        Sensor("mute-vendor", SensorKind.VENDOR_TRACKER, 12.0, 180.0, 0.0, delivers_tracks=True),
    ]
)
IDS = (*(sensor.sensor_id for sensor in SENSORS), "nobody")
TRACKERS = [IDS.index("vendor"), IDS.index("mute-vendor")]
"""They scan nothing, and so end no scan that saw nothing."""
MEASURED = {  # column: usual from, to, and what may come besides
    "range_m": (500.0, 40_000.0, (0.0, -5.0, 1e-6, 1e9, 5e6)),
    "azimuth_rad": (0.0, 6.3, (-7.0, 1e9, 12.0)),
    "elevation_rad": (-0.01, 0.4, (np.pi / 2, -np.pi / 2, 2.0)),
    "range_rate_mps": (-200.0, 200.0, (3e8, -1e9)),
    "range_sum_m": (5_000.0, 90_000.0, (0.0, 1.0, 1e9)),
    "range_rate_sum_mps": (-300.0, 300.0, (1e9,)),
    "altitude_m": (50.0, 9_000.0, (-900.0, 99_000.0, 1e9)),
    "velocity_east_mps": (-200.0, 200.0, (1e9,)),
    "velocity_north_mps": (-200.0, 200.0, (-1e9,)),
    "velocity_up_mps": (-20.0, 20.0, (1e9,)),
    "transmitter_hae_m": (0.0, 300.0, (1e9,)),
    "pose_hae_m": (0.0, 9_000.0, (1e9,)),
    "pose_heading_rad": (0.0, 6.3, (1e9,)),
}
SIGMAS = ("range", "azimuth", "elevation", "range_rate", "position", "altitude", "velocity")
AWAY_NS = (-NS, -25 * NS, -500 * NS, 9 * NS, 600 * NS)
PLACES = ("", "pose_", "transmitter_")


def wild(rng: np.random.Generator, count: int, at_ns: int) -> Plots:
    """Return plots of which some are sound, many are not, and some come twice."""

    def some(usual: NDArray[np.float64], strange: tuple[float, ...], absent: float) -> NDArray[np.float64]:
        odd = rng.choice([*strange, np.inf, -np.inf], count)
        return np.where(rng.random(count) < absent, NAN, np.where(rng.random(count) < 0.06, odd, usual))

    sensor = rng.integers(0, len(IDS), count)
    columns: dict[str, Any] = {
        name: some(rng.uniform(low, high, count), strange, 0.25) for name, (low, high, strange) in MEASURED.items()
    }
    for place in PLACES:
        polar = rng.random(count) < 0.4
        lat = np.where(
            polar, rng.choice([1, 1, -1], count) * rng.uniform(89.8, 90.0, count), rng.uniform(11.8, 12.2, count)
        )
        lon = np.where(
            polar, rng.uniform(-180, 180, count), rng.choice([-1, 1], count) * rng.uniform(179.8, 180.2, count)
        )
        absent = 0.75 if place != "transmitter_" else 0.3
        columns[f"{place}lat_deg"] = some(lat, (90.0, -90.0, 90.0001, 1e9), absent)
        lon[np.isnan(columns[f"{place}lat_deg"])] = NAN
        columns[f"{place}lon_deg"] = some(lon, (180.0, -180.0, 360.0, 1e9), 0.0)
    for name in SIGMAS:
        unit = "rad" if name in ("azimuth", "elevation") else "mps" if name in ("range_rate", "velocity") else "m"
        columns[f"sigma_{name}_{unit}"] = rng.choice([NAN, NAN, 20.0, 0.01, 0.0, -1.0, 1e-30, 1e30, np.inf], count)
    columns["covariance"] = rng.choice([NAN, 0.0, 1.0, 400.0, -5.0, 1e12, np.inf], (count, COVARIANCE_CELLS))
    diagonal = rng.random(count) < 0.5
    columns["covariance"][diagonal] = 0.0
    columns["covariance"][np.ix_(diagonal, [0, 6, 11, 15, 18, 20])] = rng.choice([1e-30, 100.0, 1e6, 1e30])
    columns |= {
        "sensor": sensor,
        "at_ns": at_ns + rng.choice([0, 0, 0, 0, *AWAY_NS, 2**62 - at_ns, -at_ns], count),
        "received_ns": at_ns,
        "scan": rng.choice([-1, 3, 4, 2**62, -(2**62)], count),
        "scan_end": rng.random(count) < 0.15,
        "empty_scan": (rng.random(count) < 0.05) & ~np.isin(sensor, TRACKERS),
        "altitude_datum": rng.integers(0, 4, count),
        "icao24": rng.choice([0, 0, 0x111111, 0xFFFFFF], count),
        "track_ref": rng.choice([b"", b"V-1", b"V-2"], count),
        "classes": rng.choice([0.0, 0.5, 1.0, NAN, -1.0], (count, 12)),
    }  # fmt: skip
    plots = Plots.of(count, sensor_ids=IDS, **columns)
    return plots.take(np.sort(np.r_[np.arange(count), rng.integers(0, count, count // 8)]))


class Counting:
    """A pipeline that tells how many plots became observations or tracks of others."""

    def __init__(self) -> None:
        self.pipeline = Pipeline(SENSORS, truth_domain=TruthDomain.SIMULATION)
        self.used = 0
        registrar = self.pipeline._registrar
        self._register = registrar.register
        registrar.register = self._counted  # type: ignore[method-assign]

    def _counted(self, plots: Plots, *, now_ns: int) -> Registered:
        made = self._register(plots, now_ns=now_ns)
        self.used += len(made.observations) + len(made.remote_tracks)
        return made


@settings(max_examples=max(25, settings().max_examples // 32))  # each runs the whole pipeline
@given(st.integers(0, 2**32 - 1))
def test_every_plot_is_used_or_counted_and_the_picture_stays_sound(seed: int) -> None:
    rng, counting, came = np.random.default_rng(seed), Counting(), 0
    for k in range(STEPS):
        plots = wild(rng, int(rng.integers(1, 60)), T0 + k * NS)
        came += len(plots)
        check(counting.pipeline.step(plots, now_ns=T0 + k * NS + NS // 10, seq=k))
    picture = counting.pipeline.step(Plots.empty(), now_ns=T0 + (STEPS + 40) * NS, seq=99)
    check(picture)
    counted = Counter({(who, why): n for who, why, n in picture.unplaceable})
    assert counting.used + counted.total() == came
    assert all(who in IDS and why for who, why in counted)


def check(picture: Picture) -> None:
    """Check that nothing in a picture is absurd."""
    tracks = picture.tracks
    assert len(np.unique(tracks.track_id)) == len(tracks) == len(picture.identities)
    assert np.isfinite(tracks.mean).all()
    assert np.isfinite(tracks.classes).all()
    assert np.all((tracks.classes >= 0.0) & (tracks.classes <= 1.0))
    assert np.all((tracks.existence >= 0.0) & (tracks.existence <= 1.0))
    assert np.all(np.isin(tracks.status, list(TrackStatus)))
    assert np.all(np.linalg.norm(tracks.mean[:, 3:], axis=1) < 2e4)
    assert np.isfinite(tracks.covariance).all()
    if len(tracks):
        scale = np.sqrt(np.einsum("nii->ni", tracks.covariance))
        assert np.all(scale > 0.0)
        correlation = tracks.covariance / (scale[:, :, None] * scale[:, None, :])
        np.testing.assert_allclose(correlation, np.swapaxes(correlation, 1, 2), rtol=0.0, atol=1e-9)
        assert np.all(np.linalg.eigvalsh(correlation)[:, 0] > 0.0)
    assert np.all(np.isfinite(picture.bearings.azimuth_rad) | (picture.bearings.kind == SensorKind.ACOUSTIC_PRESENCE))
    assert np.isfinite(picture.remote_tracks.mean[:, :3]).all()


def test_what_comes_twice_counts_once_whatever_step_it_comes_in() -> None:
    pipeline = Pipeline(SENSORS, truth_domain=TruthDomain.SIMULATION)
    plots = Plots.of(
        3, sensor_ids=IDS, sensor=[0, 0, 2], at_ns=T0, received_ns=T0,
        range_m=[5e3, 5e3, 5e3], azimuth_rad=1.0, elevation_rad=0.1,
    )  # fmt: skip
    pipeline.step(plots, now_ns=T0, seq=1)
    picture = pipeline.step(plots.take(np.array([2])), now_ns=T0 + NS, seq=2)
    assert picture.unplaceable == (("east-of-180", REASON, 1), ("north-pole", REASON, 1))
    assert len(picture.tracks) == 2
    kept = Pipeline(SENSORS, truth_domain=TruthDomain.SIMULATION)
    kept.restore(pipeline.checkpoint())
    again = kept.step(plots.take(np.array([0])), now_ns=T0 + NS + NS // 10, seq=3)
    assert again.unplaceable[-1] == ("north-pole", REASON, 2)


@pytest.mark.parametrize("column", ["range_m", "azimuth_rad", "callsign", "at_ns", "scan", "sensor", "squawk"])
def test_what_differs_in_anything_is_not_the_same(column: str) -> None:
    one = {"sensor": [0], "at_ns": [T0], "received_ns": [T0], "scan": [3], "range_m": [5e3], "azimuth_rad": [1.0],
           "elevation_rad": [0.1], "callsign": [b"A"], "squawk": [1200]}  # fmt: skip
    other = {**one, column: [b"B"] if column == "callsign" else [one[column][0] + 1]}  # type: ignore[operator]
    pipeline = Pipeline(SENSORS, truth_domain=TruthDomain.SIMULATION)
    both = Plots.concat([Plots.of(1, sensor_ids=IDS, **each) for each in (one, other)])
    assert pipeline.step(both, now_ns=T0 + 2 * NS, seq=1).unplaceable == ()

"""Compile registration's kernels before they are needed, on two made-up radars and one made-up aircraft."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.model.tracks import Tracks, TrackStatus
from dronewall.registration.biases import SensorBiases
from dronewall.registration.registrar import Registrar

_STEP_NS = 6_000_000_000


def warm_registration() -> None:
    """Run a comparison, a correction and a review with exactly the signatures of real use."""
    radar = Sensor("radar", SensorKind.RADAR_3D, 0.0, 0.0, 0.0, period_s=5.0)
    sensors = Sensors([radar, Sensor("receiver", SensorKind.ADSB), replace(radar, sensor_id="beside")])
    biases, registrar, applied_ns = SensorBiases(sensors), Registrar(sensors), np.zeros(3, np.int64)
    for now_ns in range(_STEP_NS, 8 * _STEP_NS, _STEP_NS):
        plots = biases.step(_three_plots(now_ns), applied_ns, now_ns=now_ns)
        observations = registrar.register(plots, now_ns=now_ns).observations
        biases.widened(observations)
        biases.learn_from_tracks(observations, np.ones(3, np.int64), _one_track(), now_ns=now_ns)
        biases.assume_known()


def _one_track() -> Tracks:
    return Tracks.of(1, track_id=1, status=TrackStatus.CONFIRMED, mean=np.zeros((1, 6)))


def _three_plots(at_ns: int) -> Plots:
    """Return an aircraft 0.5 degrees north that says so, and two radars at the origin that see it."""
    absent = float("nan")
    return Plots.of(
        3,
        sensor=[1, 0, 2],
        at_ns=[at_ns, at_ns, at_ns - _STEP_NS // 2],
        received_ns=at_ns,
        lat_deg=[0.5, absent, absent],
        lon_deg=[0.0, absent, absent],
        altitude_m=[3_000.0, absent, absent],
        altitude_datum=[Datum.PRESSURE, Datum.ABSENT, Datum.ABSENT],
        velocity_east_mps=[0.0, absent, absent],
        velocity_north_mps=[0.0, absent, absent],
        icao24=[1, 0, 0],
        range_m=[absent, 55_400.0, 55_400.0],
        azimuth_rad=[absent, 0.0, 0.0],
        elevation_rad=[absent, 0.05, 0.05],
        sensor_ids=("radar", "receiver", "beside"),
    )

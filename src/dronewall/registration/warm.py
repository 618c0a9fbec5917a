"""Compile registration's kernels before they are needed, on one made-up radar and one made-up aircraft."""

from __future__ import annotations

import numpy as np

from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.registration.biases import SensorBiases
from dronewall.registration.registrar import Registrar

_STEP_NS = 6_000_000_000


def warm_registration() -> None:
    """Run a comparison, a correction and a review with exactly the signatures of real use."""
    radar = Sensor("radar", SensorKind.RADAR_3D, 0.0, 0.0, 0.0, period_s=5.0)
    sensors = Sensors([radar, Sensor("receiver", SensorKind.ADSB)])
    biases, registrar, applied_ns = SensorBiases(sensors), Registrar(sensors), np.zeros(2, np.int64)
    for now_ns in range(_STEP_NS, 8 * _STEP_NS, _STEP_NS):
        plots = biases.step(_two_plots(now_ns), applied_ns, now_ns=now_ns)
        biases.widened(registrar.register(plots, now_ns=now_ns).observations)
        biases.assume_known()


def _two_plots(at_ns: int) -> Plots:
    """Return an aircraft 0.5 degrees north that says so, and a radar at the origin that sees it."""
    absent = float("nan")
    return Plots.of(
        2,
        sensor=[1, 0],
        at_ns=at_ns,
        received_ns=at_ns,
        lat_deg=[0.5, absent],
        lon_deg=[0.0, absent],
        altitude_m=[3_000.0, absent],
        altitude_datum=[Datum.PRESSURE, Datum.ABSENT],
        velocity_east_mps=[0.0, absent],
        velocity_north_mps=[0.0, absent],
        icao24=[1, 0],
        range_m=[absent, 55_400.0],
        azimuth_rad=[absent, 0.0],
        elevation_rad=[absent, 0.05],
        sensor_ids=("radar", "receiver"),
    )

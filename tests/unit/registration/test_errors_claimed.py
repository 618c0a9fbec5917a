"""What an aircraft says of its own accuracy: believed where nobody knows better, and no further."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.registration.errors_claimed import sigma_claimed_m
from dronewall.registration.registrar import Registrar


@pytest.mark.parametrize(
    ("nacp", "nic", "radius_m"),
    [(9, 8, 30.0), (11, -1, 3.0), (-1, 8, 185.2), (0, 7, 370.4), (1, 11, 18_520.0), (0, 0, np.nan), (15, -1, np.nan)],
)
def test_nacp_is_taken_before_nic(nacp: int, nic: int, radius_m: float) -> None:
    sigma = sigma_claimed_m(np.array([nacp], np.int8), np.array([nic], np.int8))
    assert sigma[0] == pytest.approx(radius_m / 2.448, nan_ok=True)


@pytest.mark.parametrize(
    ("declared", "said", "sigma_m"),
    [
        (Sigma(), {}, 60.0),
        (Sigma(), {"nacp": 8}, 92.6 / 2.448),
        (Sigma(position_m=50.0), {"nacp": 9}, 50.0),
        (Sigma(position_m=50.0), {"nacp": 7}, 185.2 / 2.448),
        (Sigma(position_m=50.0), {"nacp": 7, "sigma_position_m": 20.0}, 20.0),
    ],
)
def test_a_claim_never_makes_a_position_better_than_declared(
    declared: Sigma, said: dict[str, float], sigma_m: float
) -> None:
    sensors = Sensors([Sensor("receiver", SensorKind.ADSB, 52.0, 22.0, 100.0, sigma=declared)])
    plots = Plots.of(
        1,
        sensor_ids=("receiver",),
        at_ns=10**18,
        received_ns=10**18,
        lat_deg=52.1,
        lon_deg=22.1,
        altitude_m=9_000.0,
        altitude_datum=Datum.WGS84_HAE,
        **said,
    )
    noise = Registrar(sensors).register(plots, now_ns=10**18).observations.noise[0]
    assert np.sqrt(np.sort(np.linalg.eigvalsh(noise))[0:2].max()) <= max(sigma_m, 20.0) * 1.001
    assert np.sqrt(np.linalg.eigvalsh(noise)).max() == pytest.approx(max(sigma_m, 20.0), rel=1e-3)

"""Range sums become ranges, with the errors that the geometry gives them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dronewall.geodesy.wgs84 import ecef_from_enu, ecef_from_geodetic, enu_axes, spherical_from_enu
from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.registration.registrar import Registered, Registrar

RECEIVER = Sensor(
    "passive",
    SensorKind.PASSIVE_RADAR,
    52.0,
    22.0,
    150.0,
    sigma=Sigma(range_m=40.0, azimuth_deg=1.0, elevation_deg=1.0),
)
TRANSMITTER_ENU = np.array([-18_000.0, 12_000.0, 250.0])
AT = {"transmitter_lat_deg": 52.1076, "transmitter_lon_deg": 21.7372, "transmitter_hae_m": 440.0}
TRANSMITTER = ecef_from_geodetic(AT["transmitter_lat_deg"], AT["transmitter_lon_deg"], AT["transmitter_hae_m"])
HERE = ecef_from_geodetic(52.0, 22.0, 150.0)

places = st.tuples(st.floats(-40_000, 40_000), st.floats(-40_000, 40_000), st.floats(300, 3_000))


def registered(**columns: object) -> Registered:
    plots = Plots.of(1, sensor_ids=("passive",), at_ns=10**18, received_ns=10**18, **columns)
    return Registrar(Sensors([RECEIVER])).register(plots, now_ns=10**18)


def measured(enu: np.ndarray) -> tuple[float, float, float]:
    """The true range sum, azimuth and elevation of a place."""
    place = ecef_from_enu(enu, 52.0, 22.0, 150.0)
    _, azimuth, elevation = spherical_from_enu(enu)
    path = np.linalg.norm(place - HERE) + np.linalg.norm(place - TRANSMITTER)
    return float(path), float(azimuth), float(elevation)


def clear_of_the_baseline(enu: np.ndarray) -> bool:
    excess = measured(enu)[0] - np.linalg.norm(TRANSMITTER - HERE)
    return bool(excess > 500.0 and np.hypot(enu[0], enu[1]) > 1_000.0)


def observed(enu: np.ndarray, *, raised: bool = True, **moved: float) -> Observations:
    path, azimuth, elevation = measured(enu)
    columns = {"range_sum_m": path, "azimuth_rad": azimuth} | ({"elevation_rad": elevation} if raised else {})
    columns = {name: value + moved.get(name, 0.0) for name, value in columns.items()}
    return registered(**columns, **AT).observations


@given(enu=places)
def test_a_range_sum_with_a_bearing_is_a_place(enu: tuple[float, float, float]) -> None:
    where = np.array(enu)
    assume(clear_of_the_baseline(where))
    o = observed(where)
    assert o.kind[0] == ObservationKind.RANGE_AZIMUTH_ELEVATION
    assert np.linalg.norm(o.place[0] - ecef_from_enu(where, 52.0, 22.0, 150.0)) < 0.5
    assert o.z[0, 0] == measured(where)[0]
    assert np.allclose(o.transmitter[0], TRANSMITTER)


@settings(max_examples=max(100, settings().max_examples // 5))  # each asks the registrar seven times
@given(enu=places)
def test_its_spread_is_what_errors_of_the_measurement_do(enu: tuple[float, float, float]) -> None:
    where = np.array(enu)
    assume(clear_of_the_baseline(where))
    o = observed(where)
    sigma = {"range_sum_m": 40.0, "azimuth_rad": np.radians(1.0), "elevation_rad": np.radians(1.0)}
    spread = np.zeros((3, 3))
    for name, s in sigma.items():
        move = (observed(where, **{name: 0.01 * s}).place[0] - observed(where, **{name: -0.01 * s}).place[0]) / 0.02
        spread += np.outer(move, move)
    assert np.allclose(o.spread[0], spread, rtol=1e-2, atol=1e-2 * np.trace(spread))
    assert np.allclose(np.sqrt(np.diag(o.noise[0])), list(sigma.values()))


def test_without_an_elevation_the_height_is_admitted_to_be_unknown() -> None:
    where = np.array([15_000.0, 20_000.0, 900.0])
    o = observed(where, raised=False)
    assert o.kind[0] == ObservationKind.RANGE_AZIMUTH_ALTITUDE
    axes = enu_axes(52.0, 22.0)
    apart, spread = axes @ (o.place[0] - ecef_from_enu(where, 52.0, 22.0, 150.0)), axes @ o.spread[0] @ axes.T
    assert np.sqrt(spread[2, 2]) > 1_000.0
    assert apart @ np.linalg.solve(spread, apart) < 9.0


def test_without_a_bearing_it_is_a_range_sum_alone() -> None:
    path, _, _ = measured(np.array([15_000.0, 20_000.0, 900.0]))
    o = registered(range_sum_m=path, range_rate_sum_mps=80.0, **AT).observations
    assert o.kind[0] == ObservationKind.RANGE_SUM
    assert o.z[0, 0] == path
    assert o.noise[0, 0, 0] == pytest.approx(40.0**2)
    assert o.range_rate_mps[0] == 80.0


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"range_sum_m": 50_000.0}, "bistatic range without its transmitter's place"),
        ({"range_sum_m": 21_000.0, **AT}, "bistatic range no longer than its baseline"),
        ({"range_sum_m": 21_000.0, "azimuth_rad": 1.0, **AT}, "bistatic range no longer than its baseline"),
        ({"range_sum_m": 9e9, **AT}, "value out of bounds"),
        ({"range_sum_m": 5e4, **AT, "transmitter_lat_deg": 95.0}, "value out of bounds"),
    ],
)
def test_what_cannot_be_placed_is_counted(columns: dict[str, float], reason: str) -> None:
    out = registered(**columns)
    assert out.unplaceable == (("passive", reason, 1),)
    assert len(out.observations) == 0

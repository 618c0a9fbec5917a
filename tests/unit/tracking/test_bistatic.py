"""Passive radar: what it should read of a track, and how that changes with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dronewall.geodesy.wgs84 import ecef_from_enu, ecef_from_geodetic, enu_axes
from dronewall.model.observations import ObservationKind
from dronewall.tracking.bistatic import expected_sum_rate, through_transmitter
from dronewall.tracking.measurement import expected_reading
from dronewall.tracking.sensing import illuminators

RECEIVER = ecef_from_geodetic(54.0, 24.0, 180.0)
TRANSMITTER = ecef_from_enu((-20_000.0, 15_000.0, 300.0), 54.0, 24.0, 180.0)
AXES = enu_axes(54.0, 24.0)
RAISED = True

places = st.tuples(st.floats(-40_000, 40_000), st.floats(-40_000, 40_000), st.floats(500, 9_000))
velocities = st.tuples(st.floats(-120, 120), st.floats(-120, 120), st.floats(-10, 10))


def state(enu: tuple[float, float, float], velocity: tuple[float, float, float]) -> np.ndarray:
    return np.r_[ecef_from_enu(enu, 54.0, 24.0, 180.0), AXES.T @ np.array(velocity)]


def reading(x: np.ndarray, kind: int = ObservationKind.RANGE_SUM) -> tuple[int, np.ndarray, np.ndarray]:
    h, jac = np.ones(3), np.ones((3, 6))
    dim = expected_reading(int(kind), RAISED, x, RECEIVER, AXES, np.empty(3), h, jac)
    return through_transmitter(int(kind), dim, x, RECEIVER, TRANSMITTER, h, jac), h, jac


def rate(x: np.ndarray) -> tuple[float, np.ndarray]:
    jac = np.ones(6)
    return expected_sum_rate(x, RECEIVER, TRANSMITTER, jac), jac


@given(enu=places, velocity=velocities)
def test_the_jacobians_are_the_derivatives(
    enu: tuple[float, float, float], velocity: tuple[float, float, float]
) -> None:
    x = state(enu, velocity)
    _, _, jac = reading(x)
    _, rate_jac = rate(x)
    for i in range(6):
        step = np.zeros(6)
        step[i] = 0.5
        assert reading(x + step)[1][0] - reading(x - step)[1][0] == pytest.approx(jac[0, i], abs=1e-4)
        assert rate(x + step)[0] - rate(x - step)[0] == pytest.approx(rate_jac[i], rel=1e-4, abs=1e-5)
    assert not jac[1:].any()


@given(enu=places, velocity=velocities)
def test_the_rate_is_how_fast_the_sum_grows(
    enu: tuple[float, float, float], velocity: tuple[float, float, float]
) -> None:
    x = state(enu, velocity)
    later, earlier = x.copy(), x.copy()
    later[:3] += 0.01 * x[3:]
    earlier[:3] -= 0.01 * x[3:]
    grown = reading(later)[1][0] - reading(earlier)[1][0]
    assert grown / 0.02 == pytest.approx(rate(x)[0], abs=1e-3)


@pytest.mark.parametrize("kind", [ObservationKind.RANGE_AZIMUTH_ELEVATION, ObservationKind.RANGE_AZIMUTH_ALTITUDE])
def test_with_a_bearing_only_the_range_is_another(kind: ObservationKind) -> None:
    x = state((12_000.0, 9_000.0, 2_000.0), (50.0, -20.0, 1.0))
    h, jac = np.empty(3), np.empty((3, 6))
    dim = expected_reading(int(kind), RAISED, x, RECEIVER, AXES, np.empty(3), h, jac)
    through = reading(x, kind)
    assert through[0] == dim == 3
    assert np.array_equal(through[1][1:], h[1:])
    assert np.array_equal(through[2][1:], jac[1:])
    assert np.array_equal(through[1][0], reading(x)[1][0])


def test_at_either_site_there_is_no_reading() -> None:
    assert reading(np.r_[TRANSMITTER + 1.0, np.zeros(3)])[0] == 0
    assert reading(np.r_[RECEIVER + 1.0, np.zeros(3)])[0] == 0


def test_plots_are_told_apart_by_their_transmitters() -> None:
    none = np.full(3, np.nan)
    number = illuminators(np.stack([TRANSMITTER, none, RECEIVER, TRANSMITTER]))
    assert number[1] == -1
    assert number[0] == number[3] != number[2]

"""Measurement functions: what they expect is what geometry says, and their Jacobians are their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dronewall.geodesy.wgs84 import ecef_from_enu, ecef_from_geodetic, enu_axes, geodetic_from_ecef
from dronewall.model.observations import ObservationKind
from dronewall.tracking.measurement import SPEED_OF_SOUND_MPS, expected_reading, sound_delay

SITE = ecef_from_geodetic(54.0, 24.0, 180.0)
AXES = enu_axes(54.0, 24.0)
KINDS = [kind for kind in ObservationKind if kind < ObservationKind.NOTHING]

places = st.tuples(st.floats(-40_000, 40_000), st.floats(-40_000, 40_000), st.floats(50, 9_000)).filter(
    lambda p: np.hypot(p[0], p[1]) > 500.0
)
velocities = st.tuples(st.floats(-120, 120), st.floats(-120, 120), st.floats(-10, 10))


def state(enu: tuple[float, float, float], velocity: tuple[float, float, float]) -> np.ndarray:
    return np.r_[ecef_from_enu(enu, 54.0, 24.0, 180.0), AXES.T @ np.array(velocity)]


def reading(kind: int, x: np.ndarray, *, raised: bool = True) -> tuple[int, np.ndarray, np.ndarray]:
    h, jac = np.zeros(3), np.zeros((3, 6))
    dim = expected_reading(int(kind), raised, x, SITE, AXES, np.empty(3), h, jac)
    return dim, h, jac


def heard_from_the_side(enu: tuple[float, float, float], velocity: tuple[float, float, float]) -> bool:
    """Whether the place the sound left is not overhead, where a direction has no azimuth."""
    emitted = np.array(enu) - np.array(velocity) * sound_delay(np.array(enu), np.array(velocity))
    return bool(np.hypot(emitted[0], emitted[1]) > 500.0)


@pytest.mark.parametrize("kind", KINDS)
@given(enu=places, velocity=velocities)
def test_the_jacobian_is_the_derivative(
    kind: ObservationKind, enu: tuple[float, float, float], velocity: tuple[float, float, float]
) -> None:
    assume(kind is not ObservationKind.SOUND_DIRECTION or heard_from_the_side(enu, velocity))
    x = state(enu, velocity)
    dim, _, jac = reading(kind, x)
    assert dim == (2 if kind in (ObservationKind.DIRECTION, ObservationKind.SOUND_DIRECTION) else 3)
    for i in range(6):
        step = np.zeros(6)
        step[i] = 0.5
        forward, back = reading(kind, x + step)[1], reading(kind, x - step)[1]
        slope = forward - back
        slope = np.where(np.abs(slope) > 3.0, slope - np.sign(slope) * 2 * np.pi, slope) if kind >= 3 else slope
        if kind < 2:
            slope[1] -= 2 * np.pi * np.round(slope[1] / (2 * np.pi))
        scale = np.abs(jac[:dim]).max(axis=1) + 1e-12
        # Height's gradient is taken along the geocentric vertical: right within 0.2 degrees.
        assert np.all(np.abs(slope[:dim] - jac[:dim, i]) <= 5e-3 * scale + 1e-9)


def test_altitude_is_the_height_above_the_ellipsoid() -> None:
    x = state((30_000.0, -20_000.0, 5_000.0), (0.0, 0.0, 0.0))
    _, h, _ = reading(ObservationKind.RANGE_AZIMUTH_ALTITUDE, x)
    assert h[2] == pytest.approx(float(geodetic_from_ecef(x[:3])[2]), abs=1e-3)


@given(enu=places, velocity=velocities)
def test_sound_comes_from_where_the_source_was_one_delay_ago(
    enu: tuple[float, float, float], velocity: tuple[float, float, float]
) -> None:
    d, v = np.array(enu), np.array(velocity)
    tau = sound_delay(d, v)
    emitted = d - v * tau
    assert np.linalg.norm(emitted) == pytest.approx(SPEED_OF_SOUND_MPS * tau, rel=1e-9)
    _, h, _ = reading(ObservationKind.SOUND_DIRECTION, state(enu, velocity))
    apart = h[0] - np.arctan2(emitted[0], emitted[1])
    assert abs(np.angle(np.exp(1j * apart))) < 1e-7


def test_a_supersonic_source_gives_no_direction_by_sound() -> None:
    assert reading(ObservationKind.SOUND_DIRECTION, state((5_000.0, 0.0, 500.0), (400.0, 0.0, 0.0)))[0] == 0


def test_a_direction_without_elevation_has_one_dimension() -> None:
    dim, _, jac = reading(ObservationKind.DIRECTION, state((5_000.0, 0.0, 500.0), (0.0, 0.0, 0.0)), raised=False)
    assert dim == 1
    assert not jac[1].any()


def test_overhead_says_nothing() -> None:
    assert reading(ObservationKind.RANGE_AZIMUTH_ELEVATION, state((5.0, 5.0, 3_000.0), (0.0, 0.0, 0.0)))[0] == 0

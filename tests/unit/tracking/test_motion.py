"""Motion: noise where it belongs, modes that exchange as time passes, covariances that stay covariances."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.tracking.motion import ROOM, add_process_noise, drift, merged, mix, move, predict
from dronewall.tracking.parameters import CRUISE, HOVER, MODES, TURN, WEIGHTS_AT_BIRTH, Motion

P = Motion()


def modes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three modes a little apart, over 54° N."""
    x = np.r_[ecef_from_geodetic(54.0, 24.0, 500.0), 30.0, -20.0, 10.0]
    mean = np.stack([x, x + np.r_[20.0, 0.0, 5.0, 1.0, 2.0, 0.0], x + np.r_[0.0, 9.0, 1.0, -8.0, 2.0, 0.0]])
    cruise, turn = np.diag([900.0, 900.0, 400.0, 25.0, 25.0, 4.0]), np.diag([1600.0, 900.0, 900.0, 100.0, 64.0, 9.0])
    return mean, np.stack([cruise, turn, turn]), np.array([0.6, 0.3, 0.1])


@given(st.floats(0.01, 60.0))
def test_prediction_keeps_covariances_symmetric_and_positive(dt: float) -> None:
    mean, cov, weight = modes()
    predict(mean, cov, weight, dt, P, np.empty(ROOM))
    for k in range(MODES):
        np.testing.assert_allclose(cov[k], cov[k].T, rtol=1e-12, atol=1e-9)
        assert np.linalg.eigvalsh(cov[k]).min() > 0.0
    assert weight.sum() == np.float64(1.0) or abs(weight.sum() - 1.0) < 1e-12


@given(st.floats(0.1, 30.0), st.floats(0.1, 30.0))
def test_two_short_waits_exchange_as_much_as_one_long_one(a: float, b: float) -> None:
    long_mean, long_cov, long_weight = modes()
    short_mean, short_cov, short_weight = modes()
    mix(long_mean, long_cov, long_weight, MODES, a + b, P, np.empty(ROOM))
    mix(short_mean, short_cov, short_weight, MODES, a, P, np.empty(ROOM))
    mix(short_mean, short_cov, short_weight, MODES, b, P, np.empty(ROOM))
    np.testing.assert_allclose(short_weight, long_weight, rtol=1e-9)


def test_mixing_changes_neither_the_whole_mean_nor_the_whole_covariance() -> None:
    mean, cov, weight = modes()
    before, after = (np.empty(6), np.empty((6, 6))), (np.empty(6), np.empty((6, 6)))
    merged(mean, cov, weight, *before)
    mix(mean, cov, weight, MODES, 20.0, P, np.empty(ROOM))
    merged(mean, cov, weight, *after)
    np.testing.assert_allclose(after[0], before[0], rtol=1e-12)
    np.testing.assert_allclose(after[1], before[1], rtol=1e-9, atol=1e-9)


def test_process_noise_is_level_where_the_object_is() -> None:
    p = np.zeros((6, 6))
    axes = enu_axes(54.0, 24.0)
    add_process_noise(p, axes[2], 9.0, 1.0, 2.0)
    np.testing.assert_allclose(axes @ p[3:, 3:] @ axes.T, np.diag([18.0, 18.0, 2.0]), atol=1e-9)
    np.testing.assert_allclose(axes @ p[:3, :3] @ axes.T, np.diag([24.0, 24.0, 8.0 / 3.0]), atol=1e-9)


def test_moving_there_and_back_is_nothing() -> None:
    mean, cov, _ = modes()
    x, p = mean[0].copy(), cov[0].copy()
    move(x, p, 7.0)
    move(x, p, -7.0)
    np.testing.assert_allclose(x, mean[0], rtol=1e-12)
    np.testing.assert_allclose(p, cov[0], rtol=1e-9, atol=1e-9)


def test_what_hovers_forgets_its_velocity_and_drifts_no_farther_than_it_carries() -> None:
    mean, cov, weight = modes()
    weight[:] = 0.0, 0.0, 1.0
    before = mean[HOVER].copy()
    x, p = mean[HOVER].copy(), cov[HOVER].copy()
    drift(x, p, P.hover_forgets_s, 0.0)
    np.testing.assert_allclose(x[:3], before[:3] + P.hover_forgets_s * before[3:])
    np.testing.assert_array_equal(x[3:], 0.0)


def test_the_fast_are_not_thought_to_hover_and_the_slow_are() -> None:
    mean, cov, weight = modes()
    weight[:] = 0.6999, 0.3, 1e-4
    assert predict(mean, cov, weight, 1.0, P, np.empty(ROOM)) == MODES - 1
    assert weight[HOVER] == 0.0
    mean[:, 3:] = 1.0
    assert predict(mean, cov, weight, 30.0, P, np.empty(ROOM)) == MODES
    assert weight[HOVER] > 0.1


def test_what_one_plot_began_has_one_mode_until_its_velocity_is_known() -> None:
    mean, cov, _ = modes()
    weight = np.array([1.0, 0.0, 0.0])
    cov[CRUISE, 3:, 3:] = np.diag([120.0, 120.0, 10.0]) ** 2
    assert predict(mean, cov, weight, 4.0, P, np.empty(ROOM)) == 1
    np.testing.assert_array_equal(weight, [1.0, 0.0, 0.0])
    cov[CRUISE, 3:, 3:] = np.diag([20.0, 20.0, 10.0]) ** 2
    before = mean[CRUISE].copy()
    assert predict(mean, cov, weight, 0.0, P, np.empty(ROOM)) == 2
    np.testing.assert_array_equal(weight, WEIGHTS_AT_BIRTH)
    np.testing.assert_array_equal(mean[TURN], before)
    np.testing.assert_array_equal(cov[TURN], cov[CRUISE])

"""Frames: known places, there and back, and the kernels' agreement with the columns."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dronewall.geodesy.kernels import axes_at, geodetic
from dronewall.geodesy.wgs84 import (
    SEMI_MAJOR_M,
    SEMI_MINOR_M,
    ecef_from_enu,
    ecef_from_geodetic,
    enu_axes,
    enu_from_ecef,
    enu_from_spherical,
    geodetic_from_ecef,
    spherical_from_enu,
)

lats, lons, heights = st.floats(-90, 90), st.floats(-180, 180), st.floats(-10_000, 100_000)


def test_the_axes_of_the_ellipsoid_are_where_they_should_be() -> None:
    np.testing.assert_allclose(ecef_from_geodetic(0, 0, 0), [SEMI_MAJOR_M, 0, 0], atol=1e-9)
    np.testing.assert_allclose(ecef_from_geodetic(0, 90, 0), [0, SEMI_MAJOR_M, 0], atol=1e-9)
    np.testing.assert_allclose(ecef_from_geodetic(90, 0, 0), [0, 0, SEMI_MINOR_M], atol=1e-9)


@given(lats, lons, heights)
def test_geodetic_and_back_is_within_a_millimetre(lat: float, lon: float, hae: float) -> None:
    there = ecef_from_geodetic(lat, lon, hae)
    back = ecef_from_geodetic(*geodetic_from_ecef(there))
    assert np.linalg.norm(back - there) < 1e-3
    assert abs(geodetic_from_ecef(there)[2] - hae) < 1e-3


@given(lats, lons, heights)
def test_the_kernel_agrees_with_the_columns(lat: float, lon: float, hae: float) -> None:
    there = ecef_from_geodetic(lat, lon, hae)
    k_lat, k_lon, k_hae = geodetic(*there)
    assert np.linalg.norm(ecef_from_geodetic(np.degrees(k_lat), np.degrees(k_lon), k_hae) - there) < 1e-3
    axes = np.empty((3, 3))
    axes_at(*there, axes)
    np.testing.assert_allclose(axes, enu_axes(np.degrees(k_lat), np.degrees(k_lon)), atol=1e-12)


@given(lats, lons, heights, st.tuples(*[st.floats(-500_000, 500_000)] * 3))
def test_enu_and_back_is_within_a_millimetre(
    lat: float, lon: float, hae: float, enu: tuple[float, float, float]
) -> None:
    back = enu_from_ecef(ecef_from_enu(enu, lat, lon, hae), lat, lon, hae)
    assert np.linalg.norm(back - np.array(enu)) < 1e-3


@given(lats, lons)
def test_local_axes_are_right_handed_and_orthonormal(lat: float, lon: float) -> None:
    axes = enu_axes(lat, lon)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.cross(axes[0], axes[1]), axes[2], atol=1e-12)


def test_azimuth_is_from_north_clockwise_and_elevation_up() -> None:
    r, azimuth, elevation = spherical_from_enu(np.array([[0, 10, 0], [10, 0, 0], [0, -10, 10], [-10, 0, 0]], float))
    np.testing.assert_allclose(np.degrees(azimuth), [0, 90, 180, 270])
    np.testing.assert_allclose(np.degrees(elevation), [0, 0, 45, 0], atol=1e-12)
    np.testing.assert_allclose(enu_from_spherical(r, azimuth, elevation)[2], [0, -10, 10], atol=1e-12)


def test_a_flat_map_is_wrong_by_196_m_at_50_km_and_the_ellipsoid_knows_it() -> None:
    level_50_km_out = ecef_from_enu([50_000.0, 0.0, 0.0], 54.0, 24.0, 0.0)
    _, _, hae = geodetic_from_ecef(level_50_km_out)
    assert 194.0 < hae < 198.0

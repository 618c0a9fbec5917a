"""Tracks as people see them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dronewall.bench.page_sky import made_up_sky, picture_of
from dronewall.geodesy.wgs84 import ecef_from_geodetic, enu_axes
from dronewall.model.identity import Affiliation, Identities
from dronewall.model.plots import ObjectClass
from dronewall.outlets.web.display import identities_of, kinematics_from_mean, shown, spread_from_covariance

AT_NS = 1_700_000_000_000_000_000


def test_north_east_and_up_are_told_apart() -> None:
    lat, lon = 52.0, 21.0
    velocity = enu_axes(lat, lon).T @ np.array([3.0, 4.0, 1.0])
    mean = np.concatenate([ecef_from_geodetic(lat, lon, 500.0), velocity])[None]
    seen = kinematics_from_mean(mean)
    np.testing.assert_allclose(seen.velocity_mps, [[3.0, 4.0, 1.0]], atol=1e-9)
    assert seen.speed_mps[0] == pytest.approx(5.0)
    assert seen.course_deg[0] == pytest.approx(np.degrees(np.arctan2(3.0, 4.0)))
    assert seen.hae_m[0] == pytest.approx(500.0, abs=1e-6)


@given(
    lat=st.floats(-80, 80),
    lon=st.floats(-180, 180),
    azimuth=st.floats(1, 179),
    major=st.floats(20, 500),
    ratio=st.floats(0.1, 0.9),
)
def test_the_ellipse_of_a_covariance_is_the_one_it_was_made_from(
    lat: float, lon: float, azimuth: float, major: float, ratio: float
) -> None:
    a = np.radians(azimuth)
    along, across = np.array([np.sin(a), np.cos(a), 0.0]), np.array([np.cos(a), -np.sin(a), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    local = major**2 * np.outer(along, along) + (ratio * major) ** 2 * np.outer(across, across) + 900 * np.outer(up, up)
    axes = enu_axes(lat, lon)
    covariance = np.zeros((1, 6, 6))
    covariance[0, :3, :3] = axes.T @ local @ axes
    spread = spread_from_covariance(covariance, np.array([lat]), np.array([lon]))
    assert spread.major_m[0] == pytest.approx(major, rel=1e-6)
    assert spread.minor_m[0] == pytest.approx(ratio * major, rel=1e-5)
    assert spread.azimuth_deg[0] == pytest.approx(azimuth, abs=1e-4)
    assert spread.sigma_enu_m[0, 2] == pytest.approx(30.0)


def test_identities_follow_their_tracks_and_a_track_nobody_spoke_of_is_unknown() -> None:
    tracks = picture_of(made_up_sky(4, begun_ns=AT_NS), at_ns=AT_NS, seq=1).tracks
    told = Identities.of(2, track_id=[4, 2], affiliation=[Affiliation.HOSTILE, Affiliation.FRIEND], object_class=1)
    held = identities_of(tracks, told)
    assert held.track_id.tolist() == [1, 2, 3, 4]
    unknown = Affiliation.UNKNOWN
    assert held.affiliation.tolist() == [unknown, Affiliation.FRIEND, unknown, Affiliation.HOSTILE]
    assert held.object_class.tolist() == [ObjectClass.UNKNOWN, 1, ObjectClass.UNKNOWN, 1]


def test_without_identities_everything_is_unknown() -> None:
    picture = picture_of(made_up_sky(4, begun_ns=AT_NS), at_ns=AT_NS, seq=1)
    seen = shown(replace(picture, identities=Identities.empty()))
    assert set(seen.identities.affiliation.tolist()) == {Affiliation.UNKNOWN}

"""Altitudes: three datums brought to one, each with what the change costs."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.geodesy.altitude import GEOID_SIGMA_M, STANDARD_ATMOSPHERE_SIGMA_M, geoid_undulation_m, hae_from_altitude
from dronewall.model.plots import Datum


@pytest.mark.parametrize(
    ("lat", "lon", "expected"),
    [
        # NGA's EGM96 test points (INPUT.DAT of the 1998 release), m.
        (38.6281550, 269.7791550, -31.628),
        (-14.6212170, 305.0211140, -2.969),
        (46.8743190, 102.4487290, -43.575),
        (-23.6174460, 133.8747120, 15.871),
        (38.6254730, 359.9995000, 50.066),
        (-0.4667440, 0.0023000, 17.329),
    ],
)
def test_undulations_agree_with_the_reference_points(lat: float, lon: float, expected: float) -> None:
    assert abs(float(geoid_undulation_m(lat, lon)) - expected) < 1.5


def test_europe_has_the_finer_grid() -> None:
    assert abs(float(geoid_undulation_m(38.6254730, -0.0005)) - 50.066) < 0.2


def test_each_datum_brings_its_own_doubt() -> None:
    datums = [Datum.WGS84_HAE, Datum.EGM2008, Datum.PRESSURE, Datum.ABSENT]
    hae, sigma = hae_from_altitude(np.full(4, 1000.0), datums, 41.3, 2.1)
    assert hae[0] == 1000.0
    np.testing.assert_allclose(hae[1:3], 1000.0 + geoid_undulation_m(41.3, 2.1))
    np.testing.assert_allclose(sigma[:3], [0.0, GEOID_SIGMA_M, STANDARD_ATMOSPHERE_SIGMA_M])
    assert np.isnan(hae[3])
    assert np.isnan(sigma[3])


def test_the_antimeridian_is_no_edge() -> None:
    west, east = float(geoid_undulation_m(10.0, -179.999)), float(geoid_undulation_m(10.0, 179.999))
    assert abs(west - east) < 0.05

"""The air that reports of weather tell: near ones are believed, far and old ones are not."""

import numpy as np
import pytest

from dronewall.model.weather import Weather
from dronewall.tracking import sound_wind
from dronewall.tracking.measurement import SPEED_OF_SOUND_MPS
from dronewall.tracking.sound_weather import WIND_COMMON_MPS, WIND_SPREAD_MPS, air_at

HOUR_NS = 3_600_000_000_000
HERE = (np.array([52.0]), np.array([22.0]))


def report(count: int = 1, **given: object) -> Weather:
    told = {"at_ns": 10 * HOUR_NS, "lat_deg": 52.0, "lon_deg": 22.0, "hae_m": 10.0}
    return Weather.of(count, **{**told, "wind_e_mps": 12.0, "wind_n_mps": -5.0, **given})


def test_a_report_beside_is_nearly_the_wind_and_no_surer_than_a_forecast_can_be() -> None:
    air = air_at(report(), *HERE, 10 * HOUR_NS)
    assert air.wind[0] == pytest.approx([12.0, -5.0], rel=0.25)
    many = air_at(report(50), *HERE, 10 * HOUR_NS)
    assert WIND_COMMON_MPS**2 < many.variance[0] < air.variance[0] < 36.0


@pytest.mark.parametrize(
    "given", [{"lat_deg": 5.0}, {"at_ns": 130 * HOUR_NS}, {"at_ns": -110 * HOUR_NS}, {"hae_m": 20_000.0}]
)
def test_a_report_of_elsewhere_another_day_or_another_height_says_nothing(given: dict) -> None:
    air = air_at(report(**given), *HERE, 10 * HOUR_NS)
    assert np.abs(air.wind).max() < 0.2
    assert air.variance[0] == pytest.approx(WIND_SPREAD_MPS**2 + WIND_COMMON_MPS**2, rel=0.01)
    known, nothing = sound_wind.foretold(air.wind, air.variance), sound_wind.prior(1)
    assert np.array_equal(known.info, nothing.info) and np.array_equal(known.pull, nothing.pull)


def test_farther_and_older_is_less_sure() -> None:
    at = [air_at(report(), np.array([52.0 + d]), np.array([22.0]), (10 + h) * HOUR_NS) for d, h in DRIFTING]
    variance = [float(air.variance[0]) for air in at]
    assert variance == sorted(variance) and variance[0] < 0.8 * variance[-1]


DRIFTING = [(0.0, 0), (0.3, 0), (0.3, 1), (1.0, 1), (1.0, 3)]


def test_cold_air_is_slow_and_no_report_leaves_it_as_it_was() -> None:
    cold = air_at(report(4, temperature_c=-15.0), *HERE, 10 * HOUR_NS).sound_mps[0]
    assert 321.0 < cold < 327.0
    assert air_at(Weather.empty(), *HERE, 0).sound_mps[0] == pytest.approx(SPEED_OF_SOUND_MPS)


def test_a_cell_s_middle_lies_in_it() -> None:
    cells = np.array([142 * 1_000 + 120, 90 * 1_000 + 5, 30 * 1_000 + 77])
    lat, lon = sound_wind.centre_of(cells)
    from dronewall.geodesy.wgs84 import ecef_from_geodetic

    assert sound_wind.cell_of_place(ecef_from_geodetic(lat, lon, np.zeros(3))).tolist() == cells.tolist()

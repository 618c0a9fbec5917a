"""The air between an object and the arrays as reports of weather tell it: wind and temperature, and how well known.

Reports are interpolated by simple kriging: what is not known is expected to be as always, and two readings agree the
better, the nearer they are in place, height and time. So a report far away, of long ago or of another height says
little, many beside each other say hardly more than one, and none says nothing. All reports of one file have an error in
common besides their own, for they are mostly of one forecast.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import ecef_from_geodetic
from dronewall.model.weather import Weather
from dronewall.tracking.measurement import SPEED_OF_SOUND_MPS
from dronewall.tracking.sound_wind import centre_of

FloatArray = NDArray[np.float64]

EVERY_NS = 60_000_000_000
"""How often the weather is looked up anew: it changes within hours."""
REPORTS_MOST = 16
"""How many reports are weighed for one place; the others are farther, and say what these do."""
REACH_M, REACH_UP_M, REACH_S = 1_200_000.0, 4_000.0, 24.0 * 3_600.0
"""How far apart two readings are that agree by 1/e only. So winds differ by 2.5 m/s (each component, 1-σ) at 60 km, in
an hour, or over 200 m of height, and by 5 m/s at 250 km or in five hours."""
WIND_SPREAD_MPS, TEMPERATURE_SPREAD_K = 8.0, 8.0
"""How far wind (each component) and temperature are from their mean over the year, 1-σ."""
WIND_SIGMA_MPS, WIND_COMMON_MPS, TEMPERATURE_SIGMA_K = 1.0, 1.8, 1.5
"""A report's own error, and that which all reports share, 1-σ each component."""
HEIGHT_M = 300.0
"""The height above the ellipsoid for which the air is asked: sound comes down from low flyers through all below."""
LAPSE_K_PER_M = 0.0065
ZERO_C_MPS, ZERO_C_K = 331.3, 273.15
MEAN_C = ZERO_C_K * ((SPEED_OF_SOUND_MPS / ZERO_C_MPS) ** 2 - 1.0)
"""The temperature at which sound is as fast as is assumed where no report says better."""


class Air(NamedTuple):
    """Wind (n, 2), m/s east and north, the variance (n,) of each component, and the speed of sound (n,), m/s."""

    wind: FloatArray
    variance: FloatArray
    sound_mps: FloatArray


def air_at(weather: Weather, lat_deg: FloatArray, lon_deg: FloatArray, at_ns: int) -> Air:
    """Return the air over places (n,) at an instant; without reports what is assumed of all air."""
    reports = _points(weather.lat_deg, weather.lon_deg, weather.hae_m, (weather.at_ns - at_ns) / 1e9)
    asked = _points(lat_deg, lon_deg, np.full(len(lat_deg), HEIGHT_M), np.zeros(len(lat_deg)))
    winds = np.stack([weather.wind_e_mps, weather.wind_n_mps], axis=1)
    warmer = (weather.temperature_c + LAPSE_K_PER_M * (weather.hae_m - HEIGHT_M) - MEAN_C)[:, None]
    wind, left = _kriged(reports, winds, asked, WIND_SIGMA_MPS / WIND_SPREAD_MPS)
    warm, _ = _kriged(reports, warmer, asked, TEMPERATURE_SIGMA_K / TEMPERATURE_SPREAD_K)
    variance = WIND_SPREAD_MPS**2 * left + WIND_COMMON_MPS**2
    return Air(wind, variance, ZERO_C_MPS * np.sqrt(1.0 + (MEAN_C + warm[:, 0]) / ZERO_C_K))


def _points(lat_deg: FloatArray, lon_deg: FloatArray, hae_m: FloatArray, after_s: FloatArray) -> FloatArray:
    """Return places, heights and times (n, 5) in reaches."""
    level = ecef_from_geodetic(lat_deg, lon_deg, np.zeros(len(lat_deg)))
    return np.column_stack([level / REACH_M, hae_m / REACH_UP_M, after_s / REACH_S])


def _apart(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return how far points (..., 5) are from others, in reaches: over land, up and in time, added."""
    off = one - other
    return np.asarray(np.linalg.norm(off[..., :3], axis=-1) + np.abs(off[..., 3:]).sum(axis=-1), float)


def _kriged(reports: FloatArray, told: FloatArray, asked: FloatArray, noise: float) -> tuple[FloatArray, FloatArray]:
    """Return what reports (r, k) say at the points asked (n, k), and the share (n,) of the variance that is left.

    Args:
        reports: (r, 5) where and when; `told` (r, k), of zero mean, NaN where a report does not say.
        asked: (n, 5) where and when.
        noise: a report's own error over the spread of what it tells.
    """
    speaks = np.flatnonzero(np.isfinite(told).all(axis=1))
    mean, left = np.zeros((len(asked), told.shape[1])), np.ones(len(asked))
    for n in range(len(asked) if len(speaks) else 0):
        apart = _apart(reports[speaks], asked[n])
        near = speaks[np.argsort(apart, kind="stable")[:REPORTS_MOST]]
        like = np.exp(-_apart(reports[near], asked[n]))
        among = np.exp(-_apart(reports[near, None], reports[None, near])) + noise**2 * np.eye(len(near))
        weight = np.linalg.solve(among, like)
        mean[n], left[n] = weight @ told[near], max(1.0 - float(weight @ like), 0.0)
    return mean, left


class Skies:
    """The air over regions (`sound_wind`), looked up anew each minute; it depends on the reports and the minute alone.

    A region is as large as what reports tell of: all arrays in it have one speed of sound.
    """

    def __init__(self, weather: Weather | None = None) -> None:
        self.weather = Weather.empty() if weather is None else weather
        self._minute = -1
        self._known: dict[int, tuple[FloatArray, float, float]] = {}

    def begin_again(self) -> None:
        """Have everything looked up at the next turn."""
        self._minute = -1

    def turn_to(self, now_ns: int) -> bool:
        """Turn to the minute of an instant; return whether the air may be another one since."""
        minute = now_ns // EVERY_NS
        if minute == self._minute:
            return False
        self._minute, self._known = minute, {}
        return True

    def over(self, cells: NDArray[np.int64]) -> Air:
        """Return the air over regions (n,)."""
        unique, at = np.unique(cells, return_inverse=True)
        new = np.array([cell for cell in unique.tolist() if cell not in self._known], np.int64)
        if len(new):
            air = air_at(self.weather, *centre_of(new), self._minute * EVERY_NS)
            self._known.update(zip(new.tolist(), zip(*air, strict=True), strict=True))
        told = [self._known[cell] for cell in unique.tolist()]
        wind = np.array([one for one, _, _ in told], float).reshape(-1, 2)
        return Air(wind[at], np.array([one for _, one, _ in told], float)[at], np.array([one[2] for one in told])[at])

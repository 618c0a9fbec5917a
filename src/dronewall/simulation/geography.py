"""The real map the invented night flies over: the line of Europe's eastern border, and airports.

The line is a coarse reading of the border from the Barents Sea to the Black Sea, good to some 20 km: enough to lay an
invented belt of sensors along it, not to say where any border runs. Airports are at their published reference points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dronewall.geodesy.wgs84 import FloatArray
from dronewall.simulation.flight import normal_from_geodetic

EARTH_RADIUS_KM = 6_371.0

BORDER: tuple[tuple[float, float], ...] = (
    (69.78, 30.80), (69.05, 28.95), (68.20, 28.50), (67.00, 29.05), (66.00, 30.00), (64.50, 30.00),
    (63.20, 31.20), (62.80, 31.50), (61.50, 29.60), (60.55, 27.75), (59.90, 27.95), (59.38, 28.15),
    (58.50, 27.50), (57.60, 27.40), (56.90, 27.75), (56.10, 28.15), (55.70, 26.70), (55.05, 26.50),
    (54.20, 25.60), (53.95, 23.60), (52.70, 23.85), (52.05, 23.65), (51.20, 23.70), (50.40, 24.00),
    (49.60, 22.80), (48.90, 22.50), (48.10, 23.00), (47.90, 24.90), (48.20, 26.70), (47.20, 27.80),
    (46.20, 28.15), (45.45, 28.25), (45.25, 29.00), (45.10, 29.70), (44.00, 29.90),
)  # fmt: skip
"""Latitude and longitude, north to south; the wall stands to the west of it."""


@dataclass(frozen=True, slots=True)
class Airport:
    """A real airport: ICAO location indicator and reference point."""

    icao: str
    lat_deg: float
    lon_deg: float


AIRPORTS: tuple[Airport, ...] = (
    Airport("EFHK", 60.317, 24.963), Airport("EFOU", 64.930, 25.355), Airport("EFRO", 66.565, 25.830),
    Airport("EFIV", 68.607, 27.405), Airport("EFJO", 62.663, 29.608), Airport("ENKR", 69.726, 29.891),
    Airport("ESSA", 59.652, 17.919), Airport("EETN", 59.413, 24.833), Airport("EVRA", 56.924, 23.971),
    Airport("EYVI", 54.637, 25.288), Airport("EYKA", 54.964, 24.085), Airport("EPWA", 52.166, 20.967),
    Airport("EPGD", 54.378, 18.466), Airport("EPRZ", 50.110, 22.019), Airport("EPLB", 51.240, 22.714),
    Airport("EPKK", 50.078, 19.785), Airport("LZKZ", 48.663, 21.241), Airport("LHBP", 47.437, 19.262),
    Airport("LRIA", 47.179, 27.621), Airport("LRCL", 46.785, 23.686), Airport("LROP", 44.571, 26.085),
    Airport("LRCK", 44.362, 28.488), Airport("LBSF", 42.695, 23.406), Airport("EDDB", 52.366, 13.503),
)  # fmt: skip


def destination(
    lat_deg: ArrayLike, lon_deg: ArrayLike, course_rad: ArrayLike, distance_km: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return latitude and longitude after `distance_km` along a great circle on the sphere: for laying things out."""
    lat, lon = np.radians(np.asarray(lat_deg, float)), np.radians(np.asarray(lon_deg, float))
    angle, course = np.asarray(distance_km, float) / EARTH_RADIUS_KM, np.asarray(course_rad, float)
    sin_lat = np.sin(lat) * np.cos(angle) + np.cos(lat) * np.sin(angle) * np.cos(course)
    there = np.arctan2(np.sin(course) * np.sin(angle) * np.cos(lat), np.cos(angle) - np.sin(lat) * sin_lat)
    return np.degrees(np.arcsin(sin_lat)), np.degrees(lon + there)


def course_and_distance(
    lat_deg: ArrayLike, lon_deg: ArrayLike, to_lat_deg: ArrayLike, to_lon_deg: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return the first course (rad) and the distance (km) of the great circle between places."""
    a, b = np.radians(np.asarray(lat_deg, float)), np.radians(np.asarray(to_lat_deg, float))
    d = np.radians(np.asarray(to_lon_deg, float) - np.asarray(lon_deg, float))
    y, x = np.sin(d) * np.cos(b), np.cos(a) * np.sin(b) - np.sin(a) * np.cos(b) * np.cos(d)
    along = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(d)
    return np.arctan2(y, x), np.arctan2(np.hypot(x, y), along) * EARTH_RADIUS_KM


class Belt:
    """The border as a ruler: a place is so many km along it, and so many km inland (west; negative is beyond it)."""

    __slots__ = ("_along_km", "_normals")

    def __init__(self) -> None:
        line = np.array(BORDER)
        _, legs = course_and_distance(line[:-1, 0], line[:-1, 1], line[1:, 0], line[1:, 1])
        self._along_km = np.concatenate([[0.0], np.cumsum(legs)])
        self._normals = normal_from_geodetic(line[:, 0], line[:, 1])

    @property
    def length_km(self) -> float:
        """From the Barents Sea to the Black Sea."""
        return float(self._along_km[-1])

    def line(self, along_km: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return latitude and longitude on the line itself."""
        s = np.asarray(along_km, float)
        p = np.stack([np.interp(s, self._along_km, self._normals[:, axis]) for axis in range(3)], axis=-1)
        return np.degrees(np.arctan2(p[..., 2], np.hypot(p[..., 0], p[..., 1]))), np.degrees(
            np.arctan2(p[..., 1], p[..., 0])
        )

    def inland_course_rad(self, along_km: ArrayLike) -> FloatArray:
        """Return the course that leads inland, square to the line as it runs over 240 km."""
        s = np.asarray(along_km, float)
        a = self.line(np.clip(s - 120.0, 0.0, self.length_km))
        b = self.line(np.clip(s + 120.0, 0.0, self.length_km))
        return course_and_distance(*a, *b)[0] + np.pi / 2

    def place(self, along_km: ArrayLike, inland_km: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return latitude and longitude of places by the ruler."""
        return destination(*self.line(along_km), self.inland_course_rad(along_km), inland_km)

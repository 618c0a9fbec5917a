"""Passive radar: what a range sum says, given the transmitter and where the receiver looked.

With an azimuth the object lies on the ray and on the ellipsoid whose foci are transmitter and receiver, and a ray from
a focus meets it once. That gives the place where a track may begin; trackers compare the sum itself, which is the more
exact, for a bearing's error bends round the ellipsoid.

Source:
    Willis, Bistatic Radar (2nd edition, 2005), 3.2: r = (S² - L²) / (2 (S - L sin θ)) for sum S and baseline L.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import enu_from_spherical

FloatArray = NDArray[np.float64]

STEP = 1e-3
ROUNDS = 6
SHORTEST_EXCESS_M = 50.0
"""An object whose sum exceeds the baseline by less lies so near the line of sight between the two that its echo drowns
in the transmitter's own signal."""


@dataclass(frozen=True, slots=True)
class Bistatic:
    """The geometry of n plots.

    `receiver` (n, 3) is ECEF m, its `axes` (n, 3, 3) have the rows east, north, up, `transmitter` (n, 3) is east,
    north, up of the receiver. `elevation_of` turns ranges (n,) and what a plot says of elevation or height (n,) into
    elevations.
    """

    receiver: FloatArray
    axes: FloatArray
    transmitter: FloatArray
    elevation_of: Callable[[FloatArray, FloatArray], FloatArray]

    def range_m(self, sum_m: FloatArray, azimuth_rad: FloatArray, elevation_rad: FloatArray) -> FloatArray:
        """Return slant ranges (n,) from the receiver along rays to the ellipsoids of range sums."""
        ray = enu_from_spherical(np.ones_like(sum_m), azimuth_rad, elevation_rad)
        baseline_sq = np.einsum("ni,ni->n", self.transmitter, self.transmitter)
        along = np.einsum("ni,ni->n", ray, self.transmitter)
        return np.asarray((sum_m**2 - baseline_sq) / (2.0 * (sum_m - along)))

    def place(self, measured: FloatArray) -> FloatArray:
        """Return places (n, 3), ECEF m, of range sum, azimuth and third coordinate (n, 3)."""
        range_m, elevation = self._spherical(measured)
        local = enu_from_spherical(range_m, measured[:, 1], elevation)
        return np.asarray(self.receiver + np.einsum("nji,nj->ni", self.axes, local))

    def _spherical(self, measured: FloatArray) -> tuple[FloatArray, FloatArray]:
        sum_m, azimuth, third = measured.T
        elevation = np.zeros_like(sum_m)
        for _ in range(ROUNDS):
            elevation = self.elevation_of(self.range_m(sum_m, azimuth, elevation), third)
        return self.range_m(sum_m, azimuth, elevation), elevation


def covariance_through(function: Callable[[FloatArray], FloatArray], at: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return the covariances (n, d, d) of `function`, (n, 3) to (n, d), at `at` with independent 1-σ errors (n, 3)."""
    columns = []
    for i in range(3):
        step = np.zeros_like(at)
        step[:, i] = STEP * sigma[:, i]
        columns.append((function(at + step) - function(at - step)) / (2.0 * STEP))
    root = np.stack(columns, axis=2)
    return root @ np.swapaxes(root, 1, 2)

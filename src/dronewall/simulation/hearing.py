"""Who hears what: which objects enough arrays hear for their place to be known at all, and since when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor
from dronewall.simulation.acoustic import SPEED_OF_SOUND_MPS, AcousticArrays
from dronewall.simulation.looks import Looks
from dronewall.simulation.sites import Sites
from dronewall.simulation.sky import Sky

ENOUGH = 4
"""Arrays that must be in hearing before anyone can be asked for a track: with three a ghost looks like an object."""


class AcousticWall(AcousticArrays):
    """Arrays whose objects are scored where at least four of them, not deaf, are within hearing."""

    def __init__(
        self,
        sensors: Sequence[Sensor],
        sky: Sky,
        *,
        seed: int,
        wind_mps: tuple[float, float] = (0.0, 0.0),
        false_per_s: float = 0.05,
        sound_mps: float = SPEED_OF_SOUND_MPS,
        deaf: NDArray[np.bool_] | None = None,
    ) -> None:
        super().__init__(sensors, sky, seed=seed, wind_mps=wind_mps, false_per_s=false_per_s, sound_mps=sound_mps)
        self._hearing = Sites.of(sensors)
        self._deaf = np.zeros(len(sensors), bool) if deaf is None else deaf

    def plots(self, window: int) -> Plots:
        """Return the bearings of one second; the deaf are silent."""
        plots = super().plots(window)
        return plots.take(np.flatnonzero(~self._deaf[plots.sensor]))

    def looks(self, window: int) -> Looks:
        """Return which sounds arrive in one second at those that are not deaf."""
        looks = super().looks(window)
        return looks.take(~self._deaf[looks.sensor])

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether enough arrays are near enough to hear each object."""
        distance = self._hearing.distances_m(ecef)[~self._deaf]
        return np.asarray((distance < sky.signatures.hearing_m[rows]).sum(axis=0) >= ENOUGH)

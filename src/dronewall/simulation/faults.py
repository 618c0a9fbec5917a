"""What goes wrong between a sensor and us: sources that report like another one, but late or askew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor
from dronewall.model.table import column_specs
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import Source
from dronewall.simulation.streams import stream


def _changed(plots: Plots, **given: NDArray[np.generic]) -> Plots:
    """Return plots with some columns replaced, in the order received."""
    columns = {spec.name: given.get(spec.name, getattr(plots, spec.name)) for spec in column_specs(Plots)}
    changed = Plots(**columns, sensor_ids=plots.sensor_ids)
    return changed.take(np.argsort(changed.received_ns, kind="stable"))


class Faulty:
    """A source that stands before another."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """Those of the source behind."""
        return self._source.sensors

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the windows of the source behind."""
        return self._source.windows(from_s, to_s)

    @property
    def behind(self) -> Source:
        """The source as it would be without the fault."""
        return self._source

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether the source behind reaches each object."""
        return self._source.reaches(sky, rows, ecef)


@dataclass(frozen=True, slots=True)
class Bias:
    """What a sensor is wrong by, without knowing: `time_s` positive stamps its plots too late."""

    range_m: float = 0.0
    azimuth_rad: float = 0.0
    elevation_rad: float = 0.0
    time_s: float = 0.0


class Biased(Faulty):
    """A source whose sensors are each wrong by something that does not change."""

    def __init__(self, source: Source, biases: tuple[Bias, ...]) -> None:
        """`biases` are one for each sensor of the source, in order."""
        super().__init__(source)
        self._by_sensor = np.array([[getattr(bias, f.name) for f in fields(bias)] for bias in biases], float)

    def plots(self, window: int) -> Plots:
        """Return one window's plots, askew."""
        plots = self._source.plots(window)
        range_m, azimuth, elevation, time_s = self._by_sensor[plots.sensor].T
        return _changed(
            plots,
            range_m=plots.range_m + range_m,
            azimuth_rad=np.mod(plots.azimuth_rad + azimuth, 2 * np.pi),
            elevation_rad=plots.elevation_rad + elevation,
            at_ns=plots.at_ns + np.rint(time_s * 1e9).astype(np.int64),
        )


class Late(Faulty):
    """A source over a bad link: a share of its plots comes up to `most_s` later than the rest."""

    def __init__(self, source: Source, *, seed: int, share: float = 0.2, most_s: float = 30.0) -> None:
        super().__init__(source)
        self._seed, self._share, self._most_s = seed, share, most_s

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return every window whose plots may be received in the interval, late ones too."""
        return self._source.windows(from_s - self._most_s, to_s)

    def plots(self, window: int) -> Plots:
        """Return one window's plots, some of them late."""
        plots = self._source.plots(window)
        rng = stream(self._seed, f"late.{self.sensors[0].sensor_id}", window)
        late = rng.random(len(plots)) < self._share
        delay_s = np.where(late, rng.uniform(0.0, self._most_s, len(plots)), 0.0)
        # No plot becomes older on arrival than the longest delay, its own included.
        own_s = (plots.received_ns - plots.at_ns) / 1e9
        delay_s = np.minimum(delay_s, np.maximum(self._most_s - own_s, 0.0))
        return _changed(plots, received_ns=plots.received_ns + np.rint(delay_s * 1e9).astype(np.int64))

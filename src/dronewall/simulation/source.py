"""The seam between the sky and the night: what every simulated kind of sensor is and promises."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor
from dronewall.simulation.sky import Sky

NS = 1_000_000_000
EFFECTIVE_EARTH_M = 6_371_000.0 * 4.0 / 3.0
"""Radio bends down as if the earth were a third larger (the usual 4/3-earth rule); there is no relief."""


class Source(Protocol):
    """Sensors of one kind, or one scanning sensor.

    Laws: what a window gives depends on the seed, the sky and the window alone, so a night may be cut anywhere; a
    window's plots are in the order received, their instants nanoseconds since the night began; `windows` names every
    window that can deliver something received in the interval.
    """

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """Who reports; `Plots.sensor` refers to these."""
        ...

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the windows whose plots may be received in [from_s, to_s)."""
        ...

    def plots(self, window: int) -> Plots:
        """Return what one window delivers."""
        ...

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether each object (rows of the sky, now at `ecef`) is within nominal reach of at least one sensor."""
        ...


def whole_seconds(from_s: float, to_s: float) -> range:
    """Return the seconds of the night, by number, that overlap an interval."""
    return range(max(int(np.floor(from_s)), 0), max(int(np.ceil(to_s)), 0))


def ns_of(at_s: FloatArray) -> NDArray[np.int64]:
    """Return whole nanoseconds of seconds since the night began."""
    return np.rint(np.asarray(at_s, float) * 1e9).astype(np.int64)


def in_order_received(length: int, sensor_ids: tuple[str, ...], **columns: Any) -> Plots:
    """Build plots from columns in any order; equal instants keep theirs."""
    plots = Plots.of(length, sensor_ids=sensor_ids, **columns)
    return plots.take(np.argsort(plots.received_ns, kind="stable"))


def radio_horizon_m(height_m: FloatArray | float) -> FloatArray:
    """Return the distance to the 4/3-earth horizon from a height above the ellipsoid, m."""
    return np.sqrt(2.0 * EFFECTIVE_EARTH_M * np.maximum(np.asarray(height_m, float), 0.0))

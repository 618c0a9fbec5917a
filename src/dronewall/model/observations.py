"""Observations: plots placed in the common time and frame, with their uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import CLASS_COUNT, NAN
from dronewall.model.table import Table, column


class ObservationKind(IntEnum):
    """Which measurement function relates an observation to a state."""

    RANGE_AZIMUTH_ELEVATION = 0
    """z = slant range m, azimuth rad, elevation rad, seen from the site."""
    RANGE_AZIMUTH_ALTITUDE = 1
    """z = slant range m, azimuth rad, height above the ellipsoid m; where height was not measured, what is likely."""
    POSITION = 2
    """z = ECEF m; `noise` is its 3 x 3 ECEF covariance."""
    DIRECTION = 3
    """z = azimuth rad, elevation rad (or NaN), at the speed of light."""
    SOUND_DIRECTION = 4
    """z = azimuth rad, elevation rad (or NaN) of sound that arrived at `at_ns` and left earlier."""
    NOTHING = 5
    """The sensor looked and saw nothing: a scan ended without a plot."""
    RANGE_SUM = 6
    """z = range from the transmitter to the object and on to the site, m: of a passive radar without bearings."""
    PRESENCE = 7
    """z = nothing: something was heard at `at_ns` at the site, from wherever its range reaches."""


@dataclass(frozen=True, slots=True, eq=False)
class Observations(Table):
    """One row per placed plot, in the order in which trackers must take them.

    `plot` is the row in the batch of plots it came from; `sensor` a row of the register of sensors. `site` is the
    sensor's place, ECEF m, at the plot's instant. `z` is laid out by `kind`; `noise` is its covariance in the units of
    z. `place` and `spread` are the best single guess of where the object is, ECEF m, and its covariance: NaN for
    directions, wide along the axes that were not measured. `floor_m` is the least 1-σ of height that the plot's datum
    allows however often it is repeated. `range_rate_mps` (positive away)
    and `velocity` (ECEF m/s) come with their own 1-σ, NaN where not measured. Where there is a `transmitter` (ECEF m,
    NaN for none) range and range rate are those from it to the object and on to the site, and plots of one scan that
    differ in it may be of one object.
    """

    plot: NDArray[np.int32] = column("<i4")
    sensor: NDArray[np.int32] = column("<i4")
    kind: NDArray[np.uint8] = column("|u1")
    at_ns: NDArray[np.int64] = column("<i8")
    scan: NDArray[np.int64] = column("<i8", absent=-1)
    scan_end: NDArray[np.bool_] = column("|b1", absent=False)
    site: NDArray[np.float64] = column("<f8", cell=(3,), absent=NAN)
    transmitter: NDArray[np.float64] = column("<f8", cell=(3,), absent=NAN)
    z: NDArray[np.float64] = column("<f8", cell=(3,), absent=NAN)
    noise: NDArray[np.float64] = column("<f8", cell=(3, 3), absent=0.0)
    place: NDArray[np.float64] = column("<f8", cell=(3,), absent=NAN)
    spread: NDArray[np.float64] = column("<f8", cell=(3, 3), absent=NAN)
    floor_m: NDArray[np.float64] = column("<f8", absent=0.0)
    range_rate_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    sigma_range_rate_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    velocity: NDArray[np.float64] = column("<f8", cell=(3,), absent=NAN)
    sigma_velocity_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    icao24: NDArray[np.uint32] = column("<u4", absent=0)
    callsign: NDArray[np.bytes_] = column("|S8", absent=b"")
    squawk: NDArray[np.int16] = column("<i2", absent=-1)
    uas_id: NDArray[np.bytes_] = column("|S24", absent=b"")
    classes: NDArray[np.float32] = column("<f4", absent=0.0, cell=(CLASS_COUNT,))

"""The air as others measured or foretold it: a table of reports, told in whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.model.table import Table, column

NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Weather(Table):
    """One row per report: the air at one place and instant; NaN is not measured.

    `wind_e_mps`, `wind_n_mps` are where the air moves, east and north.
    """

    at_ns: NDArray[np.int64] = column("<i8")
    lat_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    lon_deg: NDArray[np.float64] = column("<f8", absent=NAN)
    hae_m: NDArray[np.float64] = column("<f8", absent=NAN)
    wind_e_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    wind_n_mps: NDArray[np.float64] = column("<f8", absent=NAN)
    temperature_c: NDArray[np.float64] = column("<f8", absent=NAN)
    qnh_hpa: NDArray[np.float64] = column("<f8", absent=NAN)

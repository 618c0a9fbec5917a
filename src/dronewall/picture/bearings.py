"""Bearings as they are shown: the latest direction from each sensor and track, for as long as it says something.

A sensor without direction has one too, of no azimuth: something is heard around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import geodetic_from_ecef
from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.picture import Bearings
from dronewall.model.sensors import SensorKind, Sensors
from dronewall.model.table import column_specs

SHOWN_S = 6.0
SHOWN_AT_MOST = 4000
SHOWN = (ObservationKind.DIRECTION, ObservationKind.SOUND_DIRECTION, ObservationKind.PRESENCE)
REACH_M = {SensorKind.ACOUSTIC_ARRAY: 10_000.0, SensorKind.ACOUSTIC_PRESENCE: 6_000.0, SensorKind.RF_DF: 40_000.0}
REACH_ASSUMED_M = 15_000.0


class BearingBoard:
    """Keeps recent bearings: a newer one of the same sensor for the same track replaces the older."""

    def __init__(self) -> None:
        self._recent = Bearings.empty()

    def step(self, o: Observations, track_of: NDArray[np.int64], sensors: Sensors, *, now_ns: int) -> Bearings:
        """Take the directions among `o` with the tracks that took them; return those still worth showing."""
        rows = np.flatnonzero(np.isin(o.kind, SHOWN))
        if not len(rows) and not len(self._recent):
            return self._recent
        together = Bearings.concat([self._recent, _shown(o, rows, track_of, sensors)])
        fresh = together.take(np.flatnonzero((now_ns - together.at_ns) / 1e9 <= SHOWN_S)[-SHOWN_AT_MOST:])
        newest_first = np.lexsort((-fresh.at_ns, fresh.track_id, fresh.sensor))
        ordered = fresh.take(newest_first)
        again = np.zeros(len(ordered), np.bool_)
        again[1:] = (ordered.sensor[1:] == ordered.sensor[:-1]) & (ordered.track_id[1:] == ordered.track_id[:-1])
        beside = (ordered.track_id < 0) & np.isfinite(ordered.azimuth_rad)
        self._recent = ordered.take(np.flatnonzero(~again | beside))
        return self._recent

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        return {f"bearings.{name}": values for name, values in self._recent.columns()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self._recent = Bearings(**{spec.name: state[f"bearings.{spec.name}"].copy() for spec in column_specs(Bearings)})


def _shown(o: Observations, rows: NDArray[np.intp], track_of: NDArray[np.int64], sensors: Sensors) -> Bearings:
    lat, lon, _ = geodetic_from_ecef(o.site[rows])
    seen_by = [sensors[row] for row in o.sensor[rows].tolist()]
    return Bearings.of(
        len(rows),
        sensor=o.sensor[rows],
        kind=[s.kind for s in seen_by],
        at_ns=o.at_ns[rows],
        lat_deg=lat,
        lon_deg=lon,
        azimuth_rad=o.z[rows, 0],
        sigma_azimuth_rad=np.where(np.isfinite(o.z[rows, 0]), np.sqrt(o.noise[rows, 0, 0]), np.nan),
        reach_m=[s.range_max_m or REACH_M.get(s.kind, REACH_ASSUMED_M) for s in seen_by],
        track_id=track_of[rows],
    )

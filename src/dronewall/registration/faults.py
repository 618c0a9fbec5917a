"""Which plots cannot be placed, and why: what people read when a sensor's plots do not show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import Plots
from dronewall.model.sensors import SensorKind
from dronewall.registration.bistatic import SHORTEST_EXCESS_M
from dronewall.registration.errors_declared import SensorColumns
from dronewall.registration.plot_sites import lit_up, picked, sites_of, transmitters_of

FloatArray = NDArray[np.float64]

FUTURE_S = 10.0
"""A plot may be this far ahead of the wall's clock: sensors' clocks differ."""
PAST_S = 120.0
"""An older plot says nothing about now that a track could still use."""
POSITION_BLUNDER_M = 1e5
"""A claimed height outside -1 km to 100 km is no height."""
PLACEABLE = 0
_REASONS = (
    "",
    "sensor unknown: add it to sensors.jsonl",
    "site unknown: give the sensor's position in sensors.jsonl or a pose with each plot",
    "nothing measured",
    "value out of bounds",
    "time of validity in the future",
    "time of validity too old",
    "bistatic range without its transmitter's place",
    "bistatic range no longer than its baseline",
    "a track without a position",
)
_UNKNOWN, _SITELESS, _NOTHING, _BOUNDS, _FUTURE, _PAST, _UNLIT, _BASELINE, _NOWHERE = range(1, len(_REASONS))


def faults_of(plots: Plots, sensor: NDArray[np.int32], columns: SensorColumns, now_ns: int) -> NDArray[np.uint8]:
    """Return for each plot why it cannot be placed, 0 if it can."""
    fault = np.zeros(len(plots), np.uint8)
    if not len(plots):
        return fault
    known = sensor >= 0
    sited, tells = np.zeros(len(plots), np.bool_), np.zeros(len(plots), np.bool_)
    tells[known] = columns.delivers_tracks[sensor[known]]
    sited[known] = np.isfinite(columns.site[sensor[known], 0])
    sited |= np.isfinite(plots.pose_lat_deg) & np.isfinite(plots.pose_lon_deg)
    positioned = np.isfinite(plots.lat_deg) & np.isfinite(plots.lon_deg)
    seen = np.isfinite(plots.azimuth_rad)
    marks = plots.empty_scan | plots.scan_end
    out_of_bounds = (
        _beyond(plots.lat_deg, 90.0)
        | _beyond(plots.lon_deg, 360.0)
        | _beyond(plots.altitude_m, POSITION_BLUNDER_M)
        | _beyond(plots.pose_lat_deg, 90.0)
        | _beyond(plots.pose_lon_deg, 360.0)
        | _beyond(plots.pose_hae_m, POSITION_BLUNDER_M)
        | (np.nan_to_num(plots.range_m, nan=1.0) <= 0.0)
        | (np.nan_to_num(plots.range_m, nan=1.0) > 5e6)
        | _beyond(plots.azimuth_rad, 4 * np.pi)
        | _beyond(plots.elevation_rad, np.pi / 2)
        | _beyond(plots.transmitter_lat_deg, 90.0)
        | _beyond(plots.transmitter_lon_deg, 360.0)
        | _beyond(plots.transmitter_hae_m, POSITION_BLUNDER_M)
        | _beyond(plots.range_sum_m, 5e6)
    )
    age_s = (now_ns - plots.at_ns) / 1e9
    present = np.zeros(len(plots), np.bool_)
    present[known] = columns.kind[sensor[known]] == SensorKind.ACOUSTIC_PRESENCE
    fault[~positioned & ~seen & ~marks & ~present] = _NOTHING
    summed, lit = np.isfinite(plots.range_sum_m), lit_up(plots)
    fault[~positioned & ~seen & summed] = np.where(lit, PLACEABLE, _UNLIT)[~positioned & ~seen & summed]
    fault[~positioned & (seen | (summed & lit) | present) & ~sited] = _SITELESS
    fault[~positioned & ~np.isfinite(plots.range_m) & _on_baseline(plots, sensor, columns)] = _BASELINE
    fault[tells & ~positioned & ~plots.empty_scan] = _NOWHERE
    fault[out_of_bounds] = _BOUNDS
    fault[age_s < -FUTURE_S] = _FUTURE
    fault[age_s > PAST_S] = _PAST
    fault[~known] = _UNKNOWN
    return fault


def _on_baseline(plots: Plots, sensor: NDArray[np.int32], columns: SensorColumns) -> NDArray[np.bool_]:
    """Return which range sums are so short that the object would lie between transmitter and receiver."""
    out = np.zeros(len(plots), np.bool_)
    rows = np.flatnonzero(np.isfinite(plots.range_sum_m) & lit_up(plots) & (sensor >= 0))
    if len(rows):
        p = picked(plots, rows)
        site, _, _ = sites_of(p, sensor[rows], columns)
        baseline_m = np.linalg.norm(transmitters_of(p) - site, axis=1)
        out[rows] = p.range_sum_m < baseline_m + SHORTEST_EXCESS_M
    return out


def _beyond(values: FloatArray, limit: float) -> NDArray[np.bool_]:
    """Return where values are infinite or larger than a limit; what was not measured is within it."""
    return np.asarray(np.abs(np.where(np.isnan(values), 0.0, values)) > limit)


def counted(plots: Plots, fault: NDArray[np.uint8]) -> tuple[tuple[str, str, int], ...]:
    """Return the plots left out by their `fault` (n,) as counts by sensor and reason."""
    left_out = np.flatnonzero(fault)
    if not len(left_out):
        return ()
    pairs, counts = np.unique(
        np.stack([plots.sensor[left_out], fault[left_out].astype(np.int32)], axis=1), axis=0, return_counts=True
    )
    return tuple(
        (plots.sensor_ids[int(s)], _REASONS[int(f)], int(count)) for (s, f), count in zip(pairs, counts, strict=True)
    )

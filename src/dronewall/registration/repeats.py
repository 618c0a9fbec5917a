"""Plots that came twice: a network that doubles its datagrams must not make one object two, or its plots twice as sure.

A plot that says to the last bit what its sensor said of the same instant a moment ago is left out. Tracks of others may
come as often as they like: what is news in them is told apart where they are fused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensors

REMEMBERED_NS = 2_000_000_000
"""A plot that comes again later than this is taken for news; a network delivers its doubles within milliseconds."""
REMEMBERED_MOST = 1 << 18
REASON = "came twice"

_READINGS = (
    "at_ns",
    "scan",
    "scan_end",
    "empty_scan",
    "range_m",
    "azimuth_rad",
    "elevation_rad",
    "range_rate_mps",
    "range_sum_m",
    "range_rate_sum_mps",
    "transmitter_lat_deg",
    "transmitter_lon_deg",
    "lat_deg",
    "lon_deg",
    "altitude_m",
    "velocity_east_mps",
    "velocity_north_mps",
    "icao24",
    "squawk",
)
_WORDS = ("callsign", "uas_id")
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""The golden ratio's bits: multiplied by it, neighbouring numbers lie far apart."""

Digests = NDArray[np.uint64]


class Repeats:
    """Remembers what came in the last seconds, by a number of 64 bits for each plot."""

    def __init__(self, sensors: Sensors) -> None:
        self._before, self._now = np.empty(0, np.uint64), np.empty(0, np.uint64)
        self._since_ns = 0
        self.learn(sensors)

    def learn(self, sensors: Sensors) -> None:
        """Take over a register that has grown."""
        self._sensors = sensors

    def step(self, plots: Plots, *, now_ns: int) -> tuple[Plots, tuple[tuple[str, str, int], ...]]:
        """Return the plots without those that came before, and how many of these there were, by sensor and reason."""
        if now_ns - self._since_ns >= REMEMBERED_NS or len(self._now) > REMEMBERED_MOST:
            self._before, self._now, self._since_ns = self._now, np.empty(0, np.uint64), now_ns
        telling = np.flatnonzero(self._telling(plots))
        if not len(telling):
            return plots, ()
        digest = digests(plots)[telling]
        fresh, first = np.unique(digest, return_index=True)
        known = _in(self._before, fresh) | _in(self._now, fresh)
        self._now = np.sort(np.concatenate([self._now, fresh[~known]]))
        kept = np.ones(len(plots), np.bool_)
        kept[telling] = False
        kept[telling[first[~known]]] = True  # of several in one step, the first
        if kept.all():
            return plots, ()
        who, count = np.unique(plots.sensor[~kept], return_counts=True)
        counted = tuple((plots.sensor_ids[w], REASON, n) for w, n in zip(who.tolist(), count.tolist(), strict=True))
        return plots.take(np.flatnonzero(kept)), counted

    def _telling(self, plots: Plots) -> NDArray[np.bool_]:
        """Return which plots come from sensors that are known, and are no other tracker's."""
        known = [self._sensors.get(sensor_id) for sensor_id in plots.sensor_ids]
        theirs = np.array([sensor is None or sensor.delivers_tracks for sensor in known], np.bool_)
        return ~theirs[plots.sensor] if len(plots) else np.zeros(0, np.bool_)

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        return {
            "repeats.before": self._before.copy(),
            "repeats.now": self._now.copy(),
            "repeats.since_ns": np.array([self._since_ns], np.int64),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self._before, self._now = state["repeats.before"].copy(), state["repeats.now"].copy()
        self._since_ns = int(state["repeats.since_ns"][0])


def digests(plots: Plots) -> Digests:
    """Return one number for what each plot says, of whom it comes and of which instant; the same for the same."""
    names = np.array([_number_of(sensor_id.encode()) for sensor_id in plots.sensor_ids], np.uint64)
    out = names[plots.sensor]
    for name in _READINGS:
        column = getattr(plots, name)
        whole = column.view(np.uint64) if column.dtype.itemsize == 8 else column.astype(np.int64).view(np.uint64)
        out = _stirred(out, whole)
    for name in _WORDS:
        column = np.ascontiguousarray(getattr(plots, name))
        for word in column.view(np.uint64).reshape(len(plots), -1).T:
            out = _stirred(out, word)
    return out


def _stirred(digest: Digests, more: NDArray[np.uint64]) -> Digests:
    digest = (digest ^ more) * _SPREAD
    return digest ^ (digest >> np.uint64(31))


def _number_of(name: bytes) -> int:
    """Return a number for a name, the same on every machine (FNV-1a)."""
    number = 0xCBF29CE484222325
    for byte in name:
        number = (number ^ byte) * 0x100000001B3 % (1 << 64)
    return number


def _in(known: Digests, asked: Digests) -> NDArray[np.bool_]:
    """Return which of `asked` are among `known`, which is sorted."""
    if not len(known):
        return np.zeros(len(asked), np.bool_)
    at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return known[at] == asked

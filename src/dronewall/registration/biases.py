"""Sensors' steady errors: how far each reads range, azimuth and elevation off, and how late it says it is.

Radars are compared, plot by plot, with aircraft that report their own position and say how well they know it. Nothing
of ours takes part: a fused track that took the radar's plots carries the radar's errors. What enough aircraft agree on
is taken off the plots before they are placed, and what remains unknown is added to their noise. `docs/registration.md`
tells the method.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.model.biases import BiasState, BiasValues, SensorBias
from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.picture import Alert
from dronewall.model.plots import Plots
from dronewall.model.sensors import SensorKind, Sensors
from dronewall.registration.bias_alerts import TIME_S, bias_alerts, keep_watch
from dronewall.registration.bias_correction import add_remaining, correct
from dronewall.registration.bias_kernels import compare
from dronewall.registration.bias_model import OWN, PRIOR, REGISTERED
from dronewall.registration.bias_review import review, start_again
from dronewall.registration.bias_state import (
    Beliefs,
    no_beliefs,
    no_pairs,
    restored_pairs,
    saved,
    saved_pairs,
    sites_of,
    with_beliefs,
    with_places,
)
from dronewall.registration.errors_declared import sensor_columns, sigma_of
from dronewall.registration.references import References

FloatArray = NDArray[np.float64]
Int64s = NDArray[np.int64]

REVIEW_S, REVIEW_KNOWN_S, SEEK_S = 5.0, 15.0, 10.0
"""How often a sensor's references are weighed, before and after it is known, and new ones looked for."""
TURNS = 3
"""So many sensors at most have their turn in one step, those that wait longest first."""
HEARD_S = 5.0
ANCHOR_NS = 500_000_000
"""A correction by delays that moves further than this is another clock: its time is learned anew."""
NEAREST_M = 2_000.0


class _PlotColumns(NamedTuple):
    """Readings to compare, ordered by sensor; `z` is range, azimuth, elevation (NaN if none), with their 1-σ."""

    at_ns: Int64s
    z: FloatArray
    sigma: FloatArray
    icao24: NDArray[np.uint32]
    shift_s: FloatArray


class SensorBiases:
    """Estimates the steady errors of radars and takes them off their plots."""

    def __init__(self, sensors: Sensors) -> None:
        self._references = References()
        self._pairs, self._beliefs = no_pairs(0), no_beliefs(0)
        self._slot_of = np.empty(0, np.int32)
        self._places: list[int] = []
        self.learn(sensors)

    def learn(self, sensors: Sensors) -> None:
        """Take over a register of sensors that has grown at its end."""
        places = [row for row, s in enumerate(sensors) if s.kind in REGISTERED and s.sited and not s.delivers_tracks]
        self._pairs, self._beliefs = with_places(self._pairs, len(places)), with_beliefs(self._beliefs, len(places))
        self._sensors, self._places = sensors, places
        self._slot_of = np.full(len(sensors), -1, np.int32)
        self._slot_of[places] = np.arange(len(places))
        self._sites = sites_of([sensors[row] for row in places])
        self._declared = sensor_columns(sensors)
        d = self._declared
        self._allowed = np.stack([d.range_m, d.azimuth_rad, d.elevation_rad, np.full(len(sensors), TIME_S)], axis=1)[
            places
        ]
        self._speaks = np.array([s.kind is SensorKind.ADSB for s in sensors], np.bool_)

    def step(self, plots: Plots, applied_ns: Int64s, *, now_ns: int) -> Plots:
        """Return the plots without the errors known before, and learn from them.

        Args:
            plots: in any order; their times corrected by what delays tell of the sensors' clocks.
            applied_ns: (sensors,) that correction as it stands.
            now_ns: the step's instant.
        """
        if not self._places or not len(self._sensors):
            return plots
        shift_s = self._shifts(applied_ns)
        corrected = plots
        if len(plots):
            row_of_id = np.array([self._sensors.row_of(sensor_id) for sensor_id in plots.sensor_ids], np.intp)
            sensor = row_of_id[plots.sensor]
            corrected = self._corrected(plots, sensor, shift_s)
            self._hear(plots, sensor, now_ns)
            self._compare(plots, sensor, shift_s)
        self._review(now_ns)
        return corrected

    def _shifts(self, applied_ns: Int64s) -> FloatArray:
        """Return for each sensor that is registered the correction by delays, s, from where its time is counted."""
        b, applied = self._beliefs, applied_ns[self._places]
        for slot in np.flatnonzero(np.abs(applied - b.anchor_ns) > ANCHOR_NS).tolist():
            b.anchor_ns[slot] = applied[slot]
            start_again(self._pairs, b, slot)
        return np.asarray((applied - b.anchor_ns) / 1e9, float)

    # Correcting.

    def _corrected(self, plots: Plots, sensor: NDArray[np.intp], shift_s: FloatArray) -> Plots:
        if not self._beliefs.known.any():
            return plots
        slot = self._slots(sensor)
        slot[(slot >= 0) & ~self._beliefs.known[slot]] = -1
        slot[~(np.isfinite(plots.range_m) & np.isfinite(plots.azimuth_rad)) | np.isfinite(plots.pose_lat_deg)] = -1
        at_ns = plots.at_ns.copy()
        z = np.stack([plots.range_m, plots.azimuth_rad, plots.elevation_rad], axis=1)
        correct(slot, at_ns, z, shift_s[slot], self._sites, self._beliefs)
        return replace(
            plots, at_ns=at_ns, range_m=z[:, 0].copy(), azimuth_rad=z[:, 1].copy(), elevation_rad=z[:, 2].copy()
        )

    def _slots(self, sensor: NDArray[np.intp]) -> NDArray[np.int32]:
        return np.where(sensor >= 0, self._slot_of[sensor], -1).astype(np.int32)

    def widened(self, observations: Observations) -> Observations:
        """Return observations with what remains unknown of their sensors' errors added to noise and spread."""
        o, b = observations, self._beliefs
        if not len(o) or not b.known.any():
            return o
        slot = self._slot_of[o.sensor]
        ranged = o.kind <= ObservationKind.RANGE_AZIMUTH_ALTITUDE
        slot = np.where(ranged & (slot >= 0) & b.known[slot], slot, -1).astype(np.int32)
        noise, spread = o.noise.copy(), o.spread.copy()
        raised = o.kind == ObservationKind.RANGE_AZIMUTH_ELEVATION
        add_remaining(slot, raised, o.z, o.range_rate_mps, self._sites, b, noise, spread)
        return replace(o, noise=noise, spread=spread)

    # Learning.

    def _hear(self, plots: Plots, sensor: NDArray[np.intp], now_ns: int) -> None:
        """Let trusted aircraft's reports go on the board."""
        said = np.flatnonzero((sensor >= 0) & self._speaks[sensor] & np.isfinite(plots.lat_deg))
        if len(said):
            self._references.take(plots, said, self._declared.position_m[sensor[said]], now_ns=now_ns)

    def _compare(self, plots: Plots, sensor: NDArray[np.intp], shift_s: FloatArray) -> None:
        """Compare the plots of sensors that watch somebody."""
        self._pairs.row[:] = self._references.rows_of(self._pairs.address)
        slot = self._slots(sensor)
        watching = np.append(np.any(self._pairs.row >= 0, axis=1), np.False_)
        usable = watching[slot] & (plots.range_m > 0) & (plots.range_m < 1e6) & np.isfinite(plots.azimuth_rad)
        usable &= (np.abs(plots.azimuth_rad) < 13.0) & ~np.isfinite(plots.pose_lat_deg)
        rows = np.flatnonzero(usable)
        if not len(rows):
            return
        rows = rows[np.argsort(slot[rows], kind="stable")]
        slots, first = np.unique(slot[rows], return_index=True)
        groups = slots.astype(np.int64), np.append(first, len(rows)).astype(np.int64)
        columns = self._columns(plots, sensor[rows], rows, shift_s[slot[rows]])
        compare(groups, columns, self._sites, self._references.board, self._pairs, self._beliefs)

    def _columns(
        self, plots: Plots, sensor: NDArray[np.intp], rows: NDArray[np.intp], shift_s: FloatArray
    ) -> _PlotColumns:
        z = (plots.range_m, plots.azimuth_rad, plots.elevation_rad)
        sigmas = (
            sigma_of(plots.sigma_range_m[rows], self._declared.range_m[sensor], "range_m"),
            sigma_of(plots.sigma_azimuth_rad[rows], self._declared.azimuth_rad[sensor], "azimuth_deg"),
            sigma_of(plots.sigma_elevation_rad[rows], self._declared.elevation_rad[sensor], "elevation_deg"),
        )
        return _PlotColumns(
            at_ns=plots.at_ns[rows],
            z=np.stack([values[rows] for values in z], axis=1),
            sigma=np.stack(sigmas, axis=1),
            icao24=plots.icao24[rows],
            shift_s=shift_s,
        )

    def _review(self, now_ns: int) -> None:
        """Weigh the references of those sensors whose turn it is, and look for new ones."""
        b = self._beliefs
        watched = np.any(self._pairs.address != 0, axis=1) | (b.references > 0)
        every_ns = np.where(b.known, REVIEW_KNOWN_S, REVIEW_S) * 1e9
        for slot in _turns(b.reviewed_ns, watched & (now_ns - b.reviewed_ns > every_ns)):
            review(self._pairs, b, slot, now_ns=now_ns)
            keep_watch(b, slot, self._allowed[slot], now_ns=now_ns)
        if len(self._references.board.address):
            for slot in _turns(b.sought_ns, now_ns - b.sought_ns > SEEK_S * 1e9):
                b.sought_ns[slot] = now_ns
                self._seek(slot, now_ns)

    def _seek(self, slot: int, now_ns: int) -> None:
        """Let a sensor watch more aircraft within its reach: a sample of all, drawn by their addresses."""
        free = np.flatnonzero(self._pairs.address[slot] == 0)
        if not len(free):
            return
        board = self._references.board
        at_ns, position = self._references.latest()
        away_m = np.linalg.norm(position - self._sites.site[slot], axis=1)
        near = (away_m > NEAREST_M) & (away_m < self._sites.reach_m[slot])
        near &= np.abs(now_ns - at_ns) < HEARD_S * 1e9
        near &= ~np.isin(board.address, self._pairs.address[slot])
        found = board.address[near]
        drawn = found[np.argsort(found * np.uint32(2_654_435_761), kind="stable")][: len(free)]
        self._pairs.address[slot, free[: len(drawn)]] = drawn
        self._pairs.since_ns[slot, free[: len(drawn)]] = now_ns

    def assume_known(self) -> None:
        """Hold every radar's errors to be known as they stand: for warming up only."""
        self._beliefs.known[:] = True

    # What others see.

    def told(self) -> tuple[SensorBias, ...]:
        """Return what is known of every registered sensor's errors, in the order of the register."""
        return tuple(self._told(slot, row) for slot, row in enumerate(self._places))

    def _told(self, slot: int, row: int) -> SensorBias:
        b = self._beliefs
        known = bool(b.known[slot])
        moved = b.estimate[slot] - b.at_first[slot] if known and b.first_ns[slot] else np.zeros(len(PRIOR))
        return SensorBias(
            sensor_id=self._sensors[row].sensor_id,
            state=BiasState(int(b.state[slot])),
            estimate=_values(b.estimate[slot] * known),
            sigma=_values(np.sqrt(np.diag(b.covariance[slot]))),
            moved=_values(moved),
            references=int(b.references[slot]),
            left_out=int(b.left_out[slot]),
            compared=int(b.compared[slot]),
            refused=int(b.refused[slot]),
            changes=int(b.changes[slot]),
        )

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts about sensors whose errors are large or have moved."""
        b = self._beliefs
        if not (b.trouble_ns.any() or b.moved_ns.any() or b.disputed_ns.any()):
            return ()
        return bias_alerts(self.told(), b)

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        return {**self._references.checkpoint(), **saved("biases", self._beliefs), **saved_pairs(self._pairs)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned, under the same register of sensors."""
        self._references.restore(state)
        self._beliefs = Beliefs(**{name: np.array(state[f"biases.{name}"]) for name in Beliefs._fields})
        self._pairs = restored_pairs(state, len(self._places))


def _turns(last_ns: Int64s, due: NDArray[np.bool_]) -> list[int]:
    rows = np.flatnonzero(due)
    return rows[np.argsort(last_ns[rows], kind="stable")][:TURNS].tolist()


def _values(scaled: FloatArray) -> BiasValues:
    return BiasValues(*(scaled[:OWN] * PRIOR[:OWN]).tolist())

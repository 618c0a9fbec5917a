"""Sensors' steady errors: how far each reads range, azimuth and elevation off, and how late it says it is.

Radars are compared, plot by plot, with aircraft that report their own position and say how well they know it, and with
each other on objects that several of them see. No position of ours takes part: a fused track that took the radar's
plots carries the radar's errors. What is known so is taken off the plots before they are placed, and what remains
unknown is added to their noise. `docs/registration.md` tells the method.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.model.biases import BiasSource, BiasState, BiasValues, SensorBias
from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.picture import Alert
from dronewall.model.plots import Plots
from dronewall.model.sensors import SensorKind, Sensors
from dronewall.model.tracks import Tracks
from dronewall.registration.bias_alerts import TIME_S, bias_alerts, keep_watch
from dronewall.registration.bias_correction import add_remaining, correct
from dronewall.registration.bias_held import hold_aligned, hold_nothing, hold_references, note_change
from dronewall.registration.bias_kernels import compare
from dronewall.registration.bias_model import OWN, PRIOR, REGISTERED
from dronewall.registration.bias_review import review, start_again
from dronewall.registration.bias_state import (
    Beliefs,
    Held,
    no_beliefs,
    no_held,
    no_pairs,
    restored_pairs,
    saved,
    saved_pairs,
    sites_of,
    with_beliefs,
    with_held,
    with_places,
)
from dronewall.registration.common_tracks import CommonTracks
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
        self._references, self._common = References(), CommonTracks()
        self._pairs, self._beliefs, self._held = no_pairs(0), no_beliefs(0), no_held(0)
        self._slot_of = np.empty(0, np.int32)
        self._places: list[int] = []
        self.learn(sensors)

    def learn(self, sensors: Sensors) -> None:
        """Take over a register of sensors that has grown at its end."""
        places = [row for row, s in enumerate(sensors) if s.kind in REGISTERED and s.sited and not s.delivers_tracks]
        self._pairs, self._beliefs = with_places(self._pairs, len(places)), with_beliefs(self._beliefs, len(places))
        self._held = with_held(self._held, len(places))
        self._common.learn(len(places))
        self._taken_off = _taken_off(self._held, np.zeros(len(places)))
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
        self._taken_off = _taken_off(self._held, shift_s)
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
            self._common.forget(slot)
            hold_nothing(self._held, slot)
        return np.asarray((applied - b.anchor_ns) / 1e9, float)

    # Correcting.

    def _corrected(self, plots: Plots, sensor: NDArray[np.intp], shift_s: FloatArray) -> Plots:
        if not self._held.known.any():
            return plots
        slot = self._slots(sensor)
        slot[(slot >= 0) & ~self._held.known[slot]] = -1
        slot[~(np.isfinite(plots.range_m) & np.isfinite(plots.azimuth_rad)) | np.isfinite(plots.pose_lat_deg)] = -1
        at_ns = plots.at_ns.copy()
        z = np.stack([plots.range_m, plots.azimuth_rad, plots.elevation_rad], axis=1)
        correct(slot, at_ns, z, shift_s[slot], self._sites, self._held)
        return replace(
            plots, at_ns=at_ns, range_m=z[:, 0].copy(), azimuth_rad=z[:, 1].copy(), elevation_rad=z[:, 2].copy()
        )

    def _slots(self, sensor: NDArray[np.intp]) -> NDArray[np.int32]:
        return np.where(sensor >= 0, self._slot_of[sensor], -1).astype(np.int32)

    def widened(self, observations: Observations) -> Observations:
        """Return observations with what remains unknown of their sensors' errors added to noise and spread."""
        o, b = observations, self._held
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
            if review(self._pairs, b, slot, now_ns=now_ns):
                self._start_again(slot, now_ns)
            elif not self._held.partners[slot]:
                hold_references(self._held, b, slot, now_ns=now_ns)
            self._keep_watch(slot, now_ns)
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

    def _start_again(self, slot: int, now_ns: int) -> None:
        """Begin to learn anew what a sensor reads that has changed."""
        note_change(self._held, slot, now_ns=now_ns)
        self._common.forget(slot)

    def _keep_watch(self, slot: int, now_ns: int) -> None:
        keep_watch(self._held, slot, BiasState(int(self._beliefs.state[slot])), self._allowed[slot], now_ns=now_ns)

    def learn_from_tracks(self, observations: Observations, track_of: Int64s, tracks: Tracks, *, now_ns: int) -> None:
        """Compare sensors whose plots went to the same tracks; it comes after `step`, once in each.

        Args:
            observations: placed, without what is unknown of their sensors' errors.
            track_of: (n,) the numbers of the tracks that took them, -1 for none.
            tracks: all there are.
            now_ns: the step's instant.
        """
        if len(self._places) < 2:
            return
        rows = self._common.watched(track_of)
        if len(rows):
            self._compare_common(observations, track_of, rows, tracks)
        if len(observations):
            slot = self._slot_of[observations.sensor]
            self._common.seek(track_of, slot, tracks, self._references.board.address, now_ns)
        self._align(now_ns)

    def _compare_common(self, o: Observations, track_of: Int64s, rows: NDArray[np.intp], tracks: Tracks) -> None:
        """Compare the plots `rows`, as their sensors gave them, with those of others on the same objects."""
        slot = self._slot_of[o.sensor[rows]]
        mine = (slot >= 0) & (o.kind[rows] <= ObservationKind.RANGE_AZIMUTH_ALTITUDE)
        mine &= np.all(np.abs(o.site[rows] - self._sites.site[slot]) < 1.0, axis=1)
        rows, slot = rows[mine], slot[mine]
        if not len(rows):
            return
        at_ns, z = o.at_ns[rows], o.z[rows]
        z[o.kind[rows] != ObservationKind.RANGE_AZIMUTH_ELEVATION, 2] = np.nan
        held, shift_s = self._taken_off
        correct(slot, at_ns, z, shift_s[slot], self._sites, held)
        self._common.compare(track_of[rows], slot, at_ns, z, o.noise[rows], tracks, self._sites, self._held)

    def _align(self, now_ns: int) -> None:
        """Align the sensors that see the same objects, each with what its references say."""
        b = self._beliefs
        for slot in self._common.changed(b.known, now_ns):
            self._start_again(slot, now_ns)
        for group, partners, found in self._common.aligned(b.known, self._anchors, now_ns):
            for at, slot in enumerate(group):
                values = found.estimate[at], found.covariance[at], found.apart[at]
                hold_aligned(self._held, b, slot, int(partners[at]), values, now_ns=now_ns)
                self._keep_watch(slot, now_ns)

    def _anchors(self) -> tuple[FloatArray, FloatArray]:
        """Return information (s, OWN, OWN) and score (s, OWN) that references give of each sensor, else the prior."""
        b = self._beliefs
        info = np.tile(np.eye(OWN), (len(b.known), 1, 1))
        score = np.zeros((len(b.known), OWN))
        info[b.known] = np.linalg.inv(b.covariance[b.known][:, :OWN, :OWN])
        score[b.known] = np.einsum("sij,sj->si", info[b.known], b.estimate[b.known, :OWN])
        return info, score

    def assume_known(self) -> None:
        """Hold every radar's errors to be known as they stand: for warming up only."""
        self._held.known[:] = True

    # What others see.

    def told(self) -> tuple[SensorBias, ...]:
        """Return what is known of every registered sensor's errors, in the order of the register."""
        return tuple(self._told(slot, row) for slot, row in enumerate(self._places))

    def _told(self, slot: int, row: int) -> SensorBias:
        b, h = self._beliefs, self._held
        known = bool(h.known[slot])
        moved = h.estimate[slot] - h.at_first[slot] if known and h.first_ns[slot] else np.zeros(len(PRIOR))
        state = BiasState(int(b.state[slot]))
        common, common_refused = self._common.counts(slot)
        return SensorBias(
            sensor_id=self._sensors[row].sensor_id,
            state=BiasState.KNOWN if known and state is BiasState.UNKNOWN else state,
            estimate=_values(h.estimate[slot] * known),
            sigma=_values(np.sqrt(np.diag(h.whole[slot]))),
            moved=_values(moved),
            references=int(b.references[slot]),
            left_out=int(b.left_out[slot]),
            compared=int(b.compared[slot]),
            refused=int(b.refused[slot]),
            changes=int(h.changes[slot]),
            source=_source(references=bool(b.known[slot]), common=known and bool(h.partners[slot])),
            partners=int(h.partners[slot]),
            common=common,
            common_refused=common_refused,
        )

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts about sensors whose errors are large or have moved."""
        b = self._held
        if not (b.trouble_ns.any() or b.moved_ns.any() or b.disputed_ns.any()):
            return ()
        return bias_alerts(self.told(), b)

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        return {
            **self._references.checkpoint(),
            **saved("biases", self._beliefs),
            **saved("biases.held", self._held),
            **saved_pairs(self._pairs),
            **self._common.checkpoint(),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned, under the same register of sensors."""
        self._references.restore(state)
        self._beliefs = Beliefs(**{name: np.array(state[f"biases.{name}"]) for name in Beliefs._fields})
        self._held = Held(**{name: np.array(state[f"biases.held.{name}"]) for name in Held._fields})
        self._pairs = restored_pairs(state, len(self._places))
        self._common.restore(state, len(self._places))


def _taken_off(held: Held, shift_s: FloatArray) -> tuple[Held, FloatArray]:
    """Return what corrects plots back to what their sensors gave, if they are corrected by what is held now.

    Those of sensors of which nothing is known still bear the whole correction (s,) that delays gave.
    """
    estimate = np.where(held.known[:, None], -held.estimate, 0.0)
    return held._replace(estimate=estimate), np.where(held.known, 0.0, shift_s)


def _source(*, references: bool, common: bool) -> BiasSource:
    if common:
        return BiasSource.BOTH if references else BiasSource.COMMON_TRACKS
    return BiasSource.REFERENCES if references else BiasSource.NOTHING


def _turns(last_ns: Int64s, due: NDArray[np.bool_]) -> list[int]:
    rows = np.flatnonzero(due)
    return rows[np.argsort(last_ns[rows], kind="stable")][:TURNS].tolist()


def _values(scaled: FloatArray) -> BiasValues:
    return BiasValues(*(scaled[:OWN] * PRIOR[:OWN]).tolist())

"""Sensors' clocks: how far each is off, told from when its reports claim to be from and when they come.

A report comes after the instant it is valid for, never before. So the least of (receipt - time of validity) over a
while is the least delay on its way, less what the sensor's clock is ahead. It is negative only for a clock that is
ahead, and larger than any delay that the sensor's kind may have only for one that is behind. Reports are counted into
bins of about a second; a bin's least delay is its *floor*, and the floors of the latest bins are what is known. One
report alone changes nothing: a floor is shared by a quarter of its bin, and one that departs from what is known must be
confirmed by the next ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.model.clocks import ClockState, SensorClock
from dronewall.model.picture import Alert
from dronewall.model.plots import Plots
from dronewall.model.sensors import SensorKind, Sensors
from dronewall.registration.clock_alerts import clock_alerts

NS_PER_S = 1_000_000_000
BIN_NS, BIN_REPORTS = 1_000_000_000, 5
"""A bin is closed when it has lasted so long and holds so many reports: the least of five is near the least delay."""
REPORTS_KEPT, SHARED_BY = 32, 4
"""Of a bin so many reports are looked at; its floor is the least delay that one in four of them share within a jump's
size. Where delays spread too far for that, as in whole scans, it is their lowest tenth."""
BINS = 16
"""So many floors are remembered: long enough to find a quiet moment of the network, short enough to follow a drift."""
BINS_TO_KNOW, REPORTS_TO_KNOW = 3, 20
"""Nothing is said of a clock before so many bins and reports."""
STEADY_NS = 1_000_000_000
"""Floors that differ by more than this are no estimate."""
JUMP_NS = 500_000_000
"""A bin this far from the known floors is a jump if others confirm it; less is a matter of delays and drift."""
CONFIRMED_AHEAD, CONFIRMED_BEHIND, LOST_AFTER = 2, 3, 8
"""How many bins confirm a jump: nothing but a clock makes reports come earlier, but a slow network makes them late.
After so many that agree neither with what is known nor with each other, what was known is forgotten."""
AHEAD_NS, NO_LONGER_AHEAD_NS = 250_000_000, 150_000_000
"""A clock this far ahead is corrected, until it is no more: at 250 m/s a quarter of a second is 60 m, about a radar's
own error; receivers with an honest network clock stay well below."""
NO_LONGER_BEHIND = 0.8
DELAY_S = 5.0
DELAY_S_OF = {
    SensorKind.ACOUSTIC_ARRAY: 3.0,
    SensorKind.ACOUSTIC_PRESENCE: 3.0,
    SensorKind.MLAT: 15.0,
    SensorKind.REMOTE_ID: 15.0,
    SensorKind.VENDOR_TRACKER: 15.0,
    SensorKind.OBSERVER: 120.0,
}
"""How late even the quickest reports of a kind may be without a fault, besides one period, for whole scans may come at
once: a floor above it is a clock that is behind."""
ABSURD_NS = 3_600 * NS_PER_S
"""A clock this far off was never set. Its reports have no time until the estimate is known."""
FUTURE_NS = 1_000_000_000
"""A plot this far ahead of its receipt is left out while its clock is not known: it would carry its track with it."""
TOO_OLD_NS = 120 * NS_PER_S
BLOCKS, BLOCKS_TO_KNOW = 32, 4
"""A drift shows over minutes: the floor of every 16 bins makes one block, and a line through the blocks is it."""

FAR_AHEAD = "its clock is ahead, by how much is not known yet"
FAR_OFF = "its clock is wrong by more than an hour, by how much is not known yet"
_NOTHING_NS = 2**62 - 1
_ALL_COUNTS = ("forward", "back", "corrected", "left_out")

CALM_NS = 10 * NS_PER_S
"""An alert about a clock ends when the clock has been right for so long."""

Int64s = NDArray[np.int64]
Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]


class _Columns(NamedTuple):
    """One row per sensor of the register; delays in ns.

    The open bin: its first `delays`, how many it `heard`, and since when it is open.
    `floors` and `blocks` are rings, newest last; `away` are the latest floors that departed from what is known.
    `trouble_ns` is since when the clock has been off, 0 if it is not; `last_off_ns` when it was off last.
    """

    delays: Int64s
    heard: Int64s
    since_ns: Int64s
    floors: Int64s
    bins: Int64s
    reports: Int64s
    away: Int64s
    departed: Int64s
    blocks: Int64s
    blocks_at_ns: Int64s
    blocks_filled: Int64s
    bins_in_block: Int64s
    floor_ns: Int64s
    spread_ns: Int64s
    drift_ppm: NDArray[np.float64]
    state: NDArray[np.uint8]
    forward: Int64s
    back: Int64s
    corrected: Int64s
    left_out: Int64s
    trouble_ns: Int64s
    last_off_ns: Int64s


def _columns(count: int) -> _Columns:
    wide = {"delays": REPORTS_KEPT, "floors": BINS, "away": CONFIRMED_BEHIND, "blocks": BLOCKS, "blocks_at_ns": BLOCKS}
    made: dict[str, Any] = {
        name: np.zeros((count, wide[name]) if name in wide else count, np.int64) for name in _Columns._fields
    }
    made["drift_ppm"] = np.full(count, np.nan)
    made["state"] = np.full(count, ClockState.UNKNOWN, np.uint8)
    return _Columns(**made)


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """Plots whose times can be used, and those left out, counted by sensor and reason."""

    plots: Plots
    unplaceable: tuple[tuple[str, str, int], ...]


class SensorClocks:
    """Estimates the sensors' clocks and corrects times of validity by what is known for sure."""

    def __init__(self, sensors: Sensors) -> None:
        self._c = _columns(0)
        self.learn(sensors)

    def learn(self, sensors: Sensors) -> None:
        """Take over a register of sensors that has grown at its end."""
        known, grown = self._c, _columns(len(sensors))
        for name, before in known._asdict().items():
            getattr(grown, name)[: len(before)] = before
        self._c = grown
        self._sensors = sensors
        delay_s = [DELAY_S_OF.get(s.kind, DELAY_S) + (s.period_s or 0.0) for s in sensors]
        self._delay_ns = (np.array(delay_s) * NS_PER_S).astype(np.int64)
        self._claims = np.array([s.kind.cooperative for s in sensors], np.bool_)

    def step(self, plots: Plots, *, now_ns: int) -> Timed:
        """Return the plots with their times corrected by what was known before, and learn from them.

        What objects say of themselves is left as it is: its time is its receipt, or nobody's clock in particular.
        """
        if not len(self._sensors):
            return Timed(plots, ())
        timed = Timed(plots, ())
        if len(plots):
            row_of_id = np.array([self._sensors.row_of(sensor_id) for sensor_id in plots.sensor_ids], np.intp)
            sensor, delay_ns = row_of_id[plots.sensor], _delays(plots)
            timed = self._corrected(plots, sensor, delay_ns)
            # The mark of an empty scan may bear the scan's beginning: it tells of the scan, not of the clock.
            telling = (sensor >= 0) & ~plots.empty_scan
            self._count_in(sensor[telling], delay_ns[telling], now_ns)
        self._review(now_ns)
        return timed

    def applied_ns(self) -> Int64s:
        """Return for each sensor what is added to its times of validity as things stand, ns."""
        off = (self._c.state == ClockState.AHEAD) | (self._c.state == ClockState.BEHIND)
        return np.where(off & ~self._claims, self._c.floor_ns, 0)

    # Correcting.

    def _corrected(self, plots: Plots, sensor: Rows, delay_ns: Int64s) -> Timed:
        c, known = self._c, (sensor >= 0) & ~self._claims[sensor]
        off = (c.state == ClockState.AHEAD) | (c.state == ClockState.BEHIND)
        odd = (delay_ns < -AHEAD_NS) | (delay_ns > ABSURD_NS)
        if not off.any() and not odd.any():
            return Timed(plots, ())
        late_ns = delay_ns - c.floor_ns[sensor]
        plausible = (delay_ns >= -AHEAD_NS) & (delay_ns <= self._delay_ns[sensor])
        fits = known & off[sensor] & (late_ns >= -JUMP_NS) & (late_ns <= TOO_OLD_NS)
        # A clock that was set right keeps its old estimate for some bins, but what is plausible as it is needs none.
        fits &= ~(plausible & (np.abs(late_ns) > JUMP_NS))
        ahead = known & ~fits & (delay_ns < -FUTURE_NS)
        absurd = known & ~fits & (np.abs(delay_ns) > ABSURD_NS)
        c.corrected[:] += np.bincount(sensor[fits], minlength=len(c.corrected))
        return self._split(_moved(plots, fits, c.floor_ns[sensor]), sensor, ahead & ~absurd, absurd)

    def _split(self, plots: Plots, sensor: Rows, ahead: Mask, absurd: Mask) -> Timed:
        out = ahead | absurd
        if not out.any():
            return Timed(plots, ())
        c = self._c
        c.left_out[:] += np.bincount(sensor[out], minlength=len(c.left_out))
        counted = tuple(
            (self._sensors[row].sensor_id, reason, int(np.count_nonzero(sensor[mask] == row)))
            for reason, mask in ((FAR_AHEAD, ahead), (FAR_OFF, absurd))
            for row in np.unique(sensor[mask]).tolist()
        )
        return Timed(plots.take(~out), counted)

    # Learning.

    def _count_in(self, sensor: Rows, delay_ns: Int64s, now_ns: int) -> None:
        """Count reports into the open bins, and close those that are full."""
        c, size = self._c, len(self._sensors)
        order = np.argsort(sensor.astype(np.min_scalar_type(size)), kind="stable")
        grouped, came = sensor[order], np.bincount(sensor, minlength=size)
        slot = np.arange(len(order)) + (c.heard - (np.cumsum(came) - came))[grouped]
        kept = slot < REPORTS_KEPT
        c.delays[grouped[kept], slot[kept]] = delay_ns[order][kept]
        c.heard[:] += came
        c.since_ns[(c.since_ns == 0) & (came > 0)] = now_ns
        full = (c.heard >= BIN_REPORTS) & (now_ns - c.since_ns >= BIN_NS)
        if full.any():
            self._close(np.flatnonzero(full), now_ns)

    def _close(self, rows: Rows, now_ns: int) -> None:
        """Close the bins of sensors `rows` and let their floors confirm, or question, what is known."""
        c = self._c
        floor_ns = _floors(c.delays[rows], np.minimum(c.heard[rows], REPORTS_KEPT))
        c.reports[rows] += c.heard[rows]
        c.heard[rows] = 0
        c.since_ns[rows] = now_ns
        agrees = (c.bins[rows] == 0) | (np.abs(floor_ns - c.floor_ns[rows]) <= JUMP_NS)
        self._enter(rows[agrees], floor_ns[agrees])
        self._depart(rows[~agrees], floor_ns[~agrees])
        self._estimate(rows)
        self._keep_block(rows[agrees], now_ns)
        self._judge(rows)

    def _enter(self, rows: Rows, floor_ns: Int64s) -> None:
        c = self._c
        c.floors[rows, :-1], c.floors[rows, -1] = c.floors[rows, 1:], floor_ns
        c.bins[rows] = np.minimum(c.bins[rows] + 1, BINS)
        c.departed[rows] = 0

    def _depart(self, rows: Rows, floor_ns: Int64s) -> None:
        """Remember floors that depart from what is known; begin anew where they agree with each other."""
        if not len(rows):
            return
        c, known_ns = self._c, self._c.floor_ns[rows]
        c.away[rows, :-1], c.away[rows, -1] = c.away[rows, 1:], floor_ns
        c.departed[rows] += 1
        away, departed = c.away[rows], c.departed[rows]
        pair = away[:, -CONFIRMED_AHEAD:]
        ahead = (departed >= CONFIRMED_AHEAD) & np.all(pair < known_ns[:, None], axis=1)
        ahead &= np.ptp(pair, axis=1) <= JUMP_NS
        behind = (departed >= CONFIRMED_BEHIND) & np.all(away > known_ns[:, None], axis=1)
        behind &= np.ptp(away, axis=1) <= JUMP_NS
        settled = c.state[rows] != ClockState.UNKNOWN
        c.forward[rows] += ahead & settled
        c.back[rows] += behind & settled
        anew = ahead | behind | (departed >= LOST_AFTER)
        again = rows[anew]
        c.floors[again, -CONFIRMED_BEHIND:] = away[anew]
        c.bins[again] = np.where(ahead[anew], CONFIRMED_AHEAD, CONFIRMED_BEHIND)
        c.departed[again] = c.blocks_filled[again] = c.bins_in_block[again] = 0
        c.drift_ppm[again] = np.nan

    def _estimate(self, rows: Rows) -> None:
        c = self._c
        old = np.arange(BINS) < BINS - c.bins[rows][:, None]
        least = np.where(old, _NOTHING_NS, c.floors[rows]).min(axis=1)
        c.floor_ns[rows] = least
        c.spread_ns[rows] = np.where(old, -_NOTHING_NS, c.floors[rows]).max(axis=1) - least

    def _keep_block(self, rows: Rows, now_ns: int) -> None:
        """Let every 16 bins make a block, and lay a line through the blocks."""
        c = self._c
        c.bins_in_block[rows] += 1
        rows = rows[c.bins_in_block[rows] >= BINS]
        if not len(rows):
            return
        c.bins_in_block[rows] = 0
        c.blocks[rows, :-1], c.blocks[rows, -1] = c.blocks[rows, 1:], c.floor_ns[rows]
        c.blocks_at_ns[rows, :-1], c.blocks_at_ns[rows, -1] = c.blocks_at_ns[rows, 1:], now_ns
        c.blocks_filled[rows] = np.minimum(c.blocks_filled[rows] + 1, BLOCKS)
        rows = rows[c.blocks_filled[rows] >= BLOCKS_TO_KNOW]
        used = np.arange(BLOCKS) >= BLOCKS - c.blocks_filled[rows][:, None]
        c.drift_ppm[rows] = -1e6 * _slopes(
            (c.blocks_at_ns[rows] - now_ns) / NS_PER_S, (c.blocks[rows] - c.blocks[rows, -1:]) / NS_PER_S, used
        )

    def _judge(self, rows: Rows) -> None:
        c = self._c
        state, floor_ns = c.state[rows], c.floor_ns[rows]
        known = state != ClockState.UNKNOWN
        known |= (c.bins[rows] >= BINS_TO_KNOW) & (c.reports[rows] >= REPORTS_TO_KNOW)
        ahead = floor_ns < -np.where(state == ClockState.AHEAD, NO_LONGER_AHEAD_NS, AHEAD_NS)
        behind = floor_ns > self._delay_ns[rows] * np.where(state == ClockState.BEHIND, NO_LONGER_BEHIND, 1.0)
        c.state[rows] = np.select(
            [~known, ~ahead & ~behind, c.spread_ns[rows] > STEADY_NS, ahead],
            [ClockState.UNKNOWN, ClockState.OK, ClockState.UNTRUSTED, ClockState.AHEAD],
            ClockState.BEHIND,
        )

    def _review(self, now_ns: int) -> None:
        """Let troubles begin at once, and end when the clock has been right for a while."""
        c = self._c
        off = (c.state > ClockState.OK) & ~self._claims
        c.trouble_ns[off & (c.trouble_ns == 0)] = now_ns
        c.last_off_ns[off] = now_ns
        c.trouble_ns[~off & (now_ns - c.last_off_ns > CALM_NS)] = 0

    # What others see.

    def told(self) -> tuple[SensorClock, ...]:
        """Return what is known of every sensor's clock, in the order of the register."""
        c = self._c
        known = c.state != ClockState.UNKNOWN
        offset_s = np.where(known, -c.floor_ns / NS_PER_S, np.nan)
        spread_s = np.where(known, c.spread_ns / NS_PER_S, np.nan)
        rows = zip(
            (sensor.sensor_id for sensor in self._sensors),
            map(ClockState, c.state.tolist()),
            offset_s.tolist(),
            spread_s.tolist(),
            c.drift_ppm.tolist(),
            *(getattr(c, name).tolist() for name in _ALL_COUNTS),
            strict=True,
        )
        return tuple(SensorClock(*row) for row in rows)

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts about clocks that stand now."""
        c = self._c
        rows = np.flatnonzero(c.trouble_ns)
        if not len(rows):
            return ()
        clocks = self.told()
        known = int(np.count_nonzero((c.state != ClockState.UNKNOWN) & ~self._claims))
        return clock_alerts([(clocks[row], int(c.trouble_ns[row])) for row in rows.tolist()], known=known)

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        return {f"clocks.{name}": values.copy() for name, values in self._c._asdict().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned, under the same register of sensors."""
        self._c = _Columns(**{name: np.array(state[f"clocks.{name}"]) for name in _Columns._fields})


def _delays(plots: Plots) -> Int64s:
    """Return receipt less time of validity, kept where differences of two cannot overflow."""
    at_ns, received_ns = (np.clip(ns, -(2**60), 2**62) for ns in (plots.at_ns, plots.received_ns))
    return np.clip(received_ns - at_ns, -_NOTHING_NS, _NOTHING_NS)


def _floors(delays: Int64s, count: Int64s) -> Int64s:
    """Return the floors (n,) of bins of delays (n, REPORTS_KEPT), of which the first `count` (n,) are used."""
    ordered = np.sort(np.where(np.arange(REPORTS_KEPT) < count[:, None], delays, _NOTHING_NS), axis=1)
    sharing = np.maximum(-(-count // SHARED_BY), 2)
    last = np.arange(REPORTS_KEPT) + sharing[:, None] - 1
    shared = np.take_along_axis(ordered, np.minimum(last, REPORTS_KEPT - 1), axis=1) - ordered <= JUMP_NS
    shared &= last < count[:, None]
    at = np.where(shared.any(axis=1), shared.argmax(axis=1), count // 10)
    return np.asarray(np.take_along_axis(ordered, at[:, None], axis=1)[:, 0], np.int64)


def _moved(plots: Plots, which: Mask, by_ns: Int64s) -> Plots:
    """Return the plots with the times of some moved."""
    if not which.any():
        return plots
    at_ns = np.where(which, plots.at_ns + by_ns, plots.at_ns)
    return replace(plots, at_ns=at_ns)


def _slopes(x: NDArray[np.float64], y: NDArray[np.float64], used: Mask) -> NDArray[np.float64]:
    """Return the slopes (n,) of lines through points (n, k), of which some are used, by least squares."""
    count = used.sum(axis=1, keepdims=True)
    x_mean = np.where(used, x, 0.0).sum(axis=1, keepdims=True) / count
    y_mean = np.where(used, y, 0.0).sum(axis=1, keepdims=True) / count
    dx, dy = np.where(used, x - x_mean, 0.0), np.where(used, y - y_mean, 0.0)
    return np.asarray((dx * dy).sum(axis=1) / np.maximum((dx * dx).sum(axis=1), 1e-9), float)

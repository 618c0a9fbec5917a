"""The sensors' health: what each reports, measured against what it declared. Pure: time comes with the plots.

A sensor is *silent* (a kind that reports at every turn, not heard for three periods and 15 s, or not at all in the
first minute that the wall watches), *slow* (reports at half its declared rate), *noisy* (far more plots a turn than its
declared clutter and any plausible traffic, or far more than it used to), *stuck* (turn after turn the very same
readings), or its *clock* is more than a second off. The first word of each problem is its kind.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from dronewall.engine.clock import NS_PER_S
from dronewall.model.picture import Alert, AlertPriority
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, Sensors
from dronewall.model.status import SensorHealth
from dronewall.run.turns import Turns, readings

RATE_OVER_S = 60
FIRST_HEARD_WITHIN_S = 60.0
"""A sensor may take so long to be heard for the first time: not every link is up when the wall is."""
MINUTES = 10
MINUTES_KNOWN_LEAST = 5
NOISY_TIMES = 5.0
NOISY_MORE_PER_S = 10.0
NOISY_CLUTTER_TIMES = 3.0
PLAUSIBLE_TARGETS = 300
"""As many aircraft as the busiest radars of Europe see at once."""
SLOW_SHARE = 0.6
SLOW_TURNS_LEAST = 5
"""So many turns must be due within a minute before their absence is told from chance."""
STUCK_TURNS = 8
CLOCK_OFF_S = 1.0
ANEW_EVERY_NS = NS_PER_S


class Trouble(Enum):
    """What can be wrong with a sensor; the value is the first word of the problem."""

    SILENT = "silent"
    SLOW = "slow"
    NOISY = "noisy"
    STUCK = "stuck"
    CLOCK = "clock"


def trouble_of(problem: str) -> Trouble:
    """Return which trouble a problem of `SensorHealth` tells of."""
    return Trouble(problem.split(" ", 1)[0].rstrip(":"))


class SensorWatch:
    """Hears every batch, column by column, and tells the health of each sensor of the register.

    It holds some 500 bytes a sensor, however many plots there are.
    """

    def __init__(self) -> None:
        self._row_of: dict[str, int] = {}
        self._heard_ns = np.zeros(0, np.int64)
        self._seconds = np.zeros((RATE_OVER_S, 0), np.int32)
        self._minutes = np.zeros((MINUTES, 0), np.int32)
        self._second = 0
        self._first_second = 0
        self._turns = Turns()
        self._known: tuple[SensorHealth, ...] = ()
        self._known_ns = -ANEW_EVERY_NS

    def hear(self, plots: Plots) -> None:
        """Take note of a batch, its rows in the order received."""
        if len(plots) == 0:
            return
        rows = self._rows(plots.sensor_ids)[plots.sensor]
        np.maximum.at(self._heard_ns, rows, plots.received_ns)
        self._turn_to(int(plots.received_ns.max()) // NS_PER_S)
        reports = ~plots.empty_scan
        counts = np.bincount(rows[reports], minlength=len(self._row_of)).astype(np.int32)
        self._seconds[self._second % RATE_OVER_S] += counts
        self._minutes[self._second // 60 % MINUTES] += counts
        self._turns.hear(rows, plots.scan, plots.received_ns, np.where(reports, readings(plots), np.uint64(0)))

    def heard_ns(self, sensors: Sensors) -> tuple[int, ...]:
        """Return when each sensor of the register was last heard, 0 for never."""
        rows = (self._row_of.get(sensor.sensor_id, -1) for sensor in sensors)
        heard = self._heard_ns.tolist()
        return tuple(heard[row] if row >= 0 else 0 for row in rows)

    def health(
        self, sensors: Sensors, now_ns: int, clock_offsets: Mapping[str, float] | None = None
    ) -> tuple[SensorHealth, ...]:
        """Return the health of each sensor in the order of the register; anew once a second at most.

        Args:
            sensors: what each declared.
            now_ns: the time now, UTC.
            clock_offsets: by sensor, how many seconds its clock is ahead of ours; absent while unknown.
        """
        if 0 <= now_ns - self._known_ns < ANEW_EVERY_NS and len(self._known) == len(sensors):
            return self._known
        rows = self._rows(tuple(sensor.sensor_id for sensor in sensors))
        self._turn_to(now_ns // NS_PER_S)
        self._turns.expect(rows, [sensor.period_s or 0.0 for sensor in sensors])
        counts = self._seconds.sum(axis=0)[rows].tolist()
        usual = self._usual_per_minute()[rows].tolist()
        heard = self._heard_ns[rows].tolist()
        turns, alike, alike_since = (column[rows].tolist() for column in self._turns.told(now_ns))
        seconds = min(RATE_OVER_S, max(1, self._second - self._first_second + 1))
        offsets = clock_offsets or {}
        self._known = tuple(
            SensorHealth(
                sensor_id=sensor.sensor_id,
                plots_per_s=counts[i] / seconds,
                heard_ns=heard[i],
                clock_offset_s=offsets.get(sensor.sensor_id, math.nan),
                problems=tuple(
                    problem
                    for problem in (
                        _silent(sensor, heard[i], now_ns, watched_since_ns=self._first_second * NS_PER_S),
                        _slow(sensor, turns[i], heard[i], now_ns, watched_s=seconds),
                        _noisy(sensor, counts[i], seconds, turns[i], usual[i]),
                        _stuck(sensor, alike[i], (heard[i] - alike_since[i]) / NS_PER_S),
                        _clock(offsets.get(sensor.sensor_id, math.nan)),
                    )
                    if problem
                ),
            )
            for i, sensor in enumerate(sensors)
        )
        self._known_ns = now_ns
        return self._known

    def _rows(self, sensor_ids: tuple[str, ...]) -> NDArray[np.intp]:
        """Return the row of each id, with room made for new ones."""
        rows = np.array([self._row_of.setdefault(one, len(self._row_of)) for one in sensor_ids], np.intp)
        more = len(self._row_of) - len(self._heard_ns)
        if more:
            self._heard_ns = np.pad(self._heard_ns, (0, more))
            self._seconds = np.pad(self._seconds, ((0, 0), (0, more)))
            self._minutes = np.pad(self._minutes, ((0, 0), (0, more)))
            self._turns.grow(len(self._row_of))
        return rows

    def _turn_to(self, second: int) -> None:
        """Empty the counts of the seconds and minutes that begin now."""
        if self._first_second == 0:
            self._first_second = self._second = second
        if second <= self._second:
            return
        gone = min(second - self._second, RATE_OVER_S)
        self._seconds[np.arange(second - gone + 1, second + 1) % RATE_OVER_S] = 0
        minutes = min(second // 60 - self._second // 60, MINUTES)
        if minutes:
            self._minutes[np.arange(second // 60 - minutes + 1, second // 60 + 1) % MINUTES] = 0
        self._second = second

    def _usual_per_minute(self) -> NDArray[np.float64]:
        """Return the median of the full minutes before this one; NaN before there are enough."""
        now = self._second // 60
        whole = [m % MINUTES for m in range(now - MINUTES + 1, now) if m * 60 >= self._first_second]
        if len(whole) < MINUTES_KNOWN_LEAST:
            return np.full(len(self._row_of), np.nan)
        return np.median(self._minutes[whole], axis=0)


def _silent(sensor: Sensor, heard_ns: int, now_ns: int, *, watched_since_ns: int) -> str:
    silent_s = (now_ns - (heard_ns or watched_since_ns)) / NS_PER_S
    patience_s = sensor.silent_after_s if heard_ns else max(sensor.silent_after_s, FIRST_HEARD_WITHIN_S)
    if not sensor.kind.regular or silent_s <= patience_s:
        return ""
    never = "" if heard_ns else ", not heard since the wall started"
    declared = f"; it declared a report every {sensor.period_s:g} s" if sensor.period_s else ""
    return f"silent for {duration(silent_s)}{never}{declared}"


def _slow(sensor: Sensor, turns: int, heard_ns: int, now_ns: int, *, watched_s: int) -> str:
    if not (sensor.kind.regular and sensor.period_s and heard_ns) or watched_s < RATE_OVER_S:
        return ""
    due = RATE_OVER_S / sensor.period_s
    silent = (now_ns - heard_ns) / NS_PER_S > sensor.silent_after_s
    if silent or due < SLOW_TURNS_LEAST or turns > SLOW_SHARE * due:
        return ""
    return f"slow: {turns} reports in the last minute; it declared {due:.0f}, one every {sensor.period_s:g} s"


def _noisy(sensor: Sensor, count: int, seconds: int, turns: int, usual: float) -> str:
    per_turn = count / max(turns, 1)
    if sensor.period_s and sensor.clutter_per_scan is not None and turns:
        most = NOISY_CLUTTER_TIMES * sensor.clutter_per_scan + PLAUSIBLE_TARGETS
        per_turn = count * sensor.period_s / seconds
        if per_turn > most:
            clutter = f"{sensor.clutter_per_scan:g}"
            return f"noisy: {per_turn:.0f} plots a turn; it declared {clutter} of clutter, and traffic explains no more"
    per_minute = count * 60 / seconds
    if per_minute > NOISY_TIMES * usual and per_minute - usual > NOISY_MORE_PER_S * 60:
        return f"noisy: {per_minute:.0f} plots in the last minute; {usual:.0f} are usual for it"
    return ""


def _stuck(sensor: Sensor, alike: int, alike_s: float) -> str:
    if not sensor.kind.regular or alike < STUCK_TURNS:
        return ""
    return f"stuck: the very same readings turn after turn for {duration(alike_s)}"


def _clock(offset_s: float) -> str:
    if not abs(offset_s) > CLOCK_OFF_S:  # NaN: not known
        return ""
    return f"clock {duration(abs(offset_s))} {'ahead of' if offset_s > 0 else 'behind'} ours"


def duration(seconds: float) -> str:
    """Return a duration as people say it: 1.3 s, 42 s, 7 min, 3 h, 12 days."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    for least, unit, name in ((172_800, 86_400, "days"), (7200, 3600, "h"), (120, 60, "min")):
        if seconds >= least:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


# Alerts: one for each kind of trouble, however many sensors have it.

RAISED_AFTER_NS = 5 * NS_PER_S
ENDED_AFTER_NS = 30 * NS_PER_S
NAMED_MOST = 40
ALERTED = tuple(trouble for trouble in Trouble if trouble is not Trouble.CLOCK)
"""Registration itself raises the alerts about clocks: it knows what it does about them."""
WORDS = {
    Trouble.SILENT: ("is silent", "sensors are silent", "See whether they have power and whether their link is up."),
    Trouble.SLOW: ("is slow", "sensors are slow", "Compare their period with the one in the sensors file."),
    Trouble.NOISY: ("is noisy", "sensors are noisy", "See whether they are jammed or their clutter map is lost."),
    Trouble.STUCK: ("is stuck", "sensors are stuck", "Their readings no longer mean anything: restart them."),
    Trouble.CLOCK: ("has a wrong clock", "sensors have wrong clocks", "See to their NTP or GPS time."),
}


class SensorAlerts:
    """Alerts about sensors: raised when a trouble has lasted 5 s, ended when it has been gone for 30 s."""

    def __init__(self) -> None:
        self._since: dict[tuple[Trouble, str], int] = {}
        self._last: dict[tuple[Trouble, str], tuple[int, str]] = {}
        self._raised_at: dict[Trouble, int] = {}

    def look(self, healths: Iterable[SensorHealth], *, now_ns: int) -> tuple[Alert, ...]:
        """Return the alerts that stand now: at most one for each kind of trouble, naming its sensors."""
        for health in healths:
            for problem in health.problems:
                key = (trouble_of(problem), health.sensor_id)
                self._since.setdefault(key, now_ns)
                self._last[key] = (now_ns, problem)
        for key in [key for key, (last_ns, _) in self._last.items() if now_ns - last_ns > self._kept_ns(key)]:
            del self._last[key], self._since[key]
        alerts = []
        for trouble in ALERTED:
            problems = {
                sensor_id: self._last[trouble, sensor_id][1]
                for (kind, sensor_id), since_ns in self._since.items()
                if kind is trouble and self._last[trouble, sensor_id][0] - since_ns >= RAISED_AFTER_NS
            }
            if problems:
                alerts.append(_alert(trouble, problems, self._raised_at.setdefault(trouble, now_ns)))
            else:
                self._raised_at.pop(trouble, None)
        return tuple(alerts)

    def _kept_ns(self, key: tuple[Trouble, str]) -> int:
        """Return how long a trouble that has gone is kept in mind: not at all if it was never worth an alert."""
        return ENDED_AFTER_NS if self._last[key][0] - self._since[key] >= RAISED_AFTER_NS else 2 * ANEW_EVERY_NS


def _alert(trouble: Trouble, problems: Mapping[str, str], raised_at: int) -> Alert:
    one, many, remedy = WORDS[trouble]
    names = sorted(problems)
    if len(names) == 1:
        title, detail, sensor_id = f"{names[0]} {one}", f"It is {problems[names[0]]}. {remedy}", names[0]
    else:
        more = f" and {len(names) - NAMED_MOST} more" if len(names) > NAMED_MOST else ""
        title, sensor_id = f"{len(names)} {many}", ""
        detail = f"{', '.join(names[:NAMED_MOST])}{more}. {remedy}"
    return Alert(f"sensors-{trouble.value}", AlertPriority.WARNING, raised_at, title, detail, sensor_id=sensor_id)

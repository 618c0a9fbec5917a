"""Alerts about clocks: one for each sensor's that is off, and a single one when it must be the wall's own."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from dronewall.model.clocks import ClockState, SensorClock
from dronewall.model.picture import Alert, AlertPriority

SHARED_WITHIN_S = 1.0
SHARED_BY, SHARED_PART = 3, 0.5
"""So many sensors, and this part of all whose clocks are known, do not go wrong by the same time: it is the wall."""
_UNITS = (("years", 365.25 * 86_400.0), ("days", 86_400.0), ("h", 3_600.0), ("min", 60.0))

Trouble = tuple[SensorClock, int]


def clock_alerts(troubles: Sequence[Trouble], *, known: int) -> tuple[Alert, ...]:
    """Return alerts about clocks that are off, each with since when, out of so many `known` ones."""
    off = [clock.offset_s for clock, _ in troubles if clock.state in (ClockState.AHEAD, ClockState.BEHIND)]
    usual_s = statistics.median(off) if off else 0.0
    shared = [trouble for trouble in troubles if abs(trouble[0].offset_s - usual_s) <= SHARED_WITHIN_S]
    if len(shared) < max(SHARED_BY, SHARED_PART * known):
        shared = []
    own = (_of_the_wall(shared, usual_s, known),) if shared else ()
    return own + tuple(_of_a_sensor(*trouble) for trouble in troubles if trouble not in shared)


def duration(seconds: float) -> str:
    """Return a duration as people say it, in whole years, days, hours or minutes where it is more than two of them."""
    for unit, length_s in _UNITS:
        if abs(seconds) >= 2 * length_s:
            return f"{abs(seconds) / length_s:.0f} {unit}"
    return f"{abs(seconds):.1f} s"


def _of_the_wall(shared: Sequence[Trouble], usual_s: float, known: int) -> Alert:
    away = "behind" if usual_s > 0 else "ahead of"
    detail = (
        f"{len(shared)} of {known} sensors agree on it; their reports are taken by this machine's clock. Set it right."
    )
    title = f"This machine's clock is {duration(usual_s)} {away} its sensors"
    return Alert("clock-of-the-wall", AlertPriority.CRITICAL, min(since_ns for _, since_ns in shared), title, detail)


def _of_a_sensor(clock: SensorClock, since_ns: int) -> Alert:
    says, then = {
        ClockState.AHEAD: (f"is {duration(clock.offset_s)} ahead", "its reports are corrected"),
        ClockState.BEHIND: (f"is {duration(clock.offset_s)} behind", "its reports are corrected"),
        ClockState.UNTRUSTED: ("cannot be trusted", "its reports come at no steady distance from their own times"),
    }.get(clock.state, ("is right again", "it is watched for a while"))
    jumps = f"; jumps so far: {clock.jumps}" if clock.jumps else ""
    left_out = f"; reports left out so far: {clock.left_out}" if clock.left_out else ""
    return Alert(
        f"clock:{clock.sensor_id}",
        AlertPriority.WARNING,
        since_ns,
        f"The clock of {clock.sensor_id} {says}",
        f"{then}{jumps}{left_out}",
        sensor_id=clock.sensor_id,
    )

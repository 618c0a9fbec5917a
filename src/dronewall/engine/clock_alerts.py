"""Alerts about the wall's own clock."""

from __future__ import annotations

from collections.abc import Iterable

from dronewall.engine.clock import NS_PER_S, WallClockEvent, WallClockEventKind
from dronewall.model.picture import Alert, AlertPriority

SHOWN_S = 600.0
GRAVE_S = 2.0
"""A step larger than this harms tracks; a smaller one is told, no more."""
_TOLD = {
    WallClockEventKind.STEPPED_BACK: (
        "clock-stepped-back",
        "This machine's clock was set back by {size}",
        "Times go on from the old one, and never back. Check the time service.",
    ),
    WallClockEventKind.STEPPED_FORWARD: (
        "clock-stepped-forward",
        "This machine's clock leapt forward by {size}",
        "The wall follows it; tracks that were not heard meanwhile by this time have ended. Check the time service.",
    ),
    WallClockEventKind.SUSPENDED: (
        "clock-suspended",
        "This machine was suspended for {size}",
        "Nothing was heard meanwhile. Do not let it sleep.",
    ),
}


def clock_alerts(events: Iterable[WallClockEvent], now_ns: int, *, apart_s: float = 0.0) -> tuple[Alert, ...]:
    """Return an alert for the newest event of each kind in the last ten minutes, and one while two times differ.

    Args:
        events: as `WallClock.events` has them, oldest first.
        now_ns: the wall's time.
        apart_s: `WallClock.apart_s`.
    """
    newest = {event.kind: event for event in events if now_ns - event.at_ns <= SHOWN_S * NS_PER_S}
    told = tuple(_alert(newest[kind]) for kind in _TOLD if kind in newest)
    return (*told, _apart(apart_s, now_ns, newest)) if apart_s > 0.0 else told


def _alert(event: WallClockEvent) -> Alert:
    alert_id, title, detail = _TOLD[event.kind]
    grave = event.size_s > GRAVE_S
    priority = AlertPriority.CRITICAL if grave else AlertPriority.WARNING
    return Alert(alert_id, priority, event.at_ns, title.format(size=f"{event.size_s:.1f} s"), detail)


def _apart(apart_s: float, now_ns: int, newest: dict[WallClockEventKind, WallClockEvent]) -> Alert:
    began = newest.get(WallClockEventKind.STEPPED_BACK)
    return Alert(
        "clock-apart",
        AlertPriority.CRITICAL,
        now_ns if began is None else began.at_ns,
        f"The wall's time is {apart_s:.0f} s ahead of this machine's clock",
        "The clock was set back, and the wall goes on by itself until it has caught up. If the clock is right now,"
        " begin a new journal; if not, set it.",
    )

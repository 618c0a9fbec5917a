"""ASTERIX tells the time of day, never the day: here it becomes an instant.

Seconds since midnight UTC in steps of 1/128 s; it goes back to zero at midnight.
"""

from __future__ import annotations

NS_PER_S = 1_000_000_000
DAY_S = 86_400
DAY_NS = DAY_S * NS_PER_S
JUMP_MAX_S = 120
"""How far a radar's clock may lie from the time of receipt, and a report from the one before it."""

BEYOND_MIDNIGHT = "time of day is beyond midnight"
JUMPS = "time of day jumps, not confirmed"
NO_TIME = "no time of day"


class DayClock:
    """Turns one radar's times of day into instants.

    Live, the day is the one that brings the time of day nearest to the time of receipt. In a recording it is the
    first day somebody named, and the next one after each midnight. A time that jumps is refused until a second
    report agrees with it.

    Args:
        day_ns: midnight of a recording's first day.
        near_ns: the time it is by other radars' clocks, if any was heard before.
    """

    def __init__(self, day_ns: int, *, near_ns: int | None = None) -> None:
        self._day_ns = day_ns
        self._last_ns = near_ns
        self._suspect_ns: int | None = None

    def at_ns(self, time_of_day_s: float | None, *, received_ns: int | None) -> int | str:
        """Return the instant, ns UTC, or the reason why there is none."""
        near = received_ns if received_ns is not None else self._last_ns
        if time_of_day_s is None:
            return NO_TIME if near is None else near
        if time_of_day_s >= DAY_S:
            return BEYOND_MIDNIGHT
        since_midnight = round(time_of_day_s * NS_PER_S)
        if near is None:
            self._last_ns = self._day_ns + since_midnight
            return self._last_ns
        at_ns = near + (since_midnight - near + DAY_NS // 2) % DAY_NS - DAY_NS // 2
        if abs(at_ns - near) > JUMP_MAX_S * NS_PER_S and not self._confirmed(at_ns, live=received_ns is not None):
            self._suspect_ns = at_ns
            return JUMPS
        self._suspect_ns = None
        self._last_ns = at_ns
        return at_ns

    def _confirmed(self, at_ns: int, *, live: bool) -> bool:
        """Whether a jump is believed: never live, where the receipt says what time it is."""
        if live or self._suspect_ns is None:
            return False
        return abs(at_ns - self._suspect_ns) <= JUMP_MAX_S * NS_PER_S

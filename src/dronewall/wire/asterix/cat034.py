"""ASTERIX category 034, monoradar service messages: EUROCONTROL-SPEC-0149-2b, edition 1.x.

    I034/000  message type: 1 north marker, 2 sector crossing
    I034/030  time of day          I034/041  antenna rotation period

A north marker ends one scan and begins the next.
"""

from __future__ import annotations

from dataclasses import dataclass

from aviconv_asterix import Cat034Record

NS_PER_MS = 1_000_000
NORTH = "north_marker"
TURN_MIN_S, TURN_MAX_S = 0.5, 60.0
"""Periods outside this are no antenna's; they are not believed."""


@dataclass(slots=True)
class Antenna:
    """What service messages tell of one radar's antenna.

    `scan` is the scan going on, numbered by the instant in ms at which it began at north, so that numbers grow and are
    never used twice; None until the first north marker.
    """

    scan: int | None = None
    turn_s: float | None = None

    def hear(self, message: Cat034Record, *, at_ns: int) -> int | None:
        """Take a message; return the number of the scan that it ends, if it ends one."""
        if message.antenna_rotation_s is not None and TURN_MIN_S <= message.antenna_rotation_s <= TURN_MAX_S:
            self.turn_s = message.antenna_rotation_s
        if message.message_type != NORTH:
            return None
        ended, self.scan = self.scan, at_ns // NS_PER_MS
        return ended

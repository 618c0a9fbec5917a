"""What is known of the sensors' clocks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ClockState(IntEnum):
    """What is held of one sensor's clock, measured against the wall's."""

    UNKNOWN = 0
    OK = 1
    AHEAD = 2
    BEHIND = 3
    UNTRUSTED = 4

    def may_become(self, other: ClockState) -> bool:
        """Whether the move to `other` is legal: a clock may jump anywhere, but what was known is not unknown again."""
        return other is self or other is not ClockState.UNKNOWN


@dataclass(frozen=True, slots=True)
class SensorClock:
    """One sensor's clock against the wall's.

    `offset_s` is how far it is ahead (negative: behind), as well as the least delay of its reports can tell: a delay
    that all reports share looks like a clock that is behind. `spread_s` is by how much the least delays differ that
    the estimate rests on. `drift_ppm` is how much too fast it runs. All are NaN before they are known. `forward` and
    `back` count jumps; `corrected` counts plots whose time was corrected, `left_out` those whose time could not be.
    """

    sensor_id: str
    state: ClockState
    offset_s: float
    spread_s: float
    drift_ppm: float
    forward: int = 0
    back: int = 0
    corrected: int = 0
    left_out: int = 0

    @property
    def jumps(self) -> int:
        """How often it jumped, either way."""
        return self.forward + self.back

"""How well a transponder says it knows its position and velocity, and what we make of it.

NACp is the 95 % radius of the horizontal error, NIC a radius the position is in with near certainty, NACv the 95 %
error of velocity, as DO-260B defines them. An error spread evenly over two axes lies within 2.448 sigma in
95 of 100 cases. The message is stamped when it is received, so the aircraft's own delay is added: 0.1 s of its speed.
"""

from __future__ import annotations

import math

from dronewall.model.accuracy import AXIS_SIGMAS_OF_95_PERCENT, RADIUS_OF_NACP_M, RADIUS_OF_NIC_M

DELAY_S = 0.1
MANOEUVRE_MPS2 = 2.0
"""How fast a velocity that was heard earlier may have changed since."""

SIGMA_POSITION_M = 200.0
SIGMA_ALTITUDE_M = 30.0
SIGMA_VELOCITY_MPS = 5.0
"""What is assumed of a receiver nobody declared and an aircraft that says nothing about itself."""

_ERROR_OF_NACV_MPS = {4: 0.3, 3: 1.0, 2: 3.0, 1: 10.0}

_NIC_ON_THE_GROUND = {5: 11, 6: 10, 7: 8, 8: 0}
_NIC_WITH_PRESSURE_ALTITUDE = {9: 11, 10: 10, 11: 8, 12: 7, 13: 6, 14: 5, 15: 4, 16: 2, 17: 1, 18: 0}
_NIC_WITH_GEOMETRIC_HEIGHT = {20: 11, 21: 10, 22: 0}
NIC_OF_TYPE_CODE = _NIC_ON_THE_GROUND | _NIC_WITH_PRESSURE_ALTITUDE | _NIC_WITH_GEOMETRIC_HEIGHT
"""The lowest NIC that a position's type code allows, whatever the supplement bits say."""


def sigma_position_m(*, nacp: int | None, nic: int | None, speed_mps: float | None) -> float | None:
    """Return the 1-σ error per horizontal axis, or None if the aircraft says nothing of it."""
    radius_m = RADIUS_OF_NACP_M.get(nacp or 0) or RADIUS_OF_NIC_M.get(nic or 0)
    if radius_m is None:
        return None
    return math.hypot(radius_m / AXIS_SIGMAS_OF_95_PERCENT, DELAY_S * (speed_mps or 0.0))


def sigma_velocity_mps(*, nacv: int | None, age_s: float) -> float:
    """Return the 1-σ error per axis of a velocity heard `age_s` ago."""
    error = _ERROR_OF_NACV_MPS.get(nacv or 0, SIGMA_VELOCITY_MPS * AXIS_SIGMAS_OF_95_PERCENT)
    return math.hypot(error / AXIS_SIGMAS_OF_95_PERCENT, MANOEUVRE_MPS2 * age_s)

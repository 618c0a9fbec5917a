"""How things fly: along great circles from waypoint to waypoint with coordinated turns, or adrift in the wind.

The surface is the ellipsoid, walked with the unit normal of the ellipsoid ("n-vector"), so that a straight leg is a
great circle of normals and every speed is exact on the ellipsoid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from dronewall.geodesy.wgs84 import ECCENTRICITY_SQ, SEMI_MAJOR_M, FloatArray, ecef_from_geodetic, enu_axes
from dronewall.simulation.movers import Movers

STEP_S = 8.0
ACCELERATION_MPS2 = 0.8
CLIMB_CHANGE_MPS2 = 0.5
SLOW_BELOW_M = 7_000.0
WIND_STEP_S = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class FlightPlans:
    """What n objects intend to fly, k waypoints each; repeat the last one where a plan is shorter.

    `hae_m` (n, k) is the height wanted on the way to each waypoint; the first column is where the flight begins.
    `speed_low_mps` is the speed at height zero, growing to `speed_mps` at 7,000 m: airliners are slow when low.
    """

    start_s: FloatArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    hae_m: FloatArray
    speed_mps: FloatArray
    speed_low_mps: FloatArray
    climb_mps: FloatArray
    turn_radps: FloatArray

    @classmethod
    def concat(cls, parts: Sequence[FlightPlans]) -> FlightPlans:
        """Return all plans, in order; shorter ones repeat their last waypoint."""
        k = max(part.lat_deg.shape[1] for part in parts)
        return cls(*(np.concatenate([_padded(getattr(part, f.name), k) for part in parts]) for f in fields(cls)))


def _padded(values: FloatArray, k: int) -> FloatArray:
    if values.ndim == 1:
        return values
    return np.concatenate([values, np.repeat(values[:, -1:], k - values.shape[1], axis=1)], axis=1)


@dataclass(slots=True, eq=False)
class _Flying:
    """The state of all flights at one knot: n-vector, unit tangent, height, speeds, next waypoint."""

    p: FloatArray
    t: FloatArray
    hae_m: FloatArray
    speed_mps: FloatArray
    climb_mps: FloatArray


def normal_from_geodetic(lat_deg: FloatArray, lon_deg: FloatArray) -> FloatArray:
    """Return the ellipsoid's unit normals (..., 3)."""
    return enu_axes(lat_deg, lon_deg)[..., 2, :]


def fly(plans: FlightPlans, *, longest_s: float) -> Movers:
    """Return the paths of `plans`: each ends at its last waypoint, or after `longest_s`."""
    n, k = plans.lat_deg.shape
    waypoints = normal_from_geodetic(plans.lat_deg, plans.lon_deg)
    state = _Flying(
        p=waypoints[:, 0],
        t=_tangent_towards(waypoints[:, 0], waypoints[:, 1]),
        hae_m=plans.hae_m[:, 0].copy(),
        speed_mps=_wanted_speed(plans, plans.hae_m[:, 0]),
        climb_mps=np.zeros(n),
    )
    rows, wanted = np.arange(n), np.ones(n, np.int64)
    count = np.ones(n, np.int64)
    flown = np.ones(n, bool)
    knots = [_knot(state)]
    while flown.any() and len(knots) * STEP_S <= longest_s:
        goal = waypoints[rows, np.minimum(wanted, k - 1)]
        reached = _step(state, plans, goal, plans.hae_m[rows, np.minimum(wanted, k - 1)])
        knots.append(_knot(state))
        count += flown
        wanted += reached
        flown &= wanted < k
    position, velocity = (np.stack(part) for part in zip(*knots, strict=True))
    return Movers.of_knots(plans.start_s, STEP_S, position, velocity, np.maximum(count, 2))


def _tangent_towards(p: FloatArray, goal: FloatArray) -> FloatArray:
    across = goal - np.sum(goal * p, axis=1, keepdims=True) * p
    length = np.linalg.norm(across, axis=1, keepdims=True)
    return np.where(length > 0, across / np.maximum(length, 1e-300), np.roll(p, 1, axis=1))


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cross products of rows; NumPy's own spends most of its time looking for the axis."""
    (a0, a1, a2), (b0, b1, b2) = a.T, b.T
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis=1)


def _wanted_speed(plans: FlightPlans, hae_m: FloatArray) -> FloatArray:
    share = np.clip(hae_m / SLOW_BELOW_M, 0.0, 1.0)
    return plans.speed_low_mps + share * (plans.speed_mps - plans.speed_low_mps)


def _step(state: _Flying, plans: FlightPlans, goal: FloatArray, hae_goal_m: FloatArray) -> np.ndarray:
    """Fly one step towards `goal`, in place; return which flights reached it."""
    speed = _approach(state.speed_mps, _wanted_speed(plans, state.hae_m), ACCELERATION_MPS2 * STEP_S)
    climb_wanted = np.clip((hae_goal_m - state.hae_m) / (3 * STEP_S), -plans.climb_mps, plans.climb_mps)
    climb = _approach(state.climb_mps, climb_wanted, CLIMB_CHANGE_MPS2 * STEP_S)
    right = _cross(state.t, state.p)
    to_goal = goal - state.p
    ahead, aside = np.sum(to_goal * state.t, axis=1), np.sum(to_goal * right, axis=1)
    most = plans.turn_radps * STEP_S
    turn = np.clip(np.arctan2(aside, ahead), -most, most)
    # A turn's chord is shorter than its arc, and points along the mean course.
    arc = STEP_S * (state.speed_mps + speed) / 2
    chord = arc * np.sinc(turn / 2 / np.pi)
    _walk(state, turn, chord)
    state.hae_m = state.hae_m + STEP_S * (state.climb_mps + climb) / 2
    state.speed_mps, state.climb_mps = speed, climb
    near = np.maximum(1.2 * speed / plans.turn_radps, speed * STEP_S)
    return np.linalg.norm(goal - state.p, axis=1) * SEMI_MAJOR_M < near


def _approach(value: FloatArray, wanted: FloatArray, most: float) -> FloatArray:
    return value + np.clip(wanted - value, -most, most)


def _walk(state: _Flying, turn: FloatArray, chord_m: FloatArray) -> None:
    half = (turn / 2)[:, None]
    t = state.t * np.cos(half) + _cross(state.t, state.p) * np.sin(half)
    angle = (chord_m / _radius_along(state.p, t, state.hae_m))[:, None]
    p = state.p * np.cos(angle) + t * np.sin(angle)
    t = t * np.cos(angle) - state.p * np.sin(angle)
    t = t * np.cos(half) + _cross(t, p) * np.sin(half)
    state.p = p / np.linalg.norm(p, axis=1, keepdims=True)
    t = t - np.sum(t * state.p, axis=1, keepdims=True) * state.p
    state.t = t / np.linalg.norm(t, axis=1, keepdims=True)


def _east_north(p: FloatArray) -> tuple[FloatArray, FloatArray]:
    flat = np.maximum(np.hypot(p[:, 0], p[:, 1]), 1e-12)
    east = np.stack([-p[:, 1] / flat, p[:, 0] / flat, np.zeros(len(p))], axis=1)
    return east, _cross(p, east)


def _radii(p: FloatArray, hae_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Metres per radian of latitude and of great circle to the east, at a height."""
    w = 1.0 - ECCENTRICITY_SQ * p[:, 2] ** 2
    meridian = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQ) / w**1.5
    return meridian + hae_m, SEMI_MAJOR_M / np.sqrt(w) + hae_m


def _radius_along(p: FloatArray, t: FloatArray, hae_m: FloatArray) -> FloatArray:
    east, north = _east_north(p)
    meridian, prime = _radii(p, hae_m)
    return np.hypot(meridian * np.sum(t * north, axis=1), prime * np.sum(t * east, axis=1))


def _knot(state: _Flying) -> tuple[FloatArray, FloatArray]:
    """Position and velocity, ECEF, such that the ground speed over the ellipsoid is `speed_mps`."""
    east, north = _east_north(state.p)
    meridian, prime = _radii(state.p, state.hae_m)
    te, tn = np.sum(state.t * east, axis=1), np.sum(state.t * north, axis=1)
    rate = state.speed_mps / np.hypot(meridian * tn, prime * te)
    velocity = (
        east * (rate * prime * te)[:, None]
        + north * (rate * meridian * tn)[:, None]
        + state.p * state.climb_mps[:, None]
    )
    lat, lon = np.degrees(np.arcsin(state.p[:, 2])), np.degrees(np.arctan2(state.p[:, 1], state.p[:, 0]))
    return ecef_from_geodetic(lat, lon, state.hae_m), velocity


def wind_enu(hae_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the upper wind, east and north m/s: from the east, backing and growing from 5 m/s to 25 m/s at 9 km."""
    speed = np.interp(hae_m, [0.0, 3_000.0, 9_000.0, 12_000.0], [5.0, 10.0, 25.0, 22.0])
    towards = np.radians(np.interp(hae_m, [0.0, 10_000.0], [290.0, 255.0]))
    return speed * np.sin(towards), speed * np.cos(towards)


def drift(
    start_s: FloatArray,
    lat_deg: FloatArray,
    lon_deg: FloatArray,
    hae_m: FloatArray,
    climb_mps: FloatArray,
    *,
    lasts_s: float,
) -> Movers:
    """Return balloons that go where the wind at their height takes them, rising steadily until 10,000 m."""
    p = normal_from_geodetic(lat_deg, lon_deg)
    hae = np.asarray(hae_m, float).copy()
    knots = []
    for _ in range(int(lasts_s / WIND_STEP_S) + 1):
        climb = np.where(hae < 10_000.0, climb_mps, 0.0)
        wind_e, wind_n = wind_enu(hae)
        speed = np.hypot(wind_e, wind_n)
        east, north = _east_north(p)
        t = (east * wind_e[:, None] + north * wind_n[:, None]) / speed[:, None]
        state = _Flying(p, t, hae, speed, climb)
        knots.append(_knot(state))
        _walk(state, np.zeros(len(p)), speed * WIND_STEP_S)
        p, hae = state.p, hae + climb * WIND_STEP_S
    position, velocity = (np.stack(part) for part in zip(*knots, strict=True))
    return Movers.of_knots(start_s, WIND_STEP_S, position, velocity, np.full(len(p), len(knots)))

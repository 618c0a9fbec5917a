"""Objects that wander: nearly constant velocity with white noise on it, and turns at given instants.

This is the motion that textbooks assume of a target, so what a filter can reach at best is known: the noise has a power
spectral density that is an argument. Level flight follows the ellipsoid; a course without noise is a great circle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dronewall.geodesy.wgs84 import FloatArray, ecef_from_geodetic, enu_axes, geodetic_from_ecef
from dronewall.simulation.movers import Movers

SETTLING_S = 100.0
"""Climbing dies away with this time, or heights would wander off."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanderers:
    """What n objects do: where they begin, how fast, from when until when, and when they turn how.

    `course_rad` from true north, clockwise; `turn_radps` positive to the right, between `turn_from_s` and
    `turn_until_s`. `q_level` and `q_upright` are power spectral densities of acceleration noise, m²/s³. Nothing sinks
    below `lowest_m`.
    """

    lat_deg: FloatArray
    lon_deg: FloatArray
    hae_m: FloatArray
    speed_mps: FloatArray
    course_rad: FloatArray
    start_s: FloatArray
    end_s: FloatArray
    turn_from_s: FloatArray
    turn_until_s: FloatArray
    turn_radps: FloatArray
    q_level: float = 0.05
    q_upright: float = 0.0045
    lowest_m: float = 50.0


def wander(plan: Wanderers, rng: np.random.Generator, *, step_s: float = 1.0) -> Movers:
    """Return the paths of a plan, knots `step_s` apart: between them acceleration is constant."""
    count = np.maximum(np.rint((plan.end_s - plan.start_s) / step_s).astype(np.int64) + 1, 2)
    position = ecef_from_geodetic(plan.lat_deg, plan.lon_deg, plan.hae_m)
    axes = enu_axes(plan.lat_deg, plan.lon_deg)
    level = np.stack([np.sin(plan.course_rad), np.cos(plan.course_rad), np.zeros(len(count))], axis=1)
    velocity = np.einsum("nij,ni->nj", axes, level * plan.speed_mps[:, None])
    knots = [(position, velocity)]
    for step in range(int(count.max()) - 1):
        at_s = plan.start_s + step * step_s
        turning = (at_s >= plan.turn_from_s) & (at_s < plan.turn_until_s)
        turn = np.where(turning, plan.turn_radps * step_s, 0.0)
        jolt = rng.standard_normal((len(count), 3)) * np.sqrt(
            np.array([plan.q_level, plan.q_level, plan.q_upright]) * step_s
        )
        position, velocity = _moved(position, velocity, turn, jolt, step_s, plan.lowest_m)
        knots.append((position, velocity))
    positions, velocities = (np.stack(part) for part in zip(*knots, strict=True))
    return Movers.of_knots(plan.start_s, step_s, positions, velocities, count)


def _moved(
    position: FloatArray, velocity: FloatArray, turn: FloatArray, jolt: FloatArray, step_s: float, lowest_m: float
) -> tuple[FloatArray, FloatArray]:
    """Return position and velocity one step later: turned by `turn`, with `jolt` (n, 3) ENU added to the velocity."""
    lat, lon, hae = geodetic_from_ecef(position)
    axes = enu_axes(lat, lon)
    enu = np.einsum("nij,nj->ni", axes, velocity)
    # A turn's chord is shorter than its arc, and points along the mean course.
    chord = _turned(enu, turn / 2.0) * np.sinc(turn / 2.0 / np.pi)[:, None]
    after = _turned(enu, turn) + jolt
    after[:, 2] *= np.exp(-step_s / SETTLING_S)
    height = hae + (enu[:, 2] + after[:, 2]) / 2.0 * step_s
    after[:, 2] = np.where(height < lowest_m, np.abs(after[:, 2]), after[:, 2])
    along = (chord + jolt / 2.0) * step_s
    along[:, 2] = 0.0
    lat, lon, _ = geodetic_from_ecef(position + np.einsum("nij,ni->nj", axes, along))
    return ecef_from_geodetic(lat, lon, np.maximum(height, lowest_m)), _carried(after, axes, enu_axes(lat, lon))


def _turned(enu: FloatArray, angle: FloatArray) -> FloatArray:
    """Return vectors with their level part turned to the right by `angle`."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([enu[:, 0] * cos + enu[:, 1] * sin, enu[:, 1] * cos - enu[:, 0] * sin, enu[:, 2]], axis=1)


def _carried(enu: FloatArray, here: FloatArray, there: FloatArray) -> FloatArray:
    """Return velocities ECEF at the next place: level speed and climb as they were, the course carried straight on."""
    level = enu * (1.0, 1.0, 0.0)
    moved = np.einsum("nij,nj->ni", there, np.einsum("nij,ni->nj", here, level)) * (1.0, 1.0, 0.0)
    before, now = np.linalg.norm(level, axis=1), np.linalg.norm(moved, axis=1)
    moved *= (before / np.maximum(now, 1e-9))[:, None]
    moved[:, 2] = enu[:, 2]
    return np.einsum("nij,ni->nj", there, moved)

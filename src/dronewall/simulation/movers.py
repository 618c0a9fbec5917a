"""Movers: where every object is at any instant, as smooth curves in ECEF.

A path is a row of knots with position and velocity, joined by cubic Hermite curves: position and velocity are
continuous and velocity is exactly the derivative of position, so truth never contradicts itself. Knots eight seconds
apart follow a turn of 3 degrees a second at 220 m/s within half a metre of the ideal arc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Movers:
    """Paths of n objects over K knots in all.

    `start_s` (n,) is when each appears, in seconds of the night; `step_s` (n,) the time between its knots; its knots
    are the `count` rows from `first` of `position` and `velocity` (K, 3), ECEF m and m/s.
    """

    start_s: FloatArray
    step_s: FloatArray
    first: IntArray
    count: IntArray
    position: FloatArray
    velocity: FloatArray

    def __len__(self) -> int:
        return len(self.start_s)

    @property
    def end_s(self) -> FloatArray:
        """When each object is gone."""
        return self.start_s + self.step_s * (self.count - 1)

    def alive(self, at_s: float, *, linger_s: float = 0.0) -> IntArray:
        """Return the rows of the objects that exist at an instant or did `linger_s` before."""
        return np.flatnonzero((self.start_s <= at_s) & (at_s < self.end_s + linger_s))

    def state(self, rows: NDArray[np.integer], at_s: FloatArray | float) -> tuple[FloatArray, FloatArray]:
        """Return position and velocity (k, 3), ECEF, of `rows` (k,) at `at_s` (k,) or one instant for all.

        Before its start and after its end an object goes straight on, which only truth about the "just gone" uses.
        """
        step = self.step_s[rows]
        since = np.asarray(at_s, float) - self.start_s[rows]
        inside = np.clip(since, 0.0, step * (self.count[rows] - 1))
        leg = np.minimum((inside / step).astype(np.int64), self.count[rows] - 2)
        u = (inside / step - leg)[:, None]
        h = step[:, None]
        knot = self.first[rows] + leg
        p0, p1 = self.position[knot], self.position[knot + 1]
        v0, v1 = self.velocity[knot] * h, self.velocity[knot + 1] * h
        along = p1 - p0
        position = p0 + u * (v0 + u * (3 * along - 2 * v0 - v1 + u * (v0 + v1 - 2 * along)))
        velocity = (v0 + u * (2 * (3 * along - 2 * v0 - v1) + 3 * u * (v0 + v1 - 2 * along))) / h
        return position + velocity * (since - inside)[:, None], velocity

    @classmethod
    def of_knots(
        cls, start_s: FloatArray, step_s: float, position: FloatArray, velocity: FloatArray, count: IntArray
    ) -> Movers:
        """Build from knots (steps, n, 3) of which only the first `count` (n,) of each object are flown."""
        flown = (np.arange(len(position))[:, None] < count).T
        first = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)
        steps = np.full(len(count), step_s)
        return cls(
            np.asarray(start_s, float),
            steps,
            first,
            count.astype(np.int64),
            position.transpose(1, 0, 2)[flown],
            velocity.transpose(1, 0, 2)[flown],
        )

    @classmethod
    def concat(cls, parts: Sequence[Movers]) -> Movers:
        """Return all objects of `parts`, in order."""
        lengths = [len(part.position) for part in parts]
        shifts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        return cls(
            np.concatenate([part.start_s for part in parts]),
            np.concatenate([part.step_s for part in parts]),
            np.concatenate([part.first + shift for part, shift in zip(parts, shifts, strict=True)]).astype(np.int64),
            np.concatenate([part.count for part in parts]),
            np.concatenate([part.position for part in parts]),
            np.concatenate([part.velocity for part in parts]),
        )

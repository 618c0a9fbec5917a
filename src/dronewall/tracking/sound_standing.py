"""Where something stands and makes noise: generators, pumps, tractors at work. No track begins there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NEAR_M, MEMORY_S = 1_000.0, 900.0
"""A new track this near to a standing source must wait until it is past; a source not found again is forgotten."""
MOST = 20_000


class Standing(NamedTuple):
    """Places ECEF (n, 3), m, and when each was last found."""

    place: NDArray[np.float64]
    found_ns: NDArray[np.int64]


def nothing_stands() -> Standing:
    """Return an empty memory."""
    return Standing(np.empty((0, 3)), np.empty(0, np.int64))


def is_near(standing: Standing, place: NDArray[np.float64]) -> bool:
    """Whether something stands near a place."""
    return bool(np.any(np.sum((standing.place - place) ** 2, axis=1) < NEAR_M**2))


def noted(standing: Standing, place: NDArray[np.float64], now_ns: int) -> Standing:
    """Return the memory with a place where something was found standing; the oldest of too many go."""
    apart = np.sum((standing.place - place) ** 2, axis=1)
    kept = (apart > (0.3 * NEAR_M) ** 2) & ((now_ns - standing.found_ns) / 1e9 < MEMORY_S)
    return Standing(
        np.concatenate([standing.place[kept], place[None]])[-MOST:],
        np.append(standing.found_ns[kept], now_ns)[-MOST:],
    )

"""No track flies under the ground: what range sums and bearings say of a height, they say of its mirror image too.

Sites stand near the ground, so a height and its reflection in the ground give nearly the same ranges. A filter that
began with a guess may settle on the wrong one.
"""

from __future__ import annotations

import numpy as np

from dronewall.geodesy.wgs84 import FLATTENING, SEMI_MAJOR_M
from dronewall.tracking.store import TrackStore

LOWEST_M = -150.0
"""Lower than any land above the ellipsoid, with room for the errors of tracks near the ground."""


def lift_mirrored(store: TrackStore) -> int:
    """Reflect modes that lie under the ground, position and velocity; return how many.

    Heights are over the ellipsoid to first order in its flattening, within some 30 m.
    """
    mean = store.columns.mean[: store.count]
    radius = np.linalg.norm(mean[:, :, :3], axis=2)
    sine_sq = (mean[:, :, 2] / np.maximum(radius, 1.0)) ** 2
    height_m = radius - SEMI_MAJOR_M * (1.0 - FLATTENING * sine_sq)
    row, mode = np.nonzero(height_m < LOWEST_M)
    up = mean[row, mode, :3] / radius[row, mode][:, None]
    mean[row, mode, :3] -= 2.0 * height_m[row, mode][:, None] * up
    mean[row, mode, 3:] -= 2.0 * np.einsum("ni,ni->n", mean[row, mode, 3:], up)[:, None] * up
    return len(row)

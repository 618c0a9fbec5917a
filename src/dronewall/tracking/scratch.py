"""Room that the loops of one call work in, so that the innermost of them allocate nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.jit import kernel
from dronewall.tracking.motion import ROOM


class Scratch(NamedTuple):
    """What each function finds in here is nobody's: only `seen` and `slot` (capacity,), -1 at first, are kept.

    `seen` marks the last plot that found a track, `slot` a track's place in its look. `found` (capacity,) lists tracks,
    `mixing` is for predicting; `squares` (4, 6, 6) and `lines` (6, 6) are matrices and vectors.
    """

    seen: NDArray[np.int32]
    slot: NDArray[np.int32]
    found: NDArray[np.int32]
    mixing: NDArray[np.float64]
    squares: NDArray[np.float64]
    lines: NDArray[np.float64]


@kernel
def scratch_for(capacity):
    """Return room for tables of so many tracks."""
    seen, slot, found = np.full(capacity, -1, np.int32), np.full(capacity, -1, np.int32), np.empty(capacity, np.int32)
    return Scratch(seen, slot, found, np.empty(ROOM), np.empty((4, 6, 6)), np.empty((6, 6)))

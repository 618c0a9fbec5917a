"""Looks: every occasion on which a sensor may measure an object, whether it then does or not.

They say what can be known of an object at best. Only simulated sensors can tell them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """k occasions: `row` of the object, `sensor` of the source, when it is valid (for sound: when it arrives).

    `site` (k, 3) ECEF m and `axes` (k, 3, 3); `sigma` (k, 4) of range m, azimuth rad, elevation rad, range rate m/s,
    NaN where it does not measure; `pd` the chance that it measures at all; `delay_s` (k,) how old a sound is, else 0.
    """

    row: NDArray[np.int64]
    sensor: NDArray[np.int64]
    at_s: FloatArray
    site: FloatArray
    axes: FloatArray
    sigma: FloatArray
    pd: FloatArray
    delay_s: FloatArray

    def __len__(self) -> int:
        return len(self.row)

    def take(self, rows: NDArray[np.generic]) -> Looks:
        """Return the looks picked by a mask or an index array."""
        return Looks(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def concat(cls, parts: Sequence[Looks]) -> Looks:
        """Return all looks; sensors of later parts are numbered after those of earlier ones by who calls."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))


@runtime_checkable
class Looking(Protocol):
    """A source that can tell its looks."""

    def looks(self, window: int) -> Looks:
        """Return one window's occasions."""
        ...

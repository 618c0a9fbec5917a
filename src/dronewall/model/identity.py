"""Identity: an affiliation with the evidence for it and against it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import ObjectClass
from dronewall.model.table import Table, column


class Affiliation(IntEnum):
    """Standard identities of STANAG 1241, in the order of their APP-6 codes."""

    PENDING = 0
    UNKNOWN = 1
    ASSUMED_FRIEND = 2
    FRIEND = 3
    NEUTRAL = 4
    SUSPECT = 5
    HOSTILE = 6

    @property
    def label(self) -> str:
        """The name used in files."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, eq=False)
class Identities(Table):
    """Who each track is held to be, one row per track, in the order of the tracks.

    `object_class` is the likeliest class and `class_p` its probability; UNKNOWN with 0 when nobody said.
    """

    track_id: NDArray[np.int64] = column("<i8")
    affiliation: NDArray[np.uint8] = column("|u1", absent=Affiliation.UNKNOWN)
    object_class: NDArray[np.uint8] = column("|u1", absent=ObjectClass.UNKNOWN)
    class_p: NDArray[np.float32] = column("<f4", absent=0.0)


@dataclass(frozen=True, slots=True)
class Identity:
    """One track's affiliation, with its reasons in words for a person to weigh."""

    affiliation: Affiliation
    evidence_for: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()

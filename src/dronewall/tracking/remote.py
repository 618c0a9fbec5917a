"""Remote tracks: what other trackers last told, shown beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.table import column_specs
from dronewall.model.tracks import RemoteTracks

LIFETIME_S = 60.0
"""A remote track not told again for so long is gone: nobody's ghost stays on the picture."""


class RemoteBoard:
    """The latest word of every remote track."""

    def __init__(self) -> None:
        self._latest = RemoteTracks.empty()

    def step(self, told: RemoteTracks, track_of: NDArray[np.int64], *, now_ns: int) -> RemoteTracks:
        """Take what was told, forget what grew old, return what stands; ordered by sensor and number.

        `track_of` (n,) are the numbers of the tracks of ours that are held to be the same objects, -1 for none.
        """
        if not len(told) and not len(self._latest):
            return self._latest
        told = RemoteTracks(**{**dict(told.columns()), "track_id": track_of})
        together = RemoteTracks.concat([self._latest, told])
        newest_first = np.lexsort((-together.at_ns, together.track_ref, together.sensor))
        ordered = together.take(newest_first)
        first = np.ones(len(ordered), np.bool_)
        first[1:] = (ordered.sensor[1:] != ordered.sensor[:-1]) | (ordered.track_ref[1:] != ordered.track_ref[:-1])
        fresh = (now_ns - ordered.at_ns) / 1e9 <= LIFETIME_S
        self._latest = ordered.take(np.flatnonzero(first & fresh))
        return self._latest

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        return {f"remote.{name}": values for name, values in self._latest.columns()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        self._latest = RemoteTracks(
            **{spec.name: state[f"remote.{spec.name}"].copy() for spec in column_specs(RemoteTracks)}
        )

"""The reorder buffer: plots wait a moment, so that those of several feeds are taken in the order of their own time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dronewall.model.plots import Plots
from dronewall.model.table import column_specs

REORDER_NS = 30_000_000
"""How long a plot may wait for an older one. Feeds of one site differ by a few milliseconds of network and decoding and
by one turn of their reader; what is later than this was late at its source, and for that the tracker can look back."""
HELD_BYTES_MOST = 16 << 20
"""What waits may not grow beyond this, some 37,000 plots: 30 ms of more than a million plots a second."""
PLOT_BYTES = sum(spec.dtype.itemsize * int(np.prod(spec.cell, dtype=int)) for spec in column_specs(Plots))
HELD_MOST = HELD_BYTES_MOST // PLOT_BYTES
IDS_MOST = 1024
"""Beyond this the dictionary of sensor ids is cut to those in use: a feed may make up new ones without end."""

Rows = NDArray[np.intp]


class ReorderBuffer:
    """Hands plots on in the order of their times of validity, once the watermark has passed them.

    The watermark runs `wait_ns` behind now. A plot is due when the watermark passes its time of validity, or its
    receipt if that is earlier: a clock that is ahead makes nobody wait longer. So plots that are all received within
    `wait_ns` of their time are handed on in the same order and in the same steps, however they were mixed on the way.
    """

    def __init__(self, *, wait_ns: int = REORDER_NS, most: int = HELD_MOST) -> None:
        self._wait_ns = wait_ns
        self._most = most
        self._held = Plots.empty()
        self._due_ns = np.empty(0, np.int64)
        self.overflowed = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def held_bytes(self) -> int:
        """How much memory the plots take that wait."""
        return len(self._held) * PLOT_BYTES

    def push(self, plots: Plots, *, now_ns: int) -> None:
        """Add plots in the order received, which is kept among those of one sensor and one instant."""
        if not len(plots):
            return
        due_ns = np.minimum(np.minimum(plots.at_ns, plots.received_ns), now_ns) + self._wait_ns
        if len(self._held):
            plots, due_ns = Plots.concat([self._held, plots]), np.concatenate([self._due_ns, due_ns])
        self._held, self._due_ns = plots, due_ns

    def release(self, now_ns: int) -> Plots:
        """Take out what is due, by time of validity; where too much waits, the oldest go before they are due."""
        held = self._held
        if not len(held):
            return held
        order = _by_time(held)
        stay = self._due_ns[order] > now_ns
        if not stay.any():
            self._held, self._due_ns = Plots.empty(), np.empty(0, np.int64)
            return held if np.all(order[1:] > order[:-1]) else held.take(order)
        self._keep_scans_whole(held, order, stay)
        self._make_room(stay)
        # What stays keeps the order received: that is the order among equals when its turn comes.
        staying = np.sort(order[stay])
        self._held, self._due_ns = _trimmed(held.take(staying)), self._due_ns[staying]
        return held.take(order[~stay])

    def _keep_scans_whole(self, held: Plots, order: Rows, stay: NDArray[np.bool_]) -> None:
        """Let the mark that ends a scan wait for the scan's plots, whatever time it bears."""
        ends = np.flatnonzero(held.scan_end[order] & (held.scan[order] >= 0) & ~stay)
        if not len(ends):
            return
        waiting = order[stay]
        scans = set(zip(held.sensor[waiting].tolist(), held.scan[waiting].tolist(), strict=True))
        ending = zip(held.sensor[order[ends]].tolist(), held.scan[order[ends]].tolist(), strict=True)
        stay[ends] = [scan in scans for scan in ending]

    def _make_room(self, stay: NDArray[np.bool_]) -> None:
        waiting = np.flatnonzero(stay)
        if (too_many := len(waiting) - self._most) > 0:
            stay[waiting[:too_many]] = False
            self.overflowed += too_many

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        plots = {f"reorder.plots.{name}": values.copy() for name, values in self._held.columns()}
        ids = json.dumps(self._held.sensor_ids if len(self._held) else ()).encode()
        return {
            **plots,
            "reorder.sensor_ids": np.frombuffer(ids, np.uint8),
            "reorder.due_ns": self._due_ns.copy(),
            "reorder.overflowed": np.array([self.overflowed], np.int64),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what `checkpoint` returned."""
        columns = {spec.name: np.array(state[f"reorder.plots.{spec.name}"]) for spec in column_specs(Plots)}
        ids = tuple(json.loads(state["reorder.sensor_ids"].tobytes()))
        self._held = Plots(**columns, sensor_ids=ids)
        self._due_ns = np.array(state["reorder.due_ns"], np.int64)
        self.overflowed = int(state["reorder.overflowed"][0])


def _by_time(plots: Plots) -> Rows:
    """Return the rows by time of validity, then by sensor, then as received; a scan's end after its instant's plots."""
    order = np.argsort(plots.at_ns, kind="stable")
    in_order = plots.at_ns[order]
    if np.all(in_order[1:] > in_order[:-1]):
        return order
    rank = np.empty(len(plots.sensor_ids), np.int32)
    rank[sorted(range(len(rank)), key=plots.sensor_ids.__getitem__)] = np.arange(len(rank), dtype=np.int32)
    return np.lexsort((plots.scan_end, rank[plots.sensor], plots.at_ns))


def _trimmed(plots: Plots) -> Plots:
    """Return the plots under the ids they use, if their dictionary has grown too long."""
    if len(plots.sensor_ids) <= IDS_MOST:
        return plots
    used, sensor = np.unique(plots.sensor, return_inverse=True)
    columns = {**dict(plots.columns()), "sensor": sensor.astype(np.int32)}
    return Plots(**columns, sensor_ids=tuple(plots.sensor_ids[row] for row in used.tolist()))

"""The intake: where batches wait for the next tick. It is bounded; what finds no room is shed, and counted."""

from __future__ import annotations

import asyncio
from collections import Counter

import numpy as np

from dronewall.feeds.feed import Batch

PLOTS_MAX = 200_000


class Intake:
    """Batches of all feeds, in the order they came.

    A sender that waits for an acknowledgement can be made to wait; the plots of one that does not are shed, counted by
    sensor, before anybody was told that they are safe.
    """

    def __init__(self, plots_max: int = PLOTS_MAX) -> None:
        self._plots_max = plots_max
        self._waiting: list[tuple[str, Batch]] = []
        self._room = asyncio.Event()
        self._room.set()
        self._held = 0
        self._shed: dict[str, Counter[str]] = {}

    async def put(self, feed: str, batch: Batch) -> None:
        """Let a batch wait for the next tick."""
        if batch.acknowledge is not None:
            await self._room.wait()
        elif not self._room.is_set():
            self._shed_plots(feed, batch)
            return
        self._waiting.append((feed, batch))
        self._held += _weight(batch)
        if self._held >= self._plots_max:
            self._room.clear()

    def drain(self) -> tuple[list[tuple[str, Batch]], dict[str, Counter[str]]]:
        """Return what waits, and what was shed since the last call: plots by sensor, for each feed."""
        waiting, self._waiting = self._waiting, []
        shed, self._shed = self._shed, {}
        self._held = 0
        self._room.set()
        return waiting, shed

    def _shed_plots(self, feed: str, batch: Batch) -> None:
        plots = batch.decoded.plots
        counts = np.bincount(plots.sensor, minlength=len(plots.sensor_ids))
        shed = self._shed.setdefault(feed, Counter())
        for sensor_id, count in zip(plots.sensor_ids, counts.tolist(), strict=True):
            if count:
                shed[sensor_id] += count


def _weight(batch: Batch) -> int:
    return 1 + len(batch.decoded.plots) + len(batch.decoded.refused)

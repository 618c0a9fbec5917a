"""The scribe: everything that is written into the journal goes through one thread, in order.

What comes twice is written once: a source that numbers its reports and sends some again has them left out here, and
acknowledged, for they are safe already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import numpy as np

from dronewall.engine.entries import Content, FramesRefused, PlotsCame, entry_of
from dronewall.engine.log import Checkpoint, Log
from dronewall.feeds.feed import Batch, Numbered

R = TypeVar("R")


class Scribe:
    """Writes contents with their numbers; all calls on the loop."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._windows = log.windows()
        self._thread = ThreadPoolExecutor(1, "journal")
        self.repeated = 0

    def contents_of(self, feed: str, batch: Batch) -> Iterator[Content]:
        """Yield what the journal keeps of a batch: nothing that stands in it already. It must then be appended."""
        fresh = self._fresh(batch)
        if fresh is None:
            return
        decoded, message = fresh.decoded, fresh.numbered.message if fresh.numbered else None
        if message or len(decoded.plots) or decoded.frames or decoded.unplaceable:
            yield PlotsCame(feed, decoded.plots, decoded.frames, decoded.unplaceable, message)
        if decoded.refused:
            yield FramesRefused.of(feed, decoded.refused)

    def _fresh(self, batch: Batch) -> Batch | None:
        """Return what is new of a batch, and take note of it."""
        if batch.numbered is None:
            return batch
        message, numbers, decoded = batch.numbered.message, batch.numbered.numbers, batch.decoded
        fresh = self._windows.fresh(message)
        first = message.last + 1 if fresh is None else fresh.first
        self.repeated += first - message.first
        if fresh is None:
            return None
        self._windows.take(fresh)
        new = np.flatnonzero(numbers >= fresh.first)
        plots = decoded.plots if len(new) == len(numbers) else decoded.plots.take(new)
        frames = decoded.frames - (len(numbers) - len(new))
        return Batch(replace(decoded, plots=plots, frames=frames), batch.acknowledge, Numbered(fresh, numbers[new]))

    async def append(self, contents: Sequence[Content], *, at_ns: int) -> list[tuple[int, Content]]:
        """Append contents in one transaction; return them with their numbers once they are durable.

        Raises:
            JournalError: nothing of it was kept.
        """
        if not contents:
            return []
        appended = await self.working(
            lambda: self._log.append([entry_of(content, at_ns=at_ns) for content in contents])
        )
        return list(zip(appended.seqs, contents, strict=True))

    async def keep(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint."""
        await self.working(lambda: self._log.keep(checkpoint))

    async def working(self, work: Callable[[], R]) -> R:
        """Return what `work()` returns, done in the journal's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Close the journal after what was asked before."""
        await self.working(self._log.close)
        self._thread.shutdown(wait=False)

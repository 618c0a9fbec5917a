"""The scribe: everything that is written into the journal goes through one thread, in order.

What comes twice is written once: a source that numbers its reports and sends some again has them left out here, and
acknowledged, for they are safe already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from dronewall.engine.entries import Content, FramesRefused, PlotsCame, entry_of
from dronewall.engine.log import Checkpoint, Log
from dronewall.feeds.feed import Batch

R = TypeVar("R")


class Scribe:
    """Writes contents with their numbers; all calls on the loop."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._thread = ThreadPoolExecutor(1, "journal")
        self.repeated = 0

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


def contents_of(feed: str, batch: Batch) -> Iterator[Content]:
    """Yield what the journal keeps of a batch."""
    decoded = batch.decoded
    if len(decoded.plots) or decoded.frames or decoded.unplaceable:
        yield PlotsCame(feed, decoded.plots, decoded.frames, decoded.unplaceable)
    if decoded.refused:
        yield FramesRefused.of(feed, decoded.refused)

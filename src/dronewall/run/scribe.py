"""The scribe: everything that is written into the journal goes through one thread, in order.

What comes twice is written once: a source that numbers its reports and sends some again has them left out here, and
acknowledged, for they are safe already.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from typing import TypeVar

import numpy as np

from dronewall.engine.entries import Content, FramesRefused, PlotsCame, entry_of
from dronewall.engine.log import Checkpoint, Log
from dronewall.feeds.feed import Batch, Numbered
from dronewall.model.plots import Plots

R = TypeVar("R")


class Scribe:
    """Writes contents with their numbers; all calls on the loop."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._windows = log.windows()
        self._thread = ThreadPoolExecutor(1, "journal")
        self.repeated = 0

    def contents_of(self, batches: Iterable[tuple[str, Batch]]) -> Iterator[Content]:
        """Yield what the journal keeps of a tick's batches: nothing that stands in it already. It must be appended.

        Batches of one feed that follow each other become one entry: a thousand datagrams need no thousand rows.
        """
        for feed, group in groupby(batches, key=lambda item: item[0]):
            fresh = [one for _, batch in group if (one := self._fresh(batch)) is not None]
            for run in _runs(fresh):
                yield from _came(feed, run)
            if refused := tuple(error for batch in fresh for error in batch.decoded.refused):
                yield FramesRefused.of(feed, refused)

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

    async def keep(self, checkpoint: Callable[[], Checkpoint]) -> None:
        """Keep a checkpoint, made in a thread of its own and written between what is appended meanwhile."""
        await asyncio.to_thread(lambda: self._log.keep(checkpoint()))

    async def working(self, work: Callable[[], R]) -> R:
        """Return what `work()` returns, done in the journal's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Close the journal after what was asked before."""
        await self.working(self._log.close)
        self._thread.shutdown(wait=False)


def _came(feed: str, run: Sequence[Batch]) -> Iterator[PlotsCame]:
    """Yield one entry's content of batches whose numbers, if they have any, follow each other."""
    plots = run[0].decoded.plots if len(run) == 1 else Plots.concat([batch.decoded.plots for batch in run])
    frames = sum(batch.decoded.frames for batch in run)
    counts: Counter[str] = Counter()
    for batch in run:
        for reason, count in batch.decoded.unplaceable:
            counts[reason] += count
    first, last = run[0].numbered, run[-1].numbered
    message = replace(first.message, last=last.message.last) if first and last else None
    if message or len(plots) or frames or counts:
        yield PlotsCame(feed, plots, frames, tuple(counts.items()), message)


def _runs(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Yield batches in runs that one message can name, or none has to."""
    run: list[Batch] = []
    for batch in batches:
        if run and not _follows(run[-1].numbered, batch.numbered):
            yield run
            run = []
        run.append(batch)
    if run:
        yield run


def _follows(before: Numbered | None, after: Numbered | None) -> bool:
    if before is None or after is None:
        return before is after
    one, other = before.message, after.message
    return (one.source, one.boot, one.last + 1) == (other.source, other.boot, other.first)

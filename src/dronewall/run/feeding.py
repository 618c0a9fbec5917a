"""Feeding: from one feed into the intake, batch by batch, so that no feed keeps the loop to itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

from dronewall.engine.clock import Clock
from dronewall.feeds.feed import Batch, Feed
from dronewall.run.intake import Intake

TAKEN_IN_A_ROW = 256
"""After so many reports a feed that always has something waiting lets the others have their turn."""


async def fed(feed: Feed, intake: Intake, clock: Clock) -> None:
    """Hand a feed's batches to the intake until it ends."""
    batches = feed.batches()
    if not hasattr(batches, "aclose"):
        await _taken(batches, feed.name, intake, clock)
        return
    # A feed's iterator is an async generator wherever it holds a socket, and is closed with it.
    async with aclosing(cast(AsyncGenerator[Batch, None], batches)) as closed:
        await _taken(closed, feed.name, intake, clock)


async def _taken(batches: AsyncIterator[Batch], feed: str, intake: Intake, clock: Clock) -> None:
    in_a_row = 0
    async for batch in batches:
        await intake.put(feed, batch, now_ns=clock.now_ns())
        in_a_row += 1 + len(batch.decoded.plots)
        if in_a_row >= TAKEN_IN_A_ROW:
            in_a_row = 0
            await asyncio.sleep(0)

"""Clocks never go backwards, and a clock turned by hand wakes exactly those who have slept enough."""

from __future__ import annotations

import asyncio

import pytest

from dronewall.engine import clock as clocks
from dronewall.engine.clock import ManualClock, WallClock


def test_the_wall_clock_stands_still_while_the_system_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    told = iter([100, 250, 40, 90, 300])
    monkeypatch.setattr(clocks.time, "time_ns", lambda: next(told))
    clock = WallClock()
    assert [clock.now_ns() for _ in range(5)] == [100, 250, 250, 250, 300]


async def test_sleepers_wake_in_their_order_when_their_time_has_come() -> None:
    clock, woken = ManualClock(), list[str]()

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [asyncio.ensure_future(sleeper(*who)) for who in (("long", 2.0), ("short", 1.0), ("none", 0.0))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (woken, clock.sleepers) == (["none"], 2)
    clock.advance(1.0)
    await asyncio.sleep(0)
    assert woken == ["none", "short"]
    clock.turn_to(0)
    assert clock.now_ns() == 1_000_000_000
    clock.advance(1.0)
    await asyncio.gather(*tasks)
    assert woken == ["none", "short", "long"]


async def test_a_sleeper_that_was_cancelled_is_not_woken() -> None:
    clock = ManualClock()
    task = asyncio.ensure_future(clock.sleep(1.0))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.sleepers == 0
    clock.advance(2.0)

"""A task that fails is started again, later each time."""

from __future__ import annotations

import asyncio

import pytest

from dronewall.engine.clock import ManualClock
from dronewall.engine.links import Pauses
from dronewall.engine.supervisor import kept_running
from dronewall.model.errors import InputError


class Flaky:
    """Fails as often as it is told, then ends."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.told: list[tuple[str, int, float]] = []
        self.clock = ManualClock()

    async def __call__(self) -> None:
        if self.errors:
            raise self.errors.pop(0)

    def failed(self, error: Exception, failures: int, pause_s: float) -> None:
        self.told.append((str(error), failures, pause_s))

    async def run(self) -> None:
        running = asyncio.ensure_future(kept_running(self, clock=self.clock, pauses=Pauses(), on_failure=self.failed))
        while not running.done():
            await asyncio.sleep(0)
            if self.clock.sleepers:
                self.clock.advance(0.25)
        await running


async def test_a_failing_task_is_started_again_with_growing_pauses_until_it_ends() -> None:
    flaky = Flaky(ValueError("a"), KeyError("b"), OSError("c"))
    await flaky.run()
    assert flaky.told == [("a", 1, 0.5), ("'b'", 2, 1.0), ("c", 3, 2.0)]
    assert flaky.clock.now_ns() == 3_500_000_000


async def test_a_wrong_request_is_not_tried_again() -> None:
    with pytest.raises(InputError):
        await Flaky(InputError("port in use")).run()


async def test_a_request_that_worked_once_is_tried_again() -> None:
    flaky = Flaky(ValueError("a"), InputError("port in use"))
    await flaky.run()
    assert [failures for _, failures, _ in flaky.told] == [1, 2]

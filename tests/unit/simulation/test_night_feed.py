"""The night as a feed."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.model.plots import Plots
from dronewall.model.status import FeedState
from dronewall.simulation.feed import NightFeed
from dronewall.simulation.night import Night
from dronewall.simulation.source import NS


class Clock:
    """A clock that only pauses move."""

    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns

    async def pause(self, seconds: float) -> None:
        self.now_ns += round(seconds * NS)


async def played(night: Night, clock: Clock, seconds: float, *, speed: float = 1.0) -> tuple[Plots, NightFeed]:
    feed = NightFeed(night, clock=clock, speed=speed, pause=clock.pause)
    until = clock.now_ns + round(seconds * NS)
    pieces = []
    async for batch in feed.batches():
        pieces.append(batch.decoded.plots)
        if clock.now_ns >= until:
            break
    return Plots.concat(pieces), feed


@pytest.fixture(scope="module")
def night() -> Night:
    return Night(3)


async def test_the_feed_plays_exactly_the_plots_of_the_night_at_their_instants(night: Night) -> None:
    began = night.epoch_ns + 2_400 * NS
    clock = Clock(began)
    plots, feed = await played(night, clock, 4.0)
    expected = night.plots_between(began, clock.now_ns)
    assert np.array_equal(plots.received_ns, expected.received_ns)
    assert np.array_equal(plots.at_ns, expected.at_ns)
    assert [plots.sensor_ids[s] for s in plots.sensor] == [expected.sensor_ids[s] for s in expected.sensor]
    assert feed.status().decoded == len(expected) > 100
    assert feed.status().state is FeedState.CONNECTED


async def test_no_batch_holds_a_plot_from_the_future_and_none_names_a_silent_sensor(night: Night) -> None:
    clock = Clock(night.epoch_ns + 2_400 * NS)
    feed = NightFeed(night, clock=clock, pause=clock.pause)
    seen = 0
    async for batch in feed.batches():
        plots = batch.decoded.plots
        assert plots.received_ns.max() < clock.now_ns
        assert set(plots.sensor.tolist()) == set(range(len(plots.sensor_ids)))
        seen += 1
        if seen == 50:
            break


async def test_a_faster_feed_covers_more_of_the_night_in_the_same_time(night: Night) -> None:
    began = night.epoch_ns + 2_400 * NS
    plots, _ = await played(night, Clock(began), 1.0, speed=5.0)
    assert 4.5 * NS < plots.received_ns[-1] - began <= 5.2 * NS


async def test_the_feed_ends_with_the_night(night: Night) -> None:
    clock = Clock(night.end_ns - NS)
    feed = NightFeed(night, clock=clock, pause=clock.pause)
    async for _ in feed.batches():
        pass
    assert feed.status().state is FeedState.ENDED


def test_a_night_under_way_began_forty_minutes_before_the_present() -> None:
    feed = NightFeed.under_way(3, clock=lambda: 5_000 * NS)
    assert feed.night.epoch_ns == 2_600 * NS
    assert len(feed.assumed_sensors()) == len(feed.night.sensors)

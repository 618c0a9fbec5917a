"""The intake: where batches wait for the next tick. It is bounded; what finds no room is shed, and counted.

Under no load it is a list that is emptied ten times a second. Under overload it decides who gets in, by four laws:

1. What an acknowledging sender sent is never shed: while its feed's queue is full the feed waits, and TCP slows the
   sender. The reports of one that asks for no acknowledgement are shed, before anybody was told that they are safe.
2. Room is shared by sensors, not by reports: one that floods gets its share and takes nobody else's.
3. A feed that brings more than its sensors' share waits before it decodes more: what is to be lost is lost in its
   port's buffer, where that costs least. Where few flood and ticks come late for it, they get less than their share,
   until ticks come in time again.
4. Within a sensor's share the lanes decide (`run.lanes`): reports near a threat first, bulk clutter last, new before
   old. What waits longer than its lane allows is shed.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dronewall.feeds.feed import Batch, Decoded
from dronewall.model.plots import Plots
from dronewall.model.status import QueueStatus
from dronewall.run.lanes import WAITS_AT_MOST_MS

FEED_PLOTS_LEAST = 4_000
"""So many reports may wait in one feed's queue at least; more if a tick has room for more."""
FLOOD_PLOTS_LEAST, FLOOD_SPARE = 64, 1.25
"""A feed that floods brings its share and a little more, so that there is something to choose from."""
LATE_MS, YIELDS, LEAST_LEFT, RECOVERS = 125.0, 0.7, 0.01, 1.1
"""A tick that began so long after the one before is late: a flood yields at once, and recovers slowly."""
NS_PER_MS = 1_000_000
NS_PER_MINUTE = 60_000_000_000

LanesOf = Callable[[Plots], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Drained:
    """What the next tick takes, in order by feed, and what was shed since the last one: reports by feed and sensor."""

    batches: tuple[tuple[str, Batch], ...]
    shed: dict[str, Counter[str]]


@dataclass(slots=True)
class _Queue:
    """One feed's batches. `room` is clear while the feed must wait.

    `credit` is how many reports that may be shed it may still bring before the next tick: what it brings beyond, for it
    brings many at once, it owes. `pressed` tells whether it had more since the last tick.
    """

    credit: int
    pressed: bool = False
    batches: deque[tuple[int, Batch]] = field(default_factory=deque)
    held: int = 0
    room: asyncio.Event = field(default_factory=asyncio.Event)
    worst_lag_ms: float = 0.0

    @property
    def sensors(self) -> int:
        """How many sensors speak in what waits."""
        return sum(sensors for _, sensors in _claims(self))

    def lag_ms(self, now_ns: int) -> float:
        return max(0.0, (now_ns - self.batches[0][0]) / NS_PER_MS) if self.batches else 0.0


class Intake:
    """Batches of all feeds, each feed in the order they came."""

    def __init__(self, *, feed_plots_least: int = FEED_PLOTS_LEAST) -> None:
        self._least = feed_plots_least
        self._most = feed_plots_least
        self._queues: dict[str, _Queue] = {}
        self._minute = 0
        self._drained_ns = 0
        self._yielded = 1.0

    async def put(self, feed: str, batch: Batch, *, now_ns: int) -> None:
        """Let a batch wait for the next tick; wait oneself while this feed's queue is full, whatever others do."""
        queue = self._queues.setdefault(feed, _Queue(self._least))
        bulk = batch.acknowledge is None
        while queue.credit <= 0 or queue.held >= self._least if bulk else queue.held >= self._most:
            queue.pressed = queue.pressed or bulk
            queue.room.clear()
            await queue.room.wait()
        queue.batches.append((now_ns, batch))
        queue.held += _weight(batch)
        queue.credit -= _weight(batch) if bulk else 0

    def drain(self, room: int, *, now_ns: int, lanes: LanesOf) -> Drained:
        """Return what the next tick takes: everything, or if that is more than `room` reports, a fair choice of them.

        A tick takes a batch of an acknowledging sender whole, so that it may take a little more than `room`; without
        any room it takes nothing.
        """
        self._most = max(self._least, room)
        minute, self._minute = self._minute, now_ns // NS_PER_MINUTE
        for queue in self._queues.values():
            worst_ms = queue.worst_lag_ms if minute == self._minute else 0.0
            queue.worst_lag_ms = max(worst_ms, queue.lag_ms(now_ns))
        self._bound_floods(room, late=self._drained_ns > 0 and (now_ns - self._drained_ns) / NS_PER_MS > LATE_MS)
        self._drained_ns = now_ns
        if self.held <= room:
            return Drained(tuple(self._all()), {})
        return self._chosen(room, now_ns, lanes)

    def crowded(self, room: int) -> bool:
        """Whether more waits than `room`, and that is no flood of a few beside others."""
        return self.held > room and not self._few_flood

    def statuses(self, *, now_ns: int) -> tuple[QueueStatus, ...]:
        """Return how each feed's queue is; `worst_lag_ms` is the most since the last full minute."""
        return tuple(
            QueueStatus(f"intake:{feed}", queue.held, self._most, queue.lag_ms(now_ns), queue.worst_lag_ms)
            for feed, queue in sorted(self._queues.items())
        )

    @property
    def held(self) -> int:
        """How many reports wait."""
        return sum(queue.held for queue in self._queues.values())

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not any(queue.batches for queue in self._queues.values())

    def _claims(self) -> list[tuple[float, int]]:
        return [claim for queue in self._queues.values() for claim in _claims(queue)]

    @property
    def _few_flood(self) -> bool:
        """Whether the feeds that were pressed since the last tick speak for no more than half of the sensors."""
        flooding = sum(max(1, queue.sensors) for queue in self._queues.values() if queue.pressed)
        others = sum(queue.sensors for queue in self._queues.values() if not queue.pressed)
        return 0 < flooding <= others

    def _bound_floods(self, room: int, *, late: bool) -> None:
        """Let each feed that was pressed hold no more than the next tick will take of it, and the others as ever."""
        pressed = [queue for queue in self._queues.values() if queue.pressed]
        yields = late and self._few_flood
        self._yielded = max(self._yielded * YIELDS, LEAST_LEFT) if yields else min(1.0, self._yielded * RECOVERS)
        for queue in self._queues.values():
            queue.credit = queue.credit if queue.pressed else self._least
        if not pressed:
            return
        claims = [
            (float("inf") if queue.pressed else reports, sensors)
            for queue in self._queues.values()
            for reports, sensors in _claims(queue)
        ]
        share = _share(claims, room)
        for queue in pressed:
            most = min(self._least, round(self._yielded * FLOOD_SPARE * share * max(1, queue.sensors)))
            queue.credit = min(queue.credit, 0) + max(FLOOD_PLOTS_LEAST, most)
            queue.pressed = False

    def _all(self) -> list[tuple[str, Batch]]:
        taken: list[tuple[str, Batch]] = []
        for feed, queue in self._queues.items():
            taken += [(feed, batch) for _, batch in queue.batches]
            self._left(queue, deque())
        return taken

    def _left(self, queue: _Queue, batches: deque[tuple[int, Batch]]) -> None:
        queue.batches = batches
        queue.held = sum(_weight(batch) for _, batch in batches)
        queue.room.set()  # whoever waits asks anew, and is pressed again if there is none

    def _chosen(self, room: int, now_ns: int, lanes: LanesOf) -> Drained:
        taken: list[tuple[str, Batch]] = []
        shed: dict[str, Counter[str]] = {}
        share = _share(self._claims(), room)
        for feed, queue in self._queues.items():
            safe, bulk = _parted(queue)
            kept = _head(safe, share * _sensors(safe)) if room else []
            taken += [(feed, batch) for _, batch in kept]
            left = deque(list(safe)[len(kept) :])
            if bulk:
                came_ns = bulk[0][0]
                choice = _choice(_merged([batch for _, batch in bulk]), share, now_ns, lanes)
                taken.append((feed, choice.taken))
                if choice.shed:
                    shed[feed] = choice.shed
                if len(choice.waits):
                    left.append((max(came_ns, int(choice.waits.received_ns.min())), Batch(Decoded(choice.waits))))
            self._left(queue, left)
        return Drained(tuple(taken), shed)


@dataclass(frozen=True, slots=True)
class _Choice:
    taken: Batch
    waits: Plots
    shed: Counter[str]


def _choice(merged: Batch, share: float, now_ns: int, lanes: LanesOf) -> _Choice:
    """Return which reports of one feed are taken, which wait for another tick, and how many of each sensor are shed."""
    plots = merged.decoded.plots
    lane = lanes(plots)
    # By sensor, then lane, then newest first: a sensor's first `share` reports are taken.
    order = np.lexsort((-plots.received_ns, lane, plots.sensor))
    sensor = plots.sensor[order]
    first = np.searchsorted(sensor, sensor, side="left")
    gets_in = np.zeros(len(plots), bool)
    gets_in[order] = np.arange(len(plots)) - first < (max(1.0, share) if share else 0.0)
    age_ms = (now_ns - plots.received_ns) / NS_PER_MS
    waits = ~gets_in & (age_ms <= WAITS_AT_MOST_MS[lane])
    counts = np.bincount(plots.sensor[~gets_in & ~waits], minlength=len(plots.sensor_ids)).tolist()
    shed = Counter({who: n for who, n in zip(plots.sensor_ids, counts, strict=True) if n})
    taken = replace(merged, decoded=replace(merged.decoded, plots=plots.take(np.flatnonzero(gets_in))))
    return _Choice(taken, plots.take(np.flatnonzero(waits)), shed)


def _share(claims: Sequence[tuple[float, int]], room: int) -> float:
    """Return how many reports each sensor may bring, so that all together bring `room`; claims are (reports, sensors).

    Whoever asks for less than that gets what it asks for, and leaves the rest to the others.
    """
    left, sensors = float(room), sum(weight for _, weight in claims)
    for reports, weight in sorted(claims, key=lambda claim: claim[0] / claim[1]):
        if reports / weight * sensors > left:
            return left / sensors
        left -= reports
        sensors -= weight
    return float(room)


def _claims(queue: _Queue) -> list[tuple[float, int]]:
    """Return who wants in: the acknowledging senders of a feed as one, and each sensor of the others."""
    safe, bulk = _parted(queue)
    claims = [(float(sum(_weight(batch) for _, batch in safe)), _sensors(safe))] if safe else []
    counts: Counter[str] = Counter()
    for _, batch in bulk:
        counts.update(_by_sensor(batch.decoded.plots))
    return claims + [(float(reports), 1) for reports in counts.values()]


def _parted(queue: _Queue) -> tuple[list[tuple[int, Batch]], list[tuple[int, Batch]]]:
    """Return the batches that may not be shed, and the others."""
    safe = [item for item in queue.batches if item[1].acknowledge is not None]
    return safe, [item for item in queue.batches if item[1].acknowledge is None]


def _head(batches: Sequence[tuple[int, Batch]], reports: float) -> list[tuple[int, Batch]]:
    """Return the first batches up to so many reports, the first one in any case."""
    kept: list[tuple[int, Batch]] = []
    for item in batches:
        if kept and reports <= 0:
            break
        kept.append(item)
        reports -= _weight(item[1])
    return kept


def _merged(batches: Sequence[Batch]) -> Batch:
    decoded = [batch.decoded for batch in batches]
    return Batch(
        Decoded(
            plots=Plots.concat([one.plots for one in decoded]),
            frames=sum(one.frames for one in decoded),
            refused=tuple(error for one in decoded for error in one.refused),
            unplaceable=tuple(count for one in decoded for count in one.unplaceable),
        )
    )


def _by_sensor(plots: Plots) -> dict[str, int]:
    counts = np.bincount(plots.sensor, minlength=len(plots.sensor_ids)).tolist()
    return {who: n for who, n in zip(plots.sensor_ids, counts, strict=True) if n}


def _sensors(batches: Sequence[tuple[int, Batch]]) -> int:
    """Return how many sensors speak in batches, at least one."""
    return max(1, len({who for _, batch in batches for who in _by_sensor(batch.decoded.plots)}))


def _weight(batch: Batch) -> int:
    return 1 + len(batch.decoded.plots) + len(batch.decoded.refused)

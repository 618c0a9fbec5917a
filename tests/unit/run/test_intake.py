"""The intake takes everything while there is room, and chooses fairly when there is none; every report is accounted."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dronewall.feeds.feed import Batch, Decoded
from dronewall.model.plots import Plots
from dronewall.run.intake import FLOOD_PLOTS_LEAST, Drained, Intake
from dronewall.run.lanes import WAITS_AT_MOST_MS, Lane

NOW = 1_000_000_000_000
MS = 1_000_000
PATIENCE_MS = float(WAITS_AT_MOST_MS[Lane.BULK])


def reports(sensor_id: str, count: int, *, age_ms: float = 0.0, safe: bool = False) -> Batch:
    """Return reports of one sensor, numbered by their range."""
    plots = Plots.of(
        count, range_m=np.arange(count, dtype=float), received_ns=NOW - round(age_ms * MS), sensor_ids=(sensor_id,)
    )

    async def acknowledge() -> None: ...

    return Batch(Decoded(plots, count), acknowledge if safe else None)


def all_bulk(plots: Plots) -> NDArray[np.uint8]:
    return np.full(len(plots), Lane.BULK, np.uint8)


def first_ten_near_a_threat(plots: Plots) -> NDArray[np.uint8]:
    return np.where(plots.range_m < 10, Lane.THREAT, Lane.BULK).astype(np.uint8)


def by_sensor(drained: Drained) -> Counter[str]:
    counts: Counter[str] = Counter()
    for _, batch in drained.batches:
        plots = batch.decoded.plots
        counts.update(plots.sensor_ids[row] for row in plots.sensor.tolist())
    return counts


def shed(drained: Drained) -> Counter[str]:
    return sum(drained.shed.values(), Counter())


async def filled(*batches: tuple[str, Batch], least: int = 100_000) -> Intake:
    intake = Intake(feed_plots_least=least)
    for feed, batch in batches:
        await intake.put(feed, batch, now_ns=NOW)
    return intake


async def test_while_there_is_room_everything_is_taken_in_the_order_it_came() -> None:
    intake = await filled(("a", reports("r1", 3)), ("a", reports("r2", 2)), ("b", reports("r3", 1)))
    drained = intake.drain(100, now_ns=NOW, lanes=all_bulk)
    assert [(feed, len(batch.decoded.plots)) for feed, batch in drained.batches] == [("a", 3), ("a", 2), ("b", 1)]
    assert drained.shed == {}
    assert intake.empty


async def test_a_flood_from_one_sensor_takes_nothing_from_the_others() -> None:
    old = PATIENCE_MS + 1
    quiet = [("quiet", reports(f"r{i}", 50, age_ms=old)) for i in range(4)]
    intake = await filled(("loud", reports("flood", 5_000, age_ms=old)), *quiet)
    drained = intake.drain(1_000, now_ns=NOW, lanes=all_bulk)
    assert by_sensor(drained) == {"flood": 800, "r0": 50, "r1": 50, "r2": 50, "r3": 50}
    assert shed(drained) == {"flood": 4_200}


async def test_a_flood_on_the_same_feed_takes_nothing_from_the_others_either() -> None:
    old = PATIENCE_MS + 1
    intake = await filled(("radars", reports("flood", 5_000, age_ms=old)), ("radars", reports("r1", 50, age_ms=old)))
    drained = intake.drain(1_000, now_ns=NOW, lanes=all_bulk)
    assert by_sensor(drained) == {"flood": 950, "r1": 50}
    assert drained.shed == {"radars": Counter({"flood": 4_050})}


async def test_what_an_acknowledging_sender_sent_waits_and_is_never_shed() -> None:
    batches = [("tcp", reports("gate", 100, age_ms=60_000, safe=True)) for _ in range(50)]
    intake = await filled(*batches)
    taken = 0
    for _ in range(60):
        drained = intake.drain(300, now_ns=NOW, lanes=all_bulk)
        assert drained.shed == {}
        taken += by_sensor(drained)["gate"]
    assert taken == 5_000
    assert intake.empty


async def test_a_feed_whose_queue_is_full_waits_and_the_others_do_not() -> None:
    intake = await filled(("tcp", reports("gate", 10, safe=True)), least=5)
    patient = asyncio.ensure_future(intake.put("tcp", reports("gate", 1, safe=True), now_ns=NOW))
    await intake.put("udp", reports("r1", 1), now_ns=NOW)
    await asyncio.sleep(0)
    assert not patient.done()
    intake.drain(100, now_ns=NOW, lanes=all_bulk)
    await patient
    assert by_sensor(intake.drain(100, now_ns=NOW, lanes=all_bulk)) == {"gate": 1}


async def held_at_most(intake: Intake, feed: str, sensor_id: str) -> int:
    """Let a feed bring one report after the other until it has to wait; return how many reports wait then."""
    bringing = asyncio.ensure_future(forever(intake, feed, sensor_id))
    for _ in range(10_000):
        await asyncio.sleep(0)
    bringing.cancel()
    return next(one.waiting for one in intake.statuses(now_ns=NOW) if one.name == f"intake:{feed}")


async def forever(intake: Intake, feed: str, sensor_id: str) -> None:
    while True:
        await intake.put(feed, reports(sensor_id, 99), now_ns=NOW)
        await asyncio.sleep(0)


async def test_a_feed_that_floods_decodes_little_more_than_its_share_until_the_flood_is_over() -> None:
    intake = await filled(("quiet", reports("r1", 200)), least=10_000)
    assert await held_at_most(intake, "loud", "flood") == 10_000
    later = NOW + 60_000 * MS
    for _ in range(3):
        intake.drain(1_000, now_ns=later, lanes=all_bulk)
        assert 1_000 <= await held_at_most(intake, "loud", "flood") <= 1_100
        await intake.put("quiet", reports("r1", 199), now_ns=later)
    intake.drain(1_000, now_ns=later, lanes=all_bulk)
    intake.drain(1_000, now_ns=later, lanes=all_bulk)
    assert await held_at_most(intake, "loud", "flood") == 10_000


async def test_a_flood_yields_while_ticks_come_late_for_it_and_has_its_share_again_when_they_do_not() -> None:
    intake = await filled(("quiet", reports("r1", 200)), least=10_000)
    held, now_ns = [await held_at_most(intake, "loud", "flood")], NOW
    for tick_ms in (100, 100, 200, 200, 200, *[100] * 20):
        await intake.put("quiet", reports("r1", 199), now_ns=now_ns)
        now_ns += tick_ms * MS
        intake.drain(1_000, now_ns=now_ns + 60_000 * MS, lanes=all_bulk)
        held.append(await held_at_most(intake, "loud", "flood"))
    assert held[2] > held[3] > held[4] > held[5]
    assert held[5] < 0.5 * held[2]
    assert held[-1] == held[2]


async def test_what_a_flood_brings_beyond_its_credit_it_owes_to_the_next_ticks() -> None:
    intake = await filled(("quiet", reports("r1", 200)), least=10_000)
    await held_at_most(intake, "loud", "flood")
    now_ns, brought = NOW, []
    for _ in range(40):  # late each time, so that nearly nothing is left
        await intake.put("quiet", reports("r1", 199), now_ns=now_ns)
        now_ns += 200 * MS
        intake.drain(1_000, now_ns=now_ns + 60_000 * MS, lanes=all_bulk)
        brought.append(await held_at_most(intake, "loud", "flood"))
    assert set(brought[-20:]) == {0, 100}
    assert sum(brought[-20:]) == pytest.approx(20 * FLOOD_PLOTS_LEAST, abs=100)


async def test_a_feed_that_waits_for_several_ticks_is_pressed_in_each_of_them() -> None:
    intake = await filled(least=1_000)
    bringing = asyncio.ensure_future(forever(intake, "loud", "flood"))
    brought, now_ns = Counter[str](), NOW
    for _ in range(30):
        await intake.put("quiet", reports("r1", 199), now_ns=now_ns)
        for _ in range(1_000):
            await asyncio.sleep(0)
        now_ns += 200 * MS
        drained = intake.drain(1_000, now_ns=now_ns + 60_000 * MS, lanes=all_bulk)
        brought += by_sensor(drained) + shed(drained)
    bringing.cancel()
    assert brought["r1"] == 30 * 199
    assert brought["flood"] < 6_000, "it had its share at first, then less and less"


async def test_where_most_bring_too_much_nobody_yields_though_ticks_are_long() -> None:
    intake = await filled(least=10_000)
    held = [await held_at_most(intake, "loud", "flood")]
    for tick in range(5):
        intake.drain(1_000, now_ns=NOW + (60_000 + 200 * tick) * MS, lanes=all_bulk)
        held.append(await held_at_most(intake, "loud", "flood"))
    assert min(held[1:]) >= 1_200


async def test_a_wall_is_crowded_when_more_comes_than_fits_but_not_when_few_flood_beside_others() -> None:
    alone = await pressed()
    beside_another = await pressed(("quiet", reports("r1", 50)))
    most = await pressed(("loud", reports("flood 2", 50)), ("quiet", reports("r1", 50)))
    burst = await filled(("loud", reports("r1", 5_000)), ("quiet", reports("r2", 50)))
    walls = (alone, beside_another, most, burst)
    assert [one.crowded(1_000) for one in walls] == [True, False, True, True]
    assert not alone.crowded(10_000)


async def pressed(*others: tuple[str, Batch]) -> Intake:
    """Return an intake with a feed that floods, whose queue is full, beside what others brought."""
    intake = await filled(*others, least=5_000)
    await held_at_most(intake, "loud", "flood")
    return intake


async def test_reports_near_a_threat_go_first_and_the_newest_of_the_rest() -> None:
    old, new = reports("r1", 20, age_ms=PATIENCE_MS + 1), reports("r1", 20)
    intake = await filled(("udp", old), ("udp", new))
    drained = intake.drain(30, now_ns=NOW, lanes=first_ten_near_a_threat)
    ((_, batch),) = drained.batches
    plots = batch.decoded.plots
    assert np.count_nonzero(plots.range_m < 10) == 20
    assert set(plots.received_ns[plots.range_m >= 10].tolist()) == {NOW}
    assert shed(drained) == {"r1": 10}


async def test_a_burst_waits_for_the_next_tick_rather_than_be_shed() -> None:
    intake = await filled(("udp", reports("r1", 150)))
    first = intake.drain(100, now_ns=NOW, lanes=all_bulk)
    second = intake.drain(100, now_ns=NOW + 100 * MS, lanes=all_bulk)
    assert (by_sensor(first), by_sensor(second)) == ({"r1": 100}, {"r1": 50})
    assert first.shed == second.shed == {}


async def test_a_queues_lag_is_the_age_of_what_waits_longest() -> None:
    intake = await filled(("udp", reports("r1", 3)))
    (status,) = intake.statuses(now_ns=NOW + 70 * MS)
    assert (status.name, status.waiting, status.lag_ms) == ("intake:udp", 4, 70.0)
    intake.drain(100, now_ns=NOW + 80 * MS, lanes=all_bulk)
    (status,) = intake.statuses(now_ns=NOW + 90 * MS)
    assert (status.waiting, status.lag_ms, status.worst_lag_ms) == (0, 0.0, 80.0)
    intake.drain(100, now_ns=NOW + 60_000 * MS, lanes=all_bulk)
    assert intake.statuses(now_ns=NOW + 60_000 * MS)[0].worst_lag_ms == 0.0


COUNTS = st.dictionaries(st.sampled_from(["r1", "r2", "r3", "r4"]), st.integers(1, 60), min_size=1)


@settings(max_examples=150)  # each plays a whole overload
@given(
    udp=st.lists(COUNTS, max_size=2),
    tcp=st.lists(COUNTS, max_size=2),
    room=st.integers(10, 200),
    age_ms=st.floats(0, 2 * PATIENCE_MS),
)
def test_every_report_is_taken_once_or_shed_once_and_nobody_gets_less_than_a_fair_share(
    udp: list[dict[str, int]], tcp: list[dict[str, int]], room: int, age_ms: float
) -> None:
    async def played() -> Any:
        intake = await filled(
            *(("udp", reports(who, n, age_ms=age_ms)) for counts in udp for who, n in counts.items()),
            *(("tcp", reports(f"{who}!", n, age_ms=age_ms, safe=True)) for counts in tcp for who, n in counts.items()),
        )
        ticks = [intake.drain(room, now_ns=NOW, lanes=all_bulk)]
        while not intake.empty:
            ticks.append(intake.drain(room, now_ns=NOW + len(ticks) * 100 * MS, lanes=all_bulk))
        return ticks

    ticks = asyncio.run(played())
    sent: Counter[str] = sum((Counter(counts) for counts in udp), Counter())
    safe = sum((Counter({f"{who}!": n for who, n in counts.items()}) for counts in tcp), Counter())
    assert sum(map(by_sensor, ticks), Counter()) + sum(map(shed, ticks), Counter()) == sent + safe
    assert not any(who.endswith("!") for tick in ticks for who in shed(tick))
    everyone = len(sent) + len(safe)
    for who, count in sent.items():
        assert by_sensor(ticks[0])[who] >= min(count, room // everyone)

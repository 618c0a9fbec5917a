"""Plots are taken in the order of their own time, however the network mixed them, and none waits for long."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dronewall.model.plots import Plots
from dronewall.registration import reorder
from dronewall.registration.reorder import HELD_BYTES_MOST, HELD_MOST, PLOT_BYTES, REORDER_NS, ReorderBuffer

MS = 1_000_000
T0 = 1_800_000_000_000_000_000
IDS = ("north", "south", "west")
STEP_MS = 100


def plots(*rows: tuple[int, float, float], scan: int = -1, ends: tuple[int, ...] = ()) -> Plots:
    """Return plots of (sensor, time of validity, receipt), both in ms after T0; the range is the row's own mark."""
    sensor, at_ms, received_ms = zip(*rows, strict=True) if rows else ((), (), ())
    count = len(rows)
    return Plots.of(
        count,
        sensor=sensor,
        at_ns=[T0 + round(ms * MS) for ms in at_ms],
        received_ns=[T0 + round(ms * MS) for ms in received_ms],
        range_m=np.arange(count, dtype=float) + 1.0,
        scan=scan,
        scan_end=np.isin(np.arange(count), ends),
        sensor_ids=IDS,
    )


def at_ms(released: Plots) -> list[float]:
    return ((released.at_ns - T0) / MS).tolist()


def test_a_plot_waits_until_the_watermark_has_passed_its_time() -> None:
    buffer = ReorderBuffer()
    buffer.push(plots((0, 60, 61), (1, 71, 72)), now_ns=T0 + 100 * MS)
    assert at_ms(buffer.release(T0 + 100 * MS)) == [60.0]
    assert at_ms(buffer.release(T0 + 71 * MS + REORDER_NS - 1)) == []
    assert at_ms(buffer.release(T0 + 71 * MS + REORDER_NS)) == [71.0]
    assert len(buffer) == 0


def test_plots_of_two_feeds_that_crossed_on_the_way_are_put_in_order_across_a_step() -> None:
    buffer = ReorderBuffer()
    buffer.push(plots((0, 99, 100)), now_ns=T0 + 100 * MS)
    first = at_ms(buffer.release(T0 + 100 * MS))
    buffer.push(plots((1, 95, 120)), now_ns=T0 + 200 * MS)
    assert first + at_ms(buffer.release(T0 + 200 * MS)) == [95.0, 99.0]


def test_a_plot_that_is_old_when_it_comes_waits_for_nothing() -> None:
    buffer = ReorderBuffer()
    buffer.push(plots((0, -4_000, 99)), now_ns=T0 + 100 * MS)
    assert at_ms(buffer.release(T0 + 100 * MS)) == [-4_000.0]


def test_a_plot_from_the_future_waits_no_longer_than_any_other() -> None:
    buffer = ReorderBuffer()
    buffer.push(plots((0, 9_000, 99), (1, 9_000, 9_000)), now_ns=T0 + 100 * MS)
    assert len(buffer.release(T0 + 100 * MS)) == 0
    assert len(buffer.release(T0 + 100 * MS + REORDER_NS)) == 2


def test_plots_of_one_sensor_and_instant_keep_the_order_received() -> None:
    buffer = ReorderBuffer()
    buffer.push(plots((1, 50, 60), (0, 50, 61), (1, 50, 62), (0, 50, 63)), now_ns=T0 + 100 * MS)
    released = buffer.release(T0 + 100 * MS)
    assert released.sensor.tolist() == [0, 0, 1, 1]
    assert released.range_m.tolist() == [2.0, 4.0, 1.0, 3.0]


def test_the_mark_that_ends_a_scan_waits_for_the_scans_plots() -> None:
    buffer = ReorderBuffer()
    buffer.push(plots((0, 60, 99), (0, 90, 99), scan=7, ends=(0,)), now_ns=T0 + 100 * MS)
    assert len(buffer.release(T0 + 100 * MS)) == 0
    released = buffer.release(T0 + 120 * MS)
    assert (released.range_m.tolist(), released.scan_end.tolist()) == ([1.0, 2.0], [True, False])


def test_a_scan_that_saw_nothing_passes_like_a_plot() -> None:
    buffer = ReorderBuffer()
    empty = Plots.of(1, at_ns=T0, received_ns=T0, scan=3, scan_end=True, empty_scan=True, sensor_ids=IDS)
    buffer.push(empty, now_ns=T0)
    assert buffer.release(T0 + REORDER_NS).empty_scan.tolist() == [True]


def test_what_waits_is_bounded_and_the_oldest_go_first() -> None:
    buffer = ReorderBuffer(most=3)
    buffer.push(plots((0, 95, 99), (0, 91, 99), (0, 93, 99), (0, 97, 99), (0, 92, 99)), now_ns=T0 + 100 * MS)
    assert at_ms(buffer.release(T0 + 100 * MS)) == [91.0, 92.0]
    assert (len(buffer), buffer.overflowed) == (3, 2)
    assert buffer.held_bytes == 3 * PLOT_BYTES
    assert HELD_MOST * PLOT_BYTES <= HELD_BYTES_MOST


def test_a_buffer_that_waits_for_nothing_holds_nothing() -> None:
    buffer = ReorderBuffer(wait_ns=0)
    buffer.push(plots((0, 100, 100), (1, 99, 100)), now_ns=T0 + 100 * MS)
    assert at_ms(buffer.release(T0 + 100 * MS)) == [99.0, 100.0]
    assert len(buffer) == 0


def test_ids_that_somebody_makes_up_do_not_pile_up() -> None:
    buffer = ReorderBuffer()
    for turn in range(3):
        ids = tuple(f"invented-{turn}-{n}" for n in range(reorder.IDS_MOST))
        one = Plots.of(1, sensor=5, at_ns=T0 + turn, received_ns=T0 + turn, sensor_ids=ids)
        buffer.push(one, now_ns=T0)
        buffer.release(T0)
    released = buffer.release(T0 + REORDER_NS + 9)
    assert [released.sensor_ids[row] for row in released.sensor] == [f"invented-{turn}-5" for turn in range(3)]
    assert len(released.sensor_ids) <= reorder.IDS_MOST + 3


@settings(max_examples=max(100, settings().max_examples // 5))  # each is a life of a buffer
@given(st.integers(0, 2**32 - 1))
def test_whatever_the_network_did_within_the_window_order_and_steps_are_those_of_time(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 60))
    at = np.sort(rng.integers(0, 500, count)).astype(float)
    sensor = rng.integers(0, len(IDS), count)
    prompt, mixed = played(at, sensor, np.zeros(count)), played(at, sensor, rng.uniform(0, 30, count))
    assert mixed == prompt
    assert [row for step in mixed for row in step] == sorted(row for step in mixed for row in step)
    assert sum(map(len, mixed)) == count


def played(at: np.ndarray, sensor: np.ndarray, delay_ms: np.ndarray) -> list[list[tuple[float, str]]]:
    """Return what each step takes of plots that come so much later; each comes alone, in its own dictionary."""
    received, buffer, steps = at + delay_ms, ReorderBuffer(), []
    for now in range(STEP_MS, 800, STEP_MS):
        due = np.flatnonzero((received > now - STEP_MS) & (received <= now) | (received == 0) & (now == STEP_MS))
        for row in due[np.argsort(received[due], kind="stable")].tolist():
            at_ns, received_ns = T0 + round(at[row] * MS), T0 + round(received[row] * MS)
            one = Plots.of(1, sensor=0, at_ns=at_ns, received_ns=received_ns, sensor_ids=(IDS[sensor[row]],))
            buffer.push(one, now_ns=T0 + now * MS)
        released = buffer.release(T0 + now * MS)
        steps.append(
            [(ms, released.sensor_ids[who]) for ms, who in zip(at_ms(released), released.sensor.tolist(), strict=True)]
        )
    return steps


@given(st.integers(0, 2**32 - 1))
def test_a_buffer_that_was_put_away_goes_on_as_if_nothing_had_happened(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [(int(rng.integers(3)), float(ms), float(ms)) for ms in rng.uniform(60, 100, int(rng.integers(0, 20)))]
    buffer, again = ReorderBuffer(), ReorderBuffer()
    buffer.push(plots(*rows), now_ns=T0 + 100 * MS)
    buffer.release(T0 + 100 * MS)
    again.restore({name: values.copy() for name, values in buffer.checkpoint().items()})
    for one in (buffer, again):
        one.push(plots((2, 85, 110)), now_ns=T0 + 200 * MS)
    first, second = (one.release(T0 + 200 * MS) for one in (buffer, again))
    assert first.sensor_ids == second.sensor_ids
    assert all(a.tobytes() == b.tobytes() for (_, a), (_, b) in zip(first.columns(), second.columns(), strict=True))

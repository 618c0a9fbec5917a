"""Settling: what came late stands where it belongs, and the order of arrival leaves no trace."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dronewall.feeds.feed import Decoded
from dronewall.model.plots import Plots
from dronewall.run.settling import settled

NS = 1_000_000_000
T0 = 1_800_000_000 * NS


def plots(at_s: np.ndarray, delay_s: np.ndarray) -> Plots:
    """Plots of two radars in the order received."""
    order = np.argsort(at_s + delay_s, kind="stable")
    count = len(at_s)
    made = Plots.of(
        count,
        sensor=(np.arange(count) % 2).astype(np.int32),
        at_ns=T0 + (at_s * NS).astype(np.int64),
        received_ns=T0 + ((at_s + delay_s) * NS).astype(np.int64),
        range_m=1_000.0 + np.arange(count),
        azimuth_rad=0.1,
        sensor_ids=("b", "a"),
    )
    return made.take(order)


def told(came: Plots, *, pieces: int = 7) -> tuple[Plots, dict[str, int]]:
    cuts = np.array_split(np.arange(len(came)), pieces)
    out = list(settled(iter([Decoded(came.take(cut), len(cut)) for cut in cuts])))
    counted = {why: 0 for piece in out for why, _ in piece.unplaceable}
    for piece in out:
        for why, n in piece.unplaceable:
            counted[why] += n
    return Plots.concat([piece.plots for piece in out if len(piece.plots)]), counted


@settings(max_examples=max(25, settings().max_examples // 10))  # each runs the whole pipeline
@given(st.integers(0, 10_000))
def test_how_plots_were_mixed_within_the_window_makes_no_difference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    at_s = np.sort(np.round(rng.uniform(0.0, 90.0, 200), 1))
    mixed, _ = told(plots(at_s, rng.uniform(0.0, 30.0, 200)))
    in_order, _ = told(plots(at_s, np.zeros(200)))
    assert np.all(np.diff(mixed.at_ns) >= 0)
    assert len(mixed) == 200
    np.testing.assert_array_equal(mixed.range_m, in_order.range_m)
    np.testing.assert_array_equal(mixed.received_ns, in_order.received_ns)


def test_what_is_later_than_the_window_is_left_out_and_counted_whatever_came_before_it() -> None:
    delay_s = np.zeros(50)
    delay_s[[3, 17]] = 30.5, 400.0
    kept, counted = told(plots(np.arange(50.0), delay_s))
    assert len(kept) == 48
    assert counted == {"later than the window of 30 s": 2}


def test_a_plot_from_the_far_future_holds_nobody_up() -> None:
    delay_s = np.zeros(50)
    delay_s[10] = -1e6
    kept, counted = told(plots(np.arange(50.0) + np.where(delay_s < 0, 1e6, 0.0), delay_s))
    assert len(kept) == 49
    assert sum(counted.values()) == 1

"""Delays are counted from reception to the first picture that reaches a reader."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dronewall.engine.latency import Delays, Latency

MS = 1_000_000
S = 1_000_000_000


def received(*at_ms: int) -> np.ndarray:
    return np.array(at_ms, np.int64) * MS


def test_nothing_measured_is_no_number() -> None:
    assert Delays().percentile_ms(99) is None


@given(st.lists(st.floats(0.2, 1e5), min_size=1, max_size=50), st.floats(1.0, 100.0))
def test_a_percentile_is_right_within_one_per_cent_and_never_too_small(delays: list[float], percent: float) -> None:
    histogram = Delays()
    histogram.add(np.array(delays))
    exact = float(np.percentile(delays, percent, method="inverted_cdf"))
    measured = histogram.percentile_ms(percent)
    assert measured is not None
    assert exact * 0.9999 <= measured <= exact * 1.0102


def test_a_picture_nobody_took_counts_as_shown_by_the_next_one() -> None:
    latency = Latency()
    latency.stepped(1, received(0))
    latency.stepped(2, received(90))
    latency.stepped(3, received(400))
    latency.sent(2, 100 * MS)
    assert latency.whole_run.percentile_ms(100) == pytest.approx(100, rel=0.011)
    assert latency.whole_run.percentile_ms(50) == pytest.approx(10, rel=0.011)
    latency.sent(3, 600 * MS)
    assert latency.whole_run.percentile_ms(100) == pytest.approx(200, rel=0.011)


def test_a_picture_sent_twice_counts_once() -> None:
    latency = Latency()
    latency.stepped(1, received(0))
    latency.sent(1, 10 * MS)
    latency.sent(1, 900 * MS)
    assert latency.whole_run.percentile_ms(100) == pytest.approx(10, rel=0.011)


def test_the_last_minute_forgets_what_is_older() -> None:
    latency = Latency()
    latency.stepped(1, received(0))
    latency.sent(1, 5_000 * MS)
    latency.stepped(2, received(64_000))
    latency.sent(2, 64_010 * MS)
    assert latency.last_minute(64 * S).percentile_ms(100) == pytest.approx(5000, rel=0.011)
    assert latency.last_minute(66 * S).percentile_ms(100) == pytest.approx(10, rel=0.011)
    assert latency.whole_run.percentile_ms(100) == pytest.approx(5000, rel=0.011)

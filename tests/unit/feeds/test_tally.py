from __future__ import annotations

from dronewall.feeds.feed import Decoded
from dronewall.feeds.tally import OTHER_REASONS, REASONS_MAX, Tally
from dronewall.model.errors import FrameError
from dronewall.model.plots import Plots
from dronewall.model.status import FeedState

S = 1_000_000_000


def test_counts_add_up_and_refusals_are_told_apart() -> None:
    tally = Tally("a", "beast://a:1")
    refused = (FrameError("a", "cut", 0), FrameError("a", "cut", 9), FrameError("a", "odd", 12))
    tally.count(Decoded(Plots.of(2), 5, refused, (("waits", 3),)), received_ns=100 * S)
    tally.count(Decoded(Plots.of(1), 1), received_ns=101 * S)
    status = tally.status(now_ns=102 * S)
    assert (status.decoded, status.refused, status.unplaceable) == (6, (("cut", 2), ("odd", 1)), 3)
    assert (status.plots_per_s, status.last_received_ns) == (0.3, 101 * S)


def test_the_rate_forgets_what_is_older_than_ten_seconds() -> None:
    tally = Tally("a", "beast://a:1")
    for second in range(100):
        tally.count(Decoded(Plots.of(5)), received_ns=second * S)
    assert tally.status(now_ns=100 * S).plots_per_s == 5.0
    assert tally.status(now_ns=200 * S).plots_per_s == 0.0


def test_a_sender_that_invents_reasons_cannot_fill_the_memory() -> None:
    tally = Tally("a", "beast://a:1")
    for number in range(1000):
        tally.refuse(f"unknown field {number}")
    refused = dict(tally.status(now_ns=0).refused)
    assert len(refused) == REASONS_MAX + 1
    assert refused[OTHER_REASONS] == 1000 - REASONS_MAX


def test_the_state_of_the_connection_is_told_in_words() -> None:
    tally = Tally("a", "beast://a:1")
    tally.moved(FeedState.LOST, "connection refused; next attempt in 1 s")
    status = tally.status(now_ns=0)
    assert (status.state, status.detail) == (FeedState.LOST, "connection refused; next attempt in 1 s")

"""Recordings become steps made from their own time; a journal gives back its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import pytest
from fakes_of_run import RADAR, CountingPipeline
from hypothesis import given
from hypothesis import strategies as st

from dronewall.engine.entries import Declared, FramesRefused, PlotsCame, SensorsJoined, Stepped
from dronewall.feeds.feed import Decoded
from dronewall.model.errors import FrameError
from dronewall.model.plots import Plots
from dronewall.run.reader import Reader
from dronewall.run.replay import Numbered, Recording, played, recorded_contents
from dronewall.run.summary import Summary

S = 1_000_000_000


def plots(*received_s: float, sensor_id: str = "radar-1") -> Plots:
    received_ns = np.array([round(at_s * S) for at_s in received_s], np.int64)
    return Plots.of(
        len(received_ns), received_ns=received_ns, at_ns=received_ns, range_m=received_ns / S, sensor_ids=(sensor_id,)
    )


def pieces(*of: Plots) -> Iterator[Decoded]:
    return iter([Decoded(one, len(one)) for one in of])


def told(*recordings: Recording, step_s: float = 1.0, last_s: float | None = None) -> list[Numbered]:
    return list(
        recorded_contents(
            recordings,
            sensors=[RADAR],
            step_ns=round(step_s * S),
            last_ns=None if last_s is None else round(last_s * S),
        )
    )


def steps(contents: list[Numbered]) -> list[tuple[float, list[float]]]:
    """Return each step's instant with the plots it takes."""
    found: list[tuple[float, list[float]]] = []
    waiting: list[float] = []
    for _, content in contents:
        if isinstance(content, PlotsCame):
            waiting += (content.plots.received_ns / S).tolist()
        elif isinstance(content, Stepped):
            found.append((content.now_ns / S, waiting))
            waiting = []
    assert waiting == []
    return found


def test_a_step_stands_at_each_whole_second_and_takes_what_was_received_until_then() -> None:
    contents = told(Recording("a", pieces(plots(10.2, 10.9, 11.0), plots(11.1, 12.4))))
    assert steps(contents) == [(11.0, [10.2, 10.9, 11.0]), (12.0, [11.1]), (13.0, [12.4])]


def test_numbers_are_those_a_journal_would_give() -> None:
    contents = told(Recording("a", pieces(plots(10.2), plots(11.1))))
    assert [seq for seq, _ in contents] == list(range(1, len(contents) + 1))
    assert contents[0][1] == SensorsJoined((RADAR,))
    assert all(content.through_seq == seq - 1 for seq, content in contents if isinstance(content, Stepped))


def test_steps_go_on_through_a_short_silence_and_leap_over_a_long_one() -> None:
    instants = [at_s for at_s, _ in steps(told(Recording("a", pieces(plots(10.5), plots(14.5)))))]
    assert instants == [11.0, 12.0, 13.0, 14.0, 15.0]
    instants = [at_s for at_s, _ in steps(told(Recording("a", pieces(plots(10.5), plots(99_999.5)))))]
    assert instants[-1] == 100_000.0
    assert len(instants) == 121


def test_the_last_step_stands_where_a_sample_is_due() -> None:
    assert steps(told(Recording("a", pieces(plots(10.5))), last_s=5.0))[-1][0] == 15.0


def test_several_recordings_are_played_together_in_the_order_received() -> None:
    a = Recording("a", pieces(plots(10.1), plots(12.1)))
    b = Recording("b", pieces(plots(11.1), plots(12.2)))
    assert steps(told(a, b)) == [(11.0, [10.1]), (12.0, [11.1]), (13.0, [12.1, 12.2])]


def test_a_plot_out_of_order_is_taken_with_the_next_step_and_none_is_lost() -> None:
    contents = told(Recording("a", pieces(plots(12.5, 10.1, 13.5), plots(11.0))))
    assert steps(contents) == [(13.0, [12.5, 10.1]), (14.0, [13.5, 11.0])]


@given(
    st.lists(st.lists(st.floats(1.0, 200.0), max_size=6), max_size=6), st.sampled_from([0.1, 0.5, 1.0]), st.booleans()
)
def test_every_plot_is_taken_once_by_a_step_that_is_not_before_it(
    received: list[list[float]], step_s: float, ordered: bool
) -> None:
    if ordered:
        received = [sorted(part) for part in received]
    taken = steps(told(Recording("a", pieces(*(plots(*part) for part in received))), step_s=step_s))
    instants = [at_s for at_s, _ in taken]
    assert instants == sorted(set(instants))
    assert sorted(at_s for _, part in taken for at_s in part) == pytest.approx(sorted(chain.from_iterable(received)))
    assert all(at_s <= now_s + 1e-9 for now_s, part in taken for at_s in part)


def test_the_summary_counts_what_each_feed_brought_even_without_a_step() -> None:
    bad = FrameError("a", "garbage", 3, b"")
    decoded = [Decoded(plots(10.0), 5, (bad, bad), (("no position", 2),)), Decoded(refused=(bad,))]
    summary = Summary()
    contents = told(Recording("a", iter(decoded)))
    pictures = list(played(contents, Reader(CountingPipeline), observers=(summary,)))
    assert len(pictures) == 1
    assert summary.by_feed() == {"a": {"decoded": 5, "refused": 3, "unplaceable": 2}}
    assert summary.reasons["a"] == {"garbage": 3}
    assert summary.result()["plots"] == 1
    assert any(isinstance(content, FramesRefused) for _, content in contents)


def test_a_declaration_keeps_its_place_and_changes_no_picture() -> None:
    contents = told(Recording("a", pieces(plots(0.5, 1.5, 2.5))))
    spoken = [content for _, content in contents]
    spoken.insert(2, Declared("kalnina", b"{}", b""))
    shown = [
        [picture.plots_total for picture in played(enumerate(each, 1), Reader(CountingPipeline), observers=())]
        for each in ([content for _, content in contents], spoken)
    ]
    assert shown[0] == shown[1]
    assert shown[0][-1] == 3

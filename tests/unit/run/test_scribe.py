"""The scribe writes once what comes twice, and one entry for many small batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from fakes_of_run import KeptLog, batch

from dronewall.engine.entries import FramesRefused, PlotsCame
from dronewall.engine.messages import Message
from dronewall.feeds.feed import Batch, Numbered
from dronewall.model.errors import FrameError
from dronewall.run.scribe import Scribe


def numbered(first: int, *ranges_m: float, source: str = "gate", boot: int = 1) -> Batch:
    numbers = np.arange(first, first + len(ranges_m))
    message = Message(source, boot, first, first + len(ranges_m) - 1)
    return replace(batch(*ranges_m), numbered=Numbered(message, numbers))


def came(*batches: tuple[str, Batch]) -> list[PlotsCame]:
    return [content for content in Scribe(KeptLog()).contents_of(batches) if isinstance(content, PlotsCame)]


def test_batches_of_one_feed_become_one_entry_in_order() -> None:
    (a, b) = came(("a", batch(1.0, 2.0)), ("a", batch(3.0)), ("b", batch(4.0)))
    assert (a.feed, a.plots.range_m.tolist(), a.frames) == ("a", [1.0, 2.0, 3.0], 3)
    assert (b.feed, b.plots.range_m.tolist(), b.frames) == ("b", [4.0], 1)


def test_numbers_that_follow_each_other_become_one_message_and_others_do_not() -> None:
    entries = came(
        ("a", numbered(1, 1.0, 2.0)),
        ("a", numbered(3, 3.0)),
        ("a", numbered(7, 7.0)),
        ("a", numbered(1, 8.0, source="other")),
        ("a", batch(9.0)),
    )
    assert [entry.message for entry in entries] == [
        Message("gate", 1, 1, 3),
        Message("gate", 1, 7, 7),
        Message("other", 1, 1, 1),
        None,
    ]
    assert [entry.plots.range_m.tolist() for entry in entries] == [[1.0, 2.0, 3.0], [7.0], [8.0], [9.0]]


def test_what_overlaps_is_cut_before_it_is_joined() -> None:
    (entry,) = came(("a", numbered(1, 1.0, 2.0, 3.0)), ("a", numbered(2, 2.0, 3.0, 4.0)))
    assert (entry.message, entry.plots.range_m.tolist(), entry.frames) == (Message("gate", 1, 1, 4), [1, 2, 3, 4], 4)


def test_numbers_that_gave_no_plot_are_remembered_all_the_same() -> None:
    silent = Batch(batch().decoded, numbered=Numbered(Message("gate", 1, 1, 5), np.zeros(0, np.int64)))
    (entry,) = came(("a", silent))
    assert (entry.message, len(entry.plots)) == (Message("gate", 1, 1, 5), 0)


def test_counts_of_a_feed_are_added_up() -> None:
    bad = FrameError("a", "garbage", 0, b"")
    one = batch(1.0, refused=(bad,))
    unplaced = replace(one, decoded=replace(one.decoded, unplaceable=(("no site", 2), ("no site", 3))))
    contents = list(Scribe(KeptLog()).contents_of([("a", unplaced), ("a", unplaced)]))
    (entry,) = [content for content in contents if isinstance(content, PlotsCame)]
    (refused,) = [content for content in contents if isinstance(content, FramesRefused)]
    assert entry.unplaceable == (("no site", 10),)
    assert refused.counts == (("garbage", 2),)


def test_an_empty_tick_writes_nothing() -> None:
    assert list(Scribe(KeptLog()).contents_of([("a", batch())])) == []

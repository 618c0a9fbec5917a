"""Of what a step took, those entries are found that the pipeline fails on, and no more of them are left out."""

from __future__ import annotations

from typing import Any

import pytest
from fakes_of_run import RADAR, CountingPipeline, KeptLog

from dronewall.engine.entries import Content, PlotsCame, SensorsJoined, Stepped, entry_of
from dronewall.model.plots import Plots
from dronewall.run.culprits import culprits
from dronewall.run.reader import Reader, StepFailed


class FailsOn(CountingPipeline):
    """A pipeline that fails when some ranges come together in one step, with its state spoilt by then."""

    together: tuple[float, ...] = (13.0,)

    def step(self, plots: Plots, acts: Any = (), *, now_ns: int, seq: int) -> Any:
        picture = super().step(plots, now_ns=now_ns, seq=seq)
        if set(self.together) <= set(plots.range_m.tolist()):
            raise ZeroDivisionError("a gate of no width")
        return picture


class FailsOnTwo(FailsOn):
    together = (13.0, 14.0)


def journal_of(*steps: tuple[float, ...]) -> KeptLog:
    """Return a journal in which every range of a step is an entry of its own; the first one is entry 2."""
    log = KeptLog()
    came: list[Content] = [SensorsJoined((RADAR,))]
    for number, ranges_m in enumerate(steps):
        for range_m in ranges_m:
            plots = Plots.of(1, range_m=[range_m], received_ns=1, at_ns=1, sensor_ids=("radar-1",))
            came.append(PlotsCame("fake", plots))
        came.append(Stepped(1_000 + number, 0))
    log.append([entry_of(content, at_ns=1) for content in came])
    return log


def found(log: KeptLog, begun: type[FailsOn], *, set_aside: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Let a pipeline read a journal until it fails; return on which entries."""
    with pytest.raises(StepFailed) as failed:
        Reader(begun, set_aside=set_aside).recall(log, on_entry=lambda *_: False)
    return culprits(failed.value, log, begun=begun, set_aside=set_aside)


@pytest.mark.parametrize("place", range(5))
def test_one_entry_among_others_is_found_wherever_it_stands(place: int) -> None:
    ranges_m = [1.0, 2.0, 3.0, 4.0]
    ranges_m.insert(place, 13.0)
    assert found(journal_of((9.0, 8.0), tuple(ranges_m), (7.0,)), FailsOn) == (5 + place,)


def test_several_are_found_at_once() -> None:
    assert found(journal_of((13.0, 1.0, 2.0, 13.0)), FailsOn) == (2, 5)


def test_those_left_out_already_are_not_tried_again() -> None:
    log = journal_of((13.0, 1.0), (2.0, 13.0))
    assert found(log, FailsOn) == (2,)
    assert found(log, FailsOn, set_aside=(2,)) == (6,)


def test_where_none_fails_alone_all_are_left_out_as_before() -> None:
    assert found(journal_of((13.0, 1.0, 14.0)), FailsOnTwo) == (2, 3, 4)

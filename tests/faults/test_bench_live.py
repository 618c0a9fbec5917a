"""The live benchmark drives a real wall in processes of its own, and tells what became of every report."""

from __future__ import annotations

import pytest

from dronewall.bench.live import Case, live, measured
from dronewall.bench.live_figures import figures_of
from dronewall.model.errors import InputError


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_small_load_goes_all_the_way_and_is_counted(transport: str) -> None:
    seen = measured(Case(500, transport, seconds=3.0, settles_s=3.0))
    assert seen.seen.frames > 0
    assert seen.taken > 0.0
    assert seen.shed == 0
    assert (transport == "tcp") == bool(seen.sent_after.delays_ms)
    assert {"wall", "sender", "reader"} <= set(seen.cores)
    figures = list(figures_of("small", seen, target=True))
    assert len({figure["case"] for figure in figures}) == len(figures)
    (latency,) = [figure for figure in figures if figure["case"].startswith("latency p99:")]
    assert latency["value"] > 0.0
    assert latency["target"] == 250.0


def test_a_case_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="no case is called"):
        list(live(quick=True, only="by pigeon"))

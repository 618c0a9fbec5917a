"""Benchmarks are found by name and tell every field."""

from __future__ import annotations

import pytest

from dronewall.bench import run
from dronewall.bench.run import FIELDS, Asked, run_bench
from dronewall.model.errors import InputError


def test_an_unknown_benchmark_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(InputError, match=r"all, .*live, page.*score"):
        list(run_bench("nonsense", Asked(quick=True)))


def test_every_figure_has_every_field_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [{"bench": "b", "case": "c", "value": 1.0, "unit": "s", "met": True, "private": 3}]
    monkeypatch.setattr(run, "benches", lambda: {"b": lambda asked: made if asked.quick else []})
    (figure,) = run_bench("all", Asked(quick=True))
    assert tuple(figure) == FIELDS
    assert figure["peer"] is None
    assert figure["value"] == 1.0

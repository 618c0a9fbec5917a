"""Two hours at 10,000 plots a second: memory, file handles and threads stay where they are, and nothing is shed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dronewall.bench.soak import soak

KEPT = Path("build") / "soak"
"""Where the samples and their drawing are found afterwards."""


@pytest.mark.deep
def test_two_hours_of_soak_leave_memory_and_handles_where_they_are() -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    figures = list(soak(quick=False, folder=KEPT))
    print(*figures, sep="\n")  # noqa: T201
    assert [figure for figure in figures if figure["met"] is False] == []

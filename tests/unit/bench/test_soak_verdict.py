"""A soak's verdict and its drawing, from samples made by hand."""

from __future__ import annotations

from dataclasses import asdict, replace
from xml.etree import ElementTree as ET

import pytest

from dronewall.bench.soak import Sample, figures_of
from dronewall.bench.soak_drawing import STRIPS, drawing

FLAT = Sample(
    at_s=0.0, rss_bytes=500_000_000, files=30, threads=12, p50_ms=80.0, p99_ms=150.0, plots=0, tracks=9, shed=0,
    journal_bytes=1_000, free_bytes=10**9,
)  # fmt: skip
HOUR = [replace(FLAT, at_s=10.0 * number) for number in range(1, 361)]


def missed(samples: list[Sample]) -> list[str]:
    return [figure["case"].split(", ")[1] for figure in figures_of(samples, 3_600.0) if figure["met"] is False]


def test_an_hour_in_which_nothing_grows_is_sound() -> None:
    assert missed(HOUR) == []


def test_what_grows_in_the_first_minute_is_not_counted() -> None:
    assert missed([replace(one, rss_bytes=10**8) if one.at_s < 60 else one for one in HOUR]) == []


@pytest.mark.parametrize(
    ("leak", "named"),
    [
        (lambda one: replace(one, rss_bytes=round(5e8 * (1 + one.at_s / 3_600 * 0.08))), "memory growth"),
        (lambda one: replace(one, files=30 + round(one.at_s / 300)), "file handles"),
        (lambda one: replace(one, threads=12 + round(one.at_s / 1_800)), "threads"),
        (lambda one: replace(one, shed=1), "reports shed"),
    ],
)
def test_each_leak_is_named(leak: object, named: str) -> None:
    assert callable(leak)
    (told,) = missed([leak(one) for one in HOUR])
    assert told.startswith(named)


def test_a_drawing_has_a_line_for_each_measure_and_leaves_out_what_was_not_measured() -> None:
    samples = [asdict(replace(one, p99_ms=None) if one.at_s < 1_000 else one) for one in HOUR]
    root = ET.fromstring(drawing(samples))
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == len(STRIPS)
    assert sorted({len(line.attrib["points"].split()) for line in lines}) == [261, 360]

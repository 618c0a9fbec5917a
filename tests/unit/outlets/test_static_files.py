"""The files the page is made of: vendored ones as recorded, the base map within its size and with the right borders."""

from __future__ import annotations

import hashlib
import json
import re
from itertools import pairwise

import pytest

from dronewall.outlets.web.server import STATIC

MOST_MAP_BYTES = 4_000_000
VENDOR = STATIC / "vendor"
LIBRARIES = ("ol", "milsymbol", "noto-sans", "swagger-ui")
Point = tuple[float, float]


def border_lines() -> list[list[Point]]:
    features = json.loads((STATIC / "map/borders.json").read_text())["features"]
    return [[(x, y) for x, y in feature["geometry"]["coordinates"]] for feature in features]


def crossings(start: Point, end: Point) -> int:
    """How often the straight way from one place to another crosses a border."""

    def side(a: Point, b: Point, c: Point) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    return sum(
        side(start, end, a) * side(start, end, b) < 0 and side(a, b, start) * side(a, b, end) < 0
        for line in border_lines()
        for a, b in pairwise(line)
    )


def test_vendored_files_are_those_that_were_recorded() -> None:
    recorded = dict(
        reversed(line.split("  ./", 1)) for line in (STATIC / "VENDORED.sha256").read_text().splitlines() if line
    )
    held = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file()
    }
    assert held == recorded


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_vendored_library_brings_its_licence(library: str) -> None:
    assert (VENDOR / library / "LICENSE").stat().st_size > 500


def test_the_base_map_is_small() -> None:
    assert sum(path.stat().st_size for path in (STATIC / "map").iterdir()) < MOST_MAP_BYTES


@pytest.mark.parametrize("path", sorted(STATIC.glob("js/*.js")), ids=lambda path: path.name)
def test_our_own_modules_name_no_other_host(path: object) -> None:
    assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text()) == []  # type: ignore[attr-defined]


CHAPLYNKA, SIMFEROPOL, SEVASTOPOL = (33.53, 46.37), (34.10, 44.95), (33.52, 44.60)
HENICHESK, DZHANKOI = (34.80, 46.17), (34.39, 45.71)
DONETSK, LUHANSK, DNIPRO = (37.80, 48.02), (39.31, 48.57), (35.05, 48.46)
KERCH, TAMAN, ROSTOV = (36.47, 45.36), (36.72, 45.21), (39.72, 47.24)
WARSAW, KYIV, LVIV, MINSK = (21.01, 52.23), (30.52, 50.45), (24.03, 49.84), (27.56, 53.90)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (CHAPLYNKA, DZHANKOI),
        (CHAPLYNKA, SIMFEROPOL),
        (HENICHESK, DZHANKOI),
        (SIMFEROPOL, SEVASTOPOL),
        (SIMFEROPOL, KERCH),
        (DNIPRO, DONETSK),
        (DONETSK, LUHANSK),
    ],
)
def test_no_border_runs_inside_ukraine_crimea_included(start: Point, end: Point) -> None:
    assert crossings(start, end) == 0


@pytest.mark.parametrize(("start", "end"), [(KERCH, TAMAN), (DONETSK, ROSTOV), (LVIV, WARSAW), (KYIV, MINSK)])
def test_ukraines_borders_are_drawn(start: Point, end: Point) -> None:
    assert crossings(start, end) % 2 == 1


def test_the_border_in_the_strait_of_kerch_is_not_called_disputed() -> None:
    features = json.loads((STATIC / "map/borders.json").read_text())["features"]
    disputed = [feature for feature in features if feature["properties"].get("disputed")]
    around = [
        (x, y)
        for feature in disputed
        for x, y in feature["geometry"]["coordinates"]
        if 32.0 < x < 41.0 and 44.0 < y < 53.0
    ]
    assert around == []


def test_the_towns_of_the_map_carry_their_own_names() -> None:
    names = {row[0] for row in json.loads((STATIC / "map/names.json").read_text())["places"]}
    assert {"Kyiv", "Kharkiv", "Odesa", "Lviv", "Vilnius", "Warsaw", "Simferopol"} <= names

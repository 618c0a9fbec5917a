"""What Python writes, JavaScript reads and the document tells: three places, one layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from dronewall.model.identity import Affiliation
from dronewall.model.plots import ObjectClass
from dronewall.model.sensors import SensorKind
from dronewall.outlets.web import frames
from dronewall.outlets.web.server import STATIC

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs/page.md").read_text()
WIRE = (STATIC / "js/wire.js").read_text()
WORDS = (STATIC / "js/words.js").read_text()
MAIN = (STATIC / "js/main.js").read_text()
LAYOUTS = ("TRACK_COLUMNS", "GONE_COLUMNS", "REMOTE_COLUMNS", "BEARING_COLUMNS", "GROUP_COLUMNS")
TOLD_TYPES = {
    "u4": "u32",
    "i4": "i32",
    "f4": "f32",
    "u2": "u16",
    "u1": "u8",
    "S8": "8 bytes",
    "S36": "36 bytes",
}


def keys_listed(name: str) -> list[str]:
    listed = WORDS.split(f"export const {name} = [")[1].split("];")[0]
    return re.findall(r'key: "(\w+)"', listed)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_page_reads_the_columns_that_are_written(layout: str) -> None:
    written: Mapping[str, str] = getattr(frames, layout)
    listed = WIRE.split(f"const {layout} = [")[1].split("];")[0]
    assert re.findall(r'\["(\w+)", "(\w+)"\]', listed) == [(name, kind[1:]) for name, kind in written.items()]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_document_tells_every_column_in_order(layout: str) -> None:
    written: Mapping[str, str] = getattr(frames, layout)
    row = ", ".join(f"`{name}` {TOLD_TYPES[kind[1:]]}" for name, kind in written.items())
    assert f"| {row} |" in DOCUMENT


def test_the_page_knows_every_affiliation_class_and_kind_by_its_code() -> None:
    assert keys_listed("AFFILIATIONS") == [each.label for each in Affiliation]
    assert keys_listed("CLASSES") == [each.label for each in ObjectClass]
    assert keys_listed("SENSOR_KINDS") == [each.label for each in SensorKind]


def test_every_key_is_in_the_document() -> None:
    keys = re.findall(r'key\(\["([^"]+)"', MAIN)
    assert len(keys) > 12
    told = {"ArrowLeft": "arrows", "Escape": "`Esc`"}
    for key in keys:
        assert told.get(key, f"`{key}`") in DOCUMENT

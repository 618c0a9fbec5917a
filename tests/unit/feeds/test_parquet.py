"""Recordings in Parquet: read in bounded pieces, and what is wrong with one is named."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import pytest

from dronewall.engine.plugins import Plugins
from dronewall.feeds.feed import Decoded
from dronewall.feeds.parquet import ROWS_AT_ONCE, parquet_recording
from dronewall.model.errors import InputError
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensors
from dronewall.wire.plots_jsonl import encoded
from dronewall.wire.plots_parquet import table_of

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
NS_PER_S = 1_000_000_000


def some(count: int) -> Plots:
    rng = np.random.default_rng(5)
    at_ns = np.arange(count) * 10_000_000 + NS_PER_S
    return Plots.of(
        count, at_ns=at_ns, received_ns=at_ns, azimuth_rad=rng.uniform(0, 6, count), sensor_ids=("array-1",)
    )


def pieces(path: Path) -> list[Decoded]:
    plugin = Plugins("dronewall.feeds").for_file(path.name)
    return list(plugin.recording(path, sensors=Sensors(), date=date(1970, 1, 1)))


def test_a_recording_gives_the_same_pieces_in_either_packing(tmp_path: Path) -> None:
    plots = some(1000)
    (tmp_path / "night.plots.jsonl").write_bytes(encoded(plots))
    parquet.write_table(table_of(plots), tmp_path / "night.plots.parquet", compression="zstd")
    lines = [len(piece.plots) for piece in pieces(tmp_path / "night.plots.jsonl") if len(piece.plots)]
    packed = pieces(tmp_path / "night.plots.parquet")
    assert [len(piece.plots) for piece in packed] == lines
    assert len(lines) == 20
    assert sum(piece.frames for piece in packed) == 1000


def test_a_recording_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "plots.parquet"
    parquet.write_table(table_of(some(3 * ROWS_AT_ONCE + 1)), path)
    assert [len(piece.plots) for piece in parquet_recording(path)] == [ROWS_AT_ONCE] * 3 + [1]


def test_a_row_that_breaks_a_rule_is_refused_by_its_number_over_all_row_groups(tmp_path: Path) -> None:
    table = table_of(some(10))
    azimuths = [400.0 if number == 7 else 1.0 for number in range(10)]
    at = table.schema.names.index("azimuth_deg")
    parquet.write_table(table.set_column(at, "azimuth_deg", [azimuths]), tmp_path / "p.parquet", row_group_size=3)
    decoded = list(parquet_recording(tmp_path / "p.parquet"))
    assert [len(piece.plots) for piece in decoded] == [3, 3, 2, 1]
    assert [(error.reason, error.offset) for piece in decoded for error in piece.refused] == [
        ("azimuth_deg is outside -360 to 360", 7)
    ]


def test_a_damaged_row_group_is_named_with_its_file_and_column(tmp_path: Path) -> None:
    path = tmp_path / "plots.parquet"
    options: dict[str, Any] = {"row_group_size": 4, "compression": "zstd", "use_dictionary": False}
    parquet.write_table(table_of(some(8)), path, **options)
    at = parquet.ParquetFile(path).metadata.row_group(1).column(table_of(some(1)).schema.names.index("azimuth_deg"))
    damaged = bytearray(path.read_bytes())
    for byte in range(at.data_page_offset, at.data_page_offset + at.total_compressed_size):
        damaged[byte] = 0xFF
    path.write_bytes(damaged)
    recording = parquet_recording(path)
    assert len(next(recording).plots) == 4
    with pytest.raises(InputError, match="row group 1 is damaged") as caught:
        next(recording)
    assert (caught.value.file, caught.value.field) == (str(path), "azimuth_deg")


def test_what_is_no_parquet_is_refused_before_the_first_piece(tmp_path: Path) -> None:
    path = tmp_path / "plots.parquet"
    path.write_bytes(b"PAR1 and nothing behind it")
    with pytest.raises(InputError, match="this is not Parquet"):
        parquet_recording(path)
    with pytest.raises(InputError, match="there is no such file"):
        parquet_recording(tmp_path / "absent.parquet")
    parquet.write_table(pa.table({"sensor_id": ["a"], "at_n": [1]}), path)
    with pytest.raises(InputError, match="Did you mean 'at_ns'") as caught:
        parquet_recording(path)
    assert caught.value.field == "at_n"


def test_help_and_feeds_start_without_parquet() -> None:
    asked = "import sys, dronewall.cli.app, dronewall.feeds.plots; sys.exit('pyarrow' in sys.modules)"
    assert run([sys.executable, "-c", asked], check=False).returncode == 0

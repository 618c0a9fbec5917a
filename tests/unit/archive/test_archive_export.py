"""What is exported is what is in the journal, sealed or not, and programs of others can read it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from archive_scenes import T0, S, archivist, fill, pruned, worked_out
from mcap.reader import make_reader

from dronewall.cli.export import run_export
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.errors import InputError
from dronewall.run.archive_export import export
from dronewall.run.archive_query import query
from dronewall.wire.plots_jsonl import PlotLines
from dronewall.wire.plots_parquet import plots_of
from dronewall.wire.refusals import Refusals


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "wall.journal"
    log = SqliteLog(path)
    fill(log, from_s=0.0, to_s=150.0)
    for _ in pruned(log, worked_out(archivist(path))[-1].prune_through_seq):
        pass
    assert log.first_seq > 1
    log.close()
    return path


def silent(_: str) -> None:
    return None


def test_an_mcap_file_holds_every_plot_step_and_refusal(journal: Path, tmp_path: Path) -> None:
    counts = export(journal, tmp_path / "night.mcap", tell=silent)
    with (tmp_path / "night.mcap").open("rb") as file:
        reader = make_reader(file)
        messages = [
            (channel.topic, message, json.loads(message.data)) for _, channel, message in reader.iter_messages()
        ]
        summary = reader.get_summary()
    found = Counter(topic for topic, _, _ in messages)
    assert found == counts
    refused = query("SELECT count(*) AS n FROM refused", journal=journal)["n"][0].as_py()
    assert counts == {"plots": 450, "steps": 150, "refused": refused}
    assert summary is not None
    assert {chunk.compression for chunk in summary.chunk_indexes} == {"zstd"}
    schemas = {schema.name: json.loads(schema.data) for schema in summary.schemas.values()}
    assert "range_m" in json.dumps(schemas["dronewall.plots"])
    _, message, first = next(one for one in messages if one[0] == "plots")
    assert (message.log_time, message.publish_time) == (T0, T0)
    assert (first["sensor_id"], first["range_m"]) == ("radar-1", 1000.0)


def test_lines_and_columns_hold_the_same_plots(journal: Path, tmp_path: Path) -> None:
    assert export(journal, tmp_path / "night.jsonl", tell=silent) == {"plots": 450}
    assert export(journal, tmp_path / "night.parquet", tell=silent) == {"plots": 450}
    lines = PlotLines(Refusals("test")).read((tmp_path / "night.jsonl").read_bytes(), received_ns=None)
    columns = plots_of(pq.read_table(tmp_path / "night.parquet"))
    assert len(lines) == 450
    assert lines.range_m.tolist() == columns.range_m.tolist()
    assert lines.at_ns.tolist() == columns.at_ns.tolist()


def test_from_and_to_bound_what_was_journalled(journal: Path, tmp_path: Path) -> None:
    for from_s, to_s in ((100, 120), (None, 30), (140, None)):
        from_ns = None if from_s is None else T0 + from_s * S
        to_ns = None if to_s is None else T0 + to_s * S
        counts = export(journal, tmp_path / "part.jsonl", from_ns=from_ns, to_ns=to_ns, tell=silent)
        assert counts["plots"] == 3 * ((to_s or 150) - (from_s or 0))


def test_the_command_reads_instants_as_utc(journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # T0 is 2025-10-09 08:53:20 UTC.
    from_, to = "2025-10-09T08:53:30", "2025-10-09T10:53:40+02:00"
    assert run_export(journal, tmp_path / "part.jsonl", from_=from_, to=to, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["plots"] == 30


def test_an_export_that_fails_leaves_no_half_file(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dronewall.run.archive_export.encoded", fails)
    with pytest.raises(InputError, match="No space left"):
        export(journal, tmp_path / "night.jsonl", tell=silent)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_told(journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"\.mcap, \.parquet, \.jsonl"):
        export(journal, tmp_path / "night.csv", tell=silent)
    with pytest.raises(InputError, match="there is no such journal"):
        export(tmp_path / "none", tmp_path / "night.jsonl", tell=silent)
    monkeypatch.setitem(sys.modules, "mcap.writer", None)
    with pytest.raises(InputError, match=r"dronewall\[query\]"):
        export(journal, tmp_path / "night.mcap", tell=silent)

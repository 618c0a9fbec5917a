"""Questions see everything and can change nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from archive_scenes import T0, archivist, fill, pruned, worked_out

from dronewall.cli.query import run_query
from dronewall.engine.retention import Limits
from dronewall.engine.segments import sealed_folder, segments_in
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.errors import InputError
from dronewall.run.archive_query import asked, query


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred seconds: most sealed and pruned, the rest a tail."""
    path = tmp_path_factory.mktemp("query") / "wall.journal"
    log = SqliteLog(path)
    fill(log, from_s=0.0, to_s=200.0)
    for _ in pruned(log, worked_out(archivist(path))[-1].prune_through_seq):
        pass
    log.close()
    return path


def test_a_question_sees_what_is_sealed_and_what_is_not_yet_each_once(journal: Path) -> None:
    sealed = sum(segment.manifest.rows["plots"] for segment in segments_in(sealed_folder(journal)))
    answer = query("SELECT count(*) AS n, count(DISTINCT at_ns) AS instants FROM plots", journal=journal)
    assert 0 < sealed < 600
    assert answer.to_pylist() == [{"n": 600, "instants": 200}]
    assert query("SELECT count(*) AS n FROM steps", journal=journal)["n"][0].as_py() == 200


def test_a_journal_without_sealed_segments_can_be_asked_too(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    fill(log, from_s=0.0, to_s=10.0)
    log.close()
    assert query("SELECT count(*) AS n FROM plots", journal=path)["n"][0].as_py() == 30
    assert query("SELECT count(*) AS n FROM segments", journal=path)["n"][0].as_py() == 0


def test_the_example_of_the_documents_answers(journal: Path) -> None:
    documented = (Path(__file__).parents[3] / "docs" / "operating.md").read_text()
    _, _, example = documented.partition("```python\nfrom dronewall.run.archive_query import query\n")
    code = "from dronewall.run.archive_query import query\n" + example.partition("```")[0]
    scope: dict[str, object] = {}
    exec(code.replace("wall.journal", str(journal)), scope)
    assert scope["busiest"].to_pylist() == [{"sensor_id": "radar-1", "plots": 600}]  # type: ignore[attr-defined]


def test_columns_bear_the_names_of_the_files(journal: Path) -> None:
    sql = 'SELECT "position.lat_deg", azimuth_deg FROM plots WHERE azimuth_deg > 1 ORDER BY seq LIMIT 1'
    assert query(sql, journal=journal).to_pylist() == [
        {"position.lat_deg": None, "azimuth_deg": pytest.approx(5.729577951308232)}
    ]


def test_segments_tell_of_themselves(journal: Path) -> None:
    rows = query("SELECT * FROM segments ORDER BY first_seq", journal=journal).to_pylist()
    assert rows[0]["first_seq"] == 1
    assert rows[1]["previous"] == rows[0]["sha256"]
    assert [row["held"] for row in rows] == [False] * len(rows)


def test_sensors_are_known_when_the_segment_that_declared_them_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "wall.journal"
    log = SqliteLog(path)
    archive = archivist(path)
    for part in range(20):
        fill(log, from_s=10.0 * part, to_s=10.0 * part + 10.0)
        for _ in pruned(log, worked_out(archive)[-1].prune_through_seq):
            pass
    log.close()
    archivist(path, Limits(segment_s=60.0, max_gb=0.0)).work(T0)
    assert segments_in(sealed_folder(path))[0].manifest.first_seq > 2
    assert query("SELECT sensor_id, kind FROM sensors", journal=path).to_pylist() == [
        {"sensor_id": "radar-1", "kind": "radar_3d"}
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{file}'",
        "COPY plots TO '{file}' (FORMAT parquet)",
        "CREATE TABLE mine AS SELECT 1",
        "DROP VIEW plots",
        "ATTACH '{file}' AS other",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "PRAGMA enable_external_access = true",
        "SELECT 1; SELECT 2",
    ],
)
def test_whatever_is_not_one_select_is_refused(journal: Path, tmp_path: Path, sql: str) -> None:
    file = tmp_path / "stolen.parquet"
    with pytest.raises(InputError, match="only one SELECT"):
        query(sql.format(file=file), journal=journal)
    assert not file.exists()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM glob('{file}*')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    ],
)
def test_a_question_reads_no_other_file(journal: Path, tmp_path: Path, sql: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(InputError) as told:
        query(sql.format(file=file), journal=journal)
    assert "may read nothing but" in str(told.value) or "xtension" in str(told.value)


def test_no_question_writes_over_a_segment(journal: Path) -> None:
    victim = segments_in(sealed_folder(journal))[0].file("plots.parquet")
    before = victim.read_bytes()
    for sql in ("COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)", "COPY (SELECT 1) TO '{file}'"):
        for how in ("", "EXPLAIN ANALYZE "):
            with pytest.raises(InputError, match="only one SELECT"):
                query(how + sql.format(file=victim), journal=journal)
    assert victim.read_bytes() == before


def test_the_lock_holds_by_itself_when_the_first_gate_is_passed(journal: Path, tmp_path: Path) -> None:
    import duckdb

    with asked(journal) as archive:
        connection = archive._connection
        for sql in (f"COPY (SELECT 1) TO '{tmp_path}/x.csv'", "SET memory_limit = '9GB'"):
            with pytest.raises(duckdb.Error):
                connection.execute(sql)


def test_an_error_names_the_problem_and_what_is_known(journal: Path) -> None:
    with pytest.raises(InputError) as told:
        query("SELECT range FROM plot", journal=journal)
    assert "plot" in told.value.problem
    assert "plots (seq, feed, sensor_id" in told.value.remedy
    assert '"position.lat_deg"' in told.value.remedy
    with pytest.raises(InputError, match="syntax"):
        query("SELEC 1", journal=journal)


def test_without_duckdb_the_error_says_what_to_install(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(InputError, match=r"pip install 'dronewall\[query\]'"):
        query("SELECT 1", journal=journal)


def test_a_missing_journal_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such journal"):
        query("SELECT 1", journal=tmp_path / "none.journal")


def asked_at_the_command_line(
    capsys: pytest.CaptureFixture[str], sql: str, journal: Path, **how: Any
) -> tuple[str, str]:
    given = {"as_json": False, "as_csv": False, "out": None, **how}
    assert run_query(sql, journal=journal, **given) == 0
    said = capsys.readouterr()
    return said.out, said.err


def test_a_person_gets_fifty_rows_and_is_told_how_many_more_there_are(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = asked_at_the_command_line(capsys, "SELECT seq AS number FROM steps ORDER BY 1", journal)
    assert "number" in out
    assert sum(line.strip("│ ").isdigit() for line in out.splitlines()) == 50
    assert "150 more rows" in err


def test_a_machine_gets_every_row(journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT seq, range_m, elevation_deg FROM plots ORDER BY 1, 2"
    out, _ = asked_at_the_command_line(capsys, sql, journal, as_json=True)
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == 600
    assert rows[0] == {"seq": 3, "range_m": 1000.0, "elevation_deg": None}
    out, _ = asked_at_the_command_line(capsys, sql, journal, as_csv=True)
    assert out.splitlines()[:2] == ["seq,range_m,elevation_deg", "3,1000.0,"]
    assert len(out.splitlines()) == 601
    asked_at_the_command_line(capsys, sql, journal, out=tmp_path / "answer.parquet")
    assert pq.read_table(tmp_path / "answer.parquet").num_rows == 600


def test_instants_can_be_read_to_the_nanosecond(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT make_timestamp_ns(at_ns + 1) AS at FROM steps ORDER BY seq LIMIT 1"
    for how in ({}, {"as_json": True}, {"as_csv": True}):
        assert "2025-10-09 08:53:20.000000001" in asked_at_the_command_line(capsys, sql, journal, **how)[0]


def test_an_answer_goes_to_one_place(journal: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one place only"):
        run_query("SELECT 1", journal=journal, as_json=True, as_csv=True, out=None)
    with pytest.raises(InputError, match="not a Parquet file"):
        run_query("SELECT 1", journal=journal, as_json=False, as_csv=False, out=tmp_path / "answer.csv")


def test_nothing_is_left_behind(journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    query("SELECT * FROM plots", journal=journal)
    assert list(tmp_path.iterdir()) == []

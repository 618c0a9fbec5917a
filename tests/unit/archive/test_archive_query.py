"""Questions see everything and can change nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from archive_scenes import T0, archivist, fill, pruned, worked_out

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


def test_the_lock_holds_by_itself_when_the_first_gate_is_passed(journal: Path, tmp_path: Path) -> None:
    import duckdb

    with asked(journal) as archive:
        connection = archive._connection
        for sql in (f"COPY (SELECT 1) TO '{tmp_path}/x.csv'", "SET enable_external_access = true"):
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


def test_nothing_is_left_behind(journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    query("SELECT * FROM plots", journal=journal)
    assert list(tmp_path.iterdir()) == []

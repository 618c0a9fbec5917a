"""Questions in SQL over the whole journal: what is sealed, and the tail that is not yet.

    >>> from dronewall.run.archive_query import query
    >>> query("SELECT sensor_id, count(*) AS plots FROM plots GROUP BY 1", journal=Path("wall.journal"))

DuckDB reads; it is locked before the first question: no other file, no network, no setting, nothing but SELECT.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dronewall.engine.archived_log import joined
from dronewall.engine.log import Log
from dronewall.engine.sealing import TableFiles
from dronewall.engine.segments import Segment, sealed_folder
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.errors import InputError
from dronewall.run.archive import bites
from dronewall.run.archive_tables import ArchiveTables

MEMORY_LIMIT = "1GB"
TAIL_ZSTD_LEVEL = 1
TABLES = ("plots", "steps", "refused", "sensors", "segments")
SEGMENTS = pa.schema(
    [
        ("segment", pa.string()),
        ("first_seq", pa.int64()),
        ("last_seq", pa.int64()),
        ("first_at_ns", pa.int64()),
        ("last_at_ns", pa.int64()),
        ("plots", pa.int64()),
        ("bytes", pa.int64()),
        ("checkpoint", pa.bool_()),
        ("held", pa.bool_()),
        ("version", pa.string()),
        ("sha256", pa.string()),
        ("previous", pa.string()),
    ]
)


def query(sql: str, *, journal: Path) -> pa.Table:
    """Return what a SELECT gives over the tables `plots`, `steps`, `refused`, `sensors` and `segments`.

    Columns have the names of the files' fields; those with a dot stand in double quotes: `"position.lat_deg"`.

    Raises:
        InputError: the question cannot be asked: not a SELECT, an unknown table or column, a file it may not read; or
            duckdb is not installed, or there is no such journal.
        JournalError: the journal or a segment cannot be read.
    """
    with asked(journal) as archive:
        return archive.table(sql)


class Archive:
    """An opened archive that answers questions."""

    def __init__(self, connection: Any, duckdb: ModuleType) -> None:
        self._connection = connection
        self._duckdb = duckdb

    def table(self, sql: str) -> pa.Table:
        """Return the answer to a SELECT."""
        self._only_select(sql)
        with self._told():
            return self._connection.sql(sql).to_arrow_table()

    def known(self) -> dict[str, list[str]]:
        """Return the tables with their columns."""
        return {name: [row[0] for row in self._connection.execute(f"DESCRIBE {name}").fetchall()] for name in TABLES}

    def _only_select(self, sql: str) -> None:
        with self._told():
            statements = self._duckdb.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != self._duckdb.StatementType.SELECT:
            raise InputError("only one SELECT can be asked; the archive is never changed", self._remedy(), field="SQL")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._duckdb.PermissionException as error:
            problem = "a question may read nothing but the archive's own tables, and write nothing"
            raise InputError(f"{problem} ({_first_line(error)})", self._remedy(), field="SQL") from error
        except self._duckdb.Error as error:
            raise InputError(_first_line(error), self._remedy(), field="SQL") from error

    def _remedy(self) -> str:
        tables = "; ".join(f"{name} ({', '.join(map(_quoted, columns))})" for name, columns in self.known().items())
        return f"Names with a dot stand in double quotes. Known are: {tables}"


@contextmanager
def asked(journal: Path) -> Iterator[Archive]:
    """Open the archive of a journal for questions, as it is now; what it needs in between is gone afterwards.

    The tail that is not sealed yet is written as the same Parquet files to a temporary folder, so that memory is
    bounded and DuckDB sees one kind of table.
    """
    duckdb = _duckdb()
    if not journal.is_file():
        raise InputError("there is no such journal", "Give its path with --journal.", str(journal))
    with tempfile.TemporaryDirectory(prefix="dronewall-query-") as temporary:
        work = Path(temporary)
        segments, tail = _tail(journal, work)
        files = {
            name: [*(segment.file(f"{name}.parquet") for segment in segments), tail / f"{name}.parquet"]
            for name in TABLES
            if name != "segments"
        }
        pq.write_table(_segments_table(segments), work / "segments.parquet")
        files["segments"] = [work / "segments.parquet"]
        connection = _locked(duckdb, files, work)
        try:
            yield Archive(connection, duckdb)
        finally:
            connection.close()


def _duckdb() -> ModuleType:
    try:
        import duckdb
    except ImportError as error:
        raise InputError("questions need duckdb, which is not installed", "pip install 'dronewall[query]'") from error
    return duckdb


def _tail(journal: Path, work: Path) -> tuple[tuple[Segment, ...], Path]:
    """Return the sealed segments and, in a folder, the tables of the entries after them."""
    log, segments = joined(lambda: SqliteLog(journal, read_only=True), sealed_folder(journal))
    try:
        folder = work / "tail"
        folder.mkdir()
        _write_tail(log, segments, folder)
    finally:
        log.close()
    return segments, folder


def _write_tail(log: Log, segments: tuple[Segment, ...], folder: Path) -> None:
    first_seq = segments[-1].manifest.last_seq + 1 if segments else log.first_seq
    # Known sensors come with the states that segments begin in; a journal that was pruned has them in its own.
    begins_in = None if segments or log.first_seq <= 1 else next(iter(log.checkpoints()), None)
    files = TableFiles(folder, ArchiveTables(log.name, begins_in), level=TAIL_ZSTD_LEVEL, durable=False)
    try:
        for bite in bites(log, first_seq, log.last_seq):
            files.write(bite)
        files.finish()
    finally:
        files.abandon()


def _segments_table(segments: tuple[Segment, ...]) -> pa.Table:
    rows = [
        {
            "segment": segment.folder.name,
            "first_seq": segment.manifest.first_seq,
            "last_seq": segment.manifest.last_seq,
            "first_at_ns": segment.manifest.first_at_ns,
            "last_at_ns": segment.manifest.last_at_ns,
            "plots": segment.manifest.rows.get("plots", 0),
            "bytes": segment.total_bytes,
            "checkpoint": segment.manifest.checkpoint_seq is not None,
            "held": segment.held,
            "version": segment.manifest.version,
            "sha256": segment.sha256,
            "previous": segment.manifest.previous,
        }
        for segment in segments
    ]
    return pa.Table.from_pylist(rows, schema=SEGMENTS)


def _locked(duckdb: ModuleType, files: Mapping[str, list[Path]], work: Path) -> Any:
    """Return a connection that sees the tables and nothing else, and cannot be talked out of it."""
    config = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    connection = duckdb.connect(":memory:", config=config)
    for name, paths in files.items():
        listed = _list(paths)
        kept = " QUALIFY row_number() OVER (PARTITION BY sensor_id ORDER BY seq) = 1" if name == "sensors" else ""
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({listed}, union_by_name=true){kept}")  # noqa: S608  our own paths, quoted
    connection.execute(f"SET temp_directory = {_text(str(work / 'spilled'))}")
    connection.execute(f"SET memory_limit = {_text(MEMORY_LIMIT)}")
    connection.execute(f"SET allowed_paths = {_list([path for paths in files.values() for path in paths])}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _list(paths: list[Path]) -> str:
    return f"[{', '.join(_text(str(path.absolute())) for path in paths)}]"


def _text(said: str) -> str:
    escaped = said.replace("'", "''")
    return f"'{escaped}'"


def _quoted(column: str) -> str:
    return f'"{column}"' if "." in column else column


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".!")

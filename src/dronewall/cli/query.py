"""`dronewall query`: questions in SQL over the journal and its sealed segments."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa

from dronewall.cli.console import say
from dronewall.model.errors import InputError
from dronewall.run.archive_query import query

ROWS_SHOWN = 50


def run_query(sql: str, *, journal: Path, as_json: bool, as_csv: bool, out: Path | None) -> int:
    """Answer a question, return the exit status."""
    if sum((as_json, as_csv, out is not None)) > 1:
        raise InputError("the answer can go to one place only", "Give one of --json, --csv and --out.", field="--json")
    if out is not None and out.suffix != ".parquet":
        raise InputError(f"{out.name!r} is not a Parquet file", "Write --out FILE.parquet.", field="--out")
    table = query(sql, journal=journal)
    if out is not None:
        _write(table, out)
    elif as_json:
        _print_json(_readable(table))
    elif as_csv:
        _print_csv(_readable(table))
    else:
        _print_table(_readable(table))
    return 0


def _readable(table: pa.Table) -> pa.Table:
    """Return instants as text: Python's own have no nanoseconds."""
    for i, field in enumerate(table.schema):
        if pa.types.is_temporal(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(pa.string()))
    return table


def _write(table: pa.Table, out: Path) -> None:
    import pyarrow.parquet as pq

    try:
        pq.write_table(table, out, compression="zstd")
    except OSError as error:
        raise InputError(f"it cannot be written: {error}", "Check the folder.", str(out)) from error
    say(f"{table.num_rows} rows written to {out}")


def _print_json(table: pa.Table) -> None:
    import msgspec

    encoder = msgspec.json.Encoder()
    for batch in table.to_batches(max_chunksize=10_000):
        sys.stdout.write(encoder.encode_lines(batch.to_pylist()).decode())


def _print_csv(table: pa.Table) -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(table.column_names)
    for batch in table.to_batches(max_chunksize=10_000):
        writer.writerows(row.values() for row in batch.to_pylist())


def _print_table(table: pa.Table) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table(*table.column_names)
    for row in table.slice(0, ROWS_SHOWN).to_pylist():
        shown.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(shown)
    if table.num_rows > ROWS_SHOWN:
        say(f"{table.num_rows - ROWS_SHOWN} more rows; --csv, --json or --out FILE.parquet give all")

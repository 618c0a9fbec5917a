"""Recordings of plots in Parquet, read row group by row group in bounded pieces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dronewall.feeds.feed import Decoded
from dronewall.feeds.files import check_readable
from dronewall.model.errors import InputError
from dronewall.wire.plots_parquet import check_columns, plots_of
from dronewall.wire.refusals import Refusals

ROWS_AT_ONCE = 8192
READ_BYTES = 1024 * 1024
MEND_FILE = "Write it again from its source, or leave it out."


def parquet_recording(path: Path) -> Iterator[Decoded]:
    """Yield a `plots.parquet`, at most some thousand rows at once.

    Raises:
        InputError: the file is missing, is no Parquet or its columns are not those of plots, raised by the call;
            or a part of it is damaged, raised when its turn comes and naming the row group.
    """
    check_readable(path)
    file = _opened(path)
    check_columns(file.schema_arrow, file=str(path))
    return _pieces(path, file)


def _opened(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path, buffer_size=READ_BYTES, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"this is not Parquet: {_first_line(error)}", MEND_FILE, str(path)) from error


def _pieces(path: Path, file: Any) -> Iterator[Decoded]:
    refusals, row = Refusals(path.name), 0
    with file:
        for group in range(file.num_row_groups):
            for batch in _batches(path, file, group):
                plots = plots_of(batch, refusals, first_row=row)
                row += batch.num_rows
                yield Decoded(plots, len(plots), refusals.taken())


def _batches(path: Path, file: Any, group: int) -> Iterator[Any]:
    import pyarrow as pa

    try:
        yield from file.iter_batches(ROWS_AT_ONCE, row_groups=[group], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        names = file.schema_arrow.names
        damaged = next((name for name in names if not _readable(file, group, name)), None)
        raise InputError(
            f"row group {group} is damaged: {_first_line(error)}", MEND_FILE, str(path), field=damaged
        ) from error


def _readable(file: Any, group: int, column: str) -> bool:
    """Whether one column of a row group can be read: asked only to name the one that cannot."""
    import pyarrow as pa

    try:
        file.read_row_group(group, columns=[column], use_threads=False)
    except (pa.ArrowException, OSError):
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")

"""`dronewall export`: a journal with its sealed segments as MCAP, Parquet or lines."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from dronewall.cli.console import Progress, print_result
from dronewall.model.errors import InputError
from dronewall.run.archive_export import export


def run_export(journal: Path, out: Path, *, from_: str | None, to: str | None, as_json: bool) -> int:
    """Export a journal, print what was written, return the exit status."""
    progress = Progress()
    try:
        counts = export(journal, out, from_ns=_ns(from_, "--from"), to_ns=_ns(to, "--to"), tell=progress.tell)
    finally:
        progress.done()
    print_result({"out": str(out), **counts}, as_json=as_json)
    return 0


def _ns(text: str | None, option: str) -> int | None:
    """Return an instant as nanoseconds UTC; one without a zone is UTC."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{text!r} is not an instant", f"Write {option} 2026-05-04T03:02:01Z.", field=option
        ) from error
    since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000

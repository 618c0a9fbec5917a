"""`dronewall score`: tracks judged by truth."""

from __future__ import annotations

from pathlib import Path

from dronewall.bench.score import CUTOFF_M, score_files
from dronewall.cli.console import print_result


def run_score(
    truth: Path, tracks: Path, *, cutoff_m: float | None, horizontal: bool, from_s: float, export_referee: Path | None
) -> int:
    """Print the figures as one JSON object, return the exit status."""
    result = score_files(
        truth,
        tracks,
        cutoff_m=CUTOFF_M if cutoff_m is None else cutoff_m,
        horizontal=horizontal,
        from_s=from_s,
        export_referee=export_referee,
    )
    print_result(result, as_json=True)
    return 0

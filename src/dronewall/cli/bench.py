"""`dronewall bench`: measurements, one line per figure."""

from __future__ import annotations

import json
import sys
from typing import Any

from dronewall.bench.run import Asked, run_bench
from dronewall.cli.console import say


def print_bench(name: str, asked: Asked, *, as_json: bool) -> int:
    """Print each figure as soon as it is there, return the exit status: 1 if one misses its target."""
    say(f"measuring {name}{' quickly' if asked.quick else ''}")
    missed = 0
    for figure in run_bench(name, asked):
        sys.stdout.write((json.dumps(figure, allow_nan=False) if as_json else _plain(figure)) + "\n")
        sys.stdout.flush()
        missed += figure["met"] is False
    return 1 if missed else 0


def _plain(figure: dict[str, Any]) -> str:
    verdict = {True: "met", False: "MISSED", None: ""}[figure["met"]]
    target = "" if figure["target"] is None else f"target {figure['target']:g}"
    value = "-" if figure["value"] is None else f"{figure['value']:.6g}"
    unit = figure["unit"] or ""
    beside = "" if figure["peer_value"] is None else f"{figure['peer']}: {figure['peer_value']:.6g} "
    ratio = "" if figure["ratio"] is None else f"ratio {figure['ratio']:.3g} "
    line = f"{figure['bench']:<8} {figure['case']:<60} {value:>12} {unit:<6}"
    return f"{line} {beside}{ratio}{target:<14} {verdict}".rstrip()

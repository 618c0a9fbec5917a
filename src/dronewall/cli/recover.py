"""`dronewall recover`: what is whole in a damaged journal becomes a new one."""

from __future__ import annotations

from pathlib import Path

from dronewall.cli.console import Progress, print_result
from dronewall.engine.recovery import recover


def run_recover(journal: Path, out: Path, *, as_json: bool) -> int:
    """Print what was saved and what was lost, return the exit status: 1 if something was lost."""
    progress = Progress()
    saved = recover(journal, out, on_entry=lambda seq: progress.tell(f"saved up to entry {seq}"))
    progress.done()
    result = {
        "journal": str(journal),
        "out": str(out),
        "entries": saved.entries,
        "first_seq": saved.first_seq,
        "last_seq": saved.last_seq,
        "first_lost_seq": saved.last_seq + 1 if saved.lost else None,
        "lost_at_least": saved.lost,
        "checkpoint_seq": saved.checkpoint_seq or None,
        "sources": saved.sources,
        "keys": saved.keys,
        "problems": list(saved.problems) if as_json else "; ".join(saved.problems) or None,
    }
    print_result(result, as_json=as_json)
    return 0 if saved.whole else 1

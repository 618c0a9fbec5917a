"""What a test leaves running when it fails in the middle ends with it."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest


def ended_with_the_block() -> Iterator[None]:
    """Kill, in the end, every process of ours that was begun meanwhile and still runs."""
    before = set(_running())
    yield
    left = [process for process in _running() if process not in before]
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=10.0)


def _running() -> list[psutil.Process]:
    """Return the processes below this one that run something of dronewall; Python's own helpers are none of ours."""
    return [process for process in psutil.Process().children(recursive=True) if _is_ours(process)]


def _is_ours(process: psutil.Process) -> bool:
    try:
        return any("dronewall" in part for part in process.cmdline())
    except psutil.NoSuchProcess:
        return False


left_running = pytest.fixture(autouse=True)(ended_with_the_block)

"""Compiling with two processes: the second is waited for, asked only when it is needed, and never left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dronewall.run import compiling

Beside = Callable[[], None]


def asking(times: int) -> Callable[..., Iterator[tuple[int, int]]]:
    """Return a warm-up of two steps that calls for the other process so many times."""

    def steps(*, beside: Beside) -> Iterator[tuple[int, int]]:
        yield 1, 2
        for _ in range(times):
            beside()
        yield 2, 2

    return steps


@pytest.fixture
def writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lets the other process write a file after a moment, instead of compiling."""
    path = tmp_path / "written"
    monkeypatch.setattr(compiling, "THE_REST", f"import time; time.sleep(0.3); open({str(path)!r}, 'w').close()")
    return path


def test_the_other_process_is_waited_for_before_its_work_is_needed(
    writes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "warm_up", asking(2))
    assert list(compiling.compiled_by_two()) == [(1, 2), (2, 2)]
    assert writes.exists()


def test_what_is_in_the_cache_asks_for_nobody(writes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "warm_up", asking(0))
    monkeypatch.setattr(subprocess, "Popen", pytest.fail)
    assert list(compiling.compiled_by_two()) == [(1, 2), (2, 2)]


def test_whoever_leaves_early_leaves_no_process(writes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen
    monkeypatch.setattr(compiling, "warm_up", asking(1))
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **o: started.append(popen(*a, **o)) or started[-1])
    steps = compiling.compiled_by_two()
    assert [next(steps), next(steps)] == [(1, 2), (2, 2)]
    steps.close()
    assert started[0].returncode is not None
    assert not writes.exists()


@pytest.mark.slow
def test_two_processes_fill_one_empty_cache(tmp_path: Path) -> None:
    code = "from dronewall.run.compiling import compiled_by_two; print(list(compiled_by_two())[-1])"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert told == "(7, 7)\n"
    kept = {path.name.split("-")[0] for path in tmp_path.rglob("*.nbi")}
    assert {"look.replay_events", "sound_births.search", "bias_kernels.compare"} <= kept

"""Compiled kernels are thrown away when any kernel changes, not only when their own file does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dronewall.geodesy import jit
from dronewall.geodesy.jit import kernel_files, kernels_digest
from dronewall.tracking.look import replay_events
from dronewall.tracking.motion import predict


def test_a_change_in_any_kernel_outdates_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caller, callee, other = (tmp_path / name for name in ("caller.py", "callee.py", "other.py"))
    caller.write_text("@kernel\ndef f(x):\n    return g(x)\n")
    callee.write_text("@kernel\ndef g(x):\n    return x\n")
    other.write_text("x = 1\n")
    monkeypatch.setattr(jit, "PACKAGE", tmp_path)
    digest = kernels_digest.__wrapped__
    before = digest()
    other.write_text("x = 2\n")
    assert digest() == before
    callee.write_text("@kernel\ndef g(x):\n    return x + 1\n")
    assert digest() != before


def test_what_borrows_counts_as_a_kernel(tmp_path: Path) -> None:
    (tmp_path / "lender.py").write_text("@kernel\ndef f(x):\n    return x\n")
    (tmp_path / "borrower.py").write_text("@inner\ndef g(x):\n    return x\n")
    (tmp_path / "other.py").write_text("x = 1\n")
    assert [path.name for path in kernel_files(tmp_path)] == ["borrower.py", "lender.py"]


OLD = """
from typing import NamedTuple
import numpy as np
from dronewall.geodesy.jit import kernel
class {table}(NamedTuple):
    column: np.ndarray
@kernel
def total(table):
    return table.column[0] + table.column[1]
print(total({table}(np.array([1.0, 2.0]))), len(total.stats.cache_hits))
"""


def test_a_cache_that_names_a_table_which_is_gone_is_compiled_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade takes the place of the package, and finds the old one's cache beside it."""
    module, told = tmp_path / "tables.py", []
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    for table in ("Before", "Before", "After"):
        module.write_text(OLD.format(table=table))
        os.utime(module, (1e9, 1e9))
        command = [sys.executable, "-c", "import tables"]
        run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert run.returncode == 0, run.stderr
        told.append(run.stdout.split())
    assert told == [["3.0", "0"], ["3.0", "1"], ["3.0", "0"]]


@pytest.mark.parametrize("compiled", [replay_events, predict])
def test_every_kernel_carries_the_common_stamp(compiled: object) -> None:
    assert compiled._cache._cache_file._source_stamp == kernels_digest()  # type: ignore[attr-defined]

"""Compiled kernels are thrown away when any kernel changes, not only when their own file does."""

from __future__ import annotations

from pathlib import Path

import pytest

from dronewall.geodesy import jit
from dronewall.geodesy.jit import kernels_digest
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


@pytest.mark.parametrize("compiled", [replay_events, predict])
def test_every_kernel_carries_the_common_stamp(compiled: object) -> None:
    assert compiled._cache._cache_file._source_stamp == kernels_digest()  # type: ignore[attr-defined]

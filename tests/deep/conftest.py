"""Lets the deep tests use what those of `tests/faults` share; all of them are marked deep."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from disk_fixtures import disk, shim
from left_running import left_running

__all__ = ["disk", "left_running", "shim"]

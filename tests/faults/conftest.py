"""Lets the tests of this folder import what they share, gives them a faulty disk, and ends what they left."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from disk_fixtures import disk, shim
from left_running import left_running

__all__ = ["disk", "left_running", "shim"]

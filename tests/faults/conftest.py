"""Lets the tests of this folder import what they share, and gives them a disk that fails on order."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from disk_fixtures import disk, shim

__all__ = ["disk", "shim"]

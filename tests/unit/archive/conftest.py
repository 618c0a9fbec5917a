"""Lets the tests of this folder import the stand-ins beside them, and the disk that fails on order."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "faults"))

from disk_fixtures import disk, shim

__all__ = ["disk", "shim"]

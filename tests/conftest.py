"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings; a test that needs it is skipped where there is none."""
    shared = Path(os.getenv("DRONEWALL_SHARED") or REPOSITORY.parent / "shared")
    folder = shared / "data"
    if not folder.is_dir():
        told = f"no recordings at {folder}; set DRONEWALL_SHARED to the folder that holds data/"
        if os.getenv("REQUIRE_RECORDINGS") == "1":
            pytest.fail(told)
        pytest.skip(told)
    return folder

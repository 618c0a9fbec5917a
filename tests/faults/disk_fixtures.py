"""The fixtures of a disk that fails on order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from faulty_disk import FaultyDisk, built


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory, without: Callable[[str], NoReturn]) -> Path:
    """The library that makes a disk faulty."""
    return built(tmp_path_factory.mktemp("shim"), without=without)


@pytest.fixture
def disk(shim: Path, tmp_path: Path) -> FaultyDisk:
    """A folder on a faulty disk; its trace and its orders stand beside it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    return FaultyDisk(shim, tmp_path, folder)

"""Who may import whom is kept by import-linter; here it is shown that it would notice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def linted(source: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over a tree of sources with this house's contracts."""
    script = (
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None, no_logo=True))"
    )
    command = [sys.executable, "-c", script]
    where = {"PYTHONPATH": str(source), "PATH": os.defpath, "COLUMNS": "200"}
    return subprocess.run(command, cwd=source.parent, env=where, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources and their contracts, to break."""
    folder = tmp_path_factory.mktemp("house")
    skip = shutil.ignore_patterns("__pycache__", "static", "*.npz")
    shutil.copytree(ROOT / "src", folder / "src", ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder / "src"


def test_every_room_imports_only_rooms_below_it(copy: Path) -> None:
    result = linted(copy)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "text", "complaint"),
    [
        ("utils.py", "X = 1\n", "dronewall.utils"),
        ("tracking/shortcut.py", "import dronewall.feeds.feed\n", "Rooms import only rooms below them BROKEN"),
        ("tracking/neighbour.py", "import dronewall.picture\n", "Rooms import only rooms below them BROKEN"),
        ("feeds/eager.py", "import dronewall.tracking\n", "Adapters know the model, the wire and the engine"),
        ("feeds/beast.py", "import dronewall.feeds.plots\n", "No adapter knows another BROKEN"),
        ("model/curious.py", "import socket\n", "Between the doors nothing opens, sleeps or asks BROKEN"),
        ("registration/hasty.py", "import dronewall.engine.clock\n", "Between the doors nothing opens, sleeps or asks"),
    ],
)
def test_a_wrong_import_is_noticed(copy: Path, module: str, text: str, complaint: str) -> None:
    path = copy / "dronewall" / module
    before = path.read_text() if path.exists() else None
    path.write_text(text)
    try:
        result = linted(copy)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
    assert result.returncode == 1
    assert complaint in result.stdout

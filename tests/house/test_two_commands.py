"""The two commands of the README are the ones that exist and the ones that are checked."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
CI = (ROOT / ".ci" / "run").read_text()


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("command", ["demo", "test"])
def test_the_readme_names_both_commands_and_both_exist(command: str) -> None:
    assert re.search(rf"^make {command}\b", README, re.MULTILINE)
    assert command in targets()


def test_every_make_command_in_the_documents_exists() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        named = set(re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE))
        assert named <= targets(), page


def test_every_target_is_listed_by_help() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"make ([a-z]+)", listed)) == targets()


def test_what_is_checked_is_what_the_readme_says() -> None:
    assert re.search(r"^make test$", CI, re.MULTILINE)
    assert "REQUIRE_RECORDINGS=1" in CI
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_lock_pins_and_hashes_everything_and_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^([a-z0-9][a-z0-9._-]*)==\S+(?: ; [^\\]*)? \\$", lock, re.MULTILINE)
    named = [line for line in lock.splitlines() if line and not line.startswith(("#", " "))]
    assert len(pinned) == len(named) > 50
    assert lock.count("--hash=sha256:") > len(pinned)
    assert "://" not in lock


def test_what_pyproject_asks_for_is_in_the_lock() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(item for extra in project["optional-dependencies"].values() for item in extra)]
    names = {re.split(r"[<>=\[~!; ]", item)[0].lower().replace("_", "-") for item in asked}
    locked = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert names <= locked

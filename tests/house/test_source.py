"""What no linter knows of the sources: no broad nets, no place of anybody's machine, nothing vendored was changed."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "dronewall"
STATIC = PACKAGE / "outlets" / "web" / "static"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAY_CATCH_ALL = "engine/supervisor.py"
LINES_MAX = 500


def broad(tree: ast.AST) -> Iterator[ast.ExceptHandler]:
    """Yield the handlers that catch everything and let it end there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = [node.type] if not isinstance(node.type, ast.Tuple) else node.type.elts
            names = {item.id for item in caught if isinstance(item, ast.Name)}
            passes_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if (node.type is None or names & {"Exception", "BaseException"}) and not passes_on:
                yield node


def test_only_the_supervisor_catches_everything() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in MODULES
        for node in broad(ast.parse(path.read_text()))
        if str(path.relative_to(PACKAGE)) != MAY_CATCH_ALL
    ]
    assert found == []


def test_nobody_changes_globals() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Global)
    ]
    assert found == []


def test_files_have_one_subject() -> None:
    long = {
        str(path.relative_to(PACKAGE)): n for path in MODULES if (n := len(path.read_text().splitlines())) > LINES_MAX
    }
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    silent = [str(path.relative_to(PACKAGE)) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def tracked() -> list[Path]:
    """The files of the repository, as git knows them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_file_names_a_place_of_anybodys_machine() -> None:
    place = re.compile(rb"(?<![\w./-])/(?:" + b"|".join([b"work", b"root", b"home"]) + rb")/\w")
    found = [
        f"{path.relative_to(ROOT)}: {hit.group()!r}"
        for path in tracked()
        if path.is_file() and "vendor" not in path.parts and (hit := place.search(path.read_bytes()))
    ]
    assert found == []


def test_no_file_leaves_work_undone_behind_a_marker() -> None:
    marker = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" * 3 + r"\b", "NotImplemented" + "Error"]))
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix in (".py", ".js", ".md", ".toml", ".sh") and path.is_file() and "vendor" not in path.parts
        if marker.search(path.read_text())
    ]
    assert found == []


def test_vendored_files_are_what_they_were() -> None:
    lines = (line.split(maxsplit=1) for line in (STATIC / "VENDORED.sha256").read_text().splitlines())
    listed = {name.lstrip("*").removeprefix("./"): digest for digest, name in lines}
    found = {
        str(path.relative_to(STATIC / "vendor")): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((STATIC / "vendor").rglob("*"))
        if path.is_file()
    }
    assert found
    assert listed == found

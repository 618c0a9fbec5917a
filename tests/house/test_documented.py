"""Every command, option, setting, entry point and environment variable stands in `docs/operating.md`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import typer.main

from dronewall.cli.app import app
from dronewall.config import Settings
from dronewall.engine.plugins import Plugins

ROOT = Path(__file__).resolve().parents[2]
OPERATING = (ROOT / "docs" / "operating.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield each command with its long options."""
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        if not command.hidden:
            options = [o for param in command.params for o in param.opts if o.startswith("--")]
            yield name, options


def settings(struct: type[msgspec.Struct], table: str = "") -> Iterator[tuple[str, str]]:
    """Yield each key of the wall's settings with the table it stands in."""
    for field in msgspec.structs.fields(struct):
        inner = field.type
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            yield from settings(inner, field.encode_name)
        elif table:
            yield table, field.encode_name


def section(title: str) -> str:
    """Return the part of the page under a heading."""
    found = re.search(rf"^(#+) {re.escape(title)}\s*$(.*?)(?=^#{{1,3}} |\Z)", OPERATING, re.MULTILINE | re.DOTALL)
    assert found, f"docs/operating.md has no heading '{title}'"
    return found.group(2)


@pytest.mark.parametrize(("name", "options"), list(commands()))
def test_every_command_is_documented_with_its_options(name: str, options: list[str]) -> None:
    told = section(f"`dronewall {name}`")
    assert [option for option in options if f"`{option}" not in told] == []


@pytest.mark.parametrize(("table", "key"), list(settings(Settings)))
def test_every_setting_of_the_wall_is_documented(table: str, key: str) -> None:
    assert f"`{key}`" in section(f"`[{table}]`")


@pytest.mark.parametrize("name", sorted(PROJECT["entry-points"]["dronewall.feeds"]))
def test_every_kind_of_feed_is_documented_with_its_settings(name: str) -> None:
    told = section("`[[feeds]]`")
    assert f"`{name}://" in told
    plugin = Plugins("dronewall.feeds").named(name)
    for field in msgspec.structs.fields(plugin.Settings):
        assert f"`{field.encode_name}`" in told


@pytest.mark.parametrize("name", sorted(PROJECT["entry-points"]["dronewall.outlets"]))
def test_every_kind_of_outlet_is_documented_with_its_settings(name: str) -> None:
    told = section("`[[outlets]]`")
    assert f"`{name}://" in told
    plugin = Plugins("dronewall.outlets").named(name)
    for field in msgspec.structs.fields(plugin.Settings):
        assert f"`{field.encode_name}`" in told


def test_what_the_project_declares_is_what_is_installed() -> None:
    for group, points in PROJECT["entry-points"].items():
        assert set(Plugins(group).names()) == set(points)


def test_every_environment_variable_is_documented() -> None:
    named = set()
    for path in [ROOT / ".ci" / "run", ROOT / "tests" / "conftest.py"]:
        named |= set(re.findall(r"\b(?:DRONEWALL|REQUIRE)_[A-Z_]+", path.read_text()))
    assert named
    told = section("Environment")
    assert [name for name in named if f"`{name}`" not in told] == []

"""The command itself: its exit statuses, its one object, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dronewall.cli.app import app
from dronewall.model.errors import ConfigError

WALL = '[page]\nlisten = "127.0.0.1:0"\n[[feeds]]\nurl = "plots+tcp://127.0.0.1:45871?listen=true"\n'


def test_json_is_one_object_with_every_finding(tmp_path: Path) -> None:
    (tmp_path / "wall.toml").write_text(WALL)
    result = CliRunner().invoke(app, ["doctor", str(tmp_path / "wall.toml"), "--json"])
    told = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    severities = [finding["severity"] for finding in told["findings"]]
    assert told["problems"] == severities.count("problem")
    assert told["warnings"] == severities.count("warning")
    assert {"id", "severity", "what", "why", "remedy"} == told["findings"][0].keys()


def test_a_problem_ends_with_status_one(tmp_path: Path) -> None:
    (tmp_path / "wall.toml").write_text(WALL.replace("listen =", "lisden ="))
    result = CliRunner().invoke(app, ["doctor", str(tmp_path / "wall.toml")])
    assert result.exit_code == 1
    assert result.stdout.startswith("PROBLEM")


def test_a_file_that_is_not_there_is_a_wrong_request(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["doctor", str(tmp_path / "none.toml")])
    assert isinstance(result.exception, ConfigError)


@pytest.mark.parametrize("kind", ["xml", ""])
def test_a_log_format_that_is_not_known_is_a_wrong_request(kind: str, tmp_path: Path) -> None:
    (tmp_path / "wall.toml").write_text(WALL)
    result = CliRunner().invoke(app, ["run", str(tmp_path / "wall.toml"), "--log", kind])
    assert "log format" in str(result.exception)

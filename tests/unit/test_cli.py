"""Commands answer at once, explain themselves with an example, and keep results apart from words."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from dronewall import __version__
from dronewall.cli import console
from dronewall.cli.app import app
from dronewall.cli.track import step_between

COMMANDS = ("demo", "run", "replay", "track", "score", "schema")
HEAVY = ("numba", "numpy", "scipy", "litestar", "uvicorn", "websockets")
S = 1_000_000_000


def test_help_loads_nothing_heavy() -> None:
    asked = f"import sys, dronewall.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_names_every_command() -> None:
    told = CliRunner().invoke(app, ["--help"]).output
    assert all(command in told for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_an_example(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert f"Example: dronewall {command}" in done.output


@pytest.mark.parametrize("command", ["demo", "run", "replay", "track", "score"])
def test_each_command_with_a_result_takes_json(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--json", "--no-such-option"])
    assert "No such option: --no-such-option" in done.output


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"dronewall {__version__}\n"


@pytest.mark.parametrize("arguments", [["no-such-command"], ["demo", "--port", "99999"], ["track"], ["replay"]])
def test_a_wrong_request_ends_with_status_two(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


@pytest.mark.parametrize(("sample_ns", "step_ns"), [(5 * S, S), (S // 2, S // 2), (S, S), (2_500_000_000, 500_000_000)])
def test_steps_divide_the_time_between_samples_and_are_a_second_at_most(sample_ns: int, step_ns: int) -> None:
    assert sample_ns % step_between(sample_ns) == 0
    assert step_between(sample_ns) <= S
    assert step_between(sample_ns) >= step_ns


def test_a_result_for_machines_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_result({"plots": 3, "gospa_m": None, "feeds": {"a": {"decoded": 1}}}, as_json=True)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"plots": 3, "gospa_m": None, "feeds": {"a": {"decoded": 1}}}


def test_a_result_for_people_is_a_name_and_a_value_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_result({"plots": 3, "gospa_m": None, "feeds": {"a": {"decoded": 1}}}, as_json=False)
    assert capsys.readouterr().out == "plots    3\ngospa_m  -\nfeeds    a: decoded: 1\n"


def test_work_of_less_than_two_seconds_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = console.Progress()
    progress.tell("half done")
    progress.done()
    assert capsys.readouterr() == ("", "")

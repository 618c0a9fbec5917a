"""The systemd unit is one that systemd accepts, and agrees with the code."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "packaging" / "systemd" / "dronewall.service"


def service() -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNIT)
    return dict(parser["Service"])


def test_systemd_finds_no_fault_with_the_unit() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    command = ["systemd-analyze", "verify", "--man=no", str(UNIT)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in (told.stdout + told.stderr).splitlines() if "dronewall" in line] == []


def test_the_unit_is_watched_restarted_and_bound() -> None:
    told = service()
    assert told["Type"] == "notify"
    assert float(told["WatchdogSec"]) >= 10.0
    assert told["Restart"] == "on-failure"
    assert {"NoNewPrivileges", "ProtectSystem", "StateDirectory", "MemoryMax", "LimitNOFILE"} <= told.keys()


def test_the_unit_starts_the_wall_with_a_log_that_machines_read() -> None:
    assert service()["ExecStart"].endswith("dronewall run /etc/dronewall/wall.toml --log json")

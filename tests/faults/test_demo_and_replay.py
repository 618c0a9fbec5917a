"""The demo and its replay, as processes: they show, count, agree, and end when they are told to."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from walls_in_processes import COMMAND, STARTS_WITHIN_S, WallProcess

SUMMARY = {
    "plots", "tracks", "remote_tracks", "alerts", "latency_p50_ms", "latency_p99_ms", "id_changes", "civil_seen",
    "civil_lost", "gospa_m", "feeds",
}  # fmt: skip


def command(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    done = subprocess.run([*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A demo of ten seconds: its folder, with the journal in it, and its summary."""
    folder = tmp_path_factory.mktemp("night")
    arguments = ("demo", "--headless", "--seconds", "10", "--journal", "night.journal", "--json")
    status, out, err = command(*arguments, cwd=folder)
    assert status == 0, err
    return folder, json.loads(out)


@pytest.mark.slow
def test_a_headless_demo_prints_one_summary_of_a_picture_that_was_not_empty(
    night: tuple[Path, dict[str, Any]],
) -> None:
    _, summary = night
    assert summary.keys() == SUMMARY
    assert summary["plots"] > 1_000
    assert summary["tracks"] > 10
    assert summary["latency_p50_ms"] > 0
    assert summary["latency_p99_ms"] >= summary["latency_p50_ms"]
    assert summary["gospa_m"] > 0
    assert summary["feeds"]["simulated-night"]["decoded"] == summary["plots"]


@pytest.mark.slow
def test_the_replay_of_a_demo_counts_the_same_and_leaves_its_journal_alone(night: tuple[Path, dict[str, Any]]) -> None:
    folder, live = night
    before = (folder / "night.journal").read_bytes()
    status, out, err = command("replay", "night.journal", "--headless", "--json", cwd=folder)
    assert status == 0, err
    replayed = json.loads(out)
    same = ("plots", "tracks", "remote_tracks", "alerts", "feeds")
    assert {name: replayed[name] for name in same} == {name: live[name] for name in same}
    assert (folder / "night.journal").read_bytes() == before


@pytest.mark.slow
def test_a_demo_begins_from_nothing_and_never_in_a_journal_that_is_there(night: tuple[Path, dict[str, Any]]) -> None:
    status, out, err = command("demo", "--headless", "--journal", "night.journal", cwd=night[0])
    assert (status, out) == (2, "")
    assert "there is a journal already" in err


@pytest.mark.slow
def test_a_demo_whose_port_is_in_use_names_one_that_is_free(tmp_path: Path) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        status, _, err = command("demo", "--port", str(port), cwd=tmp_path)
    assert status == 2
    suggested = re.search(r"Write --port (\d+)", err)
    assert suggested is not None
    assert int(suggested.group(1)) > port


@pytest.mark.slow
async def test_a_replay_with_the_page_says_that_it_is_one_and_stays_until_interrupted(
    night: tuple[Path, dict[str, Any]],
) -> None:
    folder, live = night
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "replay", "night.journal", "--speed", "50", "--port", "0", "--json",
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    told = (await asyncio.wait_for(process.stderr.readline(), STARTS_WITHIN_S)).decode()
    found = re.search(r"http://127\.0\.0\.1:(\d+)", told)
    assert found is not None
    page = WallProcess(folder, folder, page_port=int(found.group(1)))
    async with asyncio.timeout(STARTS_WITHIN_S):
        while True:
            status = await page.get("/api/v1/status")
            assert status["replay"] is True
            assert status["truth_domain"] == "SIMULATION"
            if status["phase"] == "finished":
                break
            await asyncio.sleep(0.1)
    assert status["plots_total"] == live["plots"]
    process.send_signal(signal.SIGINT)
    out, _ = await asyncio.wait_for(process.communicate(), 60.0)
    assert process.returncode == 0
    assert json.loads(out)["tracks"] == live["tracks"]

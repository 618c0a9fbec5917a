"""What `docs/writing-a-feed.md` shows works as it stands: installed, found, fed over the loopback, tracked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from walls_in_processes import CLOCK, COMMAND, STARTS_WITHIN_S, WallProcess, free_port

from dronewall.cli.new_feed import write_feed
from dronewall.compose import journal_at
from dronewall.engine.entries import PlotsCame, content_of
from dronewall.model.errors import InputError
from dronewall.model.picture import TruthDomain

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-feed.md"
FILES = ("acme_feed.py", "pyproject.toml", "sensors.jsonl", "wall.toml")


def shown() -> dict[str, str]:
    """Return the files of the page: each block of code whose paragraph begins with the file's name."""
    block = r"^`([\w.]+)`[^`\n]*(?:\n[^`\n]+)*\n```\w*\n(.*?)^```"
    return dict(re.findall(block, PAGE.read_text(), re.M | re.S))


def installed(package: Path, target: Path) -> dict[str, str]:
    """Install a package in a folder of its own, without a network, and return the environment that finds it."""
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--no-index", "--no-build-isolation",
         "--disable-pip-version-check", "--target", str(target), str(package)],
        check=True,
    )  # fmt: skip
    return {**os.environ, "PYTHONPATH": str(target)}  # noqa: TID251


def test_the_page_shows_what_new_feed_writes(tmp_path: Path) -> None:
    write_feed("acme", tmp_path)
    files = shown()
    assert sorted(files) == sorted(FILES)
    for name in FILES:
        assert files[name] == (tmp_path / name).read_text(), name


def test_the_function_of_a_working_feed_is_about_ten_lines(tmp_path: Path) -> None:
    code = [line for line in shown()["acme_feed.py"].splitlines() if line.strip()]
    assert len(code) <= 10


def lines_of_one_flight() -> Iterator[bytes]:
    """Something flies north at 30 m/s."""
    began_ns = CLOCK.now_ns()
    while True:
        at_ns = CLOCK.now_ns()
        lat_deg = 54.5 + 30.0 * (at_ns - began_ns) / 1e9 / 111_300.0
        yield b"1;%d;%.7f;25.25;310.0\n" % (at_ns // 1_000_000, lat_deg)


async def sent_for_ever(port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"this is no report\n")
            for line in lines_of_one_flight():
                writer.write(line)
                await writer.drain()
                await asyncio.sleep(0.25)
        await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_the_page_gives_plots_in_the_journal_and_a_track_in_the_picture(tmp_path: Path) -> None:
    for name, text in shown().items():
        (tmp_path / name).write_text(text)
    environment = installed(tmp_path, tmp_path / "target")
    wall = WallProcess(tmp_path, tmp_path, page_port=free_port(), feed_port=free_port())
    settings = tmp_path / "wall.toml"
    assert "127.0.0.1:7070" in settings.read_text()
    settings.write_text(
        settings.read_text().replace("127.0.0.1:7070", f"127.0.0.1:{wall.feed_port}")
        + f'[page]\nlisten = "127.0.0.1:{wall.page_port}"\n'
        + f'[[outlets]]\nurl = "tracks+tcp://127.0.0.1:{(outlet_port := free_port())}"\n'
    )
    wall.process = await asyncio.create_subprocess_exec(
        *COMMAND, "run", str(settings), "--json", env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    sending = asyncio.create_task(sent_for_ever(wall.feed_port))
    try:
        async with asyncio.timeout(STARTS_WITHIN_S):
            await wall.running()
            tracks: list[Any] = []
            while not any(track["status"].lower() == "confirmed" for track in tracks):
                await asyncio.sleep(0.1)
                answer = await wall.get("/api/v1/tracks")
                tracks = answer["tracks"] if isinstance(answer, dict) else answer
            reader, writer = await asyncio.open_connection("127.0.0.1", outlet_port)
            track = json.loads(await reader.readline())
            writer.close()
    finally:
        sending.cancel()
        status, summary, said = await wall.end()
    assert status == 0, said
    assert (track["status"], track["sensors"]) == ("confirmed", ["mlat"])
    assert track["lon_deg"] == pytest.approx(25.25, abs=0.01)
    assert summary["tracks"] == 1
    (counts,) = summary["feeds"].values()
    assert sum(counts["refused"].values() if isinstance(counts["refused"], dict) else [counts["refused"]]) >= 1
    assert counts["decoded"] >= summary["plots"] > 0
    assert set(sensors_in(tmp_path / "wall.journal")) == {"acme-1"}


def sensors_in(journal: Path) -> Iterator[str]:
    log = journal_at(journal, TruthDomain.LIVE)
    with contextlib.closing(log):
        for stored in log.read():
            content = content_of(stored, journal=log.name)
            if isinstance(content, PlotsCame):
                yield from (content.plots.sensor_ids[row] for row in content.plots.sensor)


@pytest.mark.slow
def test_a_new_feed_passes_its_own_tests_once_it_is_installed(tmp_path: Path) -> None:
    write_feed("bravo7", tmp_path / "package")
    environment = installed(tmp_path / "package", tmp_path / "target")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "package/tests"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"\b2\d passed", ran.stdout)


@pytest.mark.slow
def test_a_recording_of_a_new_feed_is_replayed(tmp_path: Path) -> None:
    write_feed("acme", tmp_path / "package")
    environment = installed(tmp_path / "package", tmp_path / "target")
    reports = [b"1;%d;%.6f;25.25;310.0\n" % (1_683_028_800_000 + 1000 * s, 54.5 + 0.0003 * s) for s in range(20)]
    (tmp_path / "night.acme").write_bytes(b"".join(reports))
    replay = ["replay", str(tmp_path / "night.acme"), "--sensors", str(tmp_path / "package" / "sensors.jsonl")]
    ran = subprocess.run(
        [*COMMAND, *replay, "--headless", "--json"], env=environment, capture_output=True, text=True, check=True
    )
    summary = json.loads(ran.stdout)
    assert (summary["plots"], summary["tracks"]) == (20, 1)


@pytest.mark.parametrize("name", ["Acme", "7up", "acme+tcp", "../up", ""])
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="small letters and digits"):
        write_feed(name, tmp_path)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "wall.toml").write_text("mine")
    with pytest.raises(InputError, match="there already"):
        write_feed("acme", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["wall.toml"]

"""The example that newcomers copy runs as it stands, but for the ports, which may be taken here."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from pathlib import Path

import pytest
from walls_in_processes import COMMAND, STARTS_WITHIN_S, WallProcess, free_port

EXAMPLES = Path(__file__).parents[2] / "examples"
FRAME = bytes.fromhex("1a33000000000000308d4840d6202cc371c32ce0576098")
"""A DF17 identification (KLM1023, the textbook's example) in a Beast frame."""


def with_free_ports(folder: Path, receiver: int, page: int) -> Path:
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    wall = folder / "wall.toml"
    text = wall.read_text()
    assert "127.0.0.1:30005" in text
    assert "127.0.0.1:8080" in text
    wall.write_text(
        text.replace("127.0.0.1:30005", f"127.0.0.1:{receiver}").replace("127.0.0.1:8080", f"127.0.0.1:{page}")
    )
    return wall


@pytest.mark.slow
async def test_the_example_connects_to_a_receiver_and_shows_its_feed(tmp_path: Path) -> None:
    async def receiver(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                writer.write(FRAME)
                await writer.drain()
                await asyncio.sleep(0.1)

    server = await asyncio.start_server(receiver, "127.0.0.1", 0)
    wall = WallProcess(tmp_path / "unused", tmp_path / "unused", page_port=free_port())
    settings = with_free_ports(tmp_path, server.sockets[0].getsockname()[1], wall.page_port)
    wall.process = await asyncio.create_subprocess_exec(
        *COMMAND, "run", str(settings), "--json", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(STARTS_WITHIN_S):
        await wall.running()
        while True:
            feeds = json.dumps(await wall.get("/api/v1/feeds"))
            if '"connected"' in feeds and '"decoded": 0' not in feeds:
                break
            await asyncio.sleep(0.1)
    status, summary, said = await wall.end()
    server.close()
    assert status == 0, said
    assert summary["feeds"]["receiver-1"]["decoded"] > 0
    assert "Ctrl-C ends it" in said

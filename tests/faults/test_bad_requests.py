"""What cannot be done as asked ends with status 2, names file, line and field, and leaves nothing behind."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest
from walls_in_processes import COMMAND, free_port, written_sensors

from dronewall.engine.log import Entry, EntryKind
from dronewall.engine.sqlite_log import SqliteLog


def ended(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    done = subprocess.run([*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def wall_toml(folder: Path, *, port: int = 0, feed: str = "", journal: str = "wall.journal", more: str = "") -> Path:
    path = folder / "wall.toml"
    feed = feed or f"plots+tcp://127.0.0.1:{free_port()}?listen=true"
    path.write_text(
        f'[wall]\nname = "test"\n[journal]\npath = "{journal}"\n[[feeds]]\nurl = "{feed}"\n'
        f'[page]\nlisten = "127.0.0.1:{port}"\n{more}'
    )
    return path


@pytest.mark.slow
def test_a_page_port_in_use_is_said_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        status, out, err = ended("run", str(wall_toml(tmp_path, port=port)), cwd=tmp_path)
    assert (status, out) == (2, "")
    assert str(port) in err
    assert "another" in err


@pytest.mark.slow
def test_a_feed_port_in_use_is_said_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        feed = f"plots+tcp://127.0.0.1:{port}?listen=true"
        status, _, err = ended("run", str(wall_toml(tmp_path, feed=feed)), cwd=tmp_path)
    assert status == 2
    assert f"port {port} on 127.0.0.1 is in use by another program" in err
    assert "choose another port" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("liste = 3\n", "wall.toml:9 [page.liste]: unknown key. Did you mean 'listen'?"),
        ('[sensors]\nfile = "none.jsonl"\n', "none.jsonl"),
        ('[[feeds]]\nurl = "beast://127.0.0.1:1"\nspeed = 3\n', "wall.toml:11 [feeds[1].speed]: there is no option"),
        ('[[feeds]]\nurl = "carrier-pigeon://loft:1"\n', "Known are: asterix+udp, avr, beast, plots+tcp, sbs."),
    ],
)
def test_a_wrong_setting_names_its_line(tmp_path: Path, more: str, says: str) -> None:
    status, out, err = ended("run", str(wall_toml(tmp_path, more=more)), cwd=tmp_path)
    assert (status, out) == (2, "")
    assert says in err
    assert not (tmp_path / "wall.journal").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "absent.toml"),
        ("replay", "absent.beast", "--headless"),
        ("track", "--sensors", "absent.jsonl", "--plots", "absent.jsonl", "--out", "t.csv"),
        ("score", "absent.csv", "absent.csv"),
        ("run", "--feed", "beast://127.0.0.1:1", "--sensors", "absent.jsonl"),
        ("run", "--feed", "beast://127.0.0.1:1", "--weather", "absent.jsonl"),
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    status, out, err = ended(*arguments, cwd=tmp_path)
    assert (status, out) == (2, "")
    assert "absent" in err
    assert "no such file" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run",), "give either the wall's settings or its feeds"),
        (("replay", "here.beast", "--date", "yesterday"), "'yesterday' is not a day"),
        (("replay", "here.txt"), "Known endings are"),
        (("schema", "nothing"), "Choose one of"),
        (("run", "--feed", "beast://127.0.0.1:1", "--listen", "0.0.0.0:8080"), "may only be served at 127.0.0.1"),
    ],
)
def test_a_wrong_wish_is_answered_with_the_right_one(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    for name in ("here.beast", "here.txt"):
        (tmp_path / name).write_bytes(b"")
    status, out, err = ended(*arguments, cwd=tmp_path)
    assert (status, out) == (2, "")
    assert says in err


@pytest.mark.slow
@pytest.mark.parametrize(("name", "held"), [("empty.beast", b""), ("not_one.pcap", b"no capture at all" * 9)])
def test_a_recording_of_which_nothing_can_be_read_is_no_success(tmp_path: Path, name: str, held: bytes) -> None:
    (tmp_path / name).write_bytes(held)
    status, out, err = ended("replay", name, "--headless", "--date", "2024-06-06", "--json", cwd=tmp_path)
    assert status == 1
    assert json.loads(out)["plots"] == 0
    assert f"nothing in {name} could be read" in err


@pytest.mark.slow
def test_a_journal_that_cannot_be_written_ends_the_wall_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")
    status, out, err = ended("run", str(wall_toml(tmp_path, journal="a-file/wall.journal")), cwd=tmp_path)
    assert (status, out) == (1, "")
    assert "a-file/wall.journal: it cannot be opened" in err
    assert "See that its folder exists" in err


@pytest.mark.slow
def test_a_journal_of_a_simulation_is_never_continued_with_the_world(tmp_path: Path) -> None:
    demo = ended("demo", "--headless", "--seconds", "1", "--journal", "night.journal", "--json", cwd=tmp_path)
    assert demo[0] in (0, 1)
    status, _, err = ended("run", str(wall_toml(tmp_path, journal="night.journal")), cwd=tmp_path)
    assert status == 1
    assert "it holds SIMULATION, and this wall is LIVE" in err


@pytest.mark.slow
def test_a_damaged_journal_is_refused_and_names_the_entry(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "wall.journal")
    log.append([Entry(EntryKind.WALL, 0, b"dwe1 not an entry at all")])
    log.close()
    status, out, err = ended("replay", "wall.journal", "--headless", "--json", cwd=tmp_path)
    assert (status, out) == (1, "")
    assert "wall.journal, entry 1: the entry is damaged" in err


@pytest.mark.slow
def test_results_go_to_standard_output_and_words_to_standard_error(tmp_path: Path) -> None:
    plots = tmp_path / "plots.jsonl"
    line = {"sensor_id": "radar-1", "at_ns": 10**18, "received_ns": 10**18, "range_m": 9e3, "azimuth_deg": 3}
    plots.write_text(json.dumps(line) + "\nnot a plot\n")
    sensors = written_sensors(tmp_path)
    arguments = ("track", "--sensors", str(sensors), "--plots", str(plots), "--out", "t.csv", "--json")
    status, out, err = ended(*arguments, cwd=tmp_path)
    result = json.loads(out)
    assert status == 0
    assert result["plots"] == 1
    assert result["feeds"]["plots.jsonl"]["refused"] == 1
    assert "1 refused" in err
    assert (tmp_path / "t.csv").read_text().startswith("at_ns,track_id,status")

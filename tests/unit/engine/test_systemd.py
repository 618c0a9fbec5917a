"""What is told to systemd, on a real datagram socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dronewall.engine.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A service manager's socket and its name as the environment tells it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@dronewall-test-{tmp_path.name}-{id(tmp_path)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name[1:] if name.startswith("@") else name)
        listening.settimeout(5.0)
        yield listening, name


def test_every_message_arrives_as_one_datagram(manager: tuple[socket.socket, str]) -> None:
    listening, name = manager
    notifier = Notifier.of({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"}, process=7)
    notifier.ready()
    notifier.alive()
    notifier.status("three\nlines of\ttext")
    notifier.needs_longer(1.5)
    notifier.stopping()
    assert [listening.recv(999) for _ in range(5)] == [
        b"READY=1",
        b"WATCHDOG=1",
        b"STATUS=three lines of text",
        b"EXTEND_TIMEOUT_USEC=1500000",
        b"STOPPING=1",
    ]


def test_without_a_watchdog_no_sign_of_life_is_given(manager: tuple[socket.socket, str]) -> None:
    listening, name = manager
    notifier = Notifier.of({"NOTIFY_SOCKET": name}, process=7)
    notifier.alive()
    notifier.ready()
    assert listening.recv(999) == b"READY=1"


@pytest.mark.parametrize(
    ("variables", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "20000000"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "7"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_a_watchdog_counts_when_it_is_meant_for_this_process(variables: dict[str, str], watchdog_s: float) -> None:
    assert Notifier.of({"NOTIFY_SOCKET": "/x", **variables}, process=7).watchdog_s == watchdog_s


def test_a_manager_that_is_gone_or_full_delays_and_harms_nobody(tmp_path: Path) -> None:
    Notifier(str(tmp_path / "nobody")).ready()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "full"))
        for _ in range(5000):
            Notifier(str(tmp_path / "full")).ready()


def test_outside_of_a_service_manager_nothing_is_said() -> None:
    notifier = Notifier.of({}, process=7)
    assert notifier == Notifier("", 0.0)
    notifier.ready()

"""What systemd is told of a service: ready, alive, stopping, and a line for people. See sd_notify(3).

The service manager listens on a datagram socket that the environment names. Outside of it everything here does nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

MICROSECONDS_PER_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Notifier:
    """Sends datagrams to a service manager; never waits and never raises, for the wall matters more than its watcher.

    `address` is a path, or an abstract name that begins with "@"; empty when nobody listens. `watchdog_s` is how soon
    `alive` must be said again, 0 when nobody minds.
    """

    address: str = ""
    watchdog_s: float = 0.0

    @classmethod
    def of(cls, variables: Mapping[str, str], *, process: int) -> Notifier:
        """Return the notifier the environment describes; a watchdog may be meant for another process."""
        address = variables.get("NOTIFY_SOCKET", "")
        watchdog = variables.get("WATCHDOG_USEC", "")
        meant = variables.get("WATCHDOG_PID", str(process)) == str(process)
        usable = watchdog.isascii() and watchdog.isdecimal() and meant
        return cls(address if address[:1] in ("/", "@") else "", int(watchdog) / MICROSECONDS_PER_S if usable else 0.0)

    def ready(self) -> None:
        """Say that start-up is over."""
        self.send("READY=1")

    def alive(self) -> None:
        """Say that work goes on; silence for longer than the watchdog allows means a restart."""
        if self.watchdog_s:
            self.send("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the service ends of its own will."""
        self.send("STOPPING=1")

    def status(self, text: str) -> None:
        """Show one line to people."""
        self.send(f"STATUS={' '.join(text.split())}")

    def needs_longer(self, seconds: float) -> None:
        """Ask for so many more seconds to start or to stop."""
        self.send(f"EXTEND_TIMEOUT_USEC={round(seconds * MICROSECONDS_PER_S)}")

    def send(self, *lines: str) -> None:
        """Send assignments as one datagram."""
        if not self.address:
            return
        name = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.settimeout(0)
            to.sendto("\n".join(lines).encode(), name)


def notifier_of_this_process() -> Notifier:
    """Return the notifier of the service manager that started this process, or one that does nothing."""
    return Notifier.of(os.environ, process=os.getpid())  # noqa: TID251  systemd has no other way to say where it listens

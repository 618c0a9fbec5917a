"""What the machine says of itself. One small method for each question, so that a test can answer one otherwise."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import resource
import shutil
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

RMEM_MAX = Path("/proc/sys/net/core/rmem_max")
TIMEX_BYTES = 512
TIMEX_STATUS_OFFSET = 40
"""Where `struct timex` holds `status` on 64-bit Linux: after modes (padded), offset, freq, maxerror, esterror."""
STA_UNSYNC = 0x0040
TIME_ERROR = 5
DIALLED_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """A file system's free and total bytes, for this user."""

    free_bytes: int
    total_bytes: int


class Host:
    """The machine this runs on."""

    def disk(self, folder: Path) -> DiskRoom:
        """Return the room of the file system a folder is on."""
        usage = shutil.disk_usage(folder)
        return DiskRoom(usage.free, usage.total)

    def free_memory_bytes(self) -> tuple[int, int]:
        """Return the memory that is available, and all there is."""
        memory = psutil.virtual_memory()
        return memory.available, memory.total

    def process(self, number: int) -> tuple[int, int] | None:
        """Return a process's resident bytes and when it began (ns UTC), None if nobody can tell."""
        with suppress(psutil.Error):
            process = psutil.Process(number)
            return process.memory_info().rss, round(process.create_time() * 1e9)
        return None

    def may_read(self, path: Path) -> bool:
        """Whether the user that this runs as may read a file."""
        return os.access(path, os.R_OK, effective_ids=True)

    def may_write(self, path: Path) -> bool:
        """Whether the user that this runs as may write a file, or into a folder."""
        return os.access(path, os.W_OK | (os.X_OK if path.is_dir() else 0), effective_ids=True)

    def user(self) -> str:
        """Return the number of the user that this runs as."""
        return str(os.geteuid())

    def udp_buffer_max_bytes(self) -> int | None:
        """Return the most that a UDP socket may ask for, None where the system does not say."""
        with suppress(OSError, ValueError):
            return int(RMEM_MAX.read_text())
        return None

    def open_files_max(self) -> int:
        """Return how many files and sockets this process may have open."""
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

    def clock_synchronised(self) -> bool | None:
        """Whether somebody keeps the kernel's clock in time (no STA_UNSYNC); None where nobody can tell."""
        timex = ctypes.create_string_buffer(TIMEX_BYTES)
        try:
            state = ctypes.CDLL(None, use_errno=True).adjtimex(timex)
        except (OSError, AttributeError):
            return None
        if state < 0:
            return None
        status = int.from_bytes(timex.raw[TIMEX_STATUS_OFFSET : TIMEX_STATUS_OFFSET + 4], "little")
        return state != TIME_ERROR and not status & STA_UNSYNC

    def python(self) -> str:
        """Return the version of Python."""
        return platform.python_version()

    def package(self, name: str) -> str | None:
        """Return the version of a package that is installed, None if it is not."""
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return None

    def requirements(self) -> list[str]:
        """Return what dronewall's own package says it needs."""
        return importlib.metadata.requires("dronewall") or []

    def bind(self, kind: socket.SocketKind, host: str, port: int) -> OSError | None:
        """Take a port for a moment; return why it cannot be had."""
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
            with socket.socket(family, kind) as bound:
                if kind is socket.SOCK_STREAM:
                    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                bound.bind(address)
        except OSError as error:
            return error
        return None

    def dial(self, host: str, port: int) -> OSError | None:
        """Connect for a moment; return why nobody can be reached."""
        try:
            socket.create_connection((host, port), timeout=DIALLED_WITHIN_S).close()
        except OSError as error:
            return error
        return None

    def owner_of_port(self, kind: socket.SocketKind, port: int) -> str:
        """Return who has a port, as "name (process 12)"; empty where this user may not know."""
        with suppress(psutil.Error, OSError):
            for connection in psutil.net_connections("inet"):
                here = connection.laddr and connection.laddr.port == port and not connection.raddr
                if here and connection.type == kind and connection.pid:
                    return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
        return ""

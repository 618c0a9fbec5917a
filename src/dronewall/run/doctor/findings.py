"""What a doctor may find. Every name here has a test that breaks that very thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Severity(IntEnum):
    """How bad it is; PROBLEM means that the wall does not do what it should."""

    OK = 0
    WARNING = 1
    PROBLEM = 2


class Sign(Enum):
    """Everything that can be found, by the name it has in JSON."""

    INSTALLATION_FINE = "installation-fine"
    PYTHON_OLD = "python-old"
    PACKAGE_MISSING = "package-missing"
    PACKAGE_OLD = "package-old"
    EXTRA_MISSING = "extra-missing"
    KERNELS_FINE = "kernels-fine"
    KERNELS_COLD = "kernels-cold"
    KERNEL_CACHE_READ_ONLY = "kernel-cache-read-only"
    CLOCK_FINE = "clock-fine"
    CLOCK_NOT_SYNCHRONISED = "clock-not-synchronised"
    SETTINGS_FINE = "settings-fine"
    SETTINGS_WRONG = "settings-wrong"
    SENSORS_FILE_WRONG = "sensors-file-wrong"
    SENSORS_FILE_UNREADABLE = "sensors-file-unreadable"
    PERMISSIONS_FINE = "permissions-fine"
    FOLDER_MISSING = "folder-missing"
    FOLDER_NOT_WRITABLE = "folder-not-writable"
    JOURNAL_NOT_WRITABLE = "journal-not-writable"
    KEY_EXPOSED = "key-exposed"
    CERTIFICATES_FINE = "certificates-fine"
    CERTIFICATE_UNREADABLE = "certificate-unreadable"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_EXPIRES = "certificate-expires"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_OF_ANOTHER_KEY = "certificate-of-another-key"
    JOURNAL_FINE = "journal-fine"
    JOURNAL_ABSENT = "journal-absent"
    JOURNAL_UNUSABLE = "journal-unusable"
    JOURNAL_OF_ANOTHER_DOMAIN = "journal-of-another-domain"
    JOURNAL_KEEPS_LESS = "journal-keeps-less"
    DISK_FINE = "disk-fine"
    DISK_LOW = "disk-low"
    DISK_FULL_SOON = "disk-full-soon"
    MEMORY_FINE = "memory-fine"
    MEMORY_LOW = "memory-low"
    MEMORY_RUNS_OUT = "memory-runs-out"
    NETWORK_FINE = "network-fine"
    PAGE_PORT_TAKEN = "page-port-taken"
    FEED_PORT_TAKEN = "feed-port-taken"
    FEED_UNREACHABLE = "feed-unreachable"
    UDP_BUFFER_SMALL = "udp-buffer-small"
    FILES_FEW = "files-few"
    WALL_RUNNING = "wall-running"
    WALL_STOPPED = "wall-stopped"
    WALL_DOES_NOT_ANSWER = "wall-does-not-answer"
    FEED_LOST = "feed-lost"
    FRAMES_REFUSED = "frames-refused"
    PLOTS_SHED = "plots-shed"
    QUEUE_LAGS = "queue-lags"
    ALERT_STANDS = "alert-stands"
    SENSORS_FINE = "sensors-fine"
    SENSOR_SILENT = "sensor-silent"
    SENSOR_SLOW = "sensor-slow"
    SENSOR_NOISY = "sensor-noisy"
    SENSOR_STUCK = "sensor-stuck"
    SENSOR_CLOCK = "sensor-clock"
    SENSOR_UNDECLARED = "sensor-undeclared"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: what, why it matters or how it is known, and what to do about it (a command where one helps)."""

    sign: Sign
    severity: Severity
    what: str
    why: str = ""
    remedy: str = ""


def fine(sign: Sign, what: str) -> Finding:
    """Return a line that says that something is as it should be."""
    return Finding(sign, Severity.OK, what)


def warning(sign: Sign, what: str, why: str = "", remedy: str = "") -> Finding:
    """Return something that will hurt later, or does already a little."""
    return Finding(sign, Severity.WARNING, what, why, remedy)


def problem(sign: Sign, what: str, why: str = "", remedy: str = "") -> Finding:
    """Return something that keeps the wall from doing what it should."""
    return Finding(sign, Severity.PROBLEM, what, why, remedy)

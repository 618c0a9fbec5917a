"""Whether everything is installed that is needed, and compiled code is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dronewall.geodesy.jit import kernel_files
from dronewall.run.doctor.findings import Finding, Sign, fine, problem, warning
from dronewall.run.doctor.host import Host
from dronewall.run.doctor.patient import Patient

PACKAGE = Path(__file__).parents[2]
PYTHON_LEAST = "3.11"
NEEDED_BY = {
    "query": "`dronewall query` and `dronewall export`",
    "tls": "feeds over TLS are checked by this command only with it",
}


def installation(patient: Patient) -> Iterator[Finding]:
    """Python and packages against what dronewall's own package asks for."""
    host, found = patient.host, 0
    if _numbers(host.python()) < _numbers(PYTHON_LEAST):
        found += 1
        what = f"Python {host.python()} is too old: {PYTHON_LEAST} is the least"
        yield problem(Sign.PYTHON_OLD, what, remedy="Install a newer Python and dronewall into it.")
    for requirement in host.requirements():
        for finding in _requirement(host, requirement):
            found += 1
            yield finding
    if not found:
        yield fine(Sign.INSTALLATION_FINE, f"Python {host.python()} and every package are as they should be")


def _requirement(host: Host, requirement: str) -> Iterator[Finding]:
    match = re.match(r"([\w.-]+)\s*(?:>=\s*([\w.]+))?", requirement)
    extra = re.search(r"extra\s*==\s*['\"](\w+)['\"]", requirement)
    if match is None or (extra and extra[1] not in NEEDED_BY):
        return
    name, least, have = match[1], match[2] or "0", host.package(match[1])
    if have is None and extra:
        why = f"{NEEDED_BY[extra[1]]} needs it" if extra[1] == "query" else NEEDED_BY[extra[1]]
        yield warning(Sign.EXTRA_MISSING, f"{name} is not installed", why, f"pip install 'dronewall[{extra[1]}]'")
    elif have is None:
        yield problem(Sign.PACKAGE_MISSING, f"{name} is not installed", "dronewall needs it", f"pip install '{name}'")
    elif _numbers(have) < _numbers(least):
        remedy = f"pip install '{name}>={least}'"
        yield problem(Sign.PACKAGE_OLD, f"{name} {have} is too old", f"{least} is the least that works", remedy)


def kernels(patient: Patient, package: Path = PACKAGE) -> Iterator[Finding]:
    """Compiled kernels: kept where, and there already."""
    folders = sorted({path.parent for path in kernel_files(package)})
    for folder in folders:
        cache = folder / "__pycache__"
        if not patient.host.may_write(cache if cache.is_dir() else folder):
            why = (
                f"{folder} may not be written by user {patient.host.user()}; each start compiles half a minute or more"
            )
            remedy = "Set the environment variable NUMBA_CACHE_DIR to a folder that this user may write."
            yield warning(Sign.KERNEL_CACHE_READ_ONLY, "compiled code cannot be kept beside the package", why, remedy)
            return
    if folders and not any(path for folder in folders for path in folder.glob("__pycache__/*.nbi")):
        why = "the first picture will wait for half a minute"
        yield warning(Sign.KERNELS_COLD, "no kernel is compiled yet", why, "dronewall demo --headless --seconds 1")
    else:
        yield fine(Sign.KERNELS_FINE, "kernels are compiled and kept")


def clock(patient: Patient) -> Iterator[Finding]:
    """Whether somebody keeps the machine's clock in time."""
    if patient.host.clock_synchronised() is False:
        why = "sensors are placed by the time of their reports: a second is 300 m of a fast aircraft"
        what = "the system's clock is not synchronised"
        yield warning(Sign.CLOCK_NOT_SYNCHRONISED, what, why, "timedatectl set-ntp true, then: timedatectl status")
    else:
        yield fine(Sign.CLOCK_FINE, "the system's clock is synchronised, as far as the system tells")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])

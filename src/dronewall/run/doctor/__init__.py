"""The doctor: looks at a wall and its machine, and explains what is wrong with its remedy. It mends nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dronewall.run.doctor.findings import Finding
from dronewall.run.doctor.installation import clock, installation, kernels
from dronewall.run.doctor.network import network
from dronewall.run.doctor.patient import Patient
from dronewall.run.doctor.places import certificates, permissions, settings
from dronewall.run.doctor.room import disk, journal, memory
from dronewall.run.doctor.working import refused, sensors, wall

CHECKS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    settings,
    wall,
    sensors,
    refused,
    journal,
    disk,
    memory,
    permissions,
    certificates,
    network,
    clock,
    installation,
    kernels,
)


def findings(patient: Patient) -> list[Finding]:
    """Return everything found, the worst first, else in the order of the checks."""
    found = [finding for check in CHECKS for finding in check(patient)]
    return sorted(found, key=lambda finding: -finding.severity)

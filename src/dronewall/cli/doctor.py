"""`dronewall doctor`: what is wrong, why, and what to do about it; the worst first."""

from __future__ import annotations

import sys
from pathlib import Path

from dronewall import __version__
from dronewall.cli.console import print_result
from dronewall.compose import declared, feeds_from
from dronewall.config import Settings, Source, address_of, read_settings
from dronewall.engine.clock import Clock, WallClock
from dronewall.engine.logs import iso
from dronewall.model.errors import ConfigError, RequestError
from dronewall.model.sensors import Sensors
from dronewall.run.doctor import findings
from dronewall.run.doctor.findings import Finding, Severity
from dronewall.run.doctor.host import Host
from dronewall.run.doctor.patient import Patient, examined

MARKS = {Severity.PROBLEM: "PROBLEM", Severity.WARNING: "WARNING", Severity.OK: "ok"}


def run_doctor(wall: Path | None, *, as_json: bool) -> int:
    """Examine, print what was found, return the exit status: 1 if there is a problem."""
    clock = WallClock()
    found = findings(patient_of(wall, clock=clock, host=Host()))
    if as_json:
        print_result(_as_object(found, clock.now_ns()), as_json=True)
    else:
        sys.stdout.write("\n".join(lines_of(found)) + "\n")
    return int(any(finding.severity is Severity.PROBLEM for finding in found))


def patient_of(wall: Path | None, *, clock: Clock, host: Host) -> Patient:
    """Return what there is to examine.

    Raises:
        ConfigError: there is no such file of settings.
    """
    if wall is None:
        return Patient(clock.now_ns(), host)
    if not wall.exists():
        raise ConfigError("there is no such file", "Give the path of a wall.toml.", str(wall))
    wrong: list[RequestError] = []
    try:
        settings, source = read_settings(wall)
    except ConfigError as error:
        return Patient(clock.now_ns(), host, wall.parent, wrong=(error,))
    sensors = _sensors_of(settings, wall.parent, wrong)
    _feeds_of(settings, source, sensors, clock, wrong)
    return examined(
        now_ns=clock.now_ns(),
        host=host,
        base=wall.parent,
        settings=settings,
        address=address_of(settings.page.listen, source),
        sensors=sensors,
        wrong=tuple(wrong),
    )


def _sensors_of(settings: Settings, base: Path, wrong: list[RequestError]) -> Sensors:
    try:
        return declared(base / settings.sensors.file if settings.sensors.file else None)
    except RequestError as error:
        wrong.append(error)
        return Sensors()


def _feeds_of(settings: Settings, source: Source, sensors: Sensors, clock: Clock, wrong: list[RequestError]) -> None:
    """Open every feed as the wall would, which connects nothing; keep what is wrong."""
    try:
        feeds_from(settings.feeds, sensors=sensors, clock=clock, source=source)
    except RequestError as error:
        wrong.append(error)


def lines_of(found: list[Finding]) -> list[str]:
    """Return lines for people: the worst first, each with its reason and its remedy."""
    lines: list[str] = []
    for finding in found:
        lines.append(f"{MARKS[finding.severity]:<8} {finding.what}")
        lines += [f"         {told}" for told in (finding.why, finding.remedy and f"→ {finding.remedy}") if told]
    problems, warnings = _count(found, Severity.PROBLEM), _count(found, Severity.WARNING)
    told = f"{_many(problems, 'problem')}, {_many(warnings, 'warning')}"
    lines.append(told if problems or warnings else "nothing is wrong")
    return lines


def _many(count: int, of_what: str) -> str:
    return f"{count} {of_what}{'' if count == 1 else 's'}"


def _count(found: list[Finding], severity: Severity) -> int:
    return sum(finding.severity is severity for finding in found)


def _as_object(found: list[Finding], now_ns: int) -> dict[str, object]:
    return {
        "version": __version__,
        "at": iso(now_ns),
        "problems": _count(found, Severity.PROBLEM),
        "warnings": _count(found, Severity.WARNING),
        "findings": [
            {
                "id": finding.sign.value,
                "severity": finding.severity.name.lower(),
                "what": finding.what,
                "why": finding.why,
                "remedy": finding.remedy,
            }
            for finding in found
        ],
    }

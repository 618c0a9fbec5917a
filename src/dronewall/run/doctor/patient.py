"""What is examined: the settings, the journal's newest minutes, and the wall that runs, if one does."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dronewall.config import Settings
from dronewall.engine.clock import NS_PER_S
from dronewall.engine.entries import FramesRefused, PlotsCame, SensorsJoined, Stepped, WallBegan, content_of
from dronewall.engine.log import Log
from dronewall.engine.sqlite_file import damaged, opened_for_reading, told
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.errors import JournalError, RequestError
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensors
from dronewall.model.status import SensorHealth
from dronewall.run.doctor.host import Host
from dronewall.run.health import SensorWatch

TAIL_ENTRIES_MAX = 6000
TAIL_S = 120.0
CHECKED_BYTES_MAX = 256 * 2**20
ANSWERS_WITHIN_S = 3.0
ASKED = ("status", "sensors", "feeds", "alerts")


@dataclass(slots=True)
class FeedTail:
    """What one feed brought lately: frames understood, frames refused by reason, the newest reason."""

    frames: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    newest: str = ""


@dataclass(slots=True)
class Tail:
    """The newest minutes of a journal; `until_ns` is the instant of its newest entry."""

    until_ns: int = 0
    began_ns: int = 0
    truth_domain: str = ""
    entries: int = 0
    healths: tuple[SensorHealth, ...] = ()
    feeds: dict[str, FeedTail] = field(default_factory=dict)
    undeclared: Counter[str] = field(default_factory=Counter)
    bytes_per_day: float = 0.0


@dataclass(frozen=True, slots=True)
class Patient:
    """Everything a check may look at. Without a file of settings only the machine is examined."""

    now_ns: int
    host: Host
    base: Path = field(default_factory=Path)
    settings: Settings | None = None
    sensors: Sensors = field(default_factory=Sensors)
    wrong: tuple[RequestError, ...] = ()
    tail: Tail | None = None
    journal_error: JournalError | None = None
    writer: str | None = None
    answers: dict[str, Any] | None = None

    @property
    def journal(self) -> Path | None:
        """Where the journal is."""
        return None if self.settings is None else self.base / self.settings.journal.path

    def path(self, name: str) -> Path:
        """Return a path of the settings, which is relative to their file."""
        return self.base / name


def writer_of(journal: Path) -> str | None:
    """Return the process that writes to a journal, as its lock tells it; None when nobody does."""
    try:
        descriptor = os.open(journal.with_name(journal.name + ".lock"), os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        words = os.pread(descriptor, 40, 0).decode("ascii", "replace").split()
        return words[0] if words else "unknown"
    finally:
        os.close(descriptor)
    return None


def answers_of(address: tuple[str, int]) -> dict[str, Any] | None:
    """Return what a running wall's interface answers, by name; None if nothing of ours answers there."""
    answers: dict[str, Any] = {}
    for name in ASKED:
        with closing(http.client.HTTPConnection(*address, timeout=ANSWERS_WITHIN_S)) as link:
            try:
                link.request("GET", f"/api/v1/{name}")
                reply = link.getresponse()
                answers[name] = json.loads(reply.read())
            except (OSError, http.client.HTTPException, ValueError):
                return None
            if reply.status != http.HTTPStatus.OK:
                return None
    return answers


def tail_of(journal: Path, sensors: Sensors) -> Tail:
    """Return the newest minutes of a journal.

    Raises:
        JournalError: it cannot be read.
    """
    with closing(SqliteLog(journal, read_only=True)) as log:
        tail = _read(log, sensors)
    if journal.stat().st_size <= CHECKED_BYTES_MAX:
        _check_pages(journal)
    return tail


def _check_pages(journal: Path) -> None:
    """Look at every page of a journal of moderate size; of a larger one only the tail was read."""
    try:
        with closing(opened_for_reading(journal)) as connection:
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        raise told(journal, error) from error
    if said != "ok":
        raise damaged(journal, f"the file is damaged ({' '.join(said.split())})")


def _read(log: Log, sensors: Sensors) -> Tail:
    tail, watch = Tail(), SensorWatch()
    register, heard = sensors, dict[str, list[float]]()
    _look_at_the_first(log, tail)
    stored = list(log.read(max(log.first_seq, log.last_seq - TAIL_ENTRIES_MAX))) if log.last_seq else []
    tail.entries = log.last_seq
    tail.until_ns = stored[-1].entry.at_ns if stored else 0
    asked_s = 0
    for one in stored:
        content = content_of(one, journal=log.name)
        if isinstance(content, SensorsJoined):
            register = register.joined_by(content.sensors)
        if one.entry.at_ns < tail.until_ns - TAIL_S * NS_PER_S:
            continue
        if isinstance(content, PlotsCame):
            tail.feeds.setdefault(content.feed, FeedTail()).frames += content.frames
            _hear(content.plots, sensors, watch, heard, tail)
        elif isinstance(content, FramesRefused):
            feed = tail.feeds.setdefault(content.feed, FeedTail())
            feed.refused.update(dict(content.counts))
            feed.newest = content.counts[-1][0] if content.counts else feed.newest
        elif isinstance(content, Stepped):
            tail.until_ns = max(tail.until_ns, content.now_ns)
        if one.entry.at_ns // NS_PER_S != asked_s:  # periods are needed while turns are counted
            asked_s = one.entry.at_ns // NS_PER_S
            watch.health(register, one.entry.at_ns)
    offsets = {sensor_id: float(np.median(ages)) for sensor_id, ages in heard.items()}
    tail.healths = watch.health(register, tail.until_ns + NS_PER_S, offsets)
    lasted_ns = tail.until_ns - tail.began_ns
    if lasted_ns > 600 * NS_PER_S:
        tail.bytes_per_day = log.size_bytes / (lasted_ns / NS_PER_S) * 86_400
    return tail


def _look_at_the_first(log: Log, tail: Tail) -> None:
    first = next(log.read(log.first_seq), None) if log.last_seq else None
    if first is not None:
        tail.began_ns = first.entry.at_ns
        began = content_of(first, journal=log.name)
        tail.truth_domain = began.truth_domain if isinstance(began, WallBegan) else ""


def _hear(plots: Plots, sensors: Sensors, watch: SensorWatch, heard: dict[str, list[float]], tail: Tail) -> None:
    """Take a batch: who was heard, and how far each report's time is ahead of ours, in seconds."""
    watch.hear(plots)
    counts = np.bincount(plots.sensor, minlength=len(plots.sensor_ids)).tolist()
    ahead_s = (plots.at_ns - plots.received_ns) / NS_PER_S
    for row, (sensor_id, count) in enumerate(zip(plots.sensor_ids, counts, strict=True)):
        if not count:
            continue
        heard.setdefault(sensor_id, []).append(float(ahead_s[plots.sensor == row].max()))
        if len(sensors) and sensors.get(sensor_id) is None:
            tail.undeclared[sensor_id] += count


def examined(
    *,
    now_ns: int,
    host: Host,
    base: Path,
    settings: Settings,
    address: tuple[str, int],
    sensors: Sensors,
    wrong: tuple[RequestError, ...],
) -> Patient:
    """Return what there is to examine of a wall with these settings."""
    journal = base / settings.journal.path
    writer = writer_of(journal)
    answers = answers_of(address) if writer else None
    tail: Tail | None = None
    error: JournalError | None = None
    if journal.exists():
        try:
            tail = tail_of(journal, sensors)
        except JournalError as fault:
            error = fault
    return Patient(now_ns, host, base, settings, sensors, wrong, tail, error, writer, answers)


def process_number(patient: Patient) -> int | None:
    """Return the number of the process that writes to the journal."""
    with suppress(ValueError):
        return int(patient.writer or "")
    return None

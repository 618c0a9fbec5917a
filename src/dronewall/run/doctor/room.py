"""The journal, the disk and the memory: whether they are sound now, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from dronewall.engine.clock import NS_PER_S
from dronewall.run.doctor.findings import Finding, Sign, fine, problem, warning
from dronewall.run.doctor.patient import Patient, process_number

BYTES_PER_GB = 1e9
DAY_NS = 86_400 * NS_PER_S
FULL_WITHIN_DAYS = 7.0
LOW_SHARE = 0.10
LOW_BYTES = 1e9
MEMORY_LOW_SHARE = 0.05
MEMORY_LOW_BYTES = 400e6
MEMORY_AT_START_BYTES = 500e6
"""What a wall takes once its kernels are there and its first picture is made."""
MEMORY_JUDGED_AFTER_NS = 3600 * NS_PER_S
MEMORY_WITHIN_DAYS = 3.0


def journal(patient: Patient) -> Iterator[Finding]:
    """Whether the journal can be used, and is of this wall."""
    path, tail = patient.journal, patient.tail
    if path is None or patient.settings is None:
        return
    if patient.journal_error is not None:
        error = patient.journal_error
        yield problem(
            Sign.JOURNAL_UNUSABLE, f"{path}: {error.problem}", "the wall does not start with it", error.remedy
        )
        return
    if tail is None:
        yield fine(Sign.JOURNAL_ABSENT, f"there is no journal yet; {path} is made at the first start")
        return
    ours = patient.settings.wall.truth_domain.value
    if tail.truth_domain not in ("", ours):
        what = f"{path} holds {tail.truth_domain}, and this wall is {ours}"
        remedy = "Give this wall a journal of its own: [journal] path."
        yield problem(Sign.JOURNAL_OF_ANOTHER_DOMAIN, what, "the two never mix", remedy)
    else:
        yield fine(
            Sign.JOURNAL_FINE, f"the journal is sound: {tail.entries} entries, the newest of {date(tail.until_ns)}"
        )
    days, most = patient.settings.journal.keep_days, patient.settings.journal.max_gb * BYTES_PER_GB
    if tail.bytes_per_day * days > most:
        held = most / tail.bytes_per_day
        what = f"the journal will hold {held:.1f} days, not the {days:g} of keep_days"
        why = f"it grows by {tail.bytes_per_day / BYTES_PER_GB:.1f} GB a day, and max_gb is {most / BYTES_PER_GB:g}"
        yield warning(
            Sign.JOURNAL_KEEPS_LESS, what, why, f"Set [journal] max_gb = {tail.bytes_per_day * days / 1e9:.0f}"
        )


def disk(patient: Patient) -> Iterator[Finding]:
    """How long the disk of the journal lasts."""
    folder = _existing(patient.journal.absolute().parent) if patient.journal else Path()
    room = patient.host.disk(folder)
    gigabytes = f"{room.free_bytes / BYTES_PER_GB:.1f} of {room.total_bytes / BYTES_PER_GB:.1f} GB are free"
    full_ns = _full_ns(patient, room.free_bytes)
    remedy = f"Free some space (du -xh {folder} | sort -h | tail), lower [journal] max_gb, or move the journal."
    if full_ns and full_ns - patient.now_ns < FULL_WITHIN_DAYS * DAY_NS:
        what = f"the disk of {folder} is full on {date(full_ns)}"
        within_a_day = full_ns - patient.now_ns < DAY_NS
        yield (problem if within_a_day else warning)(Sign.DISK_FULL_SOON, what, gigabytes, remedy)
    elif room.free_bytes < max(LOW_SHARE * room.total_bytes, LOW_BYTES):
        yield warning(Sign.DISK_LOW, f"the disk of {folder} is nearly full", gigabytes, remedy)
    else:
        lasts = f"; at this rate it lasts until {date(full_ns)}" if full_ns else ""
        yield fine(Sign.DISK_FINE, f"the disk has room: {gigabytes}{lasts}")


def _full_ns(patient: Patient, free_bytes: int) -> int:
    """Return when the disk is full; 0 when that is not in sight, for instance because max_gb comes first."""
    if patient.answers:
        return int(patient.answers["status"].get("disk_full_ns", 0))
    if patient.tail is None or patient.settings is None or patient.journal is None or not patient.tail.bytes_per_day:
        return 0
    takes = patient.journal.stat().st_size
    may_grow = patient.settings.journal.max_gb * BYTES_PER_GB - takes
    if may_grow < free_bytes:
        return 0
    return patient.now_ns + round(free_bytes / patient.tail.bytes_per_day * DAY_NS)


def memory(patient: Patient) -> Iterator[Finding]:
    """Whether there is memory, and how long at the rate at which a running wall grew since its start."""
    free, total = patient.host.free_memory_bytes()
    told = f"{free / BYTES_PER_GB:.1f} of {total / BYTES_PER_GB:.1f} GB are available"
    number = process_number(patient)
    process = patient.host.process(number) if number is not None else None
    out_ns = _memory_out_ns(*process, free, patient.now_ns) if process is not None else 0
    if process is not None and out_ns and out_ns - patient.now_ns < MEMORY_WITHIN_DAYS * DAY_NS:
        why = f"process {number} holds {process[0] / BYTES_PER_GB:.1f} GB since {date(process[1])}; {told}"
        what = f"the wall runs out of memory on {date(out_ns)} if it goes on like this"
        yield warning(Sign.MEMORY_RUNS_OUT, what, why, "Restart it at a quiet time: systemctl restart dronewall")
        return
    if free < max(MEMORY_LOW_SHARE * total, MEMORY_LOW_BYTES):
        remedy = "End what is not needed: ps aux --sort=-rss | head"
        yield warning(Sign.MEMORY_LOW, "there is little memory left", told, remedy)
    else:
        yield fine(Sign.MEMORY_FINE, f"there is memory: {told}")


def _memory_out_ns(rss_bytes: int, began_ns: int, free_bytes: int, now_ns: int) -> int:
    lived_ns = now_ns - began_ns
    grown = rss_bytes - MEMORY_AT_START_BYTES
    if lived_ns < MEMORY_JUDGED_AFTER_NS or grown <= 0:
        return 0
    return now_ns + round(free_bytes / grown * lived_ns)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def date(at_ns: int) -> str:
    """Return an instant as people write it, UTC, to the minute."""
    return f"{datetime.fromtimestamp(at_ns / NS_PER_S, UTC):%Y-%m-%d %H:%M}Z"

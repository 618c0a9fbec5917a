"""`dronewall replay`: a journal or recordings through the same pipeline."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, date, datetime
from pathlib import Path

from dronewall.cli.console import Progress, print_result, say
from dronewall.compose import Played, compiled, replay_of
from dronewall.engine.clock import NS_PER_S
from dronewall.model.errors import InputError
from dronewall.run.replay import played
from dronewall.run.summary import Summary

DAY_UNKNOWN = "1970-01-01"
HEADLESS_STEP_S = 1.0
SHOWN_STEP_S = 0.1
LEAST_SPEED_STEPPED = 0.1


def run_replay(
    files: list[Path],
    *,
    sensors: Path | None,
    day: str | None,
    speed: float,
    headless: bool,
    port: int,
    as_json: bool,
) -> int:
    """Replay files, print the summary, return the exit status."""
    step_s = HEADLESS_STEP_S if headless else SHOWN_STEP_S * max(speed, LEAST_SPEED_STEPPED)
    what = replay_of(files, sensors=sensors, day=_day(day or DAY_UNKNOWN), step_ns=round(step_s * NS_PER_S))
    if day is None and what.last_seq is None:
        say(f"no --date given: a recording that carries no date begins on {DAY_UNKNOWN}")
    summary = Summary()
    if headless:
        _through(what, summary)
    else:
        from dronewall.cli.replay_page import show

        asyncio.run(show(what, summary, speed=speed, port=port))
    print_result(
        {**summary.result(), "latency_p50_ms": None, "latency_p99_ms": None, "feeds": summary.by_feed()},
        as_json=as_json,
    )
    for line in summary.left_out():
        say(line)
    if headless and what.last_seq is None and not any(counts.decoded for counts in summary.feeds.values()):
        say(f"nothing in {what.name} could be read: see that the name ends as the format does that is in it")
        return 1
    return 0


def _through(what: Played, summary: Summary) -> None:
    progress = Progress()
    compiled(progress.tell)

    def tell(_: object, __: object) -> None:
        of = f" of {what.last_seq}" if what.last_seq else ""
        at = datetime.fromtimestamp(what.reader.now_ns / 1e9, UTC)
        progress.tell(f"replaying {what.name}: entry {what.reader.seq}{of}, {at:%Y-%m-%d %H:%M:%S} UTC")

    deque(played(what.numbered, what.reader, observers=(summary, tell)), maxlen=0)
    progress.done()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not a day", "Write --date 2024-06-06.", field="--date") from error

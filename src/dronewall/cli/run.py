"""`dronewall run`: the wall on real feeds."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from dronewall import __version__
from dronewall.cli.console import Progress, print_result, say
from dronewall.compose import Composed, composed
from dronewall.config import (
    JournalSettings,
    PageSettings,
    SensorsSettings,
    Settings,
    Source,
    WeatherSettings,
    read_settings,
)
from dronewall.engine.clock import WallClock
from dronewall.engine.logs import Logbook, LogFormat, written_to
from dronewall.engine.systemd import notifier_of_this_process
from dronewall.engine.watchdog import LoopWatchdog
from dronewall.model.errors import InputError
from dronewall.outlets.logbook import LogbookOutlet
from dronewall.outlets.outlet import Outlet
from dronewall.outlets.service import ServiceOutlet
from dronewall.run.summary import Summary

ROUNDED_TO = 2
TOLD_EVERY_S = 0.2


def run_wall(
    wall: Path | None,
    *,
    feeds: list[str],
    sensors: Path | None,
    weather: Path | None = None,
    journal: Path | None,
    listen: str | None,
    log: str,
    as_json: bool,
) -> int:
    """Run until interrupted, print the summary, return the exit status."""
    kind = _log_format(log)
    settings, source, base = _asked(wall, feeds, sensors, weather, journal, listen)
    summary = Summary()
    clock = WallClock()
    made = composed(settings, source, base=base, clock=clock, observers=(summary,))
    book = Logbook(wall=settings.wall.name, boot_id=secrets.token_hex(4), clock=clock.now_ns)
    service = ServiceOutlet(notifier_of_this_process(), LoopWatchdog(sys.stderr))

    async def told_when_stopping(stop: asyncio.Event) -> None:
        await stop.wait()
        service.stopping()

    beside: list[Callable[[asyncio.Event], Coroutine[None, None, None]]] = [told_when_stopping]
    if kind is LogFormat.TEXT:  # lines of JSON stand alone
        announce(made)
        beside.append(lambda _: told_until_ready(made))
    with written_to(sys.stderr, kind), closing(book):
        outlets = (LogbookOutlet(book.tell, clock=clock.now_ns), service)
        asyncio.run(until_interrupted(made, *beside, outlets=outlets))
    print_result({**summary.result(), **latency_of(made), "feeds": summary.by_feed()}, as_json=as_json)
    return 0


def announce(made: Composed) -> None:
    """Say where the picture is and how to end it."""
    say(f"dronewall {__version__}: the picture is at {made.url} (journal {made.journal}). Ctrl-C ends it.")


def _log_format(name: str) -> LogFormat:
    try:
        return LogFormat(name)
    except ValueError as error:
        raise InputError(
            f"there is no log format {name!r}", "Write --log text or --log json.", field="--log"
        ) from error


async def until_interrupted(
    made: Composed, *beside: Callable[[asyncio.Event], Coroutine[None, None, None]], outlets: Sequence[Outlet] = ()
) -> None:
    """Run a wall until it is interrupted or told to stop; it then takes what is left and closes its journal.

    Each of `beside` runs as long as the wall does, and may stop it; `outlets` are served besides the page.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(one(stop)) for one in beside]
    try:
        await made.wall.run([made.page, *made.outlets, *outlets], stop=stop)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def told_until_ready(made: Composed) -> None:
    """Say how far a wall is that does not show pictures yet: compiling, or reading its journal."""
    progress = Progress()
    while not made.wall.ready.is_set():
        status = made.wall.status()
        compiling = f"compiling {status.compiled} of {status.to_compile} kernels (only the first time)"
        progress.tell(status.detail or compiling)
        await asyncio.sleep(TOLD_EVERY_S)
    progress.done()


def latency_of(made: Composed) -> dict[str, Any]:
    """Return the latencies of the whole run under the names of the summary."""
    delays = made.wall.latency.whole_run
    percentiles = {f"latency_p{percent}_ms": delays.percentile_ms(percent) for percent in (50, 99)}
    return {name: None if value is None else round(value, ROUNDED_TO) for name, value in percentiles.items()}


def _asked(
    wall: Path | None,
    feeds: list[str],
    sensors: Path | None,
    weather: Path | None,
    journal: Path | None,
    listen: str | None,
) -> tuple[Settings, Source, Path]:
    """Return the settings of the file, or those the options make up."""
    if (wall is None) == (not feeds):
        raise InputError(
            "give either the wall's settings or its feeds",
            "Write `dronewall run WALL.toml` or `dronewall run --feed beast://127.0.0.1:30005`.",
        )
    if wall is not None:
        if sensors or weather or journal or listen:
            raise InputError(
                "--sensors, --weather, --journal and --listen go with --feed",
                "Write them into the file: [sensors] file, [weather] file, [journal] path, [page] listen.",
                str(wall),
            )
        settings, source = read_settings(wall)
        return settings, source, wall.parent
    settings = Settings(
        feeds=tuple({"url": url} for url in feeds),
        sensors=SensorsSettings(file=str(sensors) if sensors else ""),
        weather=WeatherSettings(file=str(weather) if weather else ""),
        journal=JournalSettings(path=str(journal)) if journal else JournalSettings(),
        page=PageSettings(listen=listen) if listen else PageSettings(),
    )
    return settings, Source(None), Path()

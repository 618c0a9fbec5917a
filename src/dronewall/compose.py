"""Compose names every concrete class: which log, which feeds, which outlet stand behind the seams."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from litestar import Litestar

from dronewall.config import LOOPBACK, JournalSettings, Settings, Source, address_of
from dronewall.engine.archived_log import ArchivedLog
from dronewall.engine.clock import Clock, WallClock
from dronewall.engine.clock_alerts import clock_alerts
from dronewall.engine.disk import DiskSample
from dronewall.engine.entries import WallBegan, content_of
from dronewall.engine.log import Log
from dronewall.engine.plugins import Plugins
from dronewall.engine.segments import sealed_folder, segments_in
from dronewall.engine.sqlite_log import SqliteLog, is_journal
from dronewall.engine.sqlite_state import SqliteState, kept_in
from dronewall.engine.urls import OUTLET, scheme_of, settings_of
from dronewall.feeds.feed import Feed
from dronewall.model.errors import ConfigError, InputError, JournalError, RequestError
from dronewall.model.picture import Alert, TruthDomain
from dronewall.model.sensors import Sensors
from dronewall.model.weather import Weather
from dronewall.outlets.outlet import House, Outlet
from dronewall.outlets.web.acts import acts_router
from dronewall.outlets.web.api import api_router, openapi_config
from dronewall.outlets.web.board import Board
from dronewall.outlets.web.server import WebOutlet
from dronewall.pipeline import Pipeline
from dronewall.run.archive import archivist_of
from dronewall.run.archive_replay import archived_contents
from dronewall.run.aside import KEY, KeptInMemory, KeptInState, entries_in, told
from dronewall.run.compiling import compiled_by_two
from dronewall.run.parts import Observer, Parts
from dronewall.run.reader import Reader, Stepping
from dronewall.run.replay import Numbered, Recording, recorded_contents
from dronewall.run.settling import settled
from dronewall.run.wall import Wall
from dronewall.wire.sensors_jsonl import sensors_from
from dronewall.wire.weather_jsonl import weather_from

FEEDS, OUTLETS = "dronewall.feeds", "dronewall.outlets"
PAGE = "http"
BYTES_PER_GB = 1e9


@dataclass(frozen=True, slots=True)
class Composed:
    """A wall with its page and its other outlets, bound but not yet serving."""

    wall: Wall
    page: WebOutlet
    url: str
    journal: str
    outlets: tuple[Outlet, ...] = ()


def composed(
    settings: Settings, source: Source, *, base: Path, clock: Clock, observers: Sequence[Observer] = ()
) -> Composed:
    """Return the wall that settings describe, its port taken and its journal open.

    Args:
        settings: as read from a file or made from the command line.
        source: where they came from, for errors.
        base: the folder to which paths are relative.

    Raises:
        RequestError: a feed, a file or the port cannot be had as asked.
        JournalError: the journal cannot be opened, or belongs to another truth domain.
    """
    sensors = declared(base / settings.sensors.file if settings.sensors.file else None)
    feeds = feeds_from(settings.feeds, sensors=sensors, clock=clock, source=source)
    log = journal_at(base / settings.journal.path, settings.wall.truth_domain)
    return walled(
        name=settings.wall.name,
        truth_domain=settings.wall.truth_domain,
        log=log,
        feeds=feeds,
        sensors=sensors,
        weather=foretold(base / settings.weather.file if settings.weather.file else None),
        address=address_of(settings.page.listen, source),
        clock=clock,
        observers=observers,
        storage=settings.journal,
        outlets=settings.outlets,
        source=source,
    )


def walled(
    *,
    name: str,
    truth_domain: TruthDomain,
    log: Log,
    feeds: tuple[Feed, ...],
    sensors: Sensors,
    address: tuple[str, int],
    clock: Clock,
    weather: Weather | None = None,
    observers: Sequence[Observer] = (),
    feeds_wait: bool = False,
    storage: JournalSettings | None = None,
    outlets: Sequence[Mapping[str, Any]] = (),
    source: Source | None = None,
) -> Composed:
    """Return a wall of given feeds and log, with its page at `address`; the log is closed if a port is not free.

    With `storage` the journal is sealed and pruned as it says. `outlets` are the tables of others than the page, and
    `source` is where they stand.
    """
    register = sensors.joined_by(sensor for feed in feeds for sensor in feed.assumed_sensors())
    path = Path(log.name) if isinstance(log, SqliteLog) else None
    journal_settings = storage or JournalSettings()
    max_bytes = round(journal_settings.max_gb * BYTES_PER_GB)
    if isinstance(clock, WallClock):
        clock.not_before(newest_in(log))
    parts = Parts(
        name=name,
        truth_domain=truth_domain,
        begun=lambda: Pipeline(Sensors(), truth_domain=truth_domain),
        warm_up=compiled_by_two,
        log=log,
        aside=KeptInState(SqliteState(path)) if path else KeptInMemory(),
        feeds=feeds,
        sensors=tuple(register),
        weather=weather,
        clock=clock,
        journal=log.name,
        observers=tuple(observers),
        feeds_wait=feeds_wait,
        journal_max_bytes=max_bytes,
        archiving=archivist_of(path, storage) if path and storage else None,
        clock_alerts=partial(_clock_alerts, clock),
        reserve_bytes=round(journal_settings.reserve_mb * 1024**2),
        look_at_disk=partial(disk_sample, path.absolute().parent, max_bytes) if path else None,
    )
    wall = Wall(parts)
    host, port = address
    try:
        page = page_at(host, port, house=wall, clock=clock)
        others = outlets_from(outlets, house=wall, clock=clock, source=source or Source(None))
    except RequestError:
        log.close()
        raise
    return Composed(wall, page, page.url, log.name, others)


def page_at(host: str, port: int, *, house: House, clock: Clock) -> WebOutlet:
    """Return our page, its port taken, by the door that other outlets use.

    Raises:
        RequestError: the port cannot be had.
    """
    plugin = Plugins(OUTLETS).named(PAGE)
    address = f"[{host}]" if ":" in host.strip("[]") else host
    page: WebOutlet = plugin.open(plugin.Settings(f"http://{address}:{port}"), house=house, clock=clock)
    return page


def outlets_from(
    tables: Iterable[Mapping[str, Any]], *, house: House, clock: Clock, source: Source
) -> tuple[Outlet, ...]:
    """Return the outlets of `[[outlets]]` tables, each made by the plugin its URL names; their ports are taken.

    Raises:
        RequestError: no plugin is known for a URL, a setting is wrong, or a port cannot be had.
    """
    plugins = Plugins(OUTLETS)
    outlets: list[Outlet] = []
    for number, table in enumerate(tables):
        at = f"outlets[{number}]"
        try:
            plugin = plugins.named(scheme_of(table["url"], kind=OUTLET))
            settings = settings_of(table["url"], plugin.Settings, table=table, file=source.file, kind=OUTLET)
            outlets.append(plugin.open(settings, house=house, clock=clock))
        except RequestError as error:
            field = (error.field or "url").removeprefix("outlets.") if isinstance(error, ConfigError) else "url"
            raise source.error(error.problem, error.remedy, f"{at}.{field}") from error
    return tuple(outlets)


def newest_in(log: Log) -> int:
    """Return when the newest entry of a log was written, ns UTC; 0 if it has none."""
    newest = next(iter(log.read(log.last_seq)), None) if log.last_seq else None
    return 0 if newest is None else newest.entry.at_ns


def _clock_alerts(clock: Clock, now_ns: int) -> tuple[Alert, ...]:
    """Return what a machine's clock has to tell; one that is turned by hand has nothing."""
    return clock_alerts(clock.events, now_ns, apart_s=clock.apart_s) if isinstance(clock, WallClock) else ()


def disk_sample(folder: Path, max_bytes: int, now_ns: int, journal_bytes: int) -> DiskSample:
    """Return how the disk of a folder is now."""
    usage = shutil.disk_usage(folder)
    return DiskSample(now_ns, usage.free, usage.total, journal_bytes, max_bytes)


def declared(path: Path | None) -> Sensors:
    """Return the register of a file of sensors; an empty one without a file."""
    return Sensors() if path is None else sensors_from(path)


def foretold(path: Path | None) -> Weather | None:
    """Return the reports of a file of weather; None without a file."""
    return None if path is None else weather_from(path)


def feeds_from(
    tables: Iterable[Mapping[str, Any]], *, sensors: Sensors, clock: Clock, source: Source
) -> tuple[Feed, ...]:
    """Return the feeds of `[[feeds]]` tables, each made by the plugin its URL names; nothing is connected yet.

    Raises:
        RequestError: no plugin is known for a URL, a setting is wrong, or two feeds have one name.
    """
    plugins = Plugins(FEEDS)
    feeds: list[Feed] = []
    for number, table in enumerate(tables):
        at = f"feeds[{number}]"
        try:
            plugin = plugins.named(scheme_of(table["url"]))
            settings = settings_of(table["url"], plugin.Settings, table=table, file=source.file)
            feeds.append(plugin.open(settings, sensors=sensors, clock=clock))
        except InputError as error:
            raise source.error(error.problem, error.remedy, f"{at}.url") from error
        except ConfigError as error:
            field = (error.field or "url").removeprefix("feeds.")
            raise source.error(error.problem, error.remedy, f"{at}.{field}") from error
        if feeds[-1].name in {feed.name for feed in feeds[:-1]}:
            raise source.error(
                f"two feeds are called {feeds[-1].name!r}", "Give one of them another name.", f"{at}.name"
            )
    if not feeds:
        raise source.error("there is no feed", 'Add one: [[feeds]] with url = "beast://127.0.0.1:30005".', "feeds")
    return tuple(feeds)


def journal_at(path: Path, truth_domain: TruthDomain) -> SqliteLog:
    """Return the journal of a file, made if it is absent.

    Raises:
        JournalError: it cannot be opened, or what it holds is of another truth domain.
    """
    log = SqliteLog(path)
    try:
        held = _truth_domain_in(log, path)
        if held is not None and held is not truth_domain:
            raise JournalError(
                str(path),
                f"it holds {held.value}, and this wall is {truth_domain.value}: the two never mix",
                "Give this wall a journal of its own.",
            )
    except JournalError:
        log.close()
        raise
    return log


def _truth_domain_in(log: Log, path: Path) -> TruthDomain | None:
    """Return the truth domain that the journal's first entry names or, once pruned, its segments; None before that."""
    sealed = segments_in(sealed_folder(path)) if log.first_seq > 1 else ()
    if sealed and sealed[-1].manifest.truth_domain:
        return TruthDomain(sealed[-1].manifest.truth_domain)
    first = next(log.read(log.first_seq), None)
    began = None if first is None else content_of(first, journal=log.name)
    return TruthDomain(began.truth_domain) if isinstance(began, WallBegan) else None


@dataclass(frozen=True, slots=True)
class Played:
    """What is to be replayed: contents with their numbers, a reader for them, and how far they go if that is known."""

    numbered: Iterable[Numbered]
    reader: Reader
    truth_domain: TruthDomain
    name: str
    last_seq: int | None = None


def compiled(tell: Callable[[str], None]) -> None:
    """Compile the kernels before work begins, telling how far it is."""
    for done, total in compiled_by_two():
        tell(f"compiling {done} of {total} kernels (only the first time)")


def page_of(pipeline: Stepping, *, port: int, clock: Clock) -> WebOutlet:
    """Return a page at the loopback address that shows the pictures of one pipeline; it is not bound yet."""
    return WebOutlet(
        LOOPBACK,
        port,
        sensors=lambda: pipeline.sensors,
        explain=pipeline.explain,
        on_sent=lambda _, __: None,
        clock=clock.now_ns,
    )


def api_schema() -> dict[str, Any]:
    """Return the OpenAPI document of the page's interface."""
    board = Board(sensors=Sensors, explain=lambda _: None, on_sent=lambda _, __: None, clock=lambda: 0)
    return Litestar(
        route_handlers=[api_router(board), acts_router(board)], openapi_config=openapi_config()
    ).openapi_schema.to_schema()


def replay_of(
    files: Sequence[Path],
    *,
    sensors: Path | None,
    weather: Path | None = None,
    day: date,
    step_ns: int,
    last_ns: int | None = None,
    settling: bool = False,
) -> Played:
    """Return the replay of one journal, or of recordings played together.

    Args:
        files: one journal, or any recordings whose endings a feed plugin knows.
        sensors: a file of sensors for recordings; a journal has its own.
        weather: a file of weather for recordings; a journal has its own.
        day: the day recordings begin whose format does not say.
        step_ns: how far steps of recordings are apart.
        last_ns: the last step of recordings stands at a multiple of this; of `step_ns` if None.
        settling: take plots by time of validity, wherever in the recordings those up to 30 s late stand.

    Raises:
        RequestError: a file is missing, unknown, or a journal is mixed with others.
        JournalError: a journal cannot be read.
    """
    for file in files:
        if not file.exists():
            raise InputError("there is no such file", "Check the path.", str(file))
    journals = [file for file in files if is_journal(file)]
    if journals and len(files) > 1:
        raise InputError("a journal is replayed alone", "Name one journal, or only recordings.", str(journals[0]))
    if journals:
        return _journal_replay(journals[0])
    register = declared(sensors)
    plugins = Plugins(FEEDS)
    known = [plugins.for_file(file.name) for file in files]
    for plugin, file in zip(known, files, strict=True):
        register = register.joined_by(plugin.assumed_in(file))
    ordered = settled if settling else iter
    recordings = [
        Recording(file.name, ordered(plugin.recording(file, sensors=register, date=day)))
        for plugin, file in zip(known, files, strict=True)
    ]
    return Played(
        recorded_contents(recordings, sensors=register, weather=foretold(weather), step_ns=step_ns, last_ns=last_ns),
        # What a recording holds until an instant belongs to its picture: nothing waits for what may come.
        Reader(lambda: Pipeline(Sensors(), truth_domain=TruthDomain.LIVE, reorder_ns=0)),
        TruthDomain.LIVE,
        ", ".join(file.name for file in files),
    )


def _journal_replay(path: Path) -> Played:
    log = ArchivedLog(lambda: SqliteLog(path, read_only=True), sealed_folder(path))
    truth_domain = _truth_domain_in(log.live, path) or TruthDomain.LIVE
    aside = entries_in(told(kept_in(path, KEY)))
    reader = Reader(lambda: Pipeline(Sensors(), truth_domain=truth_domain), set_aside=aside)
    return Played(archived_contents(log, reader), reader, truth_domain, path.name, log.last_seq)

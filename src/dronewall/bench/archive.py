"""How fast the journal is sealed, how small it becomes, what the journal feels of it, and how fast it can be asked.

The plots are made up like those of secondary radars: real ones repeat themselves in other ways, so bytes per plot are
of the right size and no more.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.engine.entries import Content, PlotsCame, SensorsJoined, Stepped, WallBegan, entry_of
from dronewall.engine.log import Entry
from dronewall.engine.retention import Limits
from dronewall.engine.segments import Segment, sealed_folder
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.plots import Datum, Plots
from dronewall.model.sensors import Sensor, SensorKind
from dronewall.run.archive import Archivist
from dronewall.run.archive_query import query

SEED = 1
RADARS, AIRCRAFT = 20, 5_000
PLOTS_PER_TICK, PLOTS_PER_BATCH = 2_500, 500
TICKS, TICKS_QUICK = 1_200, 200
SEGMENT_BYTES, SEGMENT_BYTES_QUICK = 64 * 1024**2, 16 * 1024**2
IDLE_S = 5.0
TICK_S = 0.1
RANGE_CELL_M = 1852.0 / 256
TURN_CELLS = 65_536
QUERY = "SELECT sensor_id, count(*) AS plots, avg(range_m) AS mean_range_m FROM plots GROUP BY 1 ORDER BY 1"


class _Sky:
    """Twenty radars that see five thousand aircraft, 25,000 plots a second."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(SEED)
        self._range_m = self._rng.uniform(5e3, 4e5, AIRCRAFT)
        self._azimuth = self._rng.uniform(0.0, 1.0, AIRCRAFT)
        self._icao24 = self._rng.choice(2**24 - 1, AIRCRAFT, replace=False) + 1
        self._level_m = 30.48 * self._rng.integers(10, 400, AIRCRAFT)
        self.at_ns = 1_700_000_000 * NS_PER_S
        self.sensors = tuple(Sensor(f"radar-{i}", SensorKind.SSR, 50.0 + i / 10, 20.0, 100.0) for i in range(RADARS))

    def tick(self, last_seq: int) -> list[Entry]:
        """Return the entries of the next tenth of a second."""
        self.at_ns += round(TICK_S * NS_PER_S)
        batches = [self._batch() for _ in range(PLOTS_PER_TICK // PLOTS_PER_BATCH)]
        contents: list[Content] = [PlotsCame("radars", batch, len(batch)) for batch in batches]
        contents.append(Stepped(self.at_ns, last_seq + len(contents)))
        return [entry_of(content, at_ns=self.at_ns) for content in contents]

    def _batch(self) -> Plots:
        rows = self._rng.integers(0, AIRCRAFT, PLOTS_PER_BATCH)
        range_m = self._range_m[rows] + self._rng.normal(0.0, 500.0, PLOTS_PER_BATCH)
        turns = self._azimuth[rows] + self._rng.normal(0.0, 2e-3, PLOTS_PER_BATCH)
        return Plots.of(
            PLOTS_PER_BATCH,
            sensor=self._rng.integers(0, RADARS, PLOTS_PER_BATCH),
            at_ns=self.at_ns - self._rng.integers(0, 12_800, PLOTS_PER_BATCH) * 7_812_500 // 100,
            received_ns=self.at_ns,
            range_m=np.round(np.abs(range_m) / RANGE_CELL_M) * RANGE_CELL_M,
            azimuth_rad=np.round(turns % 1.0 * TURN_CELLS) / TURN_CELLS * 2.0 * np.pi,
            altitude_m=self._level_m[rows],
            altitude_datum=Datum.PRESSURE,
            icao24=self._icao24[rows],
            sensor_ids=tuple(sensor.sensor_id for sensor in self.sensors),
        )


class _Writing:
    """A wall's journal while it is written ten times a second; keeps how long each append took, ms."""

    def __init__(self, log: SqliteLog, sky: _Sky) -> None:
        self._log, self._sky = log, sky
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.took_ms: list[float] = []

    def __enter__(self) -> _Writing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        clock = WallClock()
        while not self._stop.is_set():
            began_ns = clock.now_ns()
            entries = self._sky.tick(self._log.last_seq)
            appends_ns = clock.now_ns()
            self._log.append(entries)
            self.took_ms.append((clock.now_ns() - appends_ns) / 1e6)
            self._stop.wait(max(0.0, TICK_S - (clock.now_ns() - began_ns) / NS_PER_S))


def archive(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the figures of sealing and asking a journal of 25,000 plots a second while it is being written."""
    with tempfile.TemporaryDirectory(prefix="dronewall-bench-") as folder:
        journal = Path(folder) / "wall.journal"
        log, sky = SqliteLog(journal), _Sky()
        contents: tuple[Content, ...] = (WallBegan("bench", "bench", "SIMULATION"), SensorsJoined(sky.sensors))
        log.append([entry_of(content, at_ns=sky.at_ns) for content in contents])
        for _ in range(TICKS_QUICK if quick else TICKS):
            log.append(sky.tick(log.last_seq))
        yield from _figures(journal, log, sky, SEGMENT_BYTES_QUICK if quick else SEGMENT_BYTES)
        log.close()


def _figures(journal: Path, log: SqliteLog, sky: _Sky, segment_bytes: int) -> Iterator[dict[str, Any]]:
    clock = WallClock()
    with _Writing(log, sky) as idle:
        threading.Event().wait(IDLE_S)
    with _Writing(log, sky) as busy:
        began_ns = clock.now_ns()
        sealed = _sealed(journal, segment_bytes, sky.at_ns)
        took_s = (clock.now_ns() - began_ns) / NS_PER_S
    plots = sum(segment.manifest.rows["plots"] for segment in sealed)
    case = f"{plots} plots in {len(sealed)} segments, 25,000 plots/s written meanwhile"
    yield _figure("sealing", case, plots / took_s, "plots/s")
    for name in ("entries.parquet", "plots.parquet"):
        size = sum(fact.size_bytes for one in sealed for fact in one.manifest.files if fact.name == name)
        yield _figure(name, case, size / plots, "bytes/plot")
    for name, writing in (("append p99, nothing sealed", idle), ("append p99, while sealing", busy)):
        median, p90, p99 = np.percentile(writing.took_ms, [50, 90, 99]).tolist()
        yield _figure(name, case, p99, "ms") | {"median": median, "p90": p90}
    began_ns = clock.now_ns()
    rows = query(QUERY, journal=journal).num_rows
    yield _figure("query", f"{QUERY} ({rows} rows)", (clock.now_ns() - began_ns) / NS_PER_S, "s")


def _sealed(journal: Path, segment_bytes: int, now_ns: int) -> list[Segment]:
    limits = Limits(segment_bytes=segment_bytes)
    archivist = Archivist(lambda: SqliteLog(journal, read_only=True), sealed_folder(journal), limits)
    sealed: list[Segment] = []
    more = True
    while more:
        report = archivist.work(now_ns)
        more = report.more
        sealed += [] if report.sealed is None else [report.sealed]
    return sealed


def _figure(name: str, case: str, value: float, unit: str) -> dict[str, Any]:
    return {"bench": "archive", "case": f"{name}: {case}", "seed": SEED, "value": value, "unit": unit}

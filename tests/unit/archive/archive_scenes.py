"""Small journals to be archived: steps ten times a second with a few plots each, a checkpoint every so often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dronewall.engine.entries import Content, FramesRefused, PlotsCame, SensorsJoined, Stepped, WallBegan, entry_of
from dronewall.engine.log import Checkpoint, Stored
from dronewall.engine.retention import Limits
from dronewall.engine.segments import sealed_folder
from dronewall.engine.sqlite_log import SqliteLog
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor, SensorKind
from dronewall.run.archive import ArchiveReport, Archivist

S = 1_000_000_000
T0 = 1_760_000_000 * S
RADAR = Sensor("radar-1", SensorKind.RADAR_3D, 54.0, 25.0, 100.0)
MINUTE = Limits(segment_s=60.0)


def plots_at(at_ns: int, count: int = 3) -> Plots:
    return Plots.of(
        count,
        at_ns=at_ns,
        received_ns=at_ns,
        range_m=[1000.0 + i for i in range(count)],
        azimuth_rad=[0.1 * i for i in range(count)],
        sensor_ids=("radar-1",),
    )


def contents(at_ns: int, seq: int) -> list[Content]:
    """Return one tick: plots, now and then refused frames, a step."""
    came: list[Content] = [PlotsCame("feed-a", plots_at(at_ns), 3)]
    if seq % 5 == 0:
        came.append(FramesRefused("feed-a", (("frame cut short", 2),)))
    return [*came, Stepped(at_ns, seq + len(came))]


def fill(log: SqliteLog, *, from_s: float, to_s: float, checkpoint_every_s: float = 10.0) -> None:
    """Append ticks of one second from an instant to another."""
    if log.last_seq == 0:
        began = [WallBegan("0.1.0", "test", "LIVE"), SensorsJoined((RADAR,))]
        log.append([entry_of(content, at_ns=T0) for content in began])
    at_s = from_s
    while at_s < to_s:
        at_ns = T0 + round(at_s * S)
        log.append([entry_of(content, at_ns=at_ns) for content in contents(at_ns, log.last_seq)])
        if at_s % checkpoint_every_s == 0.0 and at_s > 0.0:
            log.keep(Checkpoint(log.last_seq, state_at(log.last_seq)))
        at_s += 1.0


def state_at(seq: int) -> bytes:
    from dronewall.engine.entries import State, checkpoint_of

    return checkpoint_of(State("0.1.0", (RADAR,), {}), seq=seq).body


def archivist(journal: Path, limits: Limits = MINUTE) -> Archivist:
    return Archivist(lambda: SqliteLog(journal, read_only=True), sealed_folder(journal), limits, breath_s=0.0)


def worked_out(archivist: Archivist, now_ns: int = T0) -> list[ArchiveReport]:
    """Let the archivist work until it has nothing more to do."""
    reports = [archivist.work(now_ns)]
    while reports[-1].more:
        reports.append(archivist.work(now_ns))
        assert len(reports) < 1000
    return reports


def all_entries(journal: Path) -> list[Stored]:
    log = SqliteLog(journal, read_only=True)
    entries = list(log.read(log.first_seq))
    log.close()
    return entries


def pruned(log: SqliteLog, through_seq: int) -> Iterator[int]:
    while count := log.prune(through_seq):
        yield count

"""The tables that people ask: what entries of the journal give, in columns with the names of the files' fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from dronewall.engine.entries import Content, FramesRefused, PlotsCame, SensorsJoined, Stepped, content_of, state_of
from dronewall.engine.log import Checkpoint, Stored
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor
from dronewall.wire.plots_parquet import table_of
from dronewall.wire.sensors_jsonl import encoded

Numbered = tuple[Stored, Content]

STEPS = pa.schema([("seq", pa.int64()), ("at_ns", pa.int64()), ("now_ns", pa.int64()), ("through_seq", pa.int64())])
REFUSED = pa.schema(
    [("seq", pa.int64()), ("at_ns", pa.int64()), ("feed", pa.string()), ("reason", pa.string()), ("count", pa.int64())]
)
SENSORS = pa.schema(
    [
        ("seq", pa.int64()),
        ("sensor_id", pa.string()),
        ("kind", pa.string()),
        ("lat_deg", pa.float64()),
        ("lon_deg", pa.float64()),
        ("hae_m", pa.float64()),
        ("period_s", pa.float64()),
        ("owner", pa.string()),
        ("vendor", pa.string()),
        ("model", pa.string()),
        ("line", pa.string()),
    ]
)
"""`line` is the whole declaration as it would stand in `sensors.jsonl`."""


class ArchiveTables:
    """Turns entries into `plots`, `steps`, `refused` and `sensors`; see `engine.sealing.Tables`.

    Args:
        journal: whose entries they are, for errors.
        begins_in: the state the segment begins in, whose register of sensors stands in its `sensors` too: with the
            older segments gone, nobody else would remember them.
    """

    def __init__(self, journal: str, begins_in: Checkpoint | None = None) -> None:
        self._journal = journal
        self._known = begins_in

    def empty(self) -> Mapping[str, pa.Table]:
        """Return every table without rows."""
        return {
            "plots": _plots_table([]),
            "steps": STEPS.empty_table(),
            "refused": REFUSED.empty_table(),
            "sensors": SENSORS.empty_table(),
        }

    def of(self, stored: Sequence[Stored]) -> Mapping[str, pa.Table]:
        """Return the rows that entries give."""
        contents = [(one, content_of(one, journal=self._journal)) for one in stored]
        return {
            "plots": _plots_table([(one.seq, c) for one, c in contents if isinstance(c, PlotsCame)]),
            "steps": _table(STEPS, _steps(contents)),
            "refused": _table(REFUSED, _refused(contents)),
            "sensors": _table(SENSORS, [*self._beginning(), *_sensors(contents)]),
        }

    def _beginning(self) -> Iterable[dict[str, Any]]:
        known, self._known = self._known, None
        if known is None:
            return ()
        return _rows_of(state_of(known, journal=self._journal).sensors, known.seq)


def _table(schema: pa.Schema, rows: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=schema)


def _plots_table(came: Sequence[tuple[int, PlotsCame]]) -> pa.Table:
    """Return the columns of `plots.parquet` with the entry each plot stands in and the feed it came by."""
    table = table_of(Plots.concat([content.plots for _, content in came]))
    counts = [len(content.plots) for _, content in came]
    seq = np.repeat(np.array([seq for seq, _ in came], np.int64), counts)
    names = sorted({content.feed for _, content in came})
    feed = np.repeat(np.array([names.index(content.feed) for _, content in came], np.int32), counts)
    feeds = pa.DictionaryArray.from_arrays(pa.array(feed, pa.int32()), pa.array(names, pa.string()))
    return table.add_column(0, "seq", pa.array(seq)).add_column(1, "feed", feeds.cast(pa.string()))


def _steps(contents: Iterable[Numbered]) -> Iterable[dict[str, Any]]:
    for one, content in contents:
        if isinstance(content, Stepped):
            now_ns, through_seq = content.now_ns, content.through_seq
            yield {"seq": one.seq, "at_ns": one.entry.at_ns, "now_ns": now_ns, "through_seq": through_seq}


def _refused(contents: Iterable[Numbered]) -> Iterable[dict[str, Any]]:
    for one, content in contents:
        if isinstance(content, FramesRefused):
            for reason, count in content.counts:
                yield {
                    "seq": one.seq,
                    "at_ns": one.entry.at_ns,
                    "feed": content.feed,
                    "reason": reason,
                    "count": count,
                }


def _sensors(contents: Iterable[Numbered]) -> Iterable[dict[str, Any]]:
    for one, content in contents:
        if isinstance(content, SensorsJoined):
            yield from _rows_of(content.sensors, one.seq)


def _rows_of(sensors: Sequence[Sensor], seq: int) -> Iterable[dict[str, Any]]:
    for line in encoded(sensors).splitlines():
        told = msgspec.json.decode(line)
        row = {name: told.get(name) for name in SENSORS.names if name not in ("seq", "line")}
        yield {**row, "seq": seq, "line": line.decode()}

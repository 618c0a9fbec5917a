"""Reports as bytes, many at once: so that whoever makes up the load does not need the machine it is meant to load."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dronewall.bench.live_scene import Hits

Bytes = NDArray[np.uint8]

NS_PER_S = 1_000_000_000
LINE = (
    b'{"sensor_id":"radar-##","at_ns":###################,"range_m":0.#######e6,'
    b'"azimuth_deg":0.######e3,"elevation_deg": 0.#####e2}\n'
)
"""A JSON number may begin with 0. only; written with an exponent all of them are equally long."""
DIGIT = ord("#")

NAUTICAL_MILE_M = 1852.0
FLIGHT_LEVEL_M = 30.48
CAT048_RECORD = np.dtype(
    [
        ("items", "u1"),
        ("sac", "u1"),
        ("sic", "u1"),
        ("time", "u1", 3),
        ("type", "u1"),
        ("rho", ">u2"),
        ("theta", ">u2"),
        ("level", ">u2"),
    ]
)
"""I048/010, 140, 020, 040 and 090: source, time of day, a combined detection, range and azimuth, flight level."""
ITEMS, COMBINED, SAC = 0b1111_0100, 0x60, 25
RECORDS_PER_DATAGRAM = 100
FULL_DATAGRAM = np.dtype([("head", "u1", 3), ("records", CAT048_RECORD, RECORDS_PER_DATAGRAM)])


def lines(hits: Hits, begun_ns: int) -> Bytes:
    """Return reports as lines of `plots.jsonl`, a row of bytes each; seconds count from `begun_ns`."""
    template = np.frombuffer(LINE, np.uint8)
    text = np.tile(template, (len(hits.radar), 1))
    fields = np.split(places := np.flatnonzero(template == DIGIT), np.flatnonzero(np.diff(places) > 1) + 1)
    values = (
        hits.radar,
        begun_ns + (hits.at_s * 1e9).astype(np.int64),
        np.rint(hits.range_m * 10.0).astype(np.int64),
        np.rint(np.degrees(hits.azimuth_rad) * 1e3).astype(np.int64) % 360_000,
        np.rint(np.degrees(np.abs(hits.elevation_rad)) * 1e3).astype(np.int64),
    )
    for columns, value in zip(fields, values, strict=True):
        rest = value
        for column in columns[::-1]:
            rest, digit = np.divmod(rest, 10)
            text[:, column] = digit + ord("0")
    sign = int(fields[-1][0]) - 3
    text[hits.elevation_rad < 0.0, sign] = ord("-")
    return text


def datagrams(hits: Hits, begun_ns: int) -> list[tuple[int, int, bytes]]:
    """Return reports as blocks of ASTERIX 048: (row of the radar, reports, datagram), at most 100 reports each."""
    records = _records(hits, begun_ns)
    made = []
    for radar in np.unique(hits.radar):
        own = records[hits.radar == radar]
        for first in range(0, len(own), RECORDS_PER_DATAGRAM):
            part = own[first : first + RECORDS_PER_DATAGRAM]
            made.append((int(radar), len(part), _head(part.nbytes) + part.tobytes()))
    return made


class FullDatagrams:
    """Datagrams of a hundred reports each, made once and sent again and again with the time it is then.

    Args:
        hits: of one radar; as many as fill datagrams are sent.
    """

    def __init__(self, hits: Hits) -> None:
        count = len(hits.radar) // RECORDS_PER_DATAGRAM
        self._blocks = np.zeros(count, FULL_DATAGRAM)
        self._blocks["head"] = np.frombuffer(_head(RECORDS_PER_DATAGRAM * CAT048_RECORD.itemsize), np.uint8)
        self._blocks["records"] = _records(hits, 0)[: count * RECORDS_PER_DATAGRAM].reshape(count, -1)

    def at(self, now_ns: int) -> Bytes:
        """Return them as rows of bytes, detected at `now_ns`."""
        self._blocks["records"]["time"] = _time_of_day(np.array([now_ns]))
        return self._blocks.view(np.uint8).reshape(len(self._blocks), -1)


def _records(hits: Hits, begun_ns: int) -> NDArray[np.void]:
    records = np.zeros(len(hits.radar), CAT048_RECORD)
    records["items"], records["type"], records["sac"], records["sic"] = ITEMS, COMBINED, SAC, hits.radar + 1
    records["time"] = _time_of_day(begun_ns + (hits.at_s * 1e9).astype(np.int64))
    records["rho"] = np.minimum(np.rint(hits.range_m / NAUTICAL_MILE_M * 256.0), 65_535)
    records["theta"] = np.rint(hits.azimuth_rad / (2.0 * np.pi) * 65_536.0).astype(np.int64) % 65_536
    records["level"] = np.rint(hits.height_m / FLIGHT_LEVEL_M * 4.0)
    return records


def _time_of_day(at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return I048/140 of instants, in 1/128 s: three bytes each."""
    ticks = at_ns % (86_400 * NS_PER_S) * 128 // NS_PER_S
    return np.stack([ticks >> 16, ticks >> 8 & 0xFF, ticks & 0xFF], axis=-1)


def _head(records_bytes: int) -> bytes:
    return b"\x30" + (3 + records_bytes).to_bytes(2, "big")

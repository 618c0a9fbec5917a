"""What another tracker's word does to a track's life: how it is credited, and how a track begins that only it sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dronewall.model.sensors import SensorKind
from dronewall.model.tracks import RemoteTracks, TrackStatus
from dronewall.tracking.parameters import WEIGHTS_AT_BIRTH
from dronewall.tracking.store import TrackStore
from dronewall.tracking.vendor_words import Words

Rows = NDArray[np.intp]

BORN_EXISTENCE, BELIEF_GAINED, EXISTENCE_MOST = 0.97, 0.6, 0.999
"""A tracker that goes on telling of an object makes us surer of it, by part of what is missing; never quite sure."""


def rows_of(store: TrackStore, track_id: NDArray[np.int64]) -> Rows:
    """Return the rows (n,) of tracks by number, -1 for those that are no more."""
    numbers = store.columns.track_id[: store.count]
    order = np.argsort(numbers, kind="stable")
    at = np.searchsorted(numbers, track_id, sorter=order)
    row = np.full(len(track_id), -1, np.intp)
    inside = np.flatnonzero(at < store.count)
    found = order[at[inside]]
    row[inside] = np.where(numbers[found] == track_id[inside], found, -1)
    return row


def credit(store: TrackStore, rows: Rows, told: RemoteTracks) -> None:
    """Write down that tracks `rows` (n,), each once, were told of in the reports `told`."""
    c, at_ns = store.columns, told.at_ns
    since_s = (at_ns - c.heard_at_ns[rows]) / 1e9
    later = since_s > 0.2
    c.revisit_s[rows] += np.where(later, 0.3 * (np.minimum(since_s, 15.0) - c.revisit_s[rows]), 0.0)
    for column in (c.heard_at_ns, c.updated_ns):
        column[rows] = np.maximum(column[rows], at_ns)
    c.heard_ns[rows, SensorKind.VENDOR_TRACKER] = np.maximum(c.heard_ns[rows, SensorKind.VENDOR_TRACKER], at_ns)
    c.hits[rows] += 1
    believed = np.minimum(c.existence[rows] + BELIEF_GAINED * (1.0 - c.existence[rows]), EXISTENCE_MOST)
    c.existence[rows] = np.maximum(c.existence[rows], believed)
    c.claims_only[rows] &= told.icao24 != 0
    _take_claims(store, rows, told)


def _take_claims(store: TrackStore, rows: Rows, told: RemoteTracks) -> None:
    """Let tracks without an address take the one that they were told of under."""
    c = store.columns
    new = (told.icao24 != 0) & (c.icao24[rows] == 0)
    c.icao24[rows[new]] = told.icao24[new]
    c.claims_since_ns[rows[new]] = told.at_ns[new]
    same = (told.icao24 != 0) & (c.icao24[rows] == told.icao24)
    c.claimed_ns[rows[same]] = np.maximum(c.claimed_ns[rows[same]], told.at_ns[same])
    named = same & (told.callsign != b"")
    store.claims.callsign[rows[named]] = told.callsign[named]


def begin(store: TrackStore, words: Words, told: RemoteTracks) -> Rows:
    """Begin a tentative track for each of the reports (n,); return the new rows."""
    count = len(words.at_ns)
    store.make_room(count, store.columns.visited.shape[1])
    rows = np.arange(store.count, store.count + count)
    for column in (*store.columns, *store.claims):
        column[rows] = np.zeros((), column.dtype)
    c = store.columns
    c.track_id[rows] = np.arange(store.next_id, store.next_id + count)
    c.mean[rows], c.cov[rows] = words.mean[:, None], words.covariance[:, None]
    c.weight[rows] = WEIGHTS_AT_BIRTH
    c.existence[rows], c.status[rows] = BORN_EXISTENCE, TrackStatus.TENTATIVE
    for column in (c.at_ns, c.born_ns, c.heard_at_ns, c.updated_ns):
        column[rows] = words.at_ns
    c.revisit_s[rows] = 4.0
    c.claims_only[rows] = told.icao24 != 0
    store.count += count
    store.next_id += count
    store.clear_claims(store.count - count)
    credit(store, rows, told)
    return rows

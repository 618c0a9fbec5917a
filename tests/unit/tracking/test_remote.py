"""Remote tracks: the latest word of each, and no ghosts."""

from __future__ import annotations

import numpy as np

from dronewall.model.tracks import RemoteTracks
from dronewall.tracking.remote import LIFETIME_S, RemoteBoard

NS = 1_000_000_000
NONE = np.full(1, -1, np.int64)


def told(ref: bytes, at_ns: int, x: float) -> RemoteTracks:
    return RemoteTracks.of(1, track_ref=[ref], at_ns=[at_ns], received_ns=[at_ns], mean=np.full((1, 6), x))


def test_a_newer_word_replaces_the_older_and_an_older_one_does_not() -> None:
    board = RemoteBoard()
    board.step(told(b"V-1", 2 * NS, 2.0), NONE, now_ns=2 * NS)
    stands = board.step(told(b"V-1", NS, 1.0), NONE, now_ns=2 * NS)
    assert stands.mean[:, 0].tolist() == [2.0]
    assert board.step(told(b"V-1", 3 * NS, 3.0), NONE, now_ns=3 * NS).mean[:, 0].tolist() == [3.0]


def test_what_is_not_told_again_is_gone() -> None:
    board = RemoteBoard()
    board.step(told(b"V-1", 0, 1.0), NONE, now_ns=0)
    board.step(told(b"V-2", 50 * NS, 1.0), NONE, now_ns=50 * NS)
    stands = board.step(RemoteTracks.empty(), NONE[:0], now_ns=int((LIFETIME_S + 1) * NS))
    assert stands.track_ref.tolist() == [b"V-2"]


def test_a_checkpoint_brings_them_back() -> None:
    board, other = RemoteBoard(), RemoteBoard()
    board.step(told(b"V-1", 0, 1.0), NONE, now_ns=0)
    other.restore(board.checkpoint())
    assert other.step(RemoteTracks.empty(), NONE[:0], now_ns=NS).track_ref.tolist() == [b"V-1"]

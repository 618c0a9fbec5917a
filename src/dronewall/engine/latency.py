"""Delays: how long from a plot's reception to the first picture that shows its effect, handed to a reader."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

LEAST_MS = 0.1
BINS_PER_FACTOR_E = 100
BINS = 1700
"""One per cent wide each, from 0.1 ms to about forty minutes."""
WINDOW_S = 60
STEPS_WAITING_MAX = 600
NS_PER_MS = 1e6
NS_PER_S = 1_000_000_000


class Delays:
    """A histogram of delays with bins of one per cent."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = np.zeros(BINS, np.int64)

    def add(self, delays_ms: NDArray[np.float64]) -> None:
        """Count delays in milliseconds."""
        bins = np.log(np.maximum(delays_ms, LEAST_MS) / LEAST_MS) * BINS_PER_FACTOR_E
        self._counts += np.bincount(np.minimum(bins, BINS - 1).astype(np.int64), minlength=BINS)

    def merge(self, other: Delays) -> None:
        """Count what another histogram has counted."""
        self._counts += other._counts

    def percentile_ms(self, percent: float) -> float | None:
        """Return the delay that so many per cent do not exceed, rounded up to its bin's end; None without any."""
        total = int(self._counts.sum())
        if total == 0:
            return None
        below = int(np.searchsorted(np.cumsum(self._counts), percent / 100.0 * total))
        return float(LEAST_MS * np.exp((below + 1) / BINS_PER_FACTOR_E))


class Latency:
    """Follows plots from reception to a reader's socket.

    A picture that was replaced before anyone took it counts as shown by the next one that is sent.
    """

    def __init__(self) -> None:
        self.whole_run = Delays()
        self._waiting: deque[tuple[int, NDArray[np.int64]]] = deque(maxlen=STEPS_WAITING_MAX)
        self._seconds: deque[tuple[int, Delays]] = deque()
        self._shown: tuple[int, float | None, float | None] = (-1, None, None)

    def stepped(self, seq: int, received_ns: NDArray[np.int64]) -> None:
        """Note when the plots of the picture after entry `seq` were received."""
        if len(received_ns):
            self._waiting.append((seq, received_ns))

    def sent(self, seq: int, sent_ns: int) -> None:
        """Note that a picture was handed to a reader's socket."""
        while self._waiting and self._waiting[0][0] <= seq:
            _, received_ns = self._waiting.popleft()
            delays_ms = (sent_ns - received_ns) / NS_PER_MS
            self.whole_run.add(delays_ms)
            self._second(sent_ns // NS_PER_S).add(delays_ms)

    def last_minute(self, now_ns: int) -> Delays:
        """Return the delays of the pictures sent within the last minute."""
        self._forget(now_ns // NS_PER_S)
        merged = Delays()
        for _, delays in self._seconds:
            merged.merge(delays)
        return merged

    def shown(self, now_ns: int) -> tuple[float | None, float | None]:
        """Return p50 and p99 of the last minute in ms, worked out anew each second."""
        second = now_ns // NS_PER_S
        if self._shown[0] != second:
            delays = self.last_minute(now_ns)
            self._shown = (second, delays.percentile_ms(50), delays.percentile_ms(99))
        return self._shown[1:]

    def _second(self, second: int) -> Delays:
        if not self._seconds or self._seconds[-1][0] != second:
            self._forget(second)
            self._seconds.append((second, Delays()))
        return self._seconds[-1][1]

    def _forget(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - WINDOW_S:
            self._seconds.popleft()

"""What a feed has taken and refused so far: counted here, shown to people as its status."""

from __future__ import annotations

from collections import Counter, deque

from dronewall.feeds.feed import Decoded
from dronewall.model.status import FeedState, FeedStatus

NS_PER_S = 1_000_000_000
RATE_OVER_S = 10
REASONS_MAX = 64
OTHER_REASONS = "other reasons"


class Tally:
    """One feed's counts since it was opened, and the state of its connection."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = url
        self._state = FeedState.CONNECTING
        self._detail = ""
        self._decoded = 0
        self._unplaceable = 0
        self._refused: Counter[str] = Counter()
        self._lately: deque[tuple[int, int]] = deque(maxlen=RATE_OVER_S)
        self._last_received_ns = 0

    def moved(self, state: FeedState, detail: str) -> None:
        """Take note of what became of the connection."""
        self._state, self._detail = state, detail

    def count(self, decoded: Decoded, *, received_ns: int) -> None:
        """Count one step's frames, refusals and plots."""
        self._decoded += decoded.frames
        self._unplaceable += sum(count for _, count in decoded.unplaceable)
        for error in decoded.refused:
            self.refuse(error.reason)
        self._last_received_ns = max(self._last_received_ns, received_ns)
        second = received_ns // NS_PER_S
        if self._lately and self._lately[-1][0] == second:
            self._lately[-1] = (second, self._lately[-1][1] + len(decoded.plots))
        else:
            self._lately.append((second, len(decoded.plots)))

    def refuse(self, reason: str, count: int = 1) -> None:
        """Count something as refused; the number of different reasons kept is bounded."""
        known = reason in self._refused or len(self._refused) < REASONS_MAX
        self._refused[reason if known else OTHER_REASONS] += count

    def status(self, *, now_ns: int) -> FeedStatus:
        """Return the counts and the rate of the last ten seconds."""
        since = now_ns // NS_PER_S - RATE_OVER_S
        return FeedStatus(
            name=self._name,
            url=self._url,
            state=self._state,
            decoded=self._decoded,
            refused=tuple(sorted(self._refused.items())),
            unplaceable=self._unplaceable,
            plots_per_s=sum(count for second, count in self._lately if second >= since) / RATE_OVER_S,
            last_received_ns=self._last_received_ns,
            detail=self._detail,
        )

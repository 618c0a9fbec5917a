"""How a decoder counts what it does not take."""

from __future__ import annotations

from dronewall.model.errors import FrameError

FRAME_KEPT_BYTES = 4096
"""How much of a refused frame is kept for a person to look at."""


class Refusals:
    """The frames one decoder has refused since somebody last took them."""

    def __init__(self, feed: str) -> None:
        self._feed = feed
        self._refused: list[FrameError] = []

    def refuse(self, reason: str, *, offset: int, frame: bytes = b"") -> None:
        """Count a frame that begins at byte `offset` of the stream as refused."""
        self._refused.append(FrameError(self._feed, reason, offset, frame[:FRAME_KEPT_BYTES]))

    def taken(self) -> tuple[FrameError, ...]:
        """Return what was refused, in the order of the stream, and begin afresh."""
        refused, self._refused = sorted(self._refused, key=lambda error: error.offset), []
        return tuple(refused)

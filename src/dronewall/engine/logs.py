"""The log: constant words for what happens, values in fields, ids always; as text for people or JSON for machines.

Lines are written by a thread of their own from a bounded queue, so that a slow terminal or a full pipe delays nobody,
and a flood of one event is cut to a few lines a minute with the number of those left out: it cannot fill a disk.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import Enum
from logging.handlers import QueueHandler, QueueListener
from typing import Any, Protocol, TextIO

from dronewall.engine.clock import NS_PER_S

LOGGER = "dronewall"
LINES_WAITING_MAX = 2000
BURST = 40
REFILLED_EVERY_S = 5.0
"""Of one event, 40 lines at once and twelve a minute: at most some 5 MB a day."""
FIELD_LENGTH_MAX = 500
WRITTEN_WITHIN_S = 2.0

Field = str | int | float | bool | None


class LogFormat(Enum):
    """How lines are written."""

    TEXT = "text"
    JSON = "json"


class Event(Enum):
    """What is worth a line. The words never change, so that they can be searched for and counted."""

    STARTED = "wall started"
    COMPILED = "kernels compiled"
    RUNNING = "wall running"
    FEED_CONNECTED = "feed connected"
    FEED_LOST = "feed lost"
    FEED_ENDED = "feed ended"
    FRAMES_REFUSED = "frames refused"
    ALERT_RAISED = "alert raised"
    ALERT_ENDED = "alert ended"
    SEGMENT_SEALED = "segment sealed"
    PLOTS_SHED = "plots shed"
    FAILED = "wall failed"
    STOPPED = "wall stopped"
    LINES_LEFT_OUT = "lines left out"


LEVELS = {
    Event.FEED_LOST: logging.WARNING,
    Event.FRAMES_REFUSED: logging.WARNING,
    Event.PLOTS_SHED: logging.WARNING,
    Event.LINES_LEFT_OUT: logging.WARNING,
    Event.FAILED: logging.ERROR,
}


class Tell(Protocol):
    """How an event is told; never waits, never raises."""

    def __call__(self, event: Event, /, *, level: int | None = None, **fields: Field) -> None:
        """Tell an event with its ids and values; a value that is None is left out."""
        ...


def ignore(event: Event, /, *, level: int | None = None, **fields: Field) -> None:
    """Tell nobody: for walls without a log."""


class Logbook:
    """Tells events under the ids of one start of one wall.

    Args:
        wall: the wall's name.
        boot_id: which of its starts this is.
        clock: ns UTC.
    """

    def __init__(self, *, wall: str, boot_id: str, clock: Callable[[], int]) -> None:
        self._ids = {"wall": wall, "boot_id": boot_id}
        self._clock = clock
        self._logger = logging.getLogger(LOGGER)
        self._room: dict[Event, tuple[float, int]] = {}
        self._left_out: dict[Event, int] = {}

    def tell(self, event: Event, /, *, level: int | None = None, **fields: Field) -> None:
        """Tell an event, unless there were too many of it lately; those are counted and told with the next."""
        now_ns = self._clock()
        if not self._has_room(event, now_ns):
            self._left_out[event] = self._left_out.get(event, 0) + 1
            return
        self._tell_left_out(event, now_ns)
        self._write(event, now_ns, level, fields)

    def close(self) -> None:
        """Tell what was left out and not told yet."""
        for event in tuple(self._left_out):
            self._tell_left_out(event, self._clock())

    def _tell_left_out(self, event: Event, now_ns: int) -> None:
        if count := self._left_out.pop(event, 0):
            self._write(Event.LINES_LEFT_OUT, now_ns, None, {"of": event.value, "count": count})

    def _has_room(self, event: Event, now_ns: int) -> bool:
        room, since_ns = self._room.get(event, (float(BURST), now_ns))
        room = min(float(BURST), room + (now_ns - since_ns) / NS_PER_S / REFILLED_EVERY_S)
        self._room[event] = (room - 1.0 if room >= 1.0 else room, now_ns)
        return room >= 1.0

    def _write(self, event: Event, now_ns: int, level: int | None, fields: dict[str, Field]) -> None:
        level = level or LEVELS.get(event, logging.INFO)
        if self._logger.isEnabledFor(level):
            extra = {
                "at_ns": now_ns,
                "fields": {**self._ids, **{k: _cut(v) for k, v in fields.items() if v is not None}},
            }
            self._logger.log(level, event.value, extra=extra)


def _cut(value: Field) -> Field:
    return value[:FIELD_LENGTH_MAX] if isinstance(value, str) else value


class JsonLines(logging.Formatter):
    """One object a line: `time_ns`, `time` (ISO 8601), `level`, `event`, then ids and values."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at_ns, fields = _at_ns(record), getattr(record, "fields", {})
        head: dict[str, Any] = {"time_ns": at_ns, "time": iso(at_ns), "level": record.levelname.lower()}
        return json.dumps({**head, "event": record.getMessage(), **fields}, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """One line for people: time, level, event, then name=value; the ids that never change are left out."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {k: v for k, v in getattr(record, "fields", {}).items() if k not in ("wall", "boot_id")}
        told = " ".join(f"{name}={_plain(value)}" for name, value in fields.items())
        line = f"{iso(_at_ns(record))} {record.levelname:<7} {record.getMessage()}"
        return f"{line}  {told}" if told else line


def iso(at_ns: int) -> str:
    """Return an instant as ISO 8601 in UTC, to the millisecond."""
    seconds, rest = divmod(at_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"


def _at_ns(record: logging.LogRecord) -> int:
    return getattr(record, "at_ns", round(record.created * 1000) * 1_000_000)


def _plain(value: Field) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(c in text for c in ' "=\n\r\t') else text


class _Listener(QueueListener):
    """The writing thread; it is not waited for where its stream takes nothing any more."""

    _thread: threading.Thread | None

    def stop(self) -> None:
        """Write what waits, for two seconds at most."""
        with suppress(queue.Full):
            self.queue.put_nowait(None)  # what the listener takes for the end
        if self._thread is not None:
            self._thread.join(WRITTEN_WITHIN_S)
            self._thread = None


class _Handler(QueueHandler):
    """Lets a line wait for the writing thread, or leaves it out where there is no room."""

    def enqueue(self, record: logging.LogRecord) -> None:
        """Let a line wait."""
        with suppress(queue.Full):
            self.queue.put_nowait(record)


@contextmanager
def written_to(stream: TextIO, kind: LogFormat) -> Iterator[None]:
    """Write what the house tells to a stream as long as this lasts; then write what still waits."""
    logger = logging.getLogger(LOGGER)
    writer = logging.StreamHandler(stream)
    writer.setFormatter(JsonLines() if kind is LogFormat.JSON else TextLines())
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(LINES_WAITING_MAX)
    handler = _Handler(waiting)
    listener = _Listener(waiting, writer)
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    listener.start()
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
        listener.stop()

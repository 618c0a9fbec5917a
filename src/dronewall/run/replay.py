"""Replays: the same pipeline fed from a journal or from recordings, as fast as it goes or at a chosen speed.

A journal gives its own steps again, so its pictures are the live ones. A recording has none: they are made from its
own time. Nothing is ever written to what is replayed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dronewall.engine.clock import NS_PER_S
from dronewall.engine.entries import Content, FramesRefused, PlotsCame, SensorsJoined, Stepped, WeatherTold, content_of
from dronewall.engine.log import Log
from dronewall.feeds.feed import Decoded
from dronewall.model.picture import Picture, TruthDomain
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensor
from dronewall.model.weather import Weather
from dronewall.run.reader import Reader, nothing_yet

SILENCE_STEPPED_S = 120.0
"""Through longer silences the steps go on this long, until every track has gone, and then leap to the next plot."""

Numbered = tuple[int, Content]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording by the name of its feed, in pieces of its own time."""

    name: str
    pieces: Iterator[Decoded]


def journal_contents(log: Log) -> Iterator[Numbered]:
    """Yield the contents of a journal with their numbers.

    Raises:
        JournalError: an entry is missing or damaged.
    """
    for stored in log.read():
        yield stored.seq, content_of(stored, journal=log.name)


def recorded_contents(
    recordings: Sequence[Recording],
    *,
    sensors: Iterable[Sensor],
    weather: Weather | None = None,
    step_ns: int,
    last_ns: int | None = None,
) -> Iterator[Numbered]:
    """Yield recordings as a journal would hold them: sensors, weather, plots as they were received, steps between.

    Steps stand at multiples of `step_ns` since the Unix epoch and take the plots received until then. They end at a
    multiple of `last_ns`, which is itself one of `step_ns`.
    """
    yield 1, SensorsJoined(tuple(sensors))
    if weather is not None:
        yield 2, WeatherTold(weather)
    first = 2 if weather is None else 3
    for seq, item in enumerate(_stepped(recordings, step_ns, last_ns or step_ns), start=first):
        yield seq, Stepped(item, seq - 1) if isinstance(item, int) else item


def played(
    numbered: Iterable[Numbered],
    reader: Reader,
    *,
    observers: Sequence[Callable[[Picture, Sequence[Content]], None]],
    truth_domain: TruthDomain = TruthDomain.LIVE,
) -> Iterator[Picture]:
    """Feed contents to a reader and yield each picture, after the observers have seen it and what led to it.

    What came after the last step led to no picture; the observers see it beside the last one.
    """
    came: list[Content] = []
    for seq, content in numbered:
        came.append(content)
        if (picture := reader.take(seq, content)) is not None:
            for observe in observers:
                observe(picture, came)
            came = []
            yield picture
    if came:
        for observe in observers:
            observe(reader.picture or nothing_yet(truth_domain), came)


def _stepped(recordings: Sequence[Recording], step_ns: int, last_ns: int) -> Iterator[Content | int]:
    """Yield contents in the order received and, between them, the instants of the steps."""
    newest_ns = 0
    for _, name, decoded in heapq.merge(*(_timed(recording) for recording in recordings), key=lambda timed: timed[0]):
        if decoded.refused:
            yield FramesRefused.of(name, decoded.refused)
        plots, frames, unplaceable = decoded.plots, decoded.frames, decoded.unplaceable
        # A plot that claims to have been received before its predecessor was received with it.
        received_ns = np.maximum.accumulate(np.maximum(plots.received_ns, newest_ns))
        first = 0
        while first < len(plots):
            yield from _instants(newest_ns, int(received_ns[first]), step_ns)
            past = int(np.searchsorted(received_ns, _next(int(received_ns[first]), step_ns), side="right"))
            yield PlotsCame(name, plots.take(slice(first, past)), frames, unplaceable)
            newest_ns, first, frames, unplaceable = int(received_ns[past - 1]), past, 0, ()
        if frames or unplaceable:
            yield PlotsCame(name, Plots.empty(), frames, unplaceable)
    if newest_ns:
        yield from range(_next(newest_ns, step_ns), _next(newest_ns, last_ns) + 1, step_ns)


def _timed(recording: Recording) -> Iterator[tuple[int, str, Decoded]]:
    """Yield pieces with the instant by which several recordings are merged; it never goes back."""
    newest_ns = 0
    for decoded in recording.pieces:
        if len(decoded.plots):
            newest_ns = max(newest_ns, int(decoded.plots.received_ns[0]))
        yield newest_ns, recording.name, decoded


def _instants(newest_ns: int, coming_ns: int, step_ns: int) -> Iterator[int]:
    """Yield the steps that are due after the newest plot and before the one that comes."""
    if not newest_ns:
        return
    at_ns = _next(newest_ns, step_ns)
    until_ns = newest_ns + round(SILENCE_STEPPED_S * NS_PER_S)
    while at_ns < coming_ns and at_ns <= until_ns:
        yield at_ns
        at_ns += step_ns


def _next(at_ns: int, step_ns: int) -> int:
    """Return the first multiple of a step that is not before an instant."""
    return -(-at_ns // step_ns) * step_ns

"""The summary of a run: what `demo` and `replay` print when they are done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dronewall.engine.entries import Content, FramesRefused, PlotsCame
from dronewall.model.picture import Picture


@dataclass(slots=True)
class FeedCounts:
    """What one feed brought: frames understood, frames or plots left out, reports without a place."""

    decoded: int = 0
    refused: int = 0
    unplaceable: int = 0


class Summary:
    """Counts over a whole run, picture by picture; an observer of the wall and of replays."""

    def __init__(self) -> None:
        self.feeds: dict[str, FeedCounts] = {}
        self.reasons: dict[str, Counter[str]] = {}
        self._unmeasured: dict[str, Counter[str]] = {}
        self._feed_of: dict[str, str] = {}
        self._remote: set[tuple[int, bytes]] = set()
        self._alerts: set[str] = set()
        self._picture: Picture | None = None

    def __call__(self, picture: Picture, contents: Sequence[Content]) -> None:
        """Take a picture and what led to it."""
        for content in contents:
            self.take(content)
        self._picture = picture
        self._alerts.update(alert.alert_id for alert in picture.alerts)
        remote = picture.remote_tracks
        if len(remote):
            self._remote.update(zip(remote.sensor.tolist(), remote.track_ref.tolist(), strict=True))

    def take(self, content: Content) -> None:
        """Take what a feed brought."""
        if isinstance(content, PlotsCame):
            counts = self.feeds.setdefault(content.feed, FeedCounts())
            counts.decoded += content.frames
            for reason, count in content.unplaceable:
                counts.unplaceable += count
                self._unmeasured.setdefault(content.feed, Counter())[reason] += count
            for sensor_id in content.plots.sensor_ids:
                self._feed_of.setdefault(sensor_id, content.feed)
        elif isinstance(content, FramesRefused):
            counts = self.feeds.setdefault(content.feed, FeedCounts())
            reasons = self.reasons.setdefault(content.feed, Counter())
            for reason, count in content.counts:
                counts.refused += count
                reasons[reason] += count

    @property
    def empty(self) -> bool:
        """Whether no track was ever confirmed and no remote track was seen."""
        return (self._picture is None or not self._picture.confirmed_total) and not self._remote

    def result(self) -> dict[str, Any]:
        """Return the counts under the names of the summary."""
        picture = self._picture
        return {
            "plots": picture.plots_total if picture else 0,
            "tracks": picture.confirmed_total if picture else 0,
            "remote_tracks": len(self._remote),
            "alerts": len(self._alerts),
        }

    def left_out(self) -> list[str]:
        """Return in words what was refused or could not be placed, whose it was, how often and why."""
        told = [
            (feed, what, why, count)
            for what, counted in (("refused", self.reasons), ("unplaceable", self._unmeasured))
            for feed, reasons in counted.items()
            for why, count in reasons.items()
        ]
        placed_nowhere = self._picture.unplaceable if self._picture else ()
        told += [(sensor_id, "unplaceable", why, count) for sensor_id, why, count in placed_nowhere]
        told.sort(key=lambda row: (row[0], row[1], -row[3]))
        return [f"{whose}: {count} {what}, {why}" for whose, what, why, count in told]

    def by_feed(self) -> dict[str, dict[str, int]]:
        """Return what each feed brought; what the pipeline could not place counts with the feed it came by."""
        feeds = {
            name: {"decoded": counts.decoded, "refused": counts.refused, "unplaceable": counts.unplaceable}
            for name, counts in sorted(self.feeds.items())
        }
        for sensor_id, _, count in self._picture.unplaceable if self._picture else ():
            if (feed := self._feed_of.get(sensor_id)) is not None:
                feeds[feed]["unplaceable"] += count
        return feeds

"""The outlet to the log: tells what changed between two pictures, with ids, and nothing that did not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from dronewall.engine.clock import NS_PER_S
from dronewall.engine.logs import Event, Tell
from dronewall.model.picture import Alert, AlertPriority, Picture
from dronewall.model.status import FeedState, FeedStatus, WallPhase, WallStatus

COUNTS_TOLD_EVERY_NS = 60 * NS_PER_S
FEED_EVENTS = {
    FeedState.CONNECTED: Event.FEED_CONNECTED,
    FeedState.LOST: Event.FEED_LOST,
    FeedState.ENDED: Event.FEED_ENDED,
}
LEVEL_OF = {
    AlertPriority.INFORMATION: logging.INFO,
    AlertPriority.WARNING: logging.WARNING,
    AlertPriority.CRITICAL: logging.ERROR,
}


class LogbookOutlet:
    """An outlet that writes lines; see `Outlet` for the laws.

    Args:
        tell: how an event is told.
        clock: ns UTC.
    """

    clients = 0

    def __init__(self, tell: Tell, *, clock: Callable[[], int]) -> None:
        self._tell = tell
        self._clock = clock
        self._phase: WallPhase | None = None
        self._compiled = False
        self._feeds: dict[str, FeedState] = {}
        self._alerts: dict[str, Alert] = {}
        self._counted: dict[str, tuple[int, int]] = {}
        self._sealed_seq = 0

    async def serve(self) -> None:
        """Wait to be cancelled: there is nothing to serve."""
        await asyncio.Event().wait()

    def publish(self, picture: Picture, status: WallStatus) -> None:
        """Tell what changed since the last picture."""
        if self._phase is None:
            domain = status.truth_domain.value
            self._tell(Event.STARTED, version=status.version, truth_domain=domain, journal=status.journal)
        self._tell_phase(picture, status)
        for feed in status.feeds:
            self._tell_feed(feed)
        self._tell_shed(status)
        self._tell_sealed(status)
        self._tell_alerts(picture.alerts)

    def _tell_phase(self, picture: Picture, status: WallStatus) -> None:
        if status.to_compile and status.compiled == status.to_compile and not self._compiled:
            self._compiled = True
            self._tell(Event.COMPILED, kernels=status.compiled)
        if status.phase is self._phase:
            return
        self._phase = status.phase
        if status.phase is WallPhase.RUNNING:
            self._tell(Event.RUNNING, seq=picture.seq, feeds=len(status.feeds))
        elif status.phase is WallPhase.FAILED:
            self._tell(Event.FAILED, seq=picture.seq, detail=status.detail)
        elif status.phase is WallPhase.FINISHED:
            self._tell(Event.STOPPED, seq=picture.seq, plots=picture.plots_total)

    def _tell_feed(self, feed: FeedStatus) -> None:
        before = self._feeds.get(feed.name)
        event = FEED_EVENTS.get(feed.state)
        if event is not None and feed.state is not before:
            self._feeds[feed.name] = feed.state
            self._tell(event, feed=feed.name, url=feed.url, detail=feed.detail)
        refused = sum(count for _, count in feed.refused)
        if new := self._new(f"refused:{feed.name}", refused):
            reason = max(feed.refused, key=lambda pair: pair[1])[0]
            self._tell(Event.FRAMES_REFUSED, feed=feed.name, count=new, total=refused, most_often=reason)

    def _tell_shed(self, status: WallStatus) -> None:
        shed = sum(count for _, count in status.shed)
        if new := self._new("shed", shed):
            sensor, _ = max(status.shed, key=lambda pair: pair[1])
            self._tell(Event.PLOTS_SHED, count=new, total=shed, sensor=sensor, sensors=len(status.shed))

    def _tell_sealed(self, status: WallStatus) -> None:
        if status.sealed_seq > self._sealed_seq:
            self._sealed_seq = status.sealed_seq
            self._tell(Event.SEGMENT_SEALED, through_seq=status.sealed_seq, journal_bytes=status.journal_bytes)

    def _new(self, name: str, total: int) -> int:
        """Return how much a count has grown since it was last told; 0 when that was less than a minute ago."""
        told, told_ns = self._counted.get(name, (0, 0))
        now_ns = self._clock()
        if total <= told or now_ns - told_ns < COUNTS_TOLD_EVERY_NS:
            return 0
        self._counted[name] = (total, now_ns)
        return total - told

    def _tell_alerts(self, alerts: Iterable[Alert]) -> None:
        now = {alert.alert_id: alert for alert in alerts}
        for alert_id in now.keys() - self._alerts.keys():
            alert = now[alert_id]
            self._tell(
                Event.ALERT_RAISED,
                level=LEVEL_OF[alert.priority],
                alert_id=alert_id,
                priority=alert.priority.name.lower(),
                title=alert.title,
                detail=alert.detail,
                track_id=_track(alert),
                sensor=alert.sensor_id or None,
            )
        for alert_id in self._alerts.keys() - now.keys():
            ended = self._alerts[alert_id]
            self._tell(Event.ALERT_ENDED, alert_id=alert_id, track_id=_track(ended), sensor=ended.sensor_id or None)
        self._alerts = now


def _track(alert: Alert) -> int | None:
    return alert.track_id if alert.track_id >= 0 else None

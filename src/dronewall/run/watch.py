"""What the wall notices about itself: feeds that are lost, plots that were shed, when each sensor was last heard."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dronewall.engine.clock import NS_PER_S
from dronewall.model.picture import Alert, AlertPriority
from dronewall.model.plots import Plots
from dronewall.model.sensors import Sensors
from dronewall.model.status import FeedState, FeedStatus

LOST_AFTER_S = 5.0
SHED_SHOWN_S = 60.0


class Watch:
    """Keeps the wall's alerts about itself; an alert ends when its cause does."""

    def __init__(self) -> None:
        self._alerts: dict[str, Alert] = {}
        self._silent_since: dict[str, int] = {}
        self._ends_ns: dict[str, int] = {}
        self._heard: dict[str, int] = {}
        self._shed = 0

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts that stand now, by id."""
        return tuple(self._alerts[alert_id] for alert_id in sorted(self._alerts))

    def raise_(self, alert: Alert, *, until_ns: int | None = None) -> None:
        """Let an alert stand, for ever or until an instant; raised again, it keeps the instant it was first raised."""
        known = self._alerts.get(alert.alert_id)
        if known is not None:
            alert = Alert(alert.alert_id, alert.priority, known.raised_at, alert.title, alert.detail)
        self._alerts[alert.alert_id] = alert
        if until_ns is not None:
            self._ends_ns[alert.alert_id] = until_ns

    def look(self, feeds: Iterable[FeedStatus], *, now_ns: int) -> None:
        """Take note of how the feeds are, and let alerts end whose time is over."""
        for feed in feeds:
            self._look_at(feed, now_ns)
        for alert_id in [alert_id for alert_id, ends_ns in self._ends_ns.items() if ends_ns <= now_ns]:
            del self._ends_ns[alert_id]
            del self._alerts[alert_id]

    def feed_failed(self, feed: str, error: Exception, pause_s: float, *, now_ns: int) -> None:
        """Raise the alert about a fault in a feed's own code."""
        detail = f"{type(error).__name__}: {error}; it starts again in {pause_s:g} s"
        alert = Alert(f"feed-failed:{feed}", AlertPriority.CRITICAL, now_ns, f"The feed {feed} failed", detail)
        self.raise_(alert, until_ns=now_ns + round((pause_s + SHED_SHOWN_S) * NS_PER_S))

    def shed(self, plots: int, *, now_ns: int) -> None:
        """Raise the alert about plots for which there was no room."""
        self._shed += plots
        detail = f"{self._shed} plots so far were left out before they were acknowledged; the journal has the counts"
        alert = Alert("intake-shed", AlertPriority.CRITICAL, now_ns, "More plots arrive than can be taken", detail)
        self.raise_(alert, until_ns=now_ns + round(SHED_SHOWN_S * NS_PER_S))

    def weigh(self, journal_bytes: int, most_bytes: int, *, now_ns: int) -> None:
        """Raise the alert about a journal that has grown too large, until it is no more."""
        if journal_bytes <= most_bytes:
            self._alerts.pop("journal-large", None)
            return
        detail = f"{journal_bytes / 1e9:.1f} GB of {most_bytes / 1e9:g} GB; nothing is deleted by itself"
        self.raise_(Alert("journal-large", AlertPriority.WARNING, now_ns, "The journal is larger than agreed", detail))

    def hear(self, plots: Plots) -> None:
        """Take note of who was heard."""
        newest = np.zeros(len(plots.sensor_ids), np.int64)
        np.maximum.at(newest, plots.sensor, plots.received_ns)
        for sensor_id, received_ns in zip(plots.sensor_ids, newest.tolist(), strict=True):
            self._heard[sensor_id] = max(self._heard.get(sensor_id, 0), received_ns)

    def heard_ns(self, sensors: Sensors) -> tuple[int, ...]:
        """Return when each sensor of the register was last heard, 0 for never."""
        return tuple(self._heard.get(sensor.sensor_id, 0) for sensor in sensors)

    def _look_at(self, feed: FeedStatus, now_ns: int) -> None:
        alert_id = f"feed-lost:{feed.name}"
        if feed.state in (FeedState.CONNECTED, FeedState.ENDED):
            self._silent_since.pop(feed.name, None)
            self._alerts.pop(alert_id, None)
            return
        since_ns = self._silent_since.setdefault(feed.name, now_ns)
        if now_ns - since_ns >= LOST_AFTER_S * NS_PER_S:
            self.raise_(Alert(alert_id, AlertPriority.WARNING, now_ns, f"No connection with {feed.name}", feed.detail))

"""What the wall notices about itself: feeds that are lost, plots that were shed, what was set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dronewall.engine.clock import NS_PER_S
from dronewall.model.errors import JournalError
from dronewall.model.picture import Alert, AlertPriority
from dronewall.model.sensors import Sensor, Sensors
from dronewall.model.status import DATAGRAM_LOST, FeedState, FeedStatus
from dronewall.run.aside import SetAside
from dronewall.run.reader import StepFailed

LOST_AFTER_S = 5.0
SHED_SHOWN_S = 60.0
UNREAD_FRAMES, UNREAD_S = 20, 10.0
"""So many frames for so long, and not one of them readable: the sender and the settings do not fit each other."""


class Watch:
    """Keeps the wall's alerts about itself; an alert ends when its cause does."""

    def __init__(self) -> None:
        self._alerts: dict[str, Alert] = {}
        self._silent_since: dict[str, int] = {}
        self._ends_ns: dict[str, int] = {}
        self._shed: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._last_read: dict[str, tuple[int, int, int]] = {}

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
            self._look_for_losses(feed, now_ns)
            self._look_for_the_unreadable(feed, now_ns)
        for alert_id in [alert_id for alert_id, ends_ns in self._ends_ns.items() if ends_ns <= now_ns]:
            del self._ends_ns[alert_id]
            del self._alerts[alert_id]

    def feed_failed(self, feed: str, error: Exception, pause_s: float, *, now_ns: int) -> None:
        """Raise the alert about a fault in a feed's own code."""
        detail = f"{type(error).__name__}: {error}; it starts again in {pause_s:g} s"
        alert = Alert(f"feed-failed:{feed}", AlertPriority.CRITICAL, now_ns, f"The feed {feed} failed", detail)
        self.raise_(alert, until_ns=now_ns + round((pause_s + SHED_SHOWN_S) * NS_PER_S))

    def shed(self, plots: Counter[str], *, now_ns: int) -> None:
        """Raise the alert about plots for which there was no room, counted by sensor."""
        self._shed.update(plots)
        worst = ", ".join(f"{n} of {sensor_id}" for sensor_id, n in self._shed.most_common(3))
        detail = f"{self._shed.total()} plots so far were left out before they were acknowledged: {worst}"
        alert = Alert("intake-shed", AlertPriority.CRITICAL, now_ns, "More plots arrive than can be taken", detail)
        self.raise_(alert, until_ns=now_ns + round(SHED_SHOWN_S * NS_PER_S))

    def shed_by_sensor(self) -> tuple[tuple[str, int], ...]:
        """Return how many plots of each sensor were shed since the start."""
        return tuple(sorted(self._shed.items()))

    def weigh(self, journal_bytes: int, most_bytes: int, *, now_ns: int) -> None:
        """Raise the alert about a journal that has grown too large, until it is no more."""
        if journal_bytes <= most_bytes:
            self._alerts.pop("journal-large", None)
            return
        detail = f"{journal_bytes / 1e9:.1f} GB of {most_bytes / 1e9:g} GB; nothing is deleted by itself"
        self.raise_(Alert("journal-large", AlertPriority.WARNING, now_ns, "The journal is larger than agreed", detail))

    def set_aside(self, aside: SetAside, *, now_ns: int) -> None:
        """Raise the alert about reports on which the pipeline failed; it stays, for a person must send them on."""
        first = aside.entries[0]
        title = f"Reports of entry {first} of the journal could not be worked on and were set aside"
        detail = f"{aside.why}. Everything else goes on; they are kept: please send this journal to the makers."
        self.raise_(Alert(f"set-aside:{first}", AlertPriority.CRITICAL, now_ns, title, detail))

    def other_declarations(self, declared: Iterable[Sensor], known: Sensors, *, now_ns: int) -> None:
        """Say so when a sensor is declared otherwise than the journal knows it: the first declaration stands."""
        for sensor in declared:
            if known.get(sensor.sensor_id) not in (None, sensor):
                title = f"{sensor.sensor_id} is declared otherwise than in the journal"
                detail = "Its first declaration stands; begin a new journal to change it."
                alert_id = f"declared-otherwise:{sensor.sensor_id}"
                self.raise_(Alert(alert_id, AlertPriority.WARNING, now_ns, title, detail))

    def failed(self, error: Exception, *, now_ns: int) -> str:
        """Raise the alert that nothing acts any more; return why."""
        journal = isinstance(error, JournalError)
        title = "The wall stops: its journal cannot be kept" if journal else "The wall stops: a fault in its own code"
        detail = str(error) if journal or isinstance(error, StepFailed) else f"{type(error).__name__}: {error}"
        self.raise_(Alert("wall-failed", AlertPriority.CRITICAL, now_ns, title, detail))
        return detail

    def _look_for_losses(self, feed: FeedStatus, now_ns: int) -> None:
        """Raise the alert about datagrams that found no room, until none were lost for a minute."""
        lost = dict(feed.refused).get(DATAGRAM_LOST, 0)
        if lost > self._lost[feed.name]:
            self._lost[feed.name] = lost
            detail = f"{lost} datagrams so far found its buffer full and were never read; somebody sends too much"
            alert = Alert(f"feed-losing:{feed.name}", AlertPriority.CRITICAL, now_ns, f"{feed.name} loses data", detail)
            self.raise_(alert, until_ns=now_ns + round(SHED_SHOWN_S * NS_PER_S))

    def _look_for_the_unreadable(self, feed: FeedStatus, now_ns: int) -> None:
        """Raise the alert about a feed that is connected and of which nothing can be read, until something can."""
        refused = {reason: count for reason, count in feed.refused if reason != DATAGRAM_LOST}
        alert_id, total = f"feed-unread:{feed.name}", sum(refused.values())
        decoded, before, since_ns = self._last_read.setdefault(feed.name, (feed.decoded, total, now_ns))
        if feed.decoded != decoded:
            self._last_read[feed.name] = (feed.decoded, total, now_ns)
            self._alerts.pop(alert_id, None)
        elif total - before >= UNREAD_FRAMES and now_ns - since_ns >= UNREAD_S * NS_PER_S:
            most_often = max(refused, key=refused.__getitem__)
            detail = (
                f"{total - before} frames came and none could be read; most often: {most_often}."
                " See that its sender and its settings fit each other."
            )
            title = f"Nothing of {feed.name} can be read"
            self.raise_(Alert(alert_id, AlertPriority.WARNING, now_ns, title, detail))

    def _look_at(self, feed: FeedStatus, now_ns: int) -> None:
        alert_id = f"feed-lost:{feed.name}"
        if feed.state in (FeedState.CONNECTED, FeedState.ENDED):
            self._silent_since.pop(feed.name, None)
            self._alerts.pop(alert_id, None)
            return
        since_ns = self._silent_since.setdefault(feed.name, now_ns)
        if now_ns - since_ns >= LOST_AFTER_S * NS_PER_S:
            self.raise_(Alert(alert_id, AlertPriority.WARNING, now_ns, f"No connection with {feed.name}", feed.detail))

"""The bulletin: what the wall tells about its own health, put together from those who watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dronewall import __version__
from dronewall.engine.latency import Latency
from dronewall.model.clocks import ClockState, SensorClock
from dronewall.model.picture import Alert, Picture
from dronewall.model.sensors import Sensors
from dronewall.model.status import WallPhase, WallStatus
from dronewall.run.health import SensorAlerts, SensorWatch
from dronewall.run.housekeeper import Housekeeper
from dronewall.run.parts import Parts
from dronewall.run.stages import Stages
from dronewall.run.watch import Watch


class Bulletin:
    """Holds the watchers of one wall."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started_ns = parts.clock.now_ns()
        self._sensor_alerts = SensorAlerts()
        self.watch = Watch()
        self.sensors = SensorWatch()
        self.stages = Stages()
        self.latency = Latency()
        self.clocks: tuple[SensorClock, ...] = ()
        self._since_ns: dict[str, int] = {}

    def status(self, register: Sensors, housekeeper: Housekeeper | None, *, now_ns: int, running: bool) -> WallStatus:
        """Return the health as far as the watchers know it."""
        parts = self._parts
        disk = housekeeper.room if housekeeper else None
        p50_ms, p99_ms = self.latency.shown(now_ns)
        return WallStatus(
            name=parts.name,
            version=__version__,
            truth_domain=parts.truth_domain,
            replay=False,
            phase=WallPhase.COMPILING,
            feeds=tuple(feed.status() for feed in parts.feeds),
            latency_p50_ms=p50_ms,
            latency_p99_ms=p99_ms,
            journal=parts.journal,
            heard_ns=self.sensors.heard_ns(register),
            stages=self.stages.statuses(now_ns),
            sensors=self.sensors.health(register, now_ns, self._offsets()) if running else (),
            shed=self.watch.shed_by_sensor(),
            journal_bytes=housekeeper.journal_bytes if housekeeper else parts.log.size_bytes,
            disk_free_bytes=disk.free_bytes if disk else 0,
            disk_full_ns=disk.full_ns if disk else 0,
            started_ns=self._started_ns,
            sealed_seq=housekeeper.sealed_seq if housekeeper else 0,
        )

    def _offsets(self) -> dict[str, float]:
        """Return how far each sensor's clock is ahead, where that is known and is not only a long way."""
        known = (ClockState.OK, ClockState.AHEAD, ClockState.BEHIND)
        return {clock.sensor_id: clock.offset_s for clock in self.clocks if clock.state in known}

    def with_alerts(
        self, picture: Picture, status: WallStatus, housekeeper: Housekeeper | None, *, now_ns: int
    ) -> Picture:
        """Return the picture with the alerts about the wall itself beside its own."""
        self.watch.look(status.feeds, now_ns=now_ns)
        if self._parts.archiving is None:
            self.watch.weigh(status.journal_bytes, self._parts.journal_max_bytes, now_ns=now_ns)
        of_disk = housekeeper.alerts(now_ns=now_ns) if housekeeper else ()
        of_sensors = self._sensor_alerts.look(status.sensors, now_ns=now_ns)
        of_clock = self._parts.clock_alerts(now_ns)
        standing = self._standing((*of_disk, *of_clock))
        return replace(picture, alerts=(*picture.alerts, *self.watch.alerts, *standing, *of_sensors))

    def _standing(self, alerts: Sequence[Alert]) -> tuple[Alert, ...]:
        """Return alerts with the instant each was first raised; those who judge anew each time do not know it."""
        self._since_ns = {alert.alert_id: self._since_ns.get(alert.alert_id, alert.raised_at) for alert in alerts}
        return tuple(replace(alert, raised_at=self._since_ns[alert.alert_id]) for alert in alerts)

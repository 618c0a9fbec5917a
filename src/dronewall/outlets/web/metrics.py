"""`/metrics`: the wall's health in the text format of Prometheus, from the newest picture and status. Pure.

The number of series is bounded: feeds and queues are as many as the settings name, reasons at most 64 a feed; sensors
are counted by trouble, and of those that had plots shed the worst fifty are named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from dronewall.model.picture import AlertPriority, Picture
from dronewall.model.status import FeedState, FeedStatus, WallPhase, WallStatus
from dronewall.model.tracks import TrackStatus

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SENSORS_NAMED_MOST = 50
OTHERS = "others"
MS_PER_S = 1000.0
NS_PER_S = 1e9


def metrics_text(status: WallStatus | None, picture: Picture | None, *, clients: int) -> bytes:
    """Return every metric; those of the process alone before the wall has said anything."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Newest(status, picture, clients))
    return generate_latest(registry)


class _Newest(Collector):
    """What Prometheus asks: hands out the families of one instant."""

    def __init__(self, status: WallStatus | None, picture: Picture | None, clients: int) -> None:
        self._status, self._picture, self._clients = status, picture, clients

    def collect(self) -> Iterable[Metric]:
        """Yield the families."""
        yield _gauge("dronewall_clients", "Open WebSockets of the page.", self._clients)
        if self._status is not None:
            yield from _of_wall(self._status)
            yield from _of_feeds(self._status.feeds)
            yield from _of_sensors(self._status)
        if self._picture is not None:
            yield from _of_picture(self._picture)


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, value=value)


def _by(
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily],
    name: str,
    told: str,
    label: str,
    values: Iterable[tuple[str, float]],
) -> Metric:
    family = kind(name, told, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family


def _of_wall(status: WallStatus) -> Iterator[Metric]:
    info = GaugeMetricFamily("dronewall_info", "The wall; always 1.", labels=["name", "version", "truth_domain"])
    info.add_metric([status.name, status.version, status.truth_domain.value], 1.0)
    yield info
    phases = ((phase.value, float(phase is status.phase)) for phase in WallPhase)
    yield _by(GaugeMetricFamily, "dronewall_phase", "1 for the phase the wall is in.", "phase", phases)
    latency = GaugeMetricFamily(
        "dronewall_latency_seconds", "From a plot's arrival to its picture, over a minute.", labels=["quantile"]
    )
    for quantile, value_ms in (("0.5", status.latency_p50_ms), ("0.99", status.latency_p99_ms)):
        if value_ms is not None:
            latency.add_metric([quantile], value_ms / MS_PER_S)
    yield latency
    lags = ((queue.name, queue.lag_ms / MS_PER_S) for queue in status.queues)
    yield _by(GaugeMetricFamily, "dronewall_queue_lag_seconds", "Age of the oldest thing in a queue.", "queue", lags)
    shares = ((queue.name, queue.waiting / max(queue.most, 1)) for queue in status.queues)
    yield _by(GaugeMetricFamily, "dronewall_queue_filled_ratio", "How full a queue is, 0 to 1.", "queue", shares)
    stages = GaugeMetricFamily(
        "dronewall_stage_seconds", "Time of one stage per tick, over a minute.", labels=["stage", "quantile"]
    )
    for stage in status.stages:
        stages.add_metric([stage.name, "0.5"], stage.p50_ms / MS_PER_S)
        stages.add_metric([stage.name, "0.99"], stage.p99_ms / MS_PER_S)
    yield stages
    yield _gauge("dronewall_journal_bytes", "The journal with its sealed segments.", status.journal_bytes)
    yield _gauge("dronewall_disk_free_bytes", "Free room on the journal's disk.", status.disk_free_bytes)
    full_s = status.disk_full_ns / NS_PER_S
    yield _gauge("dronewall_disk_full_timestamp_seconds", "When the disk is full; 0: not in sight.", full_s)
    yield CounterMetricFamily("dronewall_reports_repeated", "Reports that were sent again.", value=status.repeated)
    yield _gauge("dronewall_start_timestamp_seconds", "When the wall started.", status.started_ns / NS_PER_S)


def _of_feeds(feeds: tuple[FeedStatus, ...]) -> Iterator[Metric]:
    decoded = ((feed.name, float(feed.decoded)) for feed in feeds)
    yield _by(CounterMetricFamily, "dronewall_feed_decoded", "Frames that were understood.", "feed", decoded)
    refused = CounterMetricFamily("dronewall_feed_refused", "Frames that were not.", labels=["feed", "reason"])
    for feed in feeds:
        for reason, count in feed.refused:
            refused.add_metric([feed.name, reason], count)
    yield refused
    unplaceable = ((feed.name, float(feed.unplaceable)) for feed in feeds)
    yield _by(CounterMetricFamily, "dronewall_feed_unplaceable", "Reports without a place.", "feed", unplaceable)
    rates = ((feed.name, feed.plots_per_s) for feed in feeds)
    yield _by(GaugeMetricFamily, "dronewall_feed_plots_per_second", "Over ten seconds.", "feed", rates)
    up = ((feed.name, float(feed.state is FeedState.CONNECTED)) for feed in feeds)
    yield _by(GaugeMetricFamily, "dronewall_feed_connected", "1 while connected.", "feed", up)
    heard = ((feed.name, feed.last_received_ns / NS_PER_S) for feed in feeds)
    yield _by(GaugeMetricFamily, "dronewall_feed_last_received_timestamp_seconds", "Its newest data.", "feed", heard)


def _of_sensors(status: WallStatus) -> Iterator[Metric]:
    yield _gauge("dronewall_sensors", "Sensors in the register.", len(status.sensors))
    # A problem's first word is its kind.
    kinds = Counter(problem.split(" ", 1)[0].rstrip(":") for one in status.sensors for problem in one.problems)
    trouble = ((kind, float(kinds[kind])) for kind in ("silent", "slow", "noisy", "stuck", "clock"))
    yield _by(GaugeMetricFamily, "dronewall_sensors_in_trouble", "Sensors by what is wrong.", "trouble", trouble)
    worst = Counter(dict(status.shed)).most_common()
    named = [(sensor_id, float(count)) for sensor_id, count in worst[:SENSORS_NAMED_MOST]]
    others = sum(count for _, count in worst[SENSORS_NAMED_MOST:])
    named += [(OTHERS, float(others))] if others else []
    yield _by(CounterMetricFamily, "dronewall_shed_plots", "Plots left out before acknowledgement.", "sensor", named)


def _of_picture(picture: Picture) -> Iterator[Metric]:
    counts = np.bincount(picture.tracks.status, minlength=len(TrackStatus))
    tracks = ((status.name.lower(), float(counts[status])) for status in TrackStatus)
    yield _by(GaugeMetricFamily, "dronewall_tracks", "Tracks of the newest picture.", "status", tracks)
    yield _gauge("dronewall_remote_tracks", "Tracks that others estimated.", len(picture.remote_tracks))
    stand = Counter(alert.priority for alert in picture.alerts)
    alerts = ((priority.name.lower(), float(stand[priority])) for priority in AlertPriority)
    yield _by(GaugeMetricFamily, "dronewall_alerts", "Alerts that stand.", "priority", alerts)
    yield CounterMetricFamily("dronewall_plots", "Plots that reached the pipeline.", value=picture.plots_total)
    yield CounterMetricFamily("dronewall_tracks_confirmed", "Tracks ever confirmed.", value=picture.confirmed_total)
    left_out = sum(count for *_, count in picture.unplaceable)
    yield CounterMetricFamily("dronewall_plots_unplaceable", "Plots left out for lack of a place.", value=left_out)
    late = (("rerun", float(picture.lateness.late - picture.lateness.left)), ("left", float(picture.lateness.left)))
    yield _by(CounterMetricFamily, "dronewall_plots_late", "Late plots by what became of them.", "fate", late)
    yield CounterMetricFamily("dronewall_reruns", "Reruns for late plots.", value=picture.lateness.reruns)
    yield _gauge("dronewall_picture_timestamp_seconds", "The newest picture's instant.", picture.at_ns / NS_PER_S)

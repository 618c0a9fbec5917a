"""What Prometheus reads is what the wall says, under names with units, and never without end."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from dronewall.bench.page_sky import made_up_sky, picture_of, status_of
from dronewall.model.picture import Alert, AlertPriority
from dronewall.model.status import FeedState, FeedStatus, QueueStatus, SensorHealth, StageStatus, WallStatus
from dronewall.outlets.web.board import Board
from dronewall.outlets.web.metrics import SENSORS_NAMED_MOST, metrics_text
from dronewall.outlets.web.server import application

AT_NS = 1_700_000_000_000_000_000
SKY = made_up_sky(30, begun_ns=AT_NS, arrays=2)
PICTURE = replace(
    picture_of(SKY, at_ns=AT_NS, seq=3),
    alerts=(Alert("a", AlertPriority.CRITICAL, AT_NS, "t", "d"), Alert("b", AlertPriority.WARNING, AT_NS, "t", "d")),
    plots_total=4711,
)
FEED = FeedStatus('no"rth', "x://", FeedState.CONNECTED, decoded=900, refused=(("line is cut short", 7),))
STATUS = replace(
    status_of(SKY, at_ns=AT_NS),
    feeds=(FEED,),
    queues=(QueueStatus("intake", 50, 200, 120.0),),
    stages=(StageStatus("track", 4.0, 9.0),),
    sensors=(SensorHealth("r", 1.0, AT_NS, 0.0, ("silent for 42 s", "clock 2.0 s ahead of ours")),),
    shed=tuple((f"sensor-{i:03}", 1000 - i) for i in range(200)),
    latency_p50_ms=20.0,
    latency_p99_ms=250.0,
    journal_bytes=12_000,
    disk_free_bytes=34_000,
)


def samples(status: WallStatus | None = STATUS) -> dict[tuple[str, tuple[str, ...]], float]:
    text = metrics_text(status, PICTURE if status else None, clients=3).decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("dronewall_plots_total", (), 4711.0),
        ("dronewall_feed_decoded_total", ('no"rth',), 900.0),
        ("dronewall_feed_refused_total", ('no"rth', "line is cut short"), 7.0),
        ("dronewall_feed_connected", ('no"rth',), 1.0),
        ("dronewall_latency_seconds", ("0.99",), 0.25),
        ("dronewall_queue_lag_seconds", ("intake",), 0.12),
        ("dronewall_queue_filled_ratio", ("intake",), 0.25),
        ("dronewall_stage_seconds", ("0.99", "track"), 0.009),
        ("dronewall_journal_bytes", (), 12_000.0),
        ("dronewall_disk_free_bytes", (), 34_000.0),
        ("dronewall_alerts", ("critical",), 1.0),
        ("dronewall_alerts", ("information",), 0.0),
        ("dronewall_sensors_in_trouble", ("silent",), 1.0),
        ("dronewall_sensors_in_trouble", ("clock",), 1.0),
        ("dronewall_sensors_in_trouble", ("noisy",), 0.0),
        ("dronewall_shed_plots_total", ("sensor-000",), 1000.0),
        ("dronewall_clients", (), 3.0),
    ],
)
def test_a_metric_tells_what_the_wall_says(name: str, labels: tuple[str, ...], value: float) -> None:
    assert samples()[name, labels] == pytest.approx(value)


def test_tracks_are_counted_by_status() -> None:
    assert sum(value for (name, _), value in samples().items() if name == "dronewall_tracks") == len(PICTURE.tracks)


def test_however_many_sensors_shed_the_series_are_bounded_and_nothing_is_lost() -> None:
    shed = {labels[0]: value for (name, labels), value in samples().items() if name == "dronewall_shed_plots_total"}
    assert len(shed) == SENSORS_NAMED_MOST + 1
    assert sum(shed.values()) == sum(count for _, count in STATUS.shed)


def test_before_the_wall_says_anything_the_process_is_there() -> None:
    told = samples(None)
    assert told["process_resident_memory_bytes", ()] > 0
    assert not any(name.startswith("dronewall_feed") for name, _ in told)


def test_the_pages_server_serves_it() -> None:
    board = Board(sensors=lambda: SKY.sensors, explain=lambda _: None, on_sent=lambda _, __: None, clock=lambda: AT_NS)
    with TestClient(application(board), base_url="http://127.0.0.1") as client:
        reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "dronewall_clients 0.0" in reply.text


def test_every_metric_that_the_rules_ask_for_exists() -> None:
    rules = Path(__file__).resolve().parents[3] / "packaging" / "prometheus" / "rules.yml"
    asked = set(re.findall(r"\bdronewall_[a-z_]+", rules.read_text()))
    assert asked
    assert asked - {name for name, _ in samples()} == set()

"""`dronewall bench flood`: one sensor sends ten times what the wall can take, and what becomes of the others.

The others are radars whose reports come as lines over TCP and are acknowledged. The flood comes over UDP as ASTERIX
048, from one radar, on a port of its own. The others' delay is taken where it is theirs alone: from a report's falling
due to its being acknowledged, in the sender.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from dronewall.bench.live import CONNECTIONS, STARTS_WITHIN_S, Child, free_port, pause, say
from dronewall.bench.live_bytes import RECORDS_PER_DATAGRAM, FullDatagrams
from dronewall.bench.live_reader import Reader
from dronewall.bench.live_scene import Hits, Scene
from dronewall.bench.live_sender import run_load
from dronewall.bench.live_wall import run_wall
from dronewall.config import LOOPBACK
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.model.status import DATAGRAM_LOST, FeedStatus, WallStatus

OTHERS_PER_S = 10_000
FLOOD_PER_S = 400_000
"""Ten times the rate at which the wall saturates, see decision 9."""
SETTLES_S, BEFORE_S, FLOOD_S, QUICK_FLOOD_S = 12.0, 15.0, 60.0, 8.0
RECOVERS_WITHIN_S = 5.0
BURST_S, SENT_AFTER_NS = 0.02, 200_000_000
RISES_LESS_THAN = 2.0
LEAST_CORES = 0.01
ACCOUNTED_TRIES = 10
SEED = 1


def flood(*, quick: bool, seconds: float | None = None) -> Iterator[dict[str, Any]]:
    """Yield the others' delays before, during and after the flood, what they lost, and what was counted of it."""
    scene = Scene(OTHERS_PER_S, seed=SEED)
    flooded_s = seconds or (QUICK_FLOOD_S if quick else FLOOD_S)
    with TemporaryDirectory(prefix="dronewall-bench-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        port, flooded = free_port("tcp"), free_port("udp")
        also = (f"asterix+udp://{LOOPBACK}:{flooded}",)
        wall = stack.enter_context(Child(run_wall, Path(folder), scene.sensors, "tcp", port, also))
        url = wall.heard(STARTS_WITHIN_S)
        load = stack.enter_context(Child(run_load, scene, "tcp", port, CONNECTIONS))
        stack.enter_context(Reader(url))
        pause(SETTLES_S)
        say("flood: before")
        before = _delays(load, 5.0 if quick else BEFORE_S)
        calm = wall.asked("tell")
        say(f"flood: {FLOOD_PER_S} reports/s from one sensor")
        source = Child(run_flood, len(scene.sensors) - 1, flooded)
        with source:
            during = _delays(load, flooded_s)
            held = wall.asked("tell")
            sent = source.asked("stop")
        say("flood: over")
        pause(RECOVERS_WITHIN_S)
        after = _delays(load, 5.0)
        lost = load.asked("tell").left_out
        status = _accounted(wall, sent)
    name = status.sensors[-1].sensor_id if status.sensors else ""
    yield _figure("others' delay p99 before", _p99(before), "ms")
    yield _figure("others' delay p99 during", _p99(during), "ms")
    ratio = _p99(during) / _p99(before)
    yield _figure(
        "others' delay p99, during over before", ratio, "1", target=RISES_LESS_THAN, met=ratio < RISES_LESS_THAN
    )
    again = _p99(after) / _p99(before)
    yield _figure(f"the same {RECOVERS_WITHIN_S:g} s after its end", again, "1", target=1.2, met=again <= 1.2)
    others_shed = sum(n for sensor_id, n in status.shed if sensor_id != name)
    yield _figure("others' reports lost", others_shed + lost, "1", target=0, met=others_shed + lost == 0)
    feed = _flooded(status)
    shed = sum(n for sensor_id, n in status.shed if sensor_id == name)
    yield _figure("flood: reports sent", sent, "1")
    yield _figure("flood: reports decoded", feed.decoded, "1")
    yield _figure("flood: reports shed", shed, "1")
    yield _figure("flood: datagrams lost, counted", dict(feed.refused).get(DATAGRAM_LOST, 0), "1")
    missing = abs(_missing(status, sent))
    yield _figure("flood: reports unaccounted for", missing, "1", target=0, met=missing == 0)
    for name, used_s in sorted(held.threads_cpu_s.items()):
        cores = (used_s - calm.threads_cpu_s.get(name, 0.0)) / flooded_s
        if cores >= LEAST_CORES:
            yield _figure(f"wall, thread {name} during", cores, "cores")
    grown = held.rss_bytes / calm.rss_bytes
    yield _figure("memory during over before", grown, "1", target=1.5, met=grown <= 1.5)


def run_flood(orders: Connection, radar: int, port: int) -> None:
    """Be the process: send one radar's reports, up to the flood's rate, until told "stop"; tell how many.

    A second of them is made up before, so that the flood does not take the processor that the wall is to be seen on.
    """
    stop, clock, rng = threading.Event(), WallClock(), np.random.default_rng(SEED)
    bursts = [FullDatagrams(_random_hits(radar, rng)) for _ in range(round(1.0 / BURST_S))]
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for burst in cycle(bursts):
            if stop.is_set():
                return
            began_ns = clock.now_ns()
            for datagram in burst.at(began_ns - SENT_AFTER_NS):
                sender.sendto(datagram, (LOOPBACK, port))
                sent += RECORDS_PER_DATAGRAM
            if orders.poll(max(0.0, BURST_S - (clock.now_ns() - began_ns) / NS_PER_S)):
                if orders.recv() == "stop":
                    stop.set()
                orders.send(sent)


def _random_hits(radar: int, rng: np.random.Generator) -> Hits:
    """Return as many reports of one radar as the flood has in one burst, all around it."""
    count = round(FLOOD_PER_S * BURST_S)
    drawn = rng.uniform(0.0, 1.0, (3, count))
    return Hits(
        np.full(count, radar), np.zeros(count), 20e3 + 60e3 * drawn[0], 2.0 * np.pi * drawn[1],
        np.full(count, 0.05), 2e3 + 8e3 * drawn[2],
    )  # fmt: skip


def _flooded(status: WallStatus) -> FeedStatus:
    return next(feed for feed in status.feeds if feed.url.startswith("asterix"))


def _missing(status: WallStatus, sent: int) -> int:
    """Return how many reports of the flood were neither decoded nor counted as lost in a datagram."""
    feed = _flooded(status)
    return sent - feed.decoded - dict(feed.refused).get(DATAGRAM_LOST, 0) * RECORDS_PER_DATAGRAM


def _accounted(wall: Child, sent: int) -> WallStatus:
    """Return what the wall tells once nothing is missing, or after a while in any case."""
    for _ in range(ACCOUNTED_TRIES):
        status: WallStatus = wall.asked("tell").status
        if not _missing(status, sent):
            break
        pause(1.0)
    return status


def _delays(load: Child, seconds: float) -> list[float]:
    """Return the delays of what was acknowledged within a while, ms."""
    known = len(load.asked("tell").delays_ms)
    pause(seconds)
    delays: list[float] = load.asked("tell").delays_ms
    return delays[known:]


def _p99(delays_ms: list[float]) -> float:
    return float(np.percentile(delays_ms, 99.0)) if delays_ms else float("inf")


def _figure(case: str, value: float, unit: str, **judged: Any) -> dict[str, Any]:
    return {"bench": "flood", "case": case, "seed": SEED, "value": value, "unit": unit, **judged}

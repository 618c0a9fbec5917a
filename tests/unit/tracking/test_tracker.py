"""The tracker on small scenes: one object one track, whatever the sensors do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from dronewall.geodesy.wgs84 import ecef_from_geodetic
from dronewall.model.plots import CLASS_COUNT, Datum, ObjectClass, Plots
from dronewall.model.sensors import Sensor, SensorKind, Sensors, Sigma
from dronewall.model.tracks import Tracks, TrackStatus
from dronewall.registration.registrar import Registrar
from dronewall.simulation import scenes
from dronewall.simulation.scenes import Played
from dronewall.tracking.look import replay_events
from dronewall.tracking.tracker import Tracker
from dronewall.tracking.warm import warm_kernels

NS = 1_000_000_000
T0 = 1_800_000_000 * NS


def followed(scene: Played, *, step_ns: int = NS) -> Iterator[tuple[int, Tracks]]:
    """Yield each step's instant and established tracks."""
    registrar, tracker = Registrar(scene.sensors), Tracker(scene.sensors)
    at = int(scene.plots.received_ns[0]) // step_ns * step_ns
    while at < scene.plots.received_ns[-1]:
        low, high = np.searchsorted(scene.plots.received_ns, [at, at + step_ns])
        at += step_ns
        seen = registrar.register(scene.plots.take(slice(low, high)), now_ns=at).observations
        tracks = tracker.step(seen, now_ns=at).tracks
        yield at, tracks.take(np.flatnonzero(tracks.status != TrackStatus.TENTATIVE))


def truth_at(scene: Played, at_ns: int) -> np.ndarray:
    rows = scene.truth.at_ns == at_ns
    return scene.truth.ecef()[rows]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_lone_drone_is_one_track_and_clutter_is_none(seed: int) -> None:
    scene = scenes.lone_drone(seed)
    numbers: set[int] = set()
    errors: list[float] = []
    for at, tracks in followed(scene):
        truth = truth_at(scene, at)
        if len(truth) and len(tracks):
            errors.append(float(np.linalg.norm(tracks.mean[:, :3] - truth[0], axis=1).min()))
        numbers |= set(tracks.track_id.tolist())
    assert len(numbers) == 1
    assert np.median(errors) < 120.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_that_cross_keep_their_numbers(seed: int) -> None:
    scene = scenes.crossing(seed)
    numbers = {number for _, tracks in followed(scene) for number in tracks.track_id.tolist()}
    assert len(numbers) == 2


def test_a_turning_drone_is_not_lost() -> None:
    scene = scenes.turning(4)
    numbers = {number for _, tracks in followed(scene) for number in tracks.track_id.tolist()}
    assert len(numbers) == 1


def test_an_airliner_heard_and_seen_is_one_track_with_its_address() -> None:
    scene = scenes.airliner(5)
    for _, tracks in followed(scene):
        assert np.count_nonzero(tracks.icao24 == 0x4841A2) <= 1
        last = tracks
    assert last.icao24.tolist() == [0x4841A2]
    heard = last.heard_ns[0]
    assert heard[SensorKind.ADSB] > 0
    assert heard[SensorKind.RADAR_3D] > 0


def test_errors_are_as_large_as_claimed() -> None:
    squares: list[float] = []
    for seed in range(1, 6):
        scene = scenes.lone_drone(seed)
        for at, tracks in followed(scene):
            truth = truth_at(scene, at)
            if len(truth) and len(tracks) and at - int(scene.plots.at_ns[0]) > 60 * NS:
                off = tracks.mean[0, :3] - truth[0]
                squares.append(float(off @ np.linalg.solve(tracks.covariance[0, :3, :3], off)) / 3.0)
    assert 0.4 < np.mean(squares) < 1.6


def test_the_same_plots_give_the_same_bytes() -> None:
    first, second = (list(followed(scenes.crossing(9, seconds=60.0))) for _ in range(2))
    for (_, a), (_, b) in zip(first, second, strict=True):
        assert all(x.tobytes() == y.tobytes() for (_, x), (_, y) in zip(a.columns(), b.columns(), strict=True))


def test_a_restored_tracker_goes_on_as_if_nothing_had_happened() -> None:
    scene = scenes.crossing(9, seconds=60.0)
    registrar = Registrar(scene.sensors)
    whole, first, second = Tracker(scene.sensors), Tracker(scene.sensors), Tracker(scene.sensors)
    begin = int(scene.plots.received_ns[0])
    for k in range(55):
        at = begin + (k + 1) * NS
        low, high = np.searchsorted(scene.plots.received_ns, [at - NS, at])
        seen = registrar.register(scene.plots.take(slice(low, high)), now_ns=at).observations
        if k == 30:
            second.restore(first.checkpoint())
        expected = whole.step(seen, now_ns=at).tracks
        told = (first if k < 30 else second).step(seen, now_ns=at).tracks
        assert all(
            x.tobytes() == y.tobytes() for (_, x), (_, y) in zip(expected.columns(), told.columns(), strict=True)
        )


RADAR = Sensor(
    "radar",
    SensorKind.RADAR_3D,
    54.0,
    24.0,
    200.0,
    Sigma(range_m=40.0, azimuth_deg=0.2, elevation_deg=0.2),
    period_s=2.0,
    range_max_m=60_000.0,
    pd=0.9,
    clutter_per_scan=1.0,
)
RECEIVER = Sensor("receiver", SensorKind.ADSB, sigma=Sigma(position_m=20.0))


class Bench:
    """A tracker fed by hand, a second at a time."""

    def __init__(self) -> None:
        self.sensors = Sensors([RADAR, RECEIVER])
        self.registrar, self.tracker = Registrar(self.sensors), Tracker(self.sensors)
        self.at = T0

    def step(self, plots: Plots) -> Tracks:
        self.at += NS
        seen = self.registrar.register(plots, now_ns=self.at).observations
        tracks = self.tracker.step(seen, now_ns=self.at).tracks
        return tracks.take(np.flatnonzero(tracks.status != TrackStatus.TENTATIVE))

    def heard(self, lat_deg: float, lon_deg: float, *, icao24: int = 0xABCDEF, late_s: float = 0.0) -> Plots:
        return Plots.of(
            1,
            sensor_ids=("receiver",),
            at_ns=self.at + NS // 2 - int(late_s * NS),
            received_ns=self.at + NS // 2,
            lat_deg=lat_deg,
            lon_deg=lon_deg,
            altitude_m=3_000.0,
            altitude_datum=Datum.WGS84_HAE,
            icao24=icao24,
        )

    def fly(self, seconds: int, *, icao24: int = 0xABCDEF) -> Tracks:
        tracks = Tracks.empty()
        for _ in range(seconds):
            tracks = self.step(self.heard(54.0 + (self.at - T0) / NS * 1e-3, 24.0, icao24=icao24))
        return tracks


def test_silence_makes_a_track_coast_and_then_ends_it() -> None:
    bench = Bench()
    (number,) = bench.fly(20).track_id.tolist()
    seen = [bench.step(Plots.empty()) for _ in range(90)]
    assert seen[0].status.tolist() == [TrackStatus.CONFIRMED]
    assert seen[40].status.tolist() == [TrackStatus.COASTING]
    assert seen[40].track_id.tolist() == [number]
    assert len(seen[-1]) == 0


def test_a_coasting_track_grows_less_certain() -> None:
    bench = Bench()
    bench.fly(20)
    traces = [float(np.trace(bench.step(Plots.empty()).covariance[0, :3, :3])) for _ in range(30)]
    assert all(later > earlier for earlier, later in pairwise(traces))


def test_numbers_are_never_given_twice() -> None:
    bench = Bench()
    first = bench.fly(10).track_id.tolist()
    for _ in range(90):
        bench.step(Plots.empty())
    second = bench.fly(10).track_id.tolist()
    assert len(first) == len(second) == 1
    assert second[0] > first[0]


def test_one_wild_position_neither_moves_nor_doubles_an_aircraft() -> None:
    bench = Bench()
    bench.fly(30)
    bench.step(bench.heard(54.5, 26.0))
    tracks = bench.fly(10)
    assert tracks.icao24.tolist() == [0xABCDEF]
    expected = ecef_from_geodetic(54.0 + (bench.at - T0) / NS * 1e-3, 24.0, 3_000.0)
    assert np.linalg.norm(tracks.mean[0, :3] - expected) < 300.0


def test_a_receiver_that_blunders_by_a_kilometre_makes_no_second_aircraft() -> None:
    bench = Bench()
    (number,) = bench.fly(30).track_id.tolist()
    for _ in range(4):
        astray = bench.step(bench.heard(54.0 + (bench.at - T0) / NS * 1e-3, 24.018))
        assert astray.track_id.tolist() == [number]
    assert bench.fly(10).track_id.tolist() == [number]


def test_an_address_heard_elsewhere_leaves_its_old_place() -> None:
    bench = Bench()
    (old,) = bench.fly(30).track_id.tolist()
    for _ in range(6):
        tracks = bench.step(bench.heard(55.5, 26.0))
    assert tracks.icao24.tolist() == [0xABCDEF]
    assert old not in tracks.track_id.tolist()


def test_many_like_reports_of_class_do_not_add_up_to_certainty() -> None:
    bench = Bench()
    told = np.zeros((1, CLASS_COUNT), np.float32)
    told[0, [ObjectClass.DECOY, ObjectClass.LOITERING]] = [0.6, 0.4]
    for _ in range(200):
        plots = bench.heard(54.0 + (bench.at - T0) / NS * 1e-3, 24.0)
        tracks = bench.step(Plots.of(1, **{**dict(plots.columns()), "classes": told}, sensor_ids=plots.sensor_ids))
    assert tracks.classes[0].argmax() == ObjectClass.DECOY
    assert 0.6 < tracks.classes[0, ObjectClass.DECOY] < 0.85


def test_two_addresses_are_two_aircraft_however_near() -> None:
    bench = Bench()
    for _ in range(15):
        lat = 54.0 + (bench.at - T0) / NS * 1e-3
        both = [bench.heard(lat, 24.0, icao24=0x111111), bench.heard(lat, 24.0005, icao24=0x222222)]
        tracks = bench.step(Plots.concat(both))
    assert sorted(tracks.icao24.tolist()) == [0x111111, 0x222222]


def test_a_plot_that_comes_too_late_is_counted_and_changes_nothing() -> None:
    bench = Bench()
    before = bench.fly(30).track_id.tolist()
    late = bench.heard(54.029, 24.0, late_s=45.0)
    bench.at += NS
    out = bench.tracker.step(bench.registrar.register(late, now_ns=bench.at).observations, now_ns=bench.at)
    assert out.late == 1
    established = out.tracks.take(np.flatnonzero(out.tracks.status != TrackStatus.TENTATIVE))
    assert established.track_id.tolist() == before
    assert len(out.tracks) == 1


def radar_scan(bench: Bench, scan: int, *, seen: bool) -> Plots:
    return Plots.of(
        1,
        sensor_ids=("radar",),
        at_ns=bench.at + NS // 2,
        received_ns=bench.at + NS // 2,
        scan=scan,
        scan_end=True,
        empty_scan=not seen,
        **({"range_m": 20_000.0, "azimuth_rad": 1.0, "elevation_rad": 0.05} if seen else {}),
    )


def test_a_radar_that_stops_seeing_a_track_argues_against_it() -> None:
    bench = Bench()
    for scan in range(10):
        tracks = bench.step(radar_scan(bench, scan, seen=True))
    assert tracks.existence[0] > 0.99
    for scan in range(10, 15):
        tracks = bench.step(radar_scan(bench, scan, seen=False))
    assert len(tracks) == 0 or tracks.existence[0] < 0.5


def test_a_radar_faster_than_it_declares_still_makes_one_track_of_one_object() -> None:
    bench = Bench()
    for _ in range(30):
        at = [bench.at + part * NS // 4 for part in range(4)]
        plots = {"range_m": 20_000.0, "azimuth_rad": 1.0, "elevation_rad": 0.05, "at_ns": at, "received_ns": at}
        tracks = bench.step(Plots.of(4, sensor_ids=("radar",), **plots))
    assert len(tracks) == 1


def test_a_radar_that_never_saw_a_track_says_nothing_about_it() -> None:
    bench = Bench()
    bench.fly(20)
    for scan in range(10):
        lat = 54.0 + (bench.at - T0) / NS * 1e-3
        both = Plots.concat([bench.heard(lat, 24.0), radar_scan(bench, scan, seen=False)])
        tracks = bench.step(both)
    assert tracks.existence[0] > 0.99


def test_the_warm_up_compiles_every_signature_that_real_plots_use() -> None:
    assert [done for done, _ in warm_kernels()][-1] > 0
    ready = len(replay_events.signatures)
    for _ in followed(scenes.crossing(2, seconds=10.0)):
        pass
    assert len(replay_events.signatures) == ready

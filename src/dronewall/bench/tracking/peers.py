"""The peers, run on the same plots: Stone Soup and kalbee, each built of its own parts as its documentation shows.

They work on a flat map, so plots are turned into axes parallel to those at the middle of the scene, each radar at its
own offset: exact but for a turn of its errors by the angle between the two verticals. They get a plot when we do, and
say where their tracks are at the same instants. Process noise is the parameter that matters; several are tried and the
best by GOSPA is the one compared with. Stone Soup runs without its TPR-tree, whose gate drops good plots.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np

from dronewall.bench.tables import TrackTable
from dronewall.bench.tracking.play import instants
from dronewall.bench.tracking_scenes.staging import MIDDLE, Staged
from dronewall.engine.clock import NS_PER_S, WallClock
from dronewall.geodesy.wgs84 import (
    FloatArray,
    ecef_from_enu,
    ecef_from_geodetic,
    enu_axes,
    enu_from_ecef,
    enu_from_spherical,
    spherical_from_enu,
)
from dronewall.model.plots import Plots

NOISES = (0.05, 0.2, 0.5, 2.0)
UPRIGHT_SHARE = 0.1
HOLD_S, KEEP_S = 11.0, 22.0
SPEED_SIGMA_MPS, CLIMB_SIGMA_MPS = 80.0, 10.0
GATE, GATE_PROBABILITY = 4.0, 0.999
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 30_000
"""More plots than this are not given to a peer: it would take hours."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A system to compare with: which package it needs, and what runs it at one process noise."""

    name: str
    package: str
    run: Callable[[Staged, Sequence[Scan], float], TrackTable]
    one_radar: bool = False
    like: str = ""

    @property
    def installed(self) -> bool:
        """Whether its package is here."""
        return importlib.util.find_spec(self.package) is not None


@dataclass(frozen=True, slots=True)
class Scan:
    """Plots of one radar at one instant: range, azimuth and elevation (k, 3) in axes parallel to the middle's."""

    at_s: float
    received_s: float
    site: FloatArray
    seen: FloatArray
    sigma: FloatArray
    pd: float
    clutter: float
    range_m: float


@dataclass(frozen=True, slots=True)
class PeerRun:
    """What a peer's best setting gave."""

    noise: float
    tracks: TrackTable
    plots_per_s: float


def peers() -> tuple[Peer, ...]:
    """Return every peer, installed or not."""
    return (
        Peer("Stone Soup EKF-GNN", "stonesoup", partial(_stone_soup, joint=False)),
        Peer("Stone Soup EKF-EHM2-JPDA", "stonesoup", partial(_stone_soup, joint=True), like="Stone Soup EKF-GNN"),
        Peer("kalbee KF-GNN", "kalbee", _kalbee, one_radar=True),
    )


def scans_of(staged: Staged, *, seconds: float | None = None) -> list[Scan]:
    """Return a scene of 3D radars as scans in the order received."""
    scene, found = staged.scene, []
    begin_ns = scene.epoch_ns
    for at_ns in range(begin_ns, begin_ns + round((seconds or staged.seconds) * NS_PER_S), NS_PER_S):
        plots = scene.plots_between(at_ns, at_ns + NS_PER_S)
        if len(plots):
            cuts = np.flatnonzero(np.r_[True, (np.diff(plots.received_ns) > 0) | (np.diff(plots.sensor) != 0), True])
            ends = zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
            found += [_scan(staged, plots.take(slice(first, last))) for first, last in ends]
    return found


def _scan(staged: Staged, plots: Plots) -> Scan:
    sensor = staged.scene.sensors.get(plots.sensor_ids[int(plots.sensor[0])])
    if sensor is None or sensor.lat_deg is None or sensor.lon_deg is None or sensor.hae_m is None:
        raise ValueError("peers take radars that stand somewhere")
    real = plots.take(~plots.empty_scan)
    turn = enu_axes(*MIDDLE) @ enu_axes(sensor.lat_deg, sensor.lon_deg).T
    enu = enu_from_spherical(real.range_m, real.azimuth_rad, real.elevation_rad) @ turn.T
    epoch = staged.scene.epoch_ns
    sigma = sensor.sigma
    return Scan(
        at_s=(int(plots.at_ns[0]) - epoch) / NS_PER_S,
        received_s=(int(plots.received_ns.max()) - epoch) / NS_PER_S,
        site=enu_from_ecef(ecef_from_geodetic(sensor.lat_deg, sensor.lon_deg, sensor.hae_m), *MIDDLE, 0.0),
        seen=np.stack(spherical_from_enu(enu), axis=1),
        sigma=np.array(
            [sigma.range_m or 100.0, np.radians(sigma.azimuth_deg or 0.5), np.radians(sigma.elevation_deg or 0.8)]
        ),
        pd=sensor.pd or 0.9,
        clutter=sensor.clutter_per_scan or 1.0,
        range_m=sensor.range_max_m or 1e5,
    )


def tuned(
    peer: Peer, staged: Staged, scans: Sequence[Scan], worth: Callable[[TrackTable], float], noises: Sequence[float]
) -> PeerRun:
    """Run a peer at several process noises and return the best, by least `worth`."""
    best: tuple[float, PeerRun] | None = None
    clock = WallClock()
    for noise in noises:
        began = clock.now_ns()
        tracks = peer.run(staged, scans, noise)
        spent_s = (clock.now_ns() - began) / NS_PER_S
        run = PeerRun(noise, tracks, sum(len(scan.seen) for scan in scans) / max(spent_s, 1e-9))
        cost = worth(tracks)
        if best is None or cost < best[0]:
            best = cost, run
    if best is None:
        raise ValueError("no process noise to try")
    return best[1]


def _sampled(staged: Staged, at_ns: int, ids: list[int], x: FloatArray, cov: FloatArray) -> TrackTable:
    """Return one sample of states (n, 6) in the middle's axes: position and velocity."""
    if not ids:
        return TrackTable.empty()
    axes = enu_axes(*MIDDLE)
    position = ecef_from_enu(x[:, :3], *MIDDLE, 0.0)
    return TrackTable.of(
        len(ids),
        at_ns=at_ns,
        track_id=ids,
        position=position,
        velocity=x[:, 3:] @ axes,
        sigma_enu_m=np.sqrt(np.maximum(np.diagonal(cov, axis1=1, axis2=2)[:, :3], 0.0)),
    )


def _interleaved(staged: Staged, scans: Sequence[Scan]) -> Iterator[Scan | int]:
    """Yield scans as they are received and, between them, the sample instants (ns UTC)."""
    waiting = iter(instants(staged))
    next_ns = next(waiting, None)
    for scan in sorted(scans, key=lambda scan: scan.received_s):
        while next_ns is not None and (next_ns - staged.scene.epoch_ns) / NS_PER_S < scan.received_s:
            yield next_ns
            next_ns = next(waiting, None)
        yield scan
    while next_ns is not None and scans:
        yield next_ns
        next_ns = next(waiting, None)


def _stone_soup(staged: Staged, scans: Sequence[Scan], noise: float, *, joint: bool) -> TrackTable:
    from stonesoup.types.state import State

    soup = _Soup(noise, scans[0], joint=joint)
    samples: list[TrackTable] = []
    order = [0, 2, 4, 1, 3, 5]
    for event in _interleaved(staged, scans):
        if isinstance(event, Scan):
            soup.take(event)
            continue
        now = EPOCH + timedelta(seconds=(event - staged.scene.epoch_ns) / NS_PER_S)
        ids, x, cov = [], [], []
        for track in soup.tracks:
            state: State = soup.predictor.predict(track[-1], timestamp=max(now, track[-1].timestamp))
            ids.append(soup.number(track))
            x.append(np.asarray(state.state_vector, float).ravel()[order])
            cov.append(np.asarray(state.covar, float)[np.ix_(order, order)])
        samples.append(_sampled(staged, event, ids, np.array(x), np.array(cov)))
    return TrackTable.concat(samples)


class _Soup:
    """A tracker of Stone Soup's own parts; it is fed scans one by one."""

    def __init__(self, noise: float, scan: Scan, *, joint: bool) -> None:
        from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
        from stonesoup.dataassociator.probability import JPDAwithEHM2
        from stonesoup.deleter.time import UpdateTimeDeleter
        from stonesoup.hypothesiser.distance import DistanceHypothesiser
        from stonesoup.hypothesiser.probability import PDAHypothesiser
        from stonesoup.initiator.simple import MultiMeasurementInitiator
        from stonesoup.measures import Mahalanobis
        from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity
        from stonesoup.predictor.kalman import ExtendedKalmanPredictor
        from stonesoup.tracker.simple import MultiTargetMixtureTracker, MultiTargetTracker
        from stonesoup.types.state import GaussianState
        from stonesoup.updater.kalman import ExtendedKalmanUpdater

        motion = CombinedLinearGaussianTransitionModel(
            [ConstantVelocity(noise), ConstantVelocity(noise), ConstantVelocity(UPRIGHT_SHARE * noise)]
        )
        self.predictor: Any = ExtendedKalmanPredictor(motion)
        updater = ExtendedKalmanUpdater(measurement_model=None)
        near = DistanceHypothesiser(self.predictor, updater, Mahalanobis(), missed_distance=GATE)
        nearest = GNNWith2DAssignment(near)
        associator: Any = nearest
        if joint:
            volume = 2 * np.pi * 0.1 * scan.range_m
            likely = PDAHypothesiser(
                self.predictor,
                updater,
                clutter_spatial_density=scan.clutter / volume,
                prob_detect=scan.pd,
                prob_gate=GATE_PROBABILITY,
            )
            associator = JPDAwithEHM2(likely)
        spread = np.diag([0.0, SPEED_SIGMA_MPS**2, 0.0, SPEED_SIGMA_MPS**2, 0.0, CLIMB_SIGMA_MPS**2])
        initiator = MultiMeasurementInitiator(
            prior_state=GaussianState(np.zeros((6, 1)), spread),
            deleter=UpdateTimeDeleter(timedelta(seconds=HOLD_S)),
            data_associator=nearest,
            updater=updater,
            min_points=3,
        )
        self._inbox: list[tuple[datetime, set[Any]]] = []
        kind = MultiTargetMixtureTracker if joint else MultiTargetTracker
        self._tracker: Any = kind(
            initiator=initiator,
            deleter=UpdateTimeDeleter(timedelta(seconds=KEEP_S)),
            detector=None,
            data_associator=associator,
            updater=updater,
        )
        self._numbers: dict[str, int] = {}

    @property
    def tracks(self) -> set[Any]:
        """The tracks it holds for sure."""
        return set(self._tracker.tracks)

    def number(self, track: Any) -> int:
        """Return a number for a track's name."""
        return self._numbers.setdefault(str(track.id), len(self._numbers) + 1)

    def take(self, scan: Scan) -> None:
        """Give it one scan."""
        from stonesoup.models.measurement.nonlinear import CartesianToElevationBearingRange
        from stonesoup.types.angle import Bearing, Elevation
        from stonesoup.types.array import StateVector
        from stonesoup.types.detection import Detection

        sigma_r, sigma_a, sigma_e = scan.sigma
        model = CartesianToElevationBearingRange(
            ndim_state=6,
            mapping=(0, 2, 4),
            noise_covar=np.diag([sigma_e**2, sigma_a**2, sigma_r**2]),
            translation_offset=StateVector(scan.site.reshape(3, 1)),
        )
        at = EPOCH + timedelta(seconds=scan.at_s)
        seen = {
            Detection(
                StateVector([[Elevation(e)], [Bearing(np.pi / 2 - a)], [r]]), timestamp=at, measurement_model=model
            )
            for r, a, e in scan.seen.tolist()
        }
        self._tracker.detector_iter = iter([(at, seen)])
        next(self._tracker)


def _kalbee(staged: Staged, scans: Sequence[Scan], noise: float) -> TrackTable:
    """Kalbee's tracker is linear with a fixed step: plots are given as places, each with the errors at its birth."""
    from kalbee import KalmanFilter
    from kalbee.tracking.tracker import MultiObjectTracker

    step_s = scans[1].at_s - scans[0].at_s
    move, spread = np.eye(6), np.diag([noise, noise, UPRIGHT_SHARE * noise])
    move[:3, 3:] = np.eye(3) * step_s
    q = np.block([[spread * step_s**3 / 3, spread * step_s**2 / 2], [spread * step_s**2 / 2, spread * step_s]])
    site, sigma = scans[0].site, scans[0].sigma

    def begun(z: FloatArray) -> Any:
        r = _noise_at(z - site, sigma)
        start = np.zeros((6, 1))
        start[:3, 0] = z
        cov = np.zeros((6, 6))
        cov[:3, :3], cov[3:, 3:] = r, np.diag([SPEED_SIGMA_MPS**2, SPEED_SIGMA_MPS**2, CLIMB_SIGMA_MPS**2])
        return KalmanFilter(start, cov, move, q, np.eye(3, 6), r)

    tracker = MultiObjectTracker(begun, n_init=3, max_age=4, gate=GATE)
    samples, at_s = [], 0.0
    for event in _interleaved(staged, scans):
        if isinstance(event, Scan):
            tracker.update(enu_from_spherical(*event.seen.T) + event.site, dt=step_s)
            at_s = event.at_s
            continue
        ahead = np.eye(6)
        ahead[:3, 3:] = np.eye(3) * ((event - staged.scene.epoch_ns) / NS_PER_S - at_s)
        shown = tracker.confirmed_tracks()
        x = np.array([ahead @ np.asarray(track.state, float).ravel() for track in shown]).reshape(-1, 6)
        cov = np.array([ahead @ np.asarray(track.covariance, float) @ ahead.T for track in shown]).reshape(-1, 6, 6)
        samples.append(_sampled(staged, event, [int(track.id) + 1 for track in shown], x, cov))
    return TrackTable.concat(samples)


def _noise_at(enu: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return the covariance of a place measured by range, azimuth and elevation from the origin."""
    r, a, e = (float(value) for value in spherical_from_enu(enu))
    jac = np.array(
        [
            [np.cos(e) * np.sin(a), r * np.cos(e) * np.cos(a), -r * np.sin(e) * np.sin(a)],
            [np.cos(e) * np.cos(a), -r * np.cos(e) * np.sin(a), -r * np.sin(e) * np.cos(a)],
            [np.sin(e), 0.0, r * np.cos(e)],
        ]
    )
    return np.asarray(jac @ np.diag(sigma**2) @ jac.T)

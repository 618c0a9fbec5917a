"""Compile every kernel before it is needed: numba takes seconds at first use, and a raid is no time for that.

Each step runs the tracker on a tiny made-up scene, so that exactly the signatures of real use are compiled and cached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.jit import had_to_compile
from dronewall.geodesy.wgs84 import ecef_from_geodetic
from dronewall.model.observations import ObservationKind, Observations
from dronewall.model.sensors import Sensor, SensorKind, Sensors
from dronewall.model.tracks import RemoteTracks
from dronewall.tracking.belief import associate
from dronewall.tracking.neighbours import neighbours_for, rebuild
from dronewall.tracking.parameters import Motion, Parameters
from dronewall.tracking.sound import SoundTracker
from dronewall.tracking.store import TrackStore
from dronewall.tracking.tracker import Tracker
from dronewall.tracking.vendor import VendorFusion


def warm_kernels() -> Iterator[tuple[int, int]]:
    """Compile kernel after kernel but those of sound, yielding (done, total), (0, total) first."""
    steps: tuple[Callable[[], None], ...] = (_belief, _index, _prediction, _looking, _fusing)
    yield 0, len(steps)
    for done, step in enumerate(steps, 1):
        step()
        yield done, len(steps)


def kernels_were_cached() -> bool:
    """Whether the kernel of `warm_kernels`' first step was found in the cache."""
    return not had_to_compile(associate)


def _belief() -> None:
    one = np.ones(1)
    associate(one, np.array([0, 1], np.int32), np.zeros(1, np.int32), 1, one.copy(), one.copy(), one.copy())


def _index() -> None:
    store = TrackStore(capacity=4)
    rebuild(neighbours_for(4), store.columns, store.count, 0, Motion())


def _prediction() -> None:
    Tracker(_sensors()).step(Observations.empty(), now_ns=0)


def _looking() -> None:
    tracker = Tracker(_sensors(), parameters=Parameters())
    for at_ns in (0, 1_000_000_000):
        tracker.step(_two_observations(at_ns), now_ns=at_ns)


def _fusing() -> None:
    """Let the fusion of others' tracks be told of one aircraft again and again."""
    fusion, store = VendorFusion(Parameters()), TrackStore(capacity=4)
    for at_ns in range(0, 12_000_000_000, 2_000_000_000):
        told = RemoteTracks.of(
            1,
            track_ref=[b"warm-up"],
            at_ns=at_ns,
            mean=np.array([6_379_137.0, 0.0, 9_950.0, 0.0, 0.0, 0.0]),
            sigma_position_m=100.0,
            sigma_altitude_m=100.0,
            sigma_velocity_mps=10.0,
        )
        fusion.fuse(store, told, now_ns=at_ns)


def warm_sound() -> None:
    """Let a sound tracker hear a source fly past six arrays, so that it finds and follows it."""
    arrays = [
        Sensor(f"warm-{e}{n}", SensorKind.ACOUSTIC_ARRAY, n / 20.0, e / 20.0, 0.0) for e in range(3) for n in range(2)
    ]
    tracker, store = SoundTracker(Sensors(arrays), Parameters()), TrackStore(capacity=4)
    place = np.array([(a.lat_deg or 0.0, a.lon_deg or 0.0, 0.0) for a in arrays])
    site = ecef_from_geodetic(*place.T)
    for second in range(60):
        tracker.step(_bearings(site, second), np.ones(len(site), np.bool_), store, now_ns=second * 1_000_000_000)


def _bearings(site: NDArray[np.float64], second: int) -> Observations:
    """Return what arrays (n, 3) hear of a source that flies east at the equator, in still air."""
    source = ecef_from_geodetic(0.02, 0.02, 400.0)
    source = source + (second - np.linalg.norm(site - source, axis=1)[:, None] / 340.0) * np.array([0.0, 50.0, 0.0])
    azimuth = np.arctan2(source[:, 1] - site[:, 1], source[:, 2] - site[:, 2])
    return Observations.of(
        len(site),
        plot=np.arange(len(site)),
        sensor=np.arange(len(site)),
        kind=ObservationKind.SOUND_DIRECTION,
        at_ns=second * 1_000_000_000,
        site=site,
        z=np.stack([azimuth, np.full(len(site), np.nan), np.full(len(site), np.nan)], axis=1),
        noise=np.diag([0.035**2, 0.0, 0.0]),
    )


def _sensors() -> Sensors:
    return Sensors([Sensor("warm-up", SensorKind.RADAR_3D, 0.0, 0.0, 0.0, range_max_m=20_000.0)])


def _two_observations(at_ns: int) -> Observations:
    return Observations.of(
        2,
        plot=[0, 1],
        kind=[ObservationKind.RANGE_AZIMUTH_ELEVATION, ObservationKind.SOUND_DIRECTION],
        at_ns=at_ns,
        site=np.array([6_378_137.0, 0.0, 0.0]),
        z=np.array([[10_000.0, 0.0, 0.1], [0.0, np.nan, np.nan]]),
        noise=np.eye(3),
        place=np.array([6_379_137.0, 0.0, 9_950.0]),
        spread=np.eye(3) * 1e4,
    )

"""Acoustic arrays: they hear where an object *was* when the sound they hear now left it.

The air is uniform: sound travels at 340 m/s in it, and it moves with a uniform `wind` (still by default). Sound that
left the object at `x(t - τ)` reaches the array `s` when the sphere it became, carried along by the wind, does:
`|x(t - τ) + w τ - s| = c τ`. The array measures the normal of the wave front, the direction of `x(t - τ) + w τ - s`.
There is no refraction, echo, relief or masking of one source by another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray
from dronewall.model.plots import CLASS_COUNT, NAN, ObjectClass, Plots
from dronewall.model.sensors import Sensor
from dronewall.simulation.looks import Looks
from dronewall.simulation.movers import Movers
from dronewall.simulation.sites import Sites
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import in_order_received, ns_of, whole_seconds
from dronewall.simulation.streams import stream

SPEED_OF_SOUND_MPS = 340.0
LONGEST_DELAY_S = 45.0
LEAST_DELAY_S, MOST_DELAY_S = 0.2, 0.8
SOFT_EDGE_M = 500.0
FALSE_PER_S = 0.02
MISTAKEN = 0.15
"""Share of sounds that are taken for another class."""

HEARD_AS: dict[ObjectClass, ObjectClass] = {
    ObjectClass.LOITERING: ObjectClass.LIGHT_AIRCRAFT,
    ObjectClass.DECOY: ObjectClass.LOITERING,
    ObjectClass.CRUISE_MISSILE: ObjectClass.AEROPLANE,
    ObjectClass.AEROPLANE: ObjectClass.CRUISE_MISSILE,
    ObjectClass.LIGHT_AIRCRAFT: ObjectClass.LOITERING,
    ObjectClass.HELICOPTER: ObjectClass.LIGHT_AIRCRAFT,
}
"""What each class is mistaken for, when it is."""


def emission(
    movers: Movers,
    rows: NDArray[np.int64],
    heard_s: FloatArray,
    site_ecef: FloatArray,
    wind_ecef_mps: FloatArray,
    *,
    sound_mps: float = SPEED_OF_SOUND_MPS,
) -> tuple[FloatArray, FloatArray]:
    """Return when the sound heard at `heard_s` left each object, and the apparent source (k, 3), ECEF.

    The apparent source is the centre of the wave front that arrives, so its direction is what an array measures; in
    still air it is where the object was. Newton's steps; four leave less than a microsecond below the speed of sound.

    Args:
        movers: the paths.
        rows: (k,) objects.
        heard_s: (k,) instants of arrival, seconds of the night.
        site_ecef: (k, 3) arrays, m.
        wind_ecef_mps: (k, 3) motion of the air at each array.
        sound_mps: how fast sound travels in the air.
    """
    position, _ = movers.state(rows, heard_s)
    left_s = heard_s - np.linalg.norm(position - site_ecef, axis=1) / sound_mps
    for _ in range(4):
        position, velocity = movers.state(rows, left_s)
        apparent = position + wind_ecef_mps * (heard_s - left_s)[:, None] - site_ecef
        distance = np.linalg.norm(apparent, axis=1)
        closing = np.sum(apparent * (velocity - wind_ecef_mps), axis=1) / np.maximum(distance, 1.0)
        left_s = left_s - (distance - sound_mps * (heard_s - left_s)) / (closing + sound_mps)
    position, _ = movers.state(rows, left_s)
    return left_s, position + wind_ecef_mps * (heard_s - left_s)[:, None]


class AcousticArrays:
    """A network of acoustic arrays as a source: a window is one second of reports."""

    def __init__(
        self,
        sensors: Sequence[Sensor],
        sky: Sky,
        *,
        seed: int,
        wind_mps: tuple[float, float] = (0.0, 0.0),
        false_per_s: float = FALSE_PER_S,
        sound_mps: float = SPEED_OF_SOUND_MPS,
    ) -> None:
        """`wind_mps` is where the air moves, east and north; a declared elevation sigma makes an array measure it."""
        self._false_per_s, self._sound_mps = false_per_s, sound_mps
        self._sensors, self._sky, self._seed = tuple(sensors), sky, seed
        self._ids = tuple(s.sensor_id for s in sensors)
        self._sites = Sites.of(sensors)
        self._wind = np.einsum("kij,i->kj", self._sites.axes, np.array([*wind_mps, 0.0]))
        self._period_s = np.array([s.period_s for s in sensors], float)
        self._pd = np.array([s.pd for s in sensors], float)
        self._sigma = np.radians(
            np.array([(s.sigma.azimuth_deg, s.sigma.elevation_deg or NAN) for s in sensors], float)
        )
        self._phase = stream(seed, "acoustic.phase").random(len(sensors))
        self._loud = np.flatnonzero(sky.signatures.hearing_m > 0)

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The arrays."""
        return self._sensors

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the seconds whose reports may be received in the interval."""
        return whole_seconds(from_s - MOST_DELAY_S, to_s)

    def plots(self, window: int) -> Plots:
        """Return the bearings of sound that arrived in one second, true and false."""
        rng = stream(self._seed, "acoustic", window)
        array, row, heard_s, azimuth, elevation = self._heard(rng, window)
        false = np.flatnonzero(rng.random(len(self._sensors)) < self._false_per_s)
        noise = rng.standard_normal((2, len(array))) * self._sigma[array].T
        measures_elevation = np.isfinite(self._sigma[false, 1])
        false_elevation = np.where(measures_elevation, rng.uniform(0.0, 0.5, len(false)), NAN)
        at_s = np.concatenate([heard_s, window + rng.random(len(false))])
        delay_s = rng.uniform(LEAST_DELAY_S, MOST_DELAY_S, len(at_s))
        return in_order_received(
            len(at_s),
            self._ids,
            sensor=np.concatenate([array, false]),
            at_ns=ns_of(at_s),
            received_ns=ns_of(at_s + delay_s),
            azimuth_rad=np.mod(
                np.concatenate([azimuth + noise[0], rng.uniform(0.0, 2 * np.pi, len(false))]), 2 * np.pi
            ),
            elevation_rad=np.concatenate([elevation + noise[1], false_elevation]),
            classes=np.concatenate([self._sounds_like(rng, row), np.zeros((len(false), CLASS_COUNT), np.float32)]),
        )

    def looks(self, window: int) -> Looks:
        """Return which sounds arrive in one second and may be detected."""
        array, row, heard_s, left_s, _, chance = self._arriving(window)
        looks = Looks(
            row=row,
            sensor=array,
            at_s=heard_s,
            site=self._sites.ecef[array],
            axes=self._sites.axes[array],
            sigma=np.stack([np.full(len(row), NAN), *self._sigma[array].T, np.full(len(row), NAN)], axis=1),
            pd=chance,
            delay_s=heard_s - left_s,
        )
        return looks.take(chance > 0.0)

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Whether any array is near enough to hear each object."""
        return self._sites.reach(ecef, sky.signatures.hearing_m[rows], radio=False)

    def _heard(
        self, rng: np.random.Generator, window: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray, FloatArray, FloatArray]:
        """Array, object, instant of arrival and direction of every sound detected in one second."""
        array, row, heard_s, _, apparent, chance = self._arriving(window)
        found = rng.random(len(array)) < chance
        array, row, heard_s = array[found], row[found], heard_s[found]
        _, azimuth, elevation = self._sites.look(array, apparent[found])
        return array, row, heard_s, azimuth, elevation

    def _arriving(
        self, window: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray, FloatArray, FloatArray, FloatArray]:
        """Array, object, instants of arrival and emission, apparent source, and chance of detection of each sound."""
        report_s = (np.ceil(window / self._period_s - self._phase) + self._phase) * self._period_s
        reporting = np.flatnonzero(report_s < window + 1)
        array, row = self._candidates(reporting, window)
        heard_s = report_s[array]
        site, wind = self._sites.ecef[array], self._wind[array]
        left_s, apparent = emission(self._sky.movers, row, heard_s, site, wind, sound_mps=self._sound_mps)
        distance = self._sound_mps * (heard_s - left_s)
        movers = self._sky.movers
        sounded = (movers.start_s[row] <= left_s) & (left_s < movers.end_s[row])
        edge = np.clip((self._sky.signatures.hearing_m[row] - distance) / SOFT_EDGE_M, 0.0, 1.0)
        return array, row, heard_s, left_s, apparent, self._pd[array] * edge * sounded

    def _candidates(self, reporting: NDArray[np.int64], window: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs of array and object that are near enough to be worth solving for."""
        movers = self._sky.movers
        begun, gone = movers.start_s[self._loud], movers.end_s[self._loud]
        rows = self._loud[(begun < window + 1) & (window < gone + LONGEST_DELAY_S)]
        position, velocity = movers.state(rows, float(window))
        slack_m = np.linalg.norm(velocity, axis=1) * LONGEST_DELAY_S
        reach_m = self._sky.signatures.hearing_m[rows] + slack_m
        site = self._sites.ecef[reporting]
        # A cube is cheaper than a sphere, and most pairs are far apart along one axis.
        near = np.abs(position[None, :, 0] - site[:, None, 0]) < reach_m
        near &= np.abs(position[None, :, 1] - site[:, None, 1]) < reach_m
        near &= np.abs(position[None, :, 2] - site[:, None, 2]) < reach_m
        i, j = np.nonzero(near)
        return reporting[i], rows[j]

    def _sounds_like(self, rng: np.random.Generator, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Class probabilities as a classifier might give them: mostly right, never certain."""
        n = len(rows)
        true = self._sky.signatures.object_class[rows].astype(np.int64)
        other = _MISTAKEN_FOR[true]
        sure = rng.uniform(0.5, 0.85, n)
        swapped = rng.random(n) < MISTAKEN
        likely, less_likely = np.where(swapped, other, true), np.where(swapped, true, other)
        classes = np.zeros((n, CLASS_COUNT), np.float32)
        classes[np.arange(n), likely] = sure
        classes[np.arange(n), less_likely] += 0.6 * (1.0 - sure)
        classes[np.arange(n), ObjectClass.UNKNOWN] += 0.4 * (1.0 - sure)
        return classes


_MISTAKEN_FOR = np.array([HEARD_AS.get(c, ObjectClass.UNKNOWN) for c in ObjectClass], np.int64)

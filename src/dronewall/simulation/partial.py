"""Sensors that tell only a part of where something is: passive radar, microphones without direction, cameras."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.wgs84 import FloatArray, ecef_from_geodetic
from dronewall.model.plots import CLASS_COUNT, ObjectClass, Plots
from dronewall.model.sensors import Sensor
from dronewall.simulation.acoustic import SPEED_OF_SOUND_MPS, emission
from dronewall.simulation.sites import Sites
from dronewall.simulation.sky import Sky
from dronewall.simulation.source import in_order_received, ns_of, whole_seconds
from dronewall.simulation.streams import stream

LEAST_DELAY_S, MOST_DELAY_S = 0.1, 0.5
FALSE_PER_REPORT = 0.02
LEVEL_FALSE_SPAN_M = 40_000.0


class _Watchers:
    """Sensors that each report every `period_s` what is near them: a window is one second."""

    name = "watchers"

    def __init__(self, sensors: Sequence[Sensor], sky: Sky, *, seed: int) -> None:
        self._sensors, self._sky, self._seed = tuple(sensors), sky, seed
        self._ids = tuple(s.sensor_id for s in sensors)
        self._sites = Sites.of(sensors)
        self._period_s = np.array([s.period_s for s in sensors], float)
        self._range_m = np.array([s.range_max_m for s in sensors], float)
        self._pd = np.array([s.pd for s in sensors], float)
        self._phase = stream(seed, f"{self.name}.phase").random(len(sensors))

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """All of them."""
        return self._sensors

    def windows(self, from_s: float, to_s: float) -> Iterable[int]:
        """Return the seconds whose reports may be received in the interval."""
        return whole_seconds(from_s - MOST_DELAY_S, to_s)

    def reaches(self, sky: Sky, rows: NDArray[np.int64], ecef: FloatArray) -> NDArray[np.bool_]:
        """Nothing: what only such a sensor notices has no place yet, so nobody is asked for a track."""
        return np.zeros(len(rows), bool)

    def _reports(self, window: int) -> tuple[NDArray[np.int64], FloatArray]:
        """Return who reports in this second, and when."""
        at_s = (np.ceil(window / self._period_s - self._phase) + self._phase) * self._period_s
        who = np.flatnonzero(at_s < window + 1)
        return who, at_s[who]

    def _pairs(self, who: NDArray[np.int64], at_s: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return every reporting sensor's index into `who` with every object that is there."""
        movers = self._sky.movers
        if not len(who):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        rows = np.flatnonzero((movers.start_s <= at_s.min()) & (at_s.max() < movers.end_s))
        return np.repeat(np.arange(len(who)), len(rows)), np.tile(rows, len(who))

    def _told(self, rng: np.random.Generator, sensor: NDArray[np.int64], at_s: FloatArray, **columns: object) -> Plots:
        delay_s = rng.uniform(LEAST_DELAY_S, MOST_DELAY_S, len(at_s))
        return in_order_received(
            len(at_s), self._ids, sensor=sensor, at_ns=ns_of(at_s), received_ns=ns_of(at_s + delay_s), **columns
        )


class Cameras(_Watchers):
    """Cameras that measure direction only, and what they think it is, in what light there is."""

    name = "cameras"

    def plots(self, window: int) -> Plots:
        """Return the directions of one second, true and false."""
        rng = stream(self._seed, self.name, window)
        who, when_s = self._reports(window)
        index, row = self._pairs(who, when_s)
        position, _ = self._sky.movers.state(row, when_s[index])
        range_m, azimuth, elevation = self._sites.look(who[index], position)
        seen = (range_m < self._range_m[who[index]]) & (elevation > 0.0) & (rng.random(len(row)) < self._pd[who[index]])
        false = np.flatnonzero(rng.random(len(who)) < FALSE_PER_REPORT)
        index, row = index[seen], row[seen]
        sensor = np.concatenate([who[index], who[false]])
        sigma = np.radians(np.array([(s.sigma.azimuth_deg, s.sigma.elevation_deg) for s in self._sensors], float))[
            sensor
        ]
        turn = np.concatenate([azimuth[seen], rng.uniform(0.0, 2 * np.pi, len(false))])
        rise = np.concatenate([elevation[seen], rng.uniform(0.0, 0.4, len(false))])
        noise = rng.standard_normal((2, len(sensor)))
        classes = np.zeros((len(sensor), CLASS_COUNT), np.float32)
        classes[np.arange(len(row)), self._sky.signatures.object_class[row]] = 0.7
        classes[:, ObjectClass.UNKNOWN] += 1.0 - classes.sum(axis=1)
        return self._told(
            rng,
            sensor,
            np.concatenate([when_s[index], when_s[false]]),
            azimuth_rad=np.mod(turn + sigma[:, 0] * noise[0], 2 * np.pi),
            elevation_rad=rise + sigma[:, 1] * noise[1],
            classes=classes,
        )


class Microphones(_Watchers):
    """Single microphones: they tell that they hear something like this, not where it is.

    With `tells_silence` they also say each period that they hear nothing.
    """

    name = "microphones"

    def __init__(self, sensors: Sequence[Sensor], sky: Sky, *, seed: int, tells_silence: bool = False) -> None:
        super().__init__(sensors, sky, seed=seed)
        self._tells_silence = tells_silence

    def plots(self, window: int) -> Plots:
        """Return one line for each microphone that hears something in this second, or thinks so."""
        rng = stream(self._seed, self.name, window)
        who, when_s = self._reports(window)
        index, row = self._pairs(who, when_s)
        loud = self._sky.signatures.hearing_m[row] > 0
        index, row = index[loud], row[loud]
        sensor, heard_s = who[index], when_s[index]
        left_s, _ = emission(self._sky.movers, row, heard_s, self._sites.ecef[sensor], np.zeros((len(row), 3)))
        away = SPEED_OF_SOUND_MPS * (heard_s - left_s)
        near = (away < self._range_m[sensor]) & (rng.random(len(row)) < self._pd[sensor])
        # One line per microphone and report, whatever the number of objects it hears.
        heard, first = np.unique(index[near], return_index=True)
        false = np.setdiff1d(np.flatnonzero(rng.random(len(who)) < FALSE_PER_REPORT), heard)
        classes = np.zeros((len(heard) + len(false), CLASS_COUNT), np.float32)
        classes[np.arange(len(heard)), self._sky.signatures.object_class[row[near][first]]] = 0.6
        classes[len(heard) :, ObjectClass.LOITERING] = 0.4
        classes[:, ObjectClass.UNKNOWN] += 1.0 - classes.sum(axis=1)
        said = np.concatenate([heard, false])
        told = self._told(rng, who[said], when_s[said], classes=classes)
        if not self._tells_silence:
            return told
        quiet = np.setdiff1d(np.arange(len(who)), said)
        nothing = self._told(rng, who[quiet], when_s[quiet], empty_scan=np.ones(len(quiet), bool))
        both = Plots.concat([told, nothing])
        return both.take(np.argsort(both.received_ns, kind="stable"))


class PassiveRadars(_Watchers):
    """Receivers that use broadcast transmitters: the sum of two ranges, its rate, and a coarse direction."""

    name = "passive"

    def __init__(
        self, sensors: Sequence[Sensor], transmitters: Sequence[tuple[float, float, float]], sky: Sky, *, seed: int
    ) -> None:
        """`transmitters` are latitude, longitude and height above the ellipsoid; each receiver uses all of them."""
        super().__init__(sensors, sky, seed=seed)
        self._places = np.array(transmitters, float)
        self._senders = ecef_from_geodetic(*self._places.T)

    def plots(self, window: int) -> Plots:
        """Return one second of detections, true and false: one for each object and transmitter."""
        rng = stream(self._seed, self.name, window)
        who, when_s = self._reports(window)
        index, row = self._pairs(who, when_s)
        sender = np.tile(np.arange(len(self._places)), len(index))
        index, row = np.repeat(index, len(self._places)), np.repeat(row, len(self._places))
        position, velocity = self._sky.movers.state(row, when_s[index])
        out, back = position - self._senders[sender], position - self._sites.ecef[who[index]]
        d_out, d_back = np.linalg.norm(out, axis=1), np.linalg.norm(back, axis=1)
        rate = np.sum(velocity * (out / d_out[:, None] + back / d_back[:, None]), axis=1)
        _, azimuth, _ = self._sites.look(who[index], position)
        seen = (d_back < self._range_m[who[index]]) & (rng.random(len(row)) < self._pd[who[index]])
        false = np.flatnonzero(rng.random(len(who)) < 10 * FALSE_PER_REPORT)
        sensor = np.concatenate([who[index[seen]], who[false]])
        used = np.concatenate([sender[seen], rng.integers(0, len(self._places), len(false))])
        baseline = np.linalg.norm(self._senders[used[len(row[seen]) :]] - self._sites.ecef[who[false]], axis=1)
        sums = np.concatenate([(d_out + d_back)[seen], baseline + rng.uniform(1e3, LEVEL_FALSE_SPAN_M, len(false))])
        sigma = np.array([(s.sigma.range_m, np.radians(s.sigma.azimuth_deg or 5.0)) for s in self._sensors])[sensor]
        noise = rng.standard_normal((3, len(sensor)))
        rates = np.concatenate([rate[seen], rng.normal(0.0, 60.0, len(false))])
        turn = np.concatenate([azimuth[seen], rng.uniform(0.0, 2 * np.pi, len(false))])
        return self._told(
            rng,
            sensor,
            np.concatenate([when_s[index[seen]], when_s[false]]),
            range_sum_m=sums + sigma[:, 0] * noise[0],
            range_rate_sum_mps=rates + 1.0 * noise[1],
            azimuth_rad=np.mod(turn + sigma[:, 1] * noise[2], 2 * np.pi),
            transmitter_lat_deg=self._places[used, 0],
            transmitter_lon_deg=self._places[used, 1],
            transmitter_hae_m=self._places[used, 2],
        )

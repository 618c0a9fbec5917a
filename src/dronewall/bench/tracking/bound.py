"""What can be known at best: the posterior Cramér-Rao bound of every object, and filters that are told what is hidden.

All go through the looks of the simulated sensors in the order of time. The bound takes each look as so much
information as its chance of detection allows; the filters draw measurements of their own, so they share no noise with
the tracker judged. Both are told which plot is whose. One is told the mode besides, whether its object cruises or
manoeuvres; the other even how fast it turns at every instant, which no tracker could know.

Source:
    Tichavský, Muravchik, Nehorai, "Posterior Cramér-Rao bounds for discrete-time nonlinear filtering", IEEE Trans.
    Signal Processing 46 (1998), for the recursion. Information is reduced by the factor Pd where detection is a matter
    of chance, which is a lower bound of the bound itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dronewall.bench.tracking_scenes.staging import Q_LEVEL, Flown, Staged
from dronewall.geodesy.wgs84 import FloatArray, enu_axes, geodetic_from_ecef
from dronewall.simulation.faults import Faulty
from dronewall.simulation.looks import Looking, Looks
from dronewall.simulation.movers import Movers
from dronewall.simulation.source import Source
from dronewall.tracking.parameters import Motion

SPEED_OF_SOUND_MPS = 340.0
PRIOR_LEVEL_M, PRIOR_UPRIGHT_M, PRIOR_SPEED_MPS, PRIOR_CLIMB_MPS = 5_000.0, 400.0, 80.0, 3.0
TOLD_PRIOR = (1_000.0, 300.0, 60.0, 3.0)
KNOWN_AFTER_S, SOUND_KNOWN_AFTER_S = 0.175, 0.5
"""How long a measurement takes to us, in the mean."""
HEARD_BY = 4
MOTION = Motion()

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """Per object and sample instant (n, k): variance of position (m²) and velocity, summed over axes; NaN if unborn.

    For the told filter these are squared errors. `horizontal` leaves the vertical axis out of both.
    """

    at_s: FloatArray
    position_m2: FloatArray
    velocity_m2: FloatArray


def looks_of(staged: Staged) -> Looks | None:
    """Return all looks of a scene, sensors numbered through it; None if a source cannot tell them."""
    parts: list[Looks] = []
    first = 0
    for source in staged.scene.sources:
        true = _behind(source)
        if not isinstance(true, Looking):
            return None
        for window in source.windows(0.0, staged.seconds):
            looks = true.looks(window)
            looks.sensor[:] += first
            parts.append(looks)
        first += len(source.sensors)
    looks = Looks.concat(parts)
    return looks.take(np.argsort(looks.at_s, kind="stable"))


def _behind(source: Source) -> Source:
    return _behind(source.behind) if isinstance(source, Faulty) else source


def heard_by_four_s(looks: Looks, objects: int) -> FloatArray:
    """Return when sound has first come from each object to its fourth array, s; NaN if it never does."""
    told = np.full(objects, np.nan)
    for row in np.unique(looks.row):
        mine = looks.take(looks.row == row)
        _, first = np.unique(mine.sensor, return_index=True)
        if len(first) >= HEARD_BY:
            told[row] = np.sort(mine.at_s[first])[HEARD_BY - 1]
    return told


def bound(staged: Staged, looks: Looks) -> Best:
    """Return the bound of every object at every sample instant."""
    return _run(staged, looks, _Bound(staged))


def told_rate(staged: Staged, looks: Looks, rng: np.random.Generator) -> Best:
    """Return the squared errors of a filter that is told association, and how fast each object turns."""
    return _run(staged, looks, _ToldRate(staged, rng))


def told_mode(staged: Staged, looks: Looks, rng: np.random.Generator, *, noise: float = 1.0) -> Best:
    """Return the squared errors of a filter that is told mode and association.

    Its modes are those of the tracker: nearly constant velocity, with little noise in a cruise and with much in a
    manoeuvre, which is multiplied by `noise`: so that it can be tried which serves it best.
    """
    return _run(staged, looks, _ToldMode(staged, rng, noise))


class _Bound:
    """The covariances (n, 6, 6) of all objects, ECEF, each at its own time."""

    prior = (PRIOR_LEVEL_M, PRIOR_UPRIGHT_M, PRIOR_SPEED_MPS, PRIOR_CLIMB_MPS)

    def __init__(self, staged: Staged) -> None:
        self.movers: Movers = staged.scene.sky.movers
        self.noise = staged.noise
        n = len(self.movers)
        self.at_s = self.movers.start_s.copy()
        position, _ = self.movers.state(np.arange(n), self.at_s)
        level, upright, speed, climb = self.prior
        self.cov = np.zeros((n, 6, 6))
        axes = _axes(position)
        self.cov[:, :3, :3] = _turned(axes, (level**2, level**2, upright**2))
        self.cov[:, 3:, 3:] = _turned(axes, (speed**2, speed**2, climb**2))

    def truth(self, rows: IntArray, at_s: FloatArray) -> FloatArray:
        """True states (k, 6)."""
        return np.concatenate(self.movers.state(rows, at_s), axis=1)

    def predict(self, rows: IntArray, at_s: FloatArray) -> None:
        """Move rows on to `at_s`, which is not before their time."""
        step = at_s - self.at_s[rows]
        axes = _axes(self.movers.state(rows, at_s)[0])
        self.cov[rows] = _moved(self.cov[rows], step, axes, self.noise)
        self.at_s[rows] = at_s

    def update(self, looks: Looks) -> None:
        """Add what one look each says of distinct objects."""
        jac, noise = _readings(self.truth(looks.row, looks.at_s), looks)
        self.cov[looks.row] = _learned(self.cov[looks.row], jac, noise / looks.pd[:, None])[0]

    def squares(self, rows: IntArray, at_s: FloatArray, horizontal: bool) -> tuple[FloatArray, FloatArray]:
        """Variances of position and velocity, summed over the axes that count, predicted to `at_s`."""
        axes = _axes(self.movers.state(rows, at_s)[0])
        cov = _moved(self.cov[rows], at_s - self.at_s[rows], axes, self.noise)
        count = 2 if horizontal else 3
        local = [np.einsum("nij,njk,nik->ni", axes, part, axes) for part in (cov[:, :3, :3], cov[:, 3:, 3:])]
        return local[0][:, :count].sum(axis=1), local[1][:, :count].sum(axis=1)


class _ToldRate(_Bound):
    """An extended Kalman filter per object, told when and how fast it turns."""

    prior = TOLD_PRIOR

    def __init__(self, staged: Staged, rng: np.random.Generator) -> None:
        super().__init__(staged)
        self._rng, self._plan = rng, staged.plan
        n = len(self.movers)
        self.x = self.truth(np.arange(n), self.at_s)
        self.x += np.einsum("nij,nj->ni", np.linalg.cholesky(self.cov), rng.standard_normal((n, 6)))

    def predict(self, rows: IntArray, at_s: FloatArray) -> None:
        self.x[rows] = self._flown(rows, at_s)
        super().predict(rows, at_s)

    def _flown(self, rows: IntArray, at_s: FloatArray) -> FloatArray:
        """States at `at_s`, each turned by what its plan says; as chords, for steps are short."""
        x, step = self.x[rows].copy(), (at_s - self.at_s[rows])[:, None]
        turn = _turn(self._plan, rows, self.at_s[rows], at_s)
        up = _axes(x[:, :3])[:, 2]
        half = _about(up, x[:, 3:], turn / 2.0)
        x[:, :3] += half * np.sinc(turn / 2.0 / np.pi)[:, None] * step
        x[:, 3:] = _about(up, x[:, 3:], turn)
        return _level_again(x, up)

    def update(self, looks: Looks) -> None:
        looks = looks.take(self._rng.random(len(looks)) < looks.pd)
        if not len(looks):
            return
        jac, noise = _readings(self.x[looks.row], looks)
        true = self.truth(looks.row, looks.at_s)
        off, _ = innovations(self._rng, looks, true, self.x[looks.row], self.cov[looks.row])
        self.cov[looks.row], gain = _learned(self.cov[looks.row], jac, noise)
        self.x[looks.row] += np.einsum("kij,kj->ki", gain, off)

    def squares(self, rows: IntArray, at_s: FloatArray, horizontal: bool) -> tuple[FloatArray, FloatArray]:
        off = self._flown(rows, at_s) - self.truth(rows, at_s)
        axes = _axes(self.movers.state(rows, at_s)[0])
        count = 2 if horizontal else 3
        place = np.einsum("nij,nj->ni", axes, off[:, :3])[:, :count]
        speed = np.einsum("nij,nj->ni", axes, off[:, 3:])[:, :count]
        return np.sum(place**2, axis=1), np.sum(speed**2, axis=1)


class _ToldMode(_ToldRate):
    """An extended Kalman filter per object, told when it manoeuvres, but not how."""

    def __init__(self, staged: Staged, rng: np.random.Generator, noise: float) -> None:
        super().__init__(staged, rng)
        self._manoeuvre = noise

    def predict(self, rows: IntArray, at_s: FloatArray) -> None:
        step = at_s - self.at_s[rows]
        turns = np.flatnonzero(_turn(self._plan, rows, self.at_s[rows], at_s) != 0.0)
        super().predict(rows, at_s)
        mine, dt = rows[turns], step[turns]
        speed_sq = np.sum(self.x[mine, 3:] ** 2, axis=1)
        level = self._manoeuvre * MOTION.q_level_turn * (1.0 + speed_sq / MOTION.turn_speed_mps**2)
        self.cov[mine] += level[:, None, None] * _moved(
            np.zeros((len(mine), 6, 6)), dt, _axes(self.x[mine, :3]), (1.0, 0.0)
        )

    def _flown(self, rows: IntArray, at_s: FloatArray) -> FloatArray:
        x = self.x[rows].copy()
        x[:, :3] += x[:, 3:] * (at_s - self.at_s[rows])[:, None]
        return x


def innovations(
    rng: np.random.Generator, looks: Looks, true: FloatArray, x: FloatArray, cov: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return fresh measurements of true states less what states `x` expect (k, 4), and its covariance (k, 4, 4).

    What is not measured is 0, with variance 1.
    """
    jac, noise = _readings(x, looks)
    off = _read(true, looks) - _read(x, looks)
    off[:, 1] = np.mod(off[:, 1] + np.pi, 2 * np.pi) - np.pi
    off += np.sqrt(noise) * rng.standard_normal(noise.shape)
    spread = jac @ cov @ jac.transpose(0, 2, 1) + np.einsum("km,mn->kmn", noise, np.eye(4))
    return np.where(np.isfinite(looks.sigma), off, 0.0), spread


def _run(staged: Staged, looks: Looks, filter_: _Bound) -> Best:
    samples = np.arange(0.0, staged.seconds, staged.sample_s)
    n = len(filter_.movers)
    best = Best(samples, np.full((n, len(samples)), np.nan), np.full((n, len(samples)), np.nan))
    known_s = looks.at_s + np.where(looks.delay_s > 0, SOUND_KNOWN_AFTER_S, KNOWN_AFTER_S)
    cuts = np.searchsorted(known_s, samples, side="right")
    begun = 0
    for column, (at_s, end) in enumerate(zip(samples, cuts, strict=True)):
        for piece in _rounds(looks.take(np.arange(begun, end))):
            filter_.predict(piece.row, np.maximum(piece.at_s, filter_.at_s[piece.row]))
            filter_.update(piece)
        begun = end
        movers = filter_.movers
        rows = np.flatnonzero((movers.start_s <= at_s) & (at_s < movers.end_s))
        instants = np.full(len(rows), at_s)
        best.position_m2[rows, column], best.velocity_m2[rows, column] = filter_.squares(
            rows, instants, staged.horizontal
        )
    return best


def _rounds(looks: Looks) -> Iterator[Looks]:
    """Yield looks such that in each round every object appears once at most, its own in the order of time."""
    order = np.argsort(looks.row, kind="stable")
    _, first, count = np.unique(looks.row[order], return_index=True, return_counts=True)
    nth = np.empty(len(looks), np.int64)
    nth[order] = np.arange(len(looks)) - np.repeat(first, count)
    for number in range(int(nth.max()) + 1 if len(looks) else 0):
        yield looks.take(nth == number)


def _axes(position: FloatArray) -> FloatArray:
    lat, lon, _ = geodetic_from_ecef(position)
    return enu_axes(lat, lon)


def _turned(axes: FloatArray, variances: Sequence[float]) -> FloatArray:
    """Return covariances ECEF (n, 3, 3) of variances along east, north and up."""
    return np.einsum("nki,k,nkj->nij", axes, np.array(variances), axes)


def _moved(cov: FloatArray, step: FloatArray, axes: FloatArray, noise: tuple[float, float]) -> FloatArray:
    """Return covariances after nearly constant velocity for `step` (n,) seconds."""
    dt = step[:, None, None]
    place, cross, speed = cov[:, :3, :3], cov[:, :3, 3:], cov[:, 3:, 3:]
    q = _turned(axes, (noise[0], noise[0], noise[1]))
    moved = np.empty_like(cov)
    moved[:, :3, :3] = place + dt * (cross + cross.transpose(0, 2, 1)) + dt**2 * speed + q * dt**3 / 3.0
    moved[:, :3, 3:] = cross + dt * speed + q * dt**2 / 2.0
    moved[:, 3:, :3] = moved[:, :3, 3:].transpose(0, 2, 1)
    moved[:, 3:, 3:] = speed + q * dt
    return moved


def _learned(cov: FloatArray, jac: FloatArray, noise: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return covariances after a measurement each, in Joseph's form, and the gains."""
    flipped = jac.transpose(0, 2, 1)
    r = np.einsum("km,mn->kmn", noise, np.eye(noise.shape[1]))
    gain = cov @ flipped @ np.linalg.inv(jac @ cov @ flipped + r)
    kept = np.eye(6) - gain @ jac
    after = kept @ cov @ kept.transpose(0, 2, 1) + gain @ r @ gain.transpose(0, 2, 1)
    return (after + after.transpose(0, 2, 1)) / 2.0, gain


def _local(x: FloatArray, looks: Looks) -> tuple[FloatArray, FloatArray]:
    """Position and velocity (k, 3) in each look's own east, north, up; for sound where it left, by straight flight."""
    place = x[:, :3] - x[:, 3:] * looks.delay_s[:, None] - looks.site
    return np.einsum("kij,kj->ki", looks.axes, place), np.einsum("kij,kj->ki", looks.axes, x[:, 3:])


def _read(x: FloatArray, looks: Looks) -> FloatArray:
    """Return range, azimuth, elevation and range rate (k, 4) as states would give them."""
    d, v = _local(x, looks)
    r = np.linalg.norm(d, axis=1)
    return np.stack([r, np.arctan2(d[:, 0], d[:, 1]), np.arcsin(d[:, 2] / r), np.sum(d * v, axis=1) / r], axis=1)


def _readings(x: FloatArray, looks: Looks) -> tuple[FloatArray, FloatArray]:
    """Return Jacobians (k, 4, 6) by state ECEF, and variances (k, 4); what is not measured has Jacobian 0.

    Sound carries what the object was when it left: the delay moves with the place, and the noise since then is added.
    """
    d, v = _local(x, looks)
    e, n, u = d.T
    level = np.hypot(e, n)
    r = np.hypot(level, u)
    zero = np.zeros_like(r)
    by_place = np.stack(
        [
            d / r[:, None],
            np.stack([n, -e, zero], axis=1) / level[:, None] ** 2,
            np.stack([-u * e / level, -u * n / level, level], axis=1) / r[:, None] ** 2,
            v / r[:, None] - d * (np.sum(d * v, axis=1) / r**3)[:, None],
        ],
        axis=1,
    )
    by_speed = np.zeros_like(by_place)
    by_speed[:, 3] = d / r[:, None]
    sound = looks.delay_s > 0
    if sound.any():
        slowness = 1.0 / (SPEED_OF_SOUND_MPS + np.sum(d * v, axis=1) / r)
        drift = np.einsum("kmi,ki->km", by_place, v)
        heard = by_place - drift[:, :, None] * (slowness[:, None] * d / r[:, None])[:, None, :]
        by_place = np.where(sound[:, None, None], heard, by_place)
        by_speed = np.where(sound[:, None, None], -looks.delay_s[:, None, None] * heard, by_speed)
    jac = np.concatenate([np.einsum("kmi,kij->kmj", part, looks.axes) for part in (by_place, by_speed)], axis=2)
    measured = np.isfinite(looks.sigma)
    jac = np.where(measured[:, :, None], jac, 0.0)
    noise = np.where(measured, np.nan_to_num(looks.sigma) ** 2, 1.0)
    noise[:, 1] += np.where(sound, Q_LEVEL * looks.delay_s**3 / 3.0 / level**2, 0.0)
    return jac, noise


def _turn(plan: Flown | None, rows: IntArray, from_s: FloatArray, to_s: FloatArray) -> FloatArray:
    """Return by how much each object turns right between two instants, rad."""
    if plan is None:
        return np.zeros(len(rows))
    within = np.minimum(to_s, plan.turn_until_s[rows]) - np.maximum(from_s, plan.turn_from_s[rows])
    return plan.turn_radps[rows] * np.maximum(within, 0.0)


def _about(up: FloatArray, vector: FloatArray, angle: FloatArray) -> FloatArray:
    """Return vectors (n, 3) turned to the right about `up` by `angle` (n,)."""
    along = np.sum(vector * up, axis=1, keepdims=True) * up
    level = vector - along
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return along + level * cos + np.cross(level, up) * sin


def _level_again(x: FloatArray, up: FloatArray) -> FloatArray:
    """Return states whose velocity has followed the bend of the earth from the old vertical to the new."""
    new = _axes(x[:, :3])[:, 2]
    climb = np.sum(x[:, 3:] * up, axis=1, keepdims=True)
    level = x[:, 3:] - climb * up
    level -= np.sum(level * new, axis=1, keepdims=True) * new
    x[:, 3:] = level + climb * new
    return x

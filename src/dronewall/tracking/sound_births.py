"""A new track from sound: a seed is grown into position and velocity by all the bearings it explains.

The fit is of a source at constant velocity through some 30 s of bearings in emission time, by Gauss and Newton; its
Fisher information says how sure position and velocity are. What does not move is no aircraft.

Source:
    Bar-Shalom, Li, Kirubarajan (2001), 3.4 (nonlinear least squares by Gauss and Newton; covariance of the estimate).
"""

from __future__ import annotations

from math import atan2, cos, log, pi, sin, sqrt

import numpy as np

from dronewall.geodesy.jit import inner, kernel
from dronewall.tracking.classes import CLASSES, agreement
from dronewall.tracking.sound_filter import folded

ROUNDS = 5
START_COURSES, START_MPS, START_SIGMA_MPS = 8, 50.0, 30.0
STRANGE_PER_RAD = 0.3
"""Density of bearings of other sources; a bearing counts for a fit by how much better the fit explains it."""
GATE_SQ = 12.0
FIT = 4
REFUSED, MOVING, STANDING = 0, 1, 2
MOST_GATHERED = 2048


@inner
def expected_azimuth(f, height_m, ahead_s, offset, sound_mps, wind, jac):
    """Return azimuth and delay heard at `offset` (3,) `ahead_s` after fit `f` (4,); `jac` (4,) is the azimuth's."""
    ve, vn = f[2] - wind[0], f[3] - wind[1]
    de, dn = f[0] + ahead_s * f[2] - offset[0], f[1] + ahead_s * f[3] - offset[1]
    du = height_m - offset[2]
    gap = sound_mps * sound_mps - (ve * ve + vn * vn)
    closing = de * ve + dn * vn
    tau = (-closing + sqrt(closing * closing + gap * (de * de + dn * dn + du * du))) / gap
    e, n = de - ve * tau, dn - vn * tau
    level_sq = max(e * e + n * n, 900.0)
    ge, gn = n / level_sq, -e / level_sq
    path = sound_mps * tau
    drift = (ge * ve + gn * vn) / (sound_mps + (e * ve + n * vn) / path) / path
    jac[0], jac[1] = ge - drift * e, gn - drift * n
    jac[2], jac[3] = (ahead_s - tau) * jac[0], (ahead_s - tau) * jac[1]
    return atan2(e, n), tau


@kernel
def gather(heard, ears, s, a, seed, rows, near_of, lag_s):
    """Write the free bearings that a source at `seed` could have caused, and how long after the seed each was emitted.

    Returns how many; in the order of how near to the seed's instant they left.
    """
    i = heard.sensor[a]
    count = 0
    for near in range(ears.first[i], ears.first[i + 1]):
        j = ears.near[near]
        de, dn = seed[0] - ears.offset[near, 0], seed[1] - ears.offset[near, 1]
        r = sqrt(de * de + dn * dn + s.height_m**2)
        if r > 1.15 * ears.reach_m[j]:
            continue
        for b in range(heard.first[j], heard.first[j + 1]):
            lag = (heard.at_ns[b] - heard.at_ns[a]) / 1e9 + seed[2] - r / ears.sound_mps[j]
            if heard.free[b] and abs(lag) < s.window_s and count < len(rows):
                rows[count], near_of[count], lag_s[count] = b, near, lag
                count += 1
    order = np.argsort(np.abs(lag_s[:count]), kind="mergesort")
    rows[:count], near_of[:count], lag_s[:count] = rows[:count][order], near_of[:count][order], lag_s[:count][order]
    return count


@kernel
def grow(heard, ears, wind, wind_var, s, a, seed, start, rows, near_of, count, own, f, c):
    """Fit position and velocity `f` (4,) with covariance `c` (4, 4) at the seed's instant to what was gathered.

    `start` is the velocity, east and north, and its 1-σ, from which the search goes out.
    First bearing by bearing from the seed's instant outwards, so that each finds the source where the former left it;
    then all together. `own` (count,) tells which bearings are the source's own: of those that an array reports at one
    instant, one at most. Returns the evidence for the source and the mean squared misfit.
    """
    f[0], f[1], f[2], f[3] = seed[0], seed[1], start[0], start[1]
    c[:] = 0.0
    c[0, 0] = c[1, 1] = 500.0**2
    c[2, 2] = c[3, 3] = start[2] ** 2
    _go_outwards(heard, ears, wind, wind_var, s, a, seed, rows, near_of, count, f, c)
    evidence, misfit = 0.0, np.inf
    for _ in range(ROUNDS):
        evidence, misfit = _refine(heard, ears, wind, wind_var, s, a, seed, rows, near_of, count, own, f, c)
        if misfit == np.inf:
            break
    return evidence, misfit


@kernel
def _go_outwards(heard, ears, wind, wind_var, s, a, seed, rows, near_of, count, f, c):
    """Update fit `f` (4,), `c` (4, 4) by one bearing after the other, in place."""
    jac, ph = np.empty(FIT), np.empty(FIT)
    for k in range(count):
        nu, total, _ = _innovation(heard, ears, wind, wind_var, s, a, seed, rows[k], near_of[k], f, jac)
        for x in range(FIT):
            ph[x] = 0.0
            for y in range(FIT):
                ph[x] += c[x, y] * jac[y]
        for x in range(FIT):
            total += jac[x] * ph[x]
        if nu * nu > GATE_SQ * total:
            continue
        for x in range(FIT):
            f[x] += ph[x] * nu / total
            for y in range(FIT):
                c[x, y] -= ph[x] * ph[y] / total


@kernel
def _refine(heard, ears, wind, wind_var, s, a, seed, rows, near_of, count, own, f, c):
    """Take one step of Gauss and Newton; return evidence and misfit before it, misfit infinite if it cannot be done."""
    jac = np.empty(FIT)
    nus, variances = np.empty(count), np.empty(count)
    for k in range(count):
        nus[k], variances[k], lag = _innovation(heard, ears, wind, wind_var, s, a, seed, rows[k], near_of[k], f, jac)
        own[k] = nus[k] * nus[k] < GATE_SQ * variances[k] and abs(lag) < s.window_s
    _one_of_each_report(heard, rows, count, nus, own)
    information, pull = np.zeros((FIT, FIT)), np.zeros(FIT)
    information[2, 2] = information[3, 3] = s.speed_sigma_mps**-2
    pull[2], pull[3] = -f[2] * information[2, 2], -f[3] * information[3, 3]
    squares, taken, evidence = 0.0, 0, 0.0
    for k in range(count):
        if not own[k]:
            continue
        nu, variance = nus[k], variances[k]
        _innovation(heard, ears, wind, wind_var, s, a, seed, rows[k], near_of[k], f, jac)
        squares += nu * nu / variance
        evidence += log(1.0 / (sqrt(2.0 * pi * variance) * STRANGE_PER_RAD)) - 0.5 * nu * nu / variance
        taken += 1
        for x in range(FIT):
            pull[x] += jac[x] * nu / variance
            for y in range(FIT):
                information[x, y] += jac[x] * jac[y] / variance
    if taken < FIT or abs(np.linalg.det(information)) < 1e-30:
        return 0.0, np.inf
    c[:] = np.linalg.inv(information)
    f[:] += c @ pull
    return evidence, squares / taken


@inner
def _one_of_each_report(heard, rows, count, nus, own):
    """Leave of the bearings that one array reports at one instant only the nearest its own; they stand together."""
    best = -1
    for k in range(count):
        b = rows[k]
        if best >= 0 and (heard.sensor[b] != heard.sensor[rows[best]] or heard.at_ns[b] != heard.at_ns[rows[best]]):
            best = -1
        if not own[k]:
            continue
        if best < 0:
            best = k
        elif abs(nus[k]) < abs(nus[best]):
            own[best], best = False, k
        else:
            own[k] = False


@kernel
def grow_best(heard, ears, wind, wind_var, s, a, seed, rows, near_of, count, own, f, c):
    """Fit as `grow` does from several velocities and keep the fit with most evidence; return its misfit.

    Where two sources pass each other, a fit that sets out from no velocity may end up with bearings of both.
    """
    start = np.zeros(3)
    start[2] = s.speed_sigma_mps
    best, misfit = grow(heard, ears, wind, wind_var, s, a, seed, start, rows, near_of, count, own, f, c)
    other_own, other_f, other_c = np.zeros(len(own), np.bool_), np.empty(FIT), np.empty((FIT, FIT))
    start[2] = START_SIGMA_MPS
    for n in range(START_COURSES):
        course = 2.0 * pi * n / START_COURSES
        start[0], start[1] = START_MPS * sin(course), START_MPS * cos(course)
        evidence, other = grow(
            heard, ears, wind, wind_var, s, a, seed, start, rows, near_of, count, other_own, other_f, other_c
        )
        if evidence > best:
            best, misfit = evidence, other
            own[:], f[:], c[:] = other_own, other_f, other_c
    return misfit


@inner
def _innovation(heard, ears, wind, wind_var, s, a, seed, b, near, f, jac):
    """Return innovation, variance and emission time after the seed's of bearing `b` against fit `f`."""
    j = heard.sensor[b]
    ahead_s = (heard.at_ns[b] - heard.at_ns[a]) / 1e9 + seed[2]
    azimuth, tau = expected_azimuth(f, s.height_m, ahead_s, ears.offset[near], ears.sound_mps[j], wind[j], jac)
    nu = folded(heard.azimuth[b] - ears.north[j] + ears.turn[near] - azimuth)
    lag = ahead_s - tau
    swerve = s.q_gate * abs(lag) ** 3 / 3.0 * (jac[0] * jac[0] + jac[1] * jac[1])
    variance = heard.var_azimuth[b] + ears.north_var[j] + wind_var[j] / ears.sound_mps[j] ** 2 + swerve
    return nu, variance, lag


@kernel
def verdict(heard, ears, s, a, seed, rows, near_of, count, own, f, c, misfit, now_ns):
    """Return whether a fit is a moving source, a standing one, or nothing yet."""
    if not misfit < s.most_misfit:
        return REFUSED
    i = heard.sensor[a]
    arrays, total = 0, 0
    earliest, latest, farthest = np.inf, -np.inf, 0.0
    neighbours = ears.first[i + 1] - ears.first[i]
    hits = np.zeros(neighbours, np.int64)
    jac = np.empty(FIT)
    for k in range(count):
        if own[k]:
            hits[near_of[k] - ears.first[i]] += 1
            total += 1
            ahead_s = (heard.at_ns[rows[k]] - heard.at_ns[a]) / 1e9 + seed[2]
            j = heard.sensor[rows[k]]
            tau = expected_azimuth(
                f, s.height_m, ahead_s, ears.offset[near_of[k]], ears.sound_mps[j], np.zeros(2), jac
            )[1]
            earliest, latest = min(earliest, ahead_s - tau), max(latest, ahead_s - tau)
            farthest = max(farthest, tau)
    for n in range(neighbours):
        if hits[n] >= 2:
            arrays += 1
    if arrays < s.least_arrays or total < s.least_bearings or latest - earliest < 0.4 * s.window_s:
        return REFUSED
    missing = _missing(heard, ears, s, a, seed, hits, f, earliest, latest, farthest, now_ns)
    if total < s.least_share * (total + missing) or _kinship(heard, rows, count, own) < s.least_agreement:
        return REFUSED
    speed = sqrt(f[2] * f[2] + f[3] * f[3])
    if speed > s.fastest_mps:
        return REFUSED
    det = c[2, 2] * c[3, 3] - c[2, 3] * c[2, 3]
    moved_sq = (c[3, 3] * f[2] * f[2] - 2.0 * c[2, 3] * f[2] * f[3] + c[2, 2] * f[3] * f[3]) / det
    if moved_sq > s.moving_sq and speed > s.slowest_mps:
        return MOVING
    if moved_sq < 6.0 and c[2, 2] + c[3, 3] < 200.0:
        return STANDING
    return REFUSED


@kernel
def _kinship(heard, rows, count, own):
    """Return how well the classes that a fit's own bearings tell fit what they tell together; 1 if none is told."""
    together, fits, told = np.zeros(CLASSES), 0.0, 0
    for k in range(count):
        if own[k]:
            together += heard.classes[rows[k]]
    together /= max(together.sum(), 1e-9)
    for k in range(count):
        if own[k] and heard.classes[rows[k]].sum() > 0.0:
            fits += agreement(heard.classes[rows[k]], together)
            told += 1
    return fits / told if told > 0 else 1.0


@inner
def _missing(heard, ears, s, a, seed, hits, f, earliest, latest, farthest, now_ns):
    """Return how many reports of arrays that stand nearer than the farthest that heard it are missing."""
    i = heard.sensor[a]
    missing = 0.0
    left_ns = heard.at_ns[a] - np.int64(1e9 * seed[2])
    for n in range(len(hits)):
        near = ears.first[i] + n
        j = ears.near[near]
        de, dn = f[0] - ears.offset[near, 0], f[1] - ears.offset[near, 1]
        delay = sqrt(de * de + dn * dn + s.height_m**2) / ears.sound_mps[j]
        if delay > farthest or delay * ears.sound_mps[j] > ears.reach_m[j]:
            continue
        due_s = min((now_ns - left_ns) / 1e9 - delay - s.due_s, latest) - earliest
        missing += max(ears.pd[j] * due_s / ears.period_s[j] - hits[n], 0.0)
    return missing


@kernel
def search(heard, ears, wind, wind_var, now_ns, s, seeds, order, births, owner, emitted_ns):
    """Grow seeds in the order of their evidence into births; return how many.

    Args:
        order: rows of `heard` with a seed, best first.
        births: (room, 23) out: bearing of the seed, verdict, misfit, fit (4), its covariance (16).
        owner: (n,) out, which birth took each bearing, -1 none.
        emitted_ns: (n,) out, when it was emitted by that source.
    """
    rows, near_of, lag_s = np.empty(MOST_GATHERED, np.int64), np.empty(MOST_GATHERED, np.int64), np.empty(MOST_GATHERED)
    own = np.zeros(MOST_GATHERED, np.bool_)
    f, c, jac = np.empty(FIT), np.empty((FIT, FIT)), np.empty(FIT)
    tried, tries = np.empty((len(order), 3)), 0
    place = np.empty(3)
    count = 0
    for a in order:
        if count == len(births):
            break
        if not heard.free[a]:
            continue
        i = heard.sensor[a]
        _place_of(ears, i, seeds[a, 0], seeds[a, 1], s.height_m, place)
        if _near_any(place, tried, tries, 0.5 * s.apart_m):
            continue
        gathered = gather(heard, ears, s, a, seeds[a], rows, near_of, lag_s)
        misfit = grow_best(heard, ears, wind, wind_var, s, a, seeds[a], rows, near_of, gathered, own, f, c)
        found = verdict(heard, ears, s, a, seeds[a], rows, near_of, gathered, own, f, c, misfit, now_ns)
        if found == REFUSED:
            tried[tries] = place
            tries += 1
            continue
        births[count, 0], births[count, 1], births[count, 2] = a, found, misfit
        births[count, 3:7] = f
        births[count, 7:23] = c.ravel()
        for k in range(gathered):
            nu, variance, lag = _innovation(heard, ears, wind, wind_var, s, a, seeds[a], rows[k], near_of[k], f, jac)
            if own[k]:
                owner[rows[k]] = count
                emitted_ns[rows[k]] = heard.at_ns[a] + np.int64(1e9 * (lag - seeds[a, 2]))
            if own[k] or nu * nu < 2.0 * GATE_SQ * variance:
                heard.free[rows[k]] = False
        count += 1
    return count


@inner
def _place_of(ears, i, east, north, up, out):
    for j in range(3):
        out[j] = ears.site[i, j] + east * ears.axes[i, 0, j] + north * ears.axes[i, 1, j] + up * ears.axes[i, 2, j]


@inner
def _near_any(place, places, count, apart_m):
    for k in range(count):
        sq = 0.0
        for j in range(3):
            sq += (place[j] - places[k, j]) ** 2
        if sq < apart_m * apart_m:
            return True
    return False

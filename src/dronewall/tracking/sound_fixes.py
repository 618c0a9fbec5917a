"""Where unexplained bearings of sound agree: places and instants at which one source would explain several arrays.

Sound that left a place at `te` reaches each array at its own time, so that a pair of bearings that cross also tell
whether they can be of one source at all: both must have left the crossing at about one instant. Each new bearing is
crossed with older ones of its neighbours; the crossing that most arrays support is a seed, which `sound_births` grows.
Everything here is level, in the plane at the array whose bearing is new.
"""

from __future__ import annotations

from math import atan2, cos, log, pi, sin, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.jit import inner, kernel
from dronewall.tracking.sound_filter import folded


class Heard(NamedTuple):
    """Bearings that nobody explains, ordered by array and time; `first` (arrays + 1,) is where each array's begin.

    `classes` (n, classes) is what each array took it for, as its report says; all 0 where it does not.
    `fresh` tells that a bearing came since the last search; `free` that nothing has taken it yet.
    """

    at_ns: NDArray[np.int64]
    sensor: NDArray[np.int32]
    azimuth: NDArray[np.float64]
    elevation: NDArray[np.float64]
    var_azimuth: NDArray[np.float64]
    var_elevation: NDArray[np.float64]
    classes: NDArray[np.float32]
    fresh: NDArray[np.bool_]
    free: NDArray[np.bool_]
    first: NDArray[np.int64]


class SearchParameters(NamedTuple):
    """What a search for new sources assumes; units in the names."""

    partners: int = 10
    """A new bearing is crossed with those of so many nearest arrays."""
    height_m: float = 350.0
    agree_s: float = 2.5
    """Two bearings' sound must have left their crossing within this."""
    least_crossing: float = 0.17
    """Sine of the least angle at which two bearings still cross somewhere."""
    false_per_s: float = 0.03
    due_s: float = 1.6
    """A report is missing only if it should have arrived longer ago than this."""
    place_sigma_m: float = 250.0
    least_arrays: int = 4
    least_evidence: float = 12.0
    window_s: float = 15.0
    """How far from a seed's own instant bearings are gathered."""
    speed_sigma_mps: float = 80.0
    fastest_mps: float = 250.0
    slowest_mps: float = 12.0
    moving_sq: float = 25.0
    """Squared sigmas by which a source's velocity must differ from none: tractors and generators do not fly."""
    least_bearings: int = 12
    most_misfit: float = 1.3
    """Greatest mean of squared innovations over their variances."""
    least_share: float = 0.55
    """Least share of the expected reports that came."""
    least_agreement: float = 0.8
    """How well the classes that a source's bearings tell must fit what all of them tell together, on average: of one
    source whose class is mistaken one time in seven 0.94 do, of two sources in equal parts 0.7."""
    q_gate: float = 4.0
    apart_m: float = 900.0
    """Two sources nearer than this that fly alike are one."""


@kernel
def find_seeds(heard, ears, wind, wind_var, now_ns, s, seeds):
    """Write for every bearing its best crossing into `seeds` (n, 4): east, north, seconds before, evidence.

    The crossing is in the plane of the bearing's own array; evidence 0 means that there is none. `wind` (n, 2) is the
    wind at each array, m/s.
    """
    for a in range(len(heard.at_ns)):
        seeds[a, 3] = 0.0
        if heard.fresh[a] and heard.free[a]:
            _best_crossing(heard, ears, wind, wind_var, now_ns, s, a, seeds)


@kernel
def _best_crossing(heard, ears, wind, wind_var, now_ns, s, a, seeds):
    i = heard.sensor[a]
    azimuth = heard.azimuth[a] - ears.north[i]
    ue, un, c = sin(azimuth), cos(azimuth), ears.sound_mps[i]
    last = min(ears.first[i] + 1 + s.partners, ears.first[i + 1])
    for near in range(ears.first[i] + 1, last):
        j = ears.near[near]
        de, dn = ears.offset[near, 0], ears.offset[near, 1]
        most_s = sqrt(de * de + dn * dn) / c + s.agree_s
        for b in range(heard.first[j], heard.first[j + 1]):
            apart_s = (heard.at_ns[a] - heard.at_ns[b]) / 1e9
            if not heard.free[b] or abs(apart_s) > most_s:
                continue
            other = heard.azimuth[b] - ears.north[j] + ears.turn[near]
            ve, vn = sin(other), cos(other)
            det = ue * vn - un * ve
            if abs(det) < s.least_crossing:
                continue
            r, q = (de * vn - dn * ve) / det, (de * un - dn * ue) / det
            if r < 150.0 or q < 150.0 or r > ears.reach_m[i] or q > ears.reach_m[j]:
                continue
            delay = sqrt(r * r + s.height_m**2) / c
            ago_s = 0.5 * (delay + sqrt(q * q + s.height_m**2) / c + apart_s)
            if abs(2.0 * (ago_s - delay)) > s.agree_s:
                continue
            evidence, arrays = _support(heard, ears, wind, wind_var, now_ns, s, a, r * ue, r * un, ago_s)
            if arrays >= s.least_arrays and evidence > seeds[a, 3]:
                seeds[a, 0], seeds[a, 1], seeds[a, 2], seeds[a, 3] = r * ue, r * un, ago_s, evidence


@kernel
def _support(heard, ears, wind, wind_var, now_ns, s, a, east, north, ago_s):
    """Return the evidence for a source at a place, `ago_s` before bearing `a` came, and how many arrays heard it.

    Arrays farther away than all that heard it may simply be too far: their silence does not count.
    """
    i = heard.sensor[a]
    evidence, arrays, farthest = 0.0, 0, 0.0
    silent_r, silent_cost, silent = np.empty(64), np.empty(64), 0
    for near in range(ears.first[i], ears.first[i + 1]):
        j = ears.near[near]
        de, dn = east - ears.offset[near, 0], north - ears.offset[near, 1]
        du = s.height_m - ears.offset[near, 2]
        r = sqrt(de * de + dn * dn + du * du)
        if r > ears.reach_m[j]:
            continue
        delay = r / ears.sound_mps[j]
        due_ns = heard.at_ns[a] + np.int64(1e9 * (delay - ago_s))
        if (now_ns - due_ns) / 1e9 < s.due_s:
            continue
        bearing = atan2(de + wind[j, 0] * delay, dn + wind[j, 1] * delay) - ears.turn[near] + ears.north[j]
        gain = _best_agreement(heard, ears, wind_var, s, j, due_ns, bearing, r)
        if gain > 0.0:
            evidence += gain
            arrays += 1
            farthest = max(farthest, r)
        elif silent < 64:
            silent_r[silent], silent_cost[silent] = r, log(1.0 - 0.9 * ears.pd[j])
            silent += 1
    for k in range(silent):
        if silent_r[k] < farthest:
            evidence += silent_cost[k]
    return evidence, arrays


@inner
def _best_agreement(heard, ears, wind_var, s, j, due_ns, bearing, r):
    """Return the log likelihood ratio of array `j`'s best free bearing about `due_ns`, 0 if there is none."""
    half_s = 1.1 * ears.period_s[j] + 0.4
    kappa = 2.0 * half_s * s.false_per_s / (2.0 * pi)
    slack = (s.place_sigma_m**2 + (40.0 * half_s) ** 2) / (r * r) + ears.north_var[j]
    slack += wind_var[j] / ears.sound_mps[j] ** 2
    best = 0.0
    low = _first_at(heard.at_ns, heard.first[j], heard.first[j + 1], due_ns - np.int64(1e9 * half_s))
    for b in range(low, heard.first[j + 1]):
        if (heard.at_ns[b] - due_ns) / 1e9 > half_s:
            break
        if not heard.free[b]:
            continue
        variance = heard.var_azimuth[b] + slack
        off_sq = folded(heard.azimuth[b] - bearing) ** 2 / variance
        if off_sq < 9.0:
            best = max(best, log(ears.pd[j] / (sqrt(2.0 * pi * variance) * kappa)) - 0.5 * off_sq)
    return best


@inner
def _first_at(at_ns, low, high, wanted_ns):
    """Return the first row in [low, high) of the ascending `at_ns` at or after an instant."""
    while low < high:
        middle = (low + high) // 2
        if at_ns[middle] < wanted_ns:
            low = middle + 1
        else:
            high = middle
    return low

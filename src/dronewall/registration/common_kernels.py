"""Comparing plots of two sensors on one object, in machine code: one sensor's plot with the other's path around it.

Two plots of one sensor, before and after, say where it holds the object to have been in between; the difference to the
other sensor's plot is the difference of what both sensors' errors do there, whatever the object's place. Nothing that
the tracker estimates takes part but the velocity that a late time shows in, so its use of the same plots counts nothing
twice.

The idea of pseudo-measurements that are free of the object's state is that of Lin, Bar-Shalom and Kirubarajan (2005);
here they are made by interpolation between plots.
"""

from __future__ import annotations

from math import cos, sin

import numpy as np

from dronewall.geodesy.jit import kernel
from dronewall.registration.bias_kernels import NEAREST_M, OFF_MEMORY, REFUSED_SQ, STEEPEST, inverse
from dronewall.registration.bias_model import MANOEUVRE_MPS2, OWN, PRIOR, TIME, UNKNOWNS
from dronewall.registration.bias_rows import look_derivatives, own_rows, seen, wrapped

LONGEST_NS = 25_000_000_000
"""Two plots of one sensor further apart in time tell too little of where the object was in between."""
FRESH_NS = 25_000_000_000
SAME_SCAN = 0.5
"""A second plot of one sensor within this part of its period is of the same scan."""


@kernel
def compare_common(plots, sensors, held, objects, pairs):
    """Compare plots (k,), in the order of time, with those of other sensors on the same object; keep them.

    Args:
        plots: which object, of which of its two tracks, by which sensor; readings without corrections and their noise.
        sensors: where they stand.
        held: what is held of each sensor's errors.
        objects: the last plot of each sensor on each object.
        pairs: what comparisons of two sensors tell.
    """
    h = np.empty((3, 2 * OWN))
    z, s = np.empty(3), np.empty((3, 3))
    work = (
        np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(6), np.empty(6),
        np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3)), np.empty((3, UNKNOWNS)), np.empty((3, UNKNOWNS)),
    )  # fmt: skip
    for i in range(len(plots.at_ns)):
        row, slot = plots.row[i], plots.slot[i]
        cell = _cell_of(objects, row, slot)
        new_ns = plots.at_ns[i]
        if objects.slot[row, cell] == slot:
            passed_ns, scan_ns = new_ns - objects.at_ns[row, cell], SAME_SCAN * sensors.period_ns[slot]
            if passed_ns < scan_ns:
                objects.both[row] += passed_ns > -scan_ns and objects.second[row, cell] != plots.second[i]
                continue
            if passed_ns <= LONGEST_NS:
                _compare_with_others(plots, i, cell, sensors, held, objects, pairs, z, h, s, work)
        _keep(plots, i, objects, row, cell)


@kernel
def _compare_with_others(plots, i, cell, sensors, held, objects, pairs, z, h, s, work):
    """Compare the path from a sensor's last plot of an object to plot `i` with other sensors' plots in between."""
    row, slot, new_ns = plots.row[i], plots.slot[i], plots.at_ns[i]
    weight = 2.0 / _seeing(objects, row, new_ns)
    for other in range(objects.slot.shape[1]):
        if not _is_between(objects, row, cell, other, new_ns) or not _leads(objects, row, cell, other, sensors):
            continue
        if objects.second[row, other] != plots.second[i] and new_ns < objects.trusted_ns[row]:
            continue
        dims = _difference(plots, i, objects, row, cell, other, sensors, z, h, s, work)
        if dims > 0:
            its, number = objects.slot[row, other], objects.number[row]
            _take_in(slot, its, z, h, s, dims, weight, number, new_ns, held, pairs)


@kernel
def _keep(plots, i, objects, row, cell):
    """Keep a plot as its sensor's last one of an object."""
    objects.slot[row, cell] = plots.slot[i]
    objects.at_ns[row, cell] = plots.at_ns[i]
    objects.second[row, cell] = plots.second[i]
    objects.raised[row, cell] = np.isfinite(plots.z[i, 2])
    for a in range(3):
        objects.z[row, cell, a] = plots.z[i, a]
        for b in range(3):
            objects.noise[row, cell, a, b] = plots.noise[i, a, b]


@kernel
def _cell_of(objects, row, slot):
    """Return the place of a sensor among those that saw an object: its own, else a free one, else the stalest."""
    stalest = 0
    for k in range(objects.slot.shape[1]):
        if objects.slot[row, k] == slot:
            return k
        if objects.slot[row, k] < 0:
            return k
        if objects.at_ns[row, k] < objects.at_ns[row, stalest]:
            stalest = k
    return stalest


@kernel
def _seeing(objects, row, now_ns):
    """Return how many sensors see an object now."""
    count = 0
    for k in range(objects.slot.shape[1]):
        count += objects.slot[row, k] >= 0 and now_ns - objects.at_ns[row, k] < FRESH_NS
    return max(count, 2)


@kernel
def _is_between(objects, row, cell, other, new_ns):
    """Return whether another sensor saw the object between two plots of this one."""
    at_ns = objects.at_ns[row, other]
    return other != cell and objects.slot[row, other] >= 0 and objects.at_ns[row, cell] < at_ns <= new_ns


@kernel
def _leads(objects, row, cell, other, sensors):
    """Return whether it is this sensor's path that the other's plot is compared with, and not the other way round.

    It has to know heights; of two that do, the faster leads, so that each plot of the slower is used once.
    """
    if not objects.raised[row, cell]:
        return False
    if not objects.raised[row, other]:
        return True
    mine, its = objects.slot[row, cell], objects.slot[row, other]
    faster = sensors.period_ns[mine] - sensors.period_ns[its]
    return faster < 0 or (faster == 0 and mine < its)


@kernel
def _placed(z, site, axes, out):
    """Write the ECEF position of a range, azimuth and elevation into `out` (3,)."""
    level = z[0] * cos(z[2])
    e, n, u = level * sin(z[1]), level * cos(z[1]), z[0] * sin(z[2])
    for j in range(3):
        out[j] = site[j] + e * axes[0, j] + n * axes[1, j] + u * axes[2, j]


@kernel
def _difference(plots, i, objects, row, cell, other, sensors, z, h, s, work):
    """Write the difference of the other sensor's plot to this one's path, its rows H (3, both sensors') and noise S.

    Returns how many of its three readings count, 0 for none.
    """
    p, v, q, d, w, look, ours, jac, through, noise, rows, lead_rows = work
    lead, its = plots.slot[i], objects.slot[row, other]
    site, axes = sensors.site[lead], sensors.axes[lead]
    began_ns, at_ns = objects.at_ns[row, cell], objects.at_ns[row, other]
    whole_s = (plots.at_ns[i] - began_ns) / 1e9
    part = (at_ns - began_ns) / 1e9 / whole_s
    _placed(objects.z[row, cell], site, axes, p)
    _placed(plots.z[i], site, axes, q)
    for j in range(3):
        v[j] = plots.velocity[i, j]
        if not np.isfinite(v[j]):
            v[j] = (q[j] - p[j]) / whole_s
        p[j] += part * (q[j] - p[j])
    seen(p, v, site, axes, d, w, ours)
    seen(p, v, sensors.site[its], sensors.axes[its], d, w, look)
    if min(look[0], ours[0]) < NEAREST_M or max(abs(look[2]), abs(ours[2])) > STEEPEST:
        return 0
    look_derivatives(look[0], look[1], look[2], jac)
    own_rows(look[0], look[1], look[2], jac, rows)
    _through(jac, sensors.axes[its], ours, axes, through)
    look_derivatives(ours[0], ours[1], ours[2], noise)
    own_rows(ours[0], ours[1], ours[2], noise, lead_rows)
    for a in range(3):
        rows[a, TIME] = -PRIOR[TIME] * look[3 + a]
        lead_rows[a, TIME] = -PRIOR[TIME] * ours[3 + a]
    turned = 0.5 * MANOEUVRE_MPS2 * part * (1.0 - part) * whole_s * whole_s
    for a in range(3):
        z[a] = objects.z[row, other, a] - look[a]
        for b in range(OWN):
            h[a, OWN + b] = rows[a, b]
            h[a, b] = 0.0
            for c in range(3):
                h[a, b] -= through[a, c] * lead_rows[c, b]
        for b in range(3):
            noise[a, b] = (1.0 - part) * objects.noise[row, cell, a, b] + part * plots.noise[i, a, b]
    z[1] = wrapped(z[1])
    _noise_of(objects.noise[row, other], noise, through, jac, turned, s)
    return 3 if objects.raised[row, other] else 2


@kernel
def _noise_of(its, ours, through, jac, turned, s):
    """Write into `s` (3, 3) the noise of a difference: the other's, ours in its readings, and that of turns.

    Each of our plots bounds two paths but its shares in both sum up to one, so it counts in full: as if at an end.
    """
    for a in range(3):
        for b in range(3):
            s[a, b] = its[a, b]
            for c in range(3):
                s[a, b] += turned * turned * jac[a, c] * jac[b, c]
                for e in range(3):
                    s[a, b] += through[a, c] * ours[c, e] * through[b, e]


@kernel
def _through(jac, its_axes, ours, axes, out):
    """Write into `out` (3, 3) how the other sensor's readings change with ours of the same object.

    Rows of our derivatives are orthogonal: their inverse is their transpose with each divided by its squared length.
    """
    mine, turn = np.empty((3, 3)), np.empty((3, 3))
    look_derivatives(ours[0], ours[1], ours[2], mine)
    level = max(ours[0] * cos(ours[2]), 1.0)
    length_sq = (1.0, level * level, ours[0] * ours[0])
    for a in range(3):
        for b in range(3):
            turn[a, b] = 0.0
            for j in range(3):
                for c in range(3):
                    turn[a, b] += jac[a, c] * its_axes[c, j] * axes[b, j]
    for a in range(3):
        for b in range(3):
            out[a, b] = 0.0
            for c in range(3):
                out[a, b] += turn[a, c] * mine[b, c] * length_sq[b]


@kernel
def _take_in(one, two, z, h, s, dims, weight, number, at_ns, held, pairs):
    """Let a pair of sensors gather a difference, unless it lies too far from what is known of both."""
    row = _row_of(pairs, min(one, two), max(one, two))
    if row < 0:
        return
    pairs.last_ns[row] = at_ns
    if _distance_sq(z, h, s, dims, held, one, two) > REFUSED_SQ:
        pairs.off[row] += OFF_MEMORY * (1.0 - pairs.off[row])
        pairs.refused[row] += 1
        return
    pairs.off[row] -= OFF_MEMORY * pairs.off[row]
    pairs.compared[row] += weight
    _witness(pairs.witnesses[row], number)
    inverted = inverse(s, dims)
    first = 0 if one < two else OWN
    for a in range(2 * OWN):
        to_a = (a + first) % (2 * OWN)
        for i in range(dims):
            gain = 0.0
            for j in range(dims):
                gain += h[j, a] * inverted[j, i]
            gain *= weight
            pairs.score[row, to_a] += gain * z[i]
            for b in range(2 * OWN):
                pairs.info[row, to_a, (b + first) % (2 * OWN)] += gain * h[i, b]


@kernel
def _row_of(pairs, first, second):
    """Return the row of two sensors, a new one if there is room, -1 if not."""
    row = pairs.row_of[first, second]
    if row < 0 and pairs.used[0] < len(pairs.last_ns):
        row = pairs.used[0]
        pairs.used[0] += 1
        pairs.row_of[first, second] = row
        pairs.slots[row, 0], pairs.slots[row, 1] = first, second
    return row


@kernel
def _witness(witnesses, number):
    """Note that an object was compared, if it is none of the last."""
    for known in witnesses:
        if known == number:
            return
    for k in range(len(witnesses) - 1, 0, -1):
        witnesses[k] = witnesses[k - 1]
    witnesses[0] = number


@kernel
def _distance_sq(z, h, s, dims, held, one, two):
    """Return how far a difference lies from what is known of two sensors, in squared sigmas."""
    whole, off = np.zeros((3, 3)), np.zeros(3)
    for i in range(dims):
        off[i] = z[i]
        for a in range(OWN):
            off[i] -= h[i, a] * held.estimate[one, a] + h[i, OWN + a] * held.estimate[two, a]
        for j in range(dims):
            total = s[i, j]
            for a in range(OWN):
                for b in range(OWN):
                    total += h[i, a] * held.covariance[one, a, b] * h[j, b]
                    total += h[i, OWN + a] * held.covariance[two, a, b] * h[j, OWN + b]
            whole[i, j] = total
    inverted = inverse(whole, dims)
    out = 0.0
    for i in range(dims):
        for j in range(dims):
            out += off[i] * inverted[i, j] * off[j]
    return out

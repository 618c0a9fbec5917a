"""One look of one sensor: which tracks could have caused its plots, how probably, and what that changes.

`replay_events` is the tracker's inner loop: it takes looks and closed scans in the order of time.
"""

from __future__ import annotations

import numpy as np

from dronewall.geodesy.jit import kernel
from dronewall.geodesy.kernels import axes_at
from dronewall.tracking.belief import associate
from dronewall.tracking.birth import give_birth, take_claim
from dronewall.tracking.candidates import candidates
from dronewall.tracking.columns import LOOK
from dronewall.tracking.motion import local_up
from dronewall.tracking.update import absorb, absorb_rates, emitted_before_s, keep_height_humble

_POSITION = 2
REMEMBERED_SCANS = 6
"""A radar that saw a track within so many scans is expected to see it again; its silence then counts against it."""
UNEXPECTED_PD = 0.5
"""How much of its declared pd a radar has for a track it has not seen lately: it may be below its horizon."""
SURE = 1e9
"""Odds beyond this are certainty; larger ones would drown the 1 they are weighed against in rounding."""
BIRTH_LEAST = 1e-6
UNCLAIMED_LEAST = 0.1


@kernel
def replay_events(tracks, count, next_id, index, look, events, p, out, w):
    """Take all events in order; return the new count of tracks and the next free number."""
    seen = np.full(len(tracks.track_id), -1, np.int32)
    slot = seen.copy()
    for n in range(len(events.what)):
        if events.what[n] == LOOK:
            extent = (events.first[n], events.last[n], events.stamp[n])
            count, next_id = _look(tracks, count, next_id, index, look, extent, p, out, w, seen, slot)
        else:
            close_scan(tracks, count, events.radar[n], events.stamp[n], events.pd[n])
    return count, next_id


@kernel
def close_scan(tracks, count, radar, stamp, pd):
    """Let a radar's silence count against the tracks it saw lately but not in the scan that just closed."""
    for row in range(count):
        hit = tracks.hit[row, radar]
        if hit > 0 and stamp - hit <= REMEMBERED_SCANS and tracks.visited[row, radar] != stamp:
            r = tracks.existence[row]
            tracks.existence[row] = r * (1.0 - pd) / (1.0 - r * pd)


@kernel
def _look(tracks, count, next_id, index, look, extent, p, out, w, seen, slot):
    """Take one look: plots [first, last) of one sensor, at most a fraction of a second apart."""
    first, last, stamp = extent
    now_ns = look.at_ns[first]
    for j in range(first, last):
        now_ns = max(now_ns, look.at_ns[j])
    if look.kind[first] != _POSITION:
        axes_at(look.site[first, 0], look.site[first, 1], look.site[first, 2], w.axes)
    found = candidates(tracks, index, look, first, last, now_ns, p, out, w, seen)
    rows, starts, edge_plot, edge_like, edge_doubt = _by_track(found[0], found[1], found[2], found[3], slot)
    psi = _evidence(tracks, rows, starts, edge_plot, edge_like, look, stamp, p)
    taken, missed, unclaimed = np.empty(len(psi)), np.empty(len(rows)), np.empty(last - first)
    beta = np.empty(len(psi))
    associate(psi, starts, edge_plot - first, last - first, taken, missed, unclaimed)
    edges = (edge_plot, edge_like, edge_doubt)
    for i in range(len(rows)):
        _update(tracks, rows[i], look, starts[i], starts[i + 1], edges, taken, missed[i], stamp, p, w, beta)
    for i in range(len(rows)):
        for e in range(starts[i], starts[i + 1]):
            j = edge_plot[e]
            if taken[e] > out.taken[j]:
                out.taken[j] = taken[e]
                out.row[j] = rows[i]
    for j in range(first, last):
        out.unclaimed[j] = unclaimed[j - first]
        # Whose it most likely is, not whose it surely is: two doubles that share every plot would both starve.
        if out.row[j] >= 0 and out.unclaimed[j] < 0.5:
            out.own[j] = True
            _credit(tracks, index, out.row[j], look, j, stamp, w)
        elif look.kind[j] <= _POSITION and not out.late[j] and out.unclaimed[j] > UNCLAIMED_LEAST:
            chance = out.unclaimed[j] * look.birth[j]
            if chance > BIRTH_LEAST:
                give_birth(tracks, count, next_id, index, look, j, chance, stamp, p, w)
                out.row[j] = count
                out.taken[j] = chance
                out.own[j] = True
                count += 1
                next_id += 1
    return count, next_id


@kernel
def _by_track(edge_row, edge_plot, edge_like, edge_doubt, slot):
    """Return the tracks of an association graph, where each one's edges begin, and the edges in that order.

    `slot` (tracks,) is all -1 before and after.
    """
    edges = len(edge_row)
    rows, starts = np.empty(edges, np.int32), np.zeros(edges + 1, np.int32)
    count = 0
    for e in range(edges):
        if slot[edge_row[e]] < 0:
            slot[edge_row[e]] = count
            rows[count] = edge_row[e]
            count += 1
        starts[slot[edge_row[e]] + 1] += 1
    for i in range(count):
        starts[i + 1] += starts[i]
    plot, like, doubt = np.empty(edges, np.int32), np.empty((edges, 2)), np.empty(edges)
    following = starts.copy()
    for e in range(edges):
        at = following[slot[edge_row[e]]]
        following[slot[edge_row[e]]] += 1
        plot[at], doubt[at] = edge_plot[e], edge_doubt[e]
        like[at, 0], like[at, 1] = edge_like[e, 0], edge_like[e, 1]
    for i in range(count):
        slot[rows[i]] = -1
    return rows[:count], starts[: count + 1], plot, like, doubt


@kernel
def _is_expected(tracks, row, radar, stamp):
    """Whether a radar saw the track lately, so that seeing nothing would be news."""
    return radar >= 0 and tracks.hit[row, radar] > 0 and stamp - tracks.hit[row, radar] <= REMEMBERED_SCANS


@kernel
def _evidence(tracks, rows, starts, edge_plot, edge_like, look, stamp, p):
    """Return each edge's likelihood ratio against its track missing and its plot being new or clutter."""
    psi = np.empty(len(edge_plot))
    for i in range(len(rows)):
        row = rows[i]
        r = tracks.existence[row]
        for e in range(starts[i], starts[i + 1]):
            j = edge_plot[e]
            seen = tracks.weight[row, 0] * edge_like[e, 0] + tracks.weight[row, 1] * edge_like[e, 1]
            if look.icao24[j] != 0 and tracks.icao24[row] == look.icao24[j]:
                seen *= p.claim_bonus
            if _is_expected(tracks, row, look.radar[j], stamp):
                psi[e] = r * look.pd[j] * seen / ((1.0 - r * look.pd[j]) * look.kappa[j])
            else:
                psi[e] = r * UNEXPECTED_PD * look.pd[j] * seen / look.kappa[j]
            psi[e] = min(psi[e], SURE)
    return psi


@kernel
def _update(tracks, row, look, first, last, edges, taken, missed, stamp, p, w, beta):
    """Update one track's existence, mode weights and modes by what its candidates turned out to be worth."""
    edge_plot, edge_like, edge_doubt = edges
    r = tracks.existence[row]
    radar = look.radar[edge_plot[first]]
    absent = missed * r
    if _is_expected(tracks, row, radar, stamp):
        pd = look.pd[edge_plot[first]]
        absent = missed * r * (1.0 - pd) / (1.0 - r * pd)
    if radar >= 0:
        tracks.visited[row, radar] = stamp
    tracks.existence[row] = min(absent + (1.0 - missed), 0.9999)
    if missed > 1.0 - 1e-4:
        return
    total = absent
    for e in range(first, last):
        total += taken[e]
    support = np.empty(2)
    for k in range(2):
        norm = absent / total
        for e in range(first, last):
            both = tracks.weight[row, 0] * edge_like[e, 0] + tracks.weight[row, 1] * edge_like[e, 1]
            beta[e] = taken[e] / total * edge_like[e, k] / max(both, 1e-300)
            norm += beta[e]
        support[k] = tracks.weight[row, k] * norm
        if norm <= 1e-12:
            continue
        for e in range(first, last):
            beta[e] /= norm
        q = p.q_level_cruise if k == 0 else p.q_level_turn
        absorb(tracks, row, k, look, first, last, edge_plot, edge_doubt, beta, q, w)
    whole = support[0] + support[1]
    for k in range(2):
        tracks.weight[row, k] = min(max(support[k] / whole, 1e-3), 1.0 - 1e-3)


@kernel
def _credit(tracks, index, row, look, j, stamp, w):
    """Write down that plot `j` was a track's own: its rates, its height's datum, its claims, and when it was heard."""
    absorb_rates(tracks, row, look, j, w)
    for k in range(2):
        local_up(tracks.mean[row, k], w.up)
        keep_height_humble(tracks.cov[row, k], w.up, look.floor_m[j])
    at_ns = look.at_ns[j]
    told_ns = at_ns - np.int64(1e9 * emitted_before_s(tracks, row, look, j, w))
    tracks.updated_ns[row] = max(tracks.updated_ns[row], told_ns)
    since_s = (at_ns - tracks.heard_at_ns[row]) / 1e9
    if since_s > 0.0:
        if look.kind[j] <= _POSITION and since_s > 0.2:
            tracks.revisit_s[row] += 0.3 * (min(since_s, 15.0) - tracks.revisit_s[row])
        tracks.heard_at_ns[row] = at_ns
    if look.kind[j] <= _POSITION:
        tracks.hits[row] += 1
    if look.radar[j] >= 0:
        tracks.hit[row, look.radar[j]] = stamp
    if not look.claimed[j]:
        tracks.claims_only[row] = False
    take_claim(tracks, index, row, look, j)

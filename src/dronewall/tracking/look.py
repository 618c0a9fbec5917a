"""One look of one sensor: which tracks could have caused its plots, how probably, and what that changes.

`replay_events` is the tracker's inner loop: it takes looks and closed scans in the order of time.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from dronewall.geodesy.jit import kernel
from dronewall.geodesy.kernels import axes_at
from dronewall.tracking.belief import associate
from dronewall.tracking.columns import LOOK
from dronewall.tracking.motion import local_up, predict
from dronewall.tracking.neighbours import add_claim, add_place, bucket_of, cell_of, claim_bucket
from dronewall.tracking.update import (
    absorb,
    absorb_rates,
    distance_sq,
    emitted_before_s,
    innovate,
    keep_height_humble,
    likelihood,
)

_POSITION = 2
REMEMBERED_SCANS = 6
"""A radar that saw a track within so many scans is expected to see it again; its silence then counts against it."""
UNEXPECTED_PD = 0.5
"""How much of its declared pd a radar has for a track it has not seen lately: it may be below its horizon."""
HEARD_EXISTENCE = 0.3
"""A track less likely to exist than this is not offered to sensors that measure directions only."""
OWN_BLUNDER_SQ, OWN_BLUNDER_M, OWN_SPEED_MPS = 6.0, 2_000.0, 300.0
"""How far a plot with the track's own address may be off: made to look this many squared sigmas away, if it lies no
farther than this plus what an airliner flies meanwhile."""
SURE = 1e9
"""Odds beyond this are certainty; larger ones would drown the 1 they are weighed against in rounding."""
BIRTH_LEAST = 1e-6
UNCLAIMED_LEAST = 0.1


@kernel
def replay_events(tracks, count, next_id, index, look, events, p, out, w):
    """Take all events in order; return the new count of tracks and the next free number."""
    seen = np.full(len(tracks.track_id), -1, np.int32)
    for n in range(len(events.what)):
        if events.what[n] == LOOK:
            count, next_id = _look(
                tracks, count, next_id, index, look, events.first[n], events.last[n], events.stamp[n], p, out, w, seen
            )
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
def _look(tracks, count, next_id, index, look, first, last, stamp, p, out, w, seen):
    """Take one look: plots [first, last) of one sensor, at most a fraction of a second apart."""
    now_ns = look.at_ns[first]
    for j in range(first, last):
        now_ns = max(now_ns, look.at_ns[j])
    if look.kind[first] != _POSITION:
        axes_at(look.site[first, 0], look.site[first, 1], look.site[first, 2], w.axes)
    edge_row, edge_plot, edge_like, edge_doubt = _candidates(tracks, index, look, first, last, now_ns, p, out, w, seen)
    order = np.argsort(edge_row, kind="mergesort")
    edge_row, edge_plot, edge_like, edge_doubt = edge_row[order], edge_plot[order], edge_like[order], edge_doubt[order]
    rows, starts = _tracks_of(edge_row)
    psi = _evidence(tracks, rows, starts, edge_plot, edge_like, look, stamp, p)
    taken, missed, unclaimed = np.empty(len(psi)), np.empty(len(rows)), np.empty(last - first)
    beta = np.empty(len(psi))
    associate(psi, starts, edge_plot - first, last - first, taken, missed, unclaimed)
    edges = (edge_plot, edge_like, edge_doubt)
    for i in range(len(rows)):
        _update(tracks, rows[i], look, starts[i], starts[i + 1], edges, taken, missed[i], stamp, p, w, beta)
    for e in range(len(edge_row)):
        j = edge_plot[e]
        if taken[e] > out.taken[j]:
            out.taken[j] = taken[e]
            out.row[j] = edge_row[e]
    for j in range(first, last):
        out.unclaimed[j] = unclaimed[j - first]
        if out.taken[j] > 0.5:
            _credit(tracks, index, out.row[j], look, j, stamp, w)
        elif look.kind[j] <= _POSITION and not out.late[j] and out.unclaimed[j] > UNCLAIMED_LEAST:
            chance = out.unclaimed[j] * look.birth[j]
            if chance > BIRTH_LEAST:
                _give_birth(tracks, count, next_id, index, look, j, chance, stamp, p, w)
                out.row[j] = count
                out.taken[j] = chance
                count += 1
                next_id += 1
    return count, next_id


@kernel
def _candidates(tracks, index, look, first, last, now_ns, p, out, w, seen):
    """Return all pairs of a track and a plot [first, last) in its gate: rows, plots, likelihoods by mode, doubts."""
    room = 4 * (last - first) + 16
    edge_row, edge_plot = np.empty(room, np.int32), np.empty(room, np.int32)
    edge_like, edge_doubt = np.empty((room, 2)), np.empty(room)
    edges = 0
    like = np.empty(2)
    for j in range(first, last):
        found = _rows_near(tracks, index, look, j, p, seen)
        for row in found:
            if not _allowed(tracks, row, look, j):
                continue
            dt = (now_ns - tracks.at_ns[row]) / 1e9
            if dt > 0.0:
                predict(tracks.mean[row], tracks.cov[row], tracks.weight[row], dt, p)
                tracks.at_ns[row] = now_ns
            if (tracks.at_ns[row] - look.at_ns[j]) / 1e9 > p.late_s:
                out.late[j] = True
                continue
            doubt = _gated(tracks, row, look, j, p, w, like)
            if doubt == 0.0:
                continue
            if edges == room:
                room *= 2
                edge_row = _longer(edge_row, room)
                edge_plot = _longer(edge_plot, room)
                edge_doubt = _longer(edge_doubt, room)
                more = np.empty((room, 2))
                more[:edges] = edge_like
                edge_like = more
            edge_row[edges], edge_plot[edges], edge_doubt[edges] = row, j, doubt
            edge_like[edges, 0], edge_like[edges, 1] = like[0], like[1]
            edges += 1
    return edge_row[:edges], edge_plot[:edges], edge_like[:edges], edge_doubt[:edges]


@kernel
def _longer(column, room):
    longer = np.empty(room, column.dtype)
    longer[: len(column)] = column
    return longer


@kernel
def _rows_near(tracks, index, look, j, p, seen):
    """Return the rows that plot `j` could belong to by place or by claimed address, each once."""
    found = np.empty(64, np.int32)
    count = 0
    ranged = look.kind[j] <= _POSITION
    origin = look.place[j] if ranged else look.site[j]
    radius = p.gate_m if ranged else look.reach_m[j]
    slack = 1.0 + 1.0 / 8.0  # tracks have moved a little since they were put into their cubes
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for a in range(3):
        low[a], high[a] = cell_of(origin[a] - slack * radius), cell_of(origin[a] + slack * radius)
    for ix in range(low[0], high[0] + 1):
        for iy in range(low[1], high[1] + 1):
            for iz in range(low[2], high[2] + 1):
                row = index.cell_head[bucket_of(ix, iy, iz, len(index.cell_head))]
                while row >= 0:
                    if seen[row] != j and _worth_a_look(tracks, row, look, j, origin, radius, ranged, p):
                        seen[row] = j
                        if count == len(found):
                            found = _longer(found, 2 * count)
                        found[count] = row
                        count += 1
                    row = index.cell_next[row]
    address = look.icao24[j]
    if address != 0:
        row = index.claim_head[claim_bucket(address, len(index.claim_head))]
        while row >= 0:
            if tracks.icao24[row] == address and seen[row] != j:
                seen[row] = j
                if count == len(found):
                    found = _longer(found, 2 * count)
                found[count] = row
                count += 1
            row = index.claim_next[row]
    return found[:count]


@kernel
def _worth_a_look(tracks, row, look, j, origin, radius, ranged, p):
    """Whether a track is near enough, by its own and the plot's spread, to be compared exactly."""
    dt = (look.at_ns[j] - tracks.at_ns[row]) / 1e9
    apart = 0.0
    for a in range(3):
        gap = tracks.mean[row, 0, a] + dt * tracks.mean[row, 0, 3 + a] - origin[a]
        apart += gap * gap
    if not ranged:
        return tracks.existence[row] > HEARD_EXISTENCE and apart < radius * radius
    if apart > radius * radius:
        return False
    spread = 0.0
    for a in range(3):
        spread += tracks.cov[row, 1, a, a] + dt * dt * tracks.cov[row, 1, 3 + a, 3 + a] + look.spread[j, a, a]
    spread += p.q_level_turn * abs(dt) * dt * dt
    return apart < 1.5 * p.gate_sq * spread


@kernel
def _allowed(tracks, row, look, j):
    """Whether claims let plot and track be one object: two different addresses are two objects."""
    mine, its = tracks.icao24[row], look.icao24[j]
    return mine == 0 or its == 0 or mine == its


@kernel
def _gated(tracks, row, look, j, p, w, like):
    """Write the likelihood of plot `j` under each mode; return how far the plot is to be doubted, 0 outside the gate.

    A plot that claims the track's own address but lies outside the gate is a blunder of its sensor rather than another
    object, as long as the object could have got there: it is taken with its noise widened until it fits.
    """
    own = look.icao24[j] != 0 and tracks.icao24[row] == look.icao24[j]
    nearest = _likelihoods(tracks, row, look, j, 1.0, p, w, like)
    if nearest < p.gate_sq:
        return 1.0
    if not own or not _could_be_there(tracks, row, look, j):
        return 0.0
    doubt = nearest / OWN_BLUNDER_SQ
    return doubt if _likelihoods(tracks, row, look, j, doubt, p, w, like) < p.gate_sq else 0.0


@kernel
def _likelihoods(tracks, row, look, j, doubt, p, w, like):
    """Write the likelihood of plot `j` under each mode; return the least squared distance from the track."""
    nearest = np.inf
    for k in range(2):
        like[k] = 0.0
        dim, det = innovate(tracks, row, k, look, j, p.q_level_cruise if k == 0 else p.q_level_turn, doubt, w)
        if dim == 0 or not det > 0.0:
            continue
        d_sq = distance_sq(w)
        nearest = min(nearest, d_sq)
        like[k] = likelihood(min(d_sq, 600.0), dim, det)
    return nearest


@kernel
def _could_be_there(tracks, row, look, j):
    """Whether an aircraft could have got from the track to the plot since it was last heard, allowing for a blunder."""
    if look.kind[j] > _POSITION:
        return False
    silent_s = abs(look.at_ns[j] - tracks.heard_at_ns[row]) / 1e9
    apart = 0.0
    for a in range(3):
        apart += (look.place[j, a] - tracks.mean[row, 0, a]) ** 2
    return sqrt(apart) < OWN_BLUNDER_M + OWN_SPEED_MPS * silent_s


@kernel
def _tracks_of(edge_row):
    """Return the distinct rows of edges sorted by row, and where each one's edges begin."""
    rows, starts = np.empty(len(edge_row), np.int32), np.empty(len(edge_row) + 1, np.int32)
    count = 0
    for e in range(len(edge_row)):
        if e == 0 or edge_row[e] != edge_row[e - 1]:
            rows[count] = edge_row[e]
            starts[count] = e
            count += 1
    starts[count] = len(edge_row)
    return rows[:count], starts[: count + 1]


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
    _take_claim(tracks, index, row, look, j)


@kernel
def _take_claim(tracks, index, row, look, j):
    address = look.icao24[j]
    if address == 0:
        return
    if tracks.icao24[row] == 0:
        tracks.icao24[row] = address
        tracks.claims_since_ns[row] = look.at_ns[j]
        add_claim(index, row, address)
    tracks.claimed_ns[row] = max(tracks.claimed_ns[row], look.at_ns[j])


@kernel
def _give_birth(tracks, row, track_id, index, look, j, chance, stamp, p, w):
    """Start a tentative track in free row `row` at plot `j`."""
    tracks.heard_ns[row] = 0
    tracks.class_score[row] = 0.0
    tracks.visited[row] = 0
    tracks.hit[row] = 0
    tracks.track_id[row] = track_id
    tracks.at_ns[row] = tracks.born_ns[row] = look.at_ns[j]
    tracks.heard_at_ns[row] = tracks.updated_ns[row] = look.at_ns[j]
    tracks.revisit_s[row] = 4.0
    tracks.existence[row] = min(chance, 0.99)
    tracks.status[row] = 0
    tracks.hits[row] = 1
    tracks.claims_only[row] = look.claimed[j]
    tracks.icao24[row] = 0
    tracks.claimed_ns[row] = tracks.claims_since_ns[row] = 0
    tracks.weight[row, 0], tracks.weight[row, 1] = 0.6, 0.4
    local_up(look.place[j], w.up)
    told = look.velocity[j, 0] == look.velocity[j, 0]
    level = look.sigma_velocity_mps[j] ** 2 if told else p.birth_speed_sigma_mps**2
    upright = level if told else p.birth_climb_sigma_mps**2
    for k in range(2):
        tracks.cov[row, k] = 0.0
        for a in range(3):
            tracks.mean[row, k, a] = look.place[j, a]
            tracks.mean[row, k, 3 + a] = look.velocity[j, a] if told else 0.0
            for b in range(3):
                tracks.cov[row, k, a, b] = look.spread[j, a, b]
                tracks.cov[row, k, 3 + a, 3 + b] = (upright - level) * w.up[a] * w.up[b]
            tracks.cov[row, k, 3 + a, 3 + a] += level
    if not told:
        absorb_rates(tracks, row, look, j, w)
    if look.radar[j] >= 0:
        tracks.hit[row, look.radar[j]] = stamp
        tracks.visited[row, look.radar[j]] = stamp
    add_place(index, row, tracks.mean[row, 0])
    _take_claim(tracks, index, row, look, j)


@kernel
def find_twins(x, cov, rows, order, tracks, near_m, twin_sq, doubles):
    """Mark in `doubles` (n,) every track that is the younger description of an object another track describes.

    Two tracks are twins if position and velocity agree within their covariances and no radar ever saw both in one scan.
    `order` lists `rows` by their first coordinate.
    """
    c, d = np.empty((6, 6)), np.empty(6)
    for n in range(len(order)):
        a = rows[order[n]]
        for m in range(n + 1, len(order)):
            b = rows[order[m]]
            if x[b, 0] - x[a, 0] > near_m:
                break
            if doubles[a] or doubles[b] or not _may_be_twins(x, tracks, a, b, near_m):
                continue
            for i in range(6):
                d[i] = x[a, i] - x[b, i]
                for j in range(6):
                    c[i, j] = cov[a, i, j] + cov[b, i, j]
            if d @ np.linalg.solve(c, d) < twin_sq:
                younger = b if tracks.track_id[b] > tracks.track_id[a] else a
                if tracks.icao24[younger] != 0 and tracks.icao24[a + b - younger] == 0:
                    younger = a + b - younger
                doubles[younger] = True


@kernel
def _may_be_twins(x, tracks, a, b, near_m):
    apart = 0.0
    for i in range(3):
        apart += (x[a, i] - x[b, i]) ** 2
    if sqrt(apart) > near_m:
        return False
    if tracks.icao24[a] != 0 and tracks.icao24[b] != 0 and tracks.icao24[a] != tracks.icao24[b]:
        return False
    for radar in range(tracks.hit.shape[1]):
        if tracks.hit[a, radar] > 0 and tracks.hit[a, radar] == tracks.hit[b, radar]:
            return False
    return True

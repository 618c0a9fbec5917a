"""One look of one sensor: which tracks could have caused its plots, how probably, and what that changes.

`replay_events` is the tracker's inner loop: it takes looks and closed scans in the order of time. A look works on
copies of the tracks it may concern, and writes back only those that one of its plots fits.

Source:
    Mušicki and Evans, Joint Integrated Probabilistic Data Association, IEEE TAES 40(3), 2004 (existence).
"""

from __future__ import annotations

from math import exp, sqrt

import numpy as np

from dronewall.geodesy.jit import inner, kernel
from dronewall.geodesy.kernels import axes_at
from dronewall.model.tracks import TrackStatus
from dronewall.tracking.belief import associate
from dronewall.tracking.birth import give_birth, take_claim
from dronewall.tracking.candidates import pairs_near
from dronewall.tracking.columns import LOOK
from dronewall.tracking.comparison import compared
from dronewall.tracking.measurement import sound_delay, to_enu
from dronewall.tracking.motion import copy_modes, local_up
from dronewall.tracking.parameters import CELL_SIGMA
from dronewall.tracking.scratch import scratch_for
from dronewall.tracking.update import (
    absorb_range_rate,
    absorb_velocity,
    add_update,
    keep_height_humble,
    range_rate,
)
from dronewall.tracking.visibility import may_see

_RANGE_AZIMUTH_ALTITUDE, _POSITION, _DIRECTION, _SOUND = range(1, 5)
TENTATIVE = int(TrackStatus.TENTATIVE)
REMEMBERED_SCANS = 6
"""A radar that saw a track within so many scans is expected to see it again; its silence then counts against it."""
SLACK_SIGMAS = 2.0
"""Only what is beyond a radar's coverage by so much is not expected in it."""
UNEXPECTED_PD = 0.5
"""How much of its declared pd a radar has for a track it has not seen lately: it may be below its horizon."""
SURE = 1e9
"""Odds beyond this are certainty; larger ones would drown the 1 they are weighed against in rounding."""
SHARED = 0.8
"""How probable it is that a member of a group, of whose own no plot is, was seen in the plot of another member that
lies in one resolution cell with it."""
BIRTH_LEAST = 1e-6
UNCLAIMED_LEAST = 0.1
CLAIM_BONUS = 1e4
"""Likelihood ratio of a plot claiming the track's own address against one that claims nothing."""


@kernel
def replay_events(tracks, count, next_id, index, look, events, visibility, p, out):
    """Take all events in order; return the new count of tracks and the next free number."""
    scratch = scratch_for(len(tracks.track_id))
    for n in range(len(events.what)):
        if events.what[n] == LOOK:
            extent = (events.first[n], events.last[n], events.stamp[n])
            count, next_id = _look(tracks, count, next_id, index, look, extent, p, out, scratch)
        else:
            close_scan(tracks, count, events.radar[n], events.stamp[n], events.pd[n], events.at_ns[n], visibility)
    return count, next_id


@inner
def close_scan(tracks, count, radar, stamp, pd, at_ns, visibility):
    """Let a radar's silence count against the tracks it saw lately but not in the scan that just closed.

    It says nothing of those that have left what the radar covers since it saw them. What it saw beyond its coverage it
    sees by other rules than declared, and its silence counts there too.
    """
    for row in range(count):
        hit = tracks.hit[row, radar]
        if hit > 0 and stamp - hit <= REMEMBERED_SCANS and tracks.visited[row, radar] != stamp:
            x, dt = tracks.mean[row, 0], (at_ns - tracks.at_ns[row]) / 1e9
            back = dt - (stamp - hit) * visibility.period_s[radar]
            slack_m = SLACK_SIGMAS * _sigma_later(tracks.cov[row, 0], dt)
            if not may_see(visibility, radar, x, dt, slack_m) and may_see(visibility, radar, x, back, 0.0):
                continue
            r = tracks.existence[row]
            tracks.existence[row] = r * (1.0 - pd) / (1.0 - r * pd)


@inner
def _sigma_later(cov, dt):
    """Return the 1-σ of position, m, over all axes, `dt` s after a state had the covariance `cov`."""
    total = 0.0
    for a in range(3):
        total += cov[a, a] + 2.0 * dt * cov[a, 3 + a] + dt * dt * cov[3 + a, 3 + a]
    return sqrt(max(total, 0.0))


@kernel
def _look(tracks, count, next_id, index, look, extent, p, out, scratch):
    """Take one look: plots [first, last) of one sensor, at most a fraction of a second apart."""
    first, last, stamp = extent
    rows, starts, plots = pairs_near(tracks, index, look, first, last, p, scratch)
    copies, edges = compared(tracks, look, rows, starts, plots, p, out, scratch)
    _weigh(tracks, copies, edges, look, stamp, scratch.lines[0])
    kept = starts[len(rows)]
    taken, missed, unclaimed = np.empty(kept), np.empty(len(rows)), out.unclaimed[first:last]
    associate(edges.psi[:kept], starts, plots[:kept] - first, last - first, taken, missed, unclaimed)
    _update_all(tracks, copies, edges, look, taken, missed, stamp, np.empty(kept), scratch)
    _take_own(copies, edges, look, first, last, taken, out, np.full(last - first, -1, np.int32), scratch.lines)
    _write_back(tracks, copies)
    _credit_all(tracks, index, look, first, last, stamp, out, scratch)
    return _begin_all(tracks, count, next_id, index, look, first, last, stamp, p, out, scratch)


@inner
def _take_own(copies, edges, look, first, last, taken, out, owner, lines):
    """Write down whose each plot most likely is, and let tracks learn what else their own plots tell."""
    for i in range(len(copies.row)):
        for e in range(edges.first[i], edges.first[i + 1]):
            j = edges.plot[e]
            if taken[e] > out.taken[j]:
                out.taken[j] = taken[e]
                out.row[j] = copies.row[i]
                owner[j - first] = i
    for j in range(first, last):
        # Whose it most likely is, not whose it surely is: two doubles that share every plot would both starve.
        if out.row[j] >= 0 and out.unclaimed[j] < 0.5:
            out.own[j] = True
            told = look.velocity[j, 0] == look.velocity[j, 0] or look.range_rate_mps[j] == look.range_rate_mps[j]
            if told or look.floor_m[j] > 0.0:
                i = owner[j - first]
                _absorb_extras(copies.mean[i], copies.cov[i], copies.modes[i], look, j, lines)


@inner
def _begin_all(tracks, count, next_id, index, look, first, last, stamp, p, out, scratch):
    """Begin tracks at plots that no track explains; return the new count of tracks and the next free number."""
    for j in range(first, last):
        if out.own[j] or look.kind[j] > _POSITION or out.late[j] or out.unclaimed[j] <= UNCLAIMED_LEAST:
            continue
        chance = out.unclaimed[j] * look.birth[j]
        if chance > BIRTH_LEAST:
            give_birth(tracks, count, next_id, index, look, j, chance, stamp, p, scratch)
            out.row[j] = count
            out.taken[j] = chance
            out.own[j] = True
            count += 1
            next_id += 1
    return count, next_id


@inner
def _is_expected(hit, row, radar, stamp):
    """Whether a radar saw the track lately, so that seeing nothing would be news."""
    return radar >= 0 and hit[row, radar] > 0 and stamp - hit[row, radar] <= REMEMBERED_SCANS


@inner
def _weigh(tracks, copies, edges, look, stamp, jac):
    """Write each edge's likelihood ratio against its track missing and its plot being new or clutter."""
    for i in range(len(copies.row)):
        row, modes = copies.row[i], copies.modes[i]
        r, address = tracks.existence[row], tracks.icao24[row]
        for e in range(edges.first[i], edges.first[i + 1]):
            copies.changed[i] = True
            j = edges.plot[e]
            seen = 0.0
            for k in range(modes):
                seen += copies.weight[i, k] * edges.like[e, k]
            rate_mps = look.range_rate_mps[j]
            if rate_mps == rate_mps:
                mean, cov, weight = copies.mean[i], copies.cov[i], copies.weight[i]
                seen *= _rate_fits(
                    mean,
                    cov,
                    weight,
                    modes,
                    look.site[j],
                    look.transmitter[j],
                    rate_mps,
                    look.sigma_range_rate_mps[j],
                    jac,
                )
            if address != 0 and address == look.icao24[j]:
                seen *= CLAIM_BONUS
            pd = look.pd[j]
            if _is_expected(tracks.hit, row, look.radar[j], stamp):
                psi = r * pd * seen / ((1.0 - r * pd) * look.kappa[j])
            else:
                psi = r * UNEXPECTED_PD * pd * seen / look.kappa[j]
            edges.psi[e] = min(psi, SURE)


@inner
def _rate_fits(mean, cov, weight, modes, site, transmitter, rate_mps, sigma_mps, jac):
    """Return how well a range rate fits a track, 1 at best.

    It is never counted as better than clutter's: what does not move gives plots at one rate again and again.
    """
    fits = 0.0
    for k in range(modes):
        off = rate_mps - range_rate(mean[k], site, transmitter, jac)
        s = sigma_mps * sigma_mps
        for a in range(6):
            for b in range(6):
                s += jac[a] * cov[k, a, b] * jac[b]
        fits += weight[k] * exp(-0.5 * min(off * off / s, 60.0))
    return fits


@inner
def _shared(group, edges, i, noise):
    """Return how probable it is that the echo of track `i`, if it gave one, is in the plot of another of its group.

    A radar makes one plot of what is in one resolution cell: who has no plot of its own there was not missed.
    """
    if group != 0:
        for e in range(edges.first[i], edges.first[i + 1]):
            if _in_one_cell(edges.nu[e], noise[edges.plot[e]]):
                return SHARED
    return 0.0


@inner
def _in_one_cell(nu, noise):
    """Whether a plot lies in one resolution cell with what a track should have read when it cruises."""
    near = True
    for a in range(3):
        near &= abs(nu[0, a]) <= CELL_SIGMA * sqrt(noise[a, a])
    return near


@inner
def _update_all(tracks, copies, edges, look, taken, missed, stamp, beta, scratch):
    """Update each changed track's existence, mode weights and modes by what its candidates turned out to be worth.

    `beta` is scratch, one for each edge.
    """
    gain, a, ap, cov = scratch.squares[0], scratch.squares[1], scratch.squares[2], scratch.squares[3]
    mean, support = scratch.lines[0], scratch.lines[1]
    for i in range(len(copies.row)):
        if not copies.changed[i]:
            continue
        first, last, row, modes = edges.first[i], edges.first[i + 1], copies.row[i], copies.modes[i]
        r, j = tracks.existence[row], edges.plot[first]
        radar, pd = look.radar[j], look.pd[j] * (1.0 - _shared(tracks.group[row], edges, i, look.noise))
        absent = missed[i] * r
        if _is_expected(tracks.hit, row, radar, stamp):
            absent *= (1.0 - pd) / (1.0 - r * pd)
        _visit(tracks.visited, row, radar, stamp)
        if _is_evidence(look.kind[j], tracks.status[row]):
            tracks.existence[row] = min(absent + (1.0 - missed[i]), 0.9999)
        if missed[i] > 1.0 - 1e-4:
            continue
        total, whole = absent, 0.0
        for e in range(first, last):
            total += taken[e]
        weight = copies.weight[i]
        for k in range(modes):
            norm = _shares(weight, modes, k, edges.like, first, last, taken, absent, total, beta)
            support[k] = weight[k] * norm
            whole += support[k]
            if norm <= 1e-12:
                continue
            _clear(mean, cov)
            kept = absent / total / norm
            for e in range(first, last):
                if beta[e] < 1e-7 * norm:
                    kept += beta[e] / norm
                    continue
                m, j = edges.model[e], edges.plot[e]
                add_update(
                    beta[e] / norm, copies.cov[i, k], edges.dim[e], look.noise[j], edges.doubt[e],
                    edges.jac[m, k], edges.pht[m, k], edges.hph[m, k], edges.nu[e, k], edges.s_inverse[e, k],
                    gain, a, ap, mean, cov,
                )  # fmt: skip
            _blend(copies.mean[i, k], copies.cov[i, k], kept, mean, cov)
        for k in range(modes if modes > 1 else 0):
            weight[k] = min(max(support[k] / whole, 1e-3), 1.0 - 1e-3)


@inner
def _clear(mean, cov):
    for a in range(6):
        mean[a] = 0.0
        for b in range(6):
            cov[a, b] = 0.0


@inner
def _visit(visited, row, radar, stamp):
    """Note that a radar's scan held a plot that may be a track's."""
    if radar >= 0:
        visited[row, radar] = stamp


@inner
def _is_evidence(kind, status):
    """Whether a fitting plot tells that a track exists; a bearing tells it of what was confirmed otherwise alone.

    Along every bearing lies something.
    """
    return status != TENTATIVE or (kind != _DIRECTION and kind != _SOUND)


@inner
def _shares(weight, modes, k, like, first, last, taken, absent, total, beta):
    """Write into `beta` how probable each edge is under mode `k`; return their sum with that of none."""
    norm = absent / total
    for e in range(first, last):
        beta[e] = 0.0
        if taken[e] <= 0.0:
            continue
        fits = 0.0
        for m in range(modes):
            fits += weight[m] * like[e, m]
        beta[e] = taken[e] / total * like[e, k] / max(fits, 1e-300)
        norm += beta[e]
    return norm


@inner
def _blend(x, p, kept, mean, cov):
    """Make of a mode the mixture of itself, with weight `kept`, and of the updates summed in `mean` and `cov`."""
    for a in range(6):
        for b in range(a, 6):
            c = kept * p[a, b] + cov[a, b] - mean[a] * mean[b]
            p[a, b] = c
            p[b, a] = c
    for a in range(6):
        x[a] += mean[a]


@inner
def _absorb_extras(mean, cov, modes, look, j, lines):
    """Update a track's modes by the velocity and range rate that came with its own plot, and keep its height humble."""
    told = look.velocity[j, 0] == look.velocity[j, 0]
    rated = look.range_rate_mps[j] == look.range_rate_mps[j]
    jac, ph, up = lines[0], lines[1], lines[2]
    for k in range(modes):
        if told:
            absorb_velocity(mean[k], cov[k], look.velocity[j], look.sigma_velocity_mps[j], jac, ph)
        if rated:
            absorb_range_rate(
                mean[k],
                cov[k],
                look.site[j],
                look.transmitter[j],
                look.range_rate_mps[j],
                look.sigma_range_rate_mps[j],
                jac,
                ph,
            )
        local_up(mean[k], up)
        keep_height_humble(cov[k], up, look.floor_m[j])


@inner
def _write_back(tracks, copies):
    for i in range(len(copies.row)):
        if copies.changed[i]:
            row = copies.row[i]
            copy_modes(
                copies.mean[i], copies.cov[i], copies.weight[i], tracks.mean[row], tracks.cov[row], tracks.weight[row]
            )
            tracks.at_ns[row] = copies.at_ns[i]


@inner
def _credit_all(tracks, index, look, first, last, stamp, out, scratch):
    """Write down which plots were tracks' own: when each was heard, by whom, and what it claims."""
    for j in range(first, last):
        if not out.own[j]:
            continue
        row, at_ns, ranged = out.row[j], look.at_ns[j], look.kind[j] <= _POSITION
        told_ns = at_ns
        if look.kind[j] == _SOUND:
            told_ns -= np.int64(
                1e9 * _sounded_before_s(tracks.mean[row, 0], look.site[j], scratch.squares[0], scratch.lines)
            )
        tracks.updated_ns[row] = max(tracks.updated_ns[row], told_ns)
        since_s = (at_ns - tracks.heard_at_ns[row]) / 1e9
        if since_s > 0.0:
            if ranged and since_s > 0.2:
                tracks.revisit_s[row] += 0.3 * (min(since_s, 15.0) - tracks.revisit_s[row])
            tracks.heard_at_ns[row] = at_ns
        if ranged:
            tracks.hits[row] += 1
        if look.radar[j] >= 0:
            tracks.hit[row, look.radar[j]] = stamp
        if not look.claimed[j]:
            tracks.claims_only[row] = False
        if look.icao24[j] != 0:
            take_claim(tracks, index, row, look.icao24[j], at_ns)


@inner
def _sounded_before_s(x, site, axes, lines):
    """Return how long ago the sound that arrives now at `site` left a track at `x` (6,)."""
    d, v, still = lines[0], lines[1], lines[2]
    still[0] = still[1] = still[2] = 0.0
    axes_at(site[0], site[1], site[2], axes)
    to_enu(axes, x[:3], site, d)
    to_enu(axes, x[3:], still, v)
    tau = sound_delay(d, (v[0], v[1], v[2]))
    return tau if tau > 0.0 else 0.0

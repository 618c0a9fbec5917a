"""How a track begins at a plot that no track explains, and how it takes what its plots claim."""

from __future__ import annotations

from dronewall.geodesy.jit import inner
from dronewall.tracking.motion import copy_mode, local_up
from dronewall.tracking.neighbours import add_claim, add_place
from dronewall.tracking.parameters import CRUISE, MODES
from dronewall.tracking.update import absorb_range_rate


@inner
def take_claim(tracks, index, row, address, at_ns):
    """Bind a claimed address to a track that has none, and note when it was last claimed."""
    if address == 0:
        return
    if tracks.icao24[row] == 0:
        tracks.icao24[row] = address
        tracks.claims_since_ns[row] = at_ns
        add_claim(index, row, address)
    tracks.claimed_ns[row] = max(tracks.claimed_ns[row], at_ns)


@inner
def give_birth(tracks, row, track_id, index, look, j, chance, stamp, p, scratch):
    """Start a tentative track in free row `row` at plot `j`."""
    at_ns = look.at_ns[j]
    begin(tracks, row, track_id, at_ns, chance, look.claimed[j])
    told = look.velocity[j, 0] == look.velocity[j, 0]
    level = look.sigma_velocity_mps[j] ** 2 if told else p.birth_speed_sigma_mps**2
    upright = level if told else p.birth_climb_sigma_mps**2
    x, cov, up = tracks.mean[row, CRUISE], tracks.cov[row, CRUISE], scratch.lines[0]
    local_up(look.place[j], up)
    for a in range(6):
        for b in range(6):
            cov[a, b] = 0.0
    for a in range(3):
        x[a] = look.place[j, a]
        x[3 + a] = look.velocity[j, a] if told else 0.0
        for b in range(3):
            cov[a, b] = look.spread[j, a, b]
            cov[3 + a, 3 + b] = (upright - level) * up[a] * up[b]
        cov[3 + a, 3 + a] += level
    if not told and look.range_rate_mps[j] == look.range_rate_mps[j]:
        jac, ph = scratch.lines[1], scratch.lines[2]
        rate_mps, sigma_mps = look.range_rate_mps[j], look.sigma_range_rate_mps[j]
        absorb_range_rate(x, cov, look.site[j], look.transmitter[j], rate_mps, sigma_mps, jac, ph)
    for k in range(1, MODES):
        copy_mode(x, cov, tracks.mean[row, k], tracks.cov[row, k])
    if look.radar[j] >= 0:
        tracks.hit[row, look.radar[j]] = stamp
        tracks.visited[row, look.radar[j]] = stamp
    add_place(index, row, tracks, p)
    take_claim(tracks, index, row, look.icao24[j], at_ns)


@inner
def begin(tracks, row, track_id, at_ns, existence, claims_only):
    """Make row `row` a tentative track that knows nothing yet but its number and when it began."""
    tracks.heard_ns[row] = 0
    tracks.class_score[row] = 0.0
    tracks.group[row] = 0
    tracks.visited[row] = 0
    tracks.hit[row] = 0
    tracks.track_id[row] = track_id
    tracks.at_ns[row] = tracks.born_ns[row] = at_ns
    tracks.heard_at_ns[row] = tracks.updated_ns[row] = at_ns
    tracks.revisit_s[row] = 4.0
    tracks.existence[row] = min(existence, 0.99)
    tracks.status[row] = 0
    tracks.hits[row] = 1
    tracks.claims_only[row] = claims_only
    tracks.icao24[row] = 0
    tracks.claimed_ns[row] = tracks.claims_since_ns[row] = 0
    for k in range(MODES):
        tracks.weight[row, k] = 1.0 if k == CRUISE else 0.0

"""How a track begins at a plot that no track explains, and how it takes what its plots claim."""

from __future__ import annotations

from dronewall.geodesy.jit import kernel
from dronewall.tracking.motion import local_up
from dronewall.tracking.neighbours import add_claim, add_place
from dronewall.tracking.update import absorb_rates


@kernel
def take_claim(tracks, index, row, look, j):
    """Bind the address that plot `j` claims to a track that has none, and note when it was last claimed."""
    address = look.icao24[j]
    if address == 0:
        return
    if tracks.icao24[row] == 0:
        tracks.icao24[row] = address
        tracks.claims_since_ns[row] = look.at_ns[j]
        add_claim(index, row, address)
    tracks.claimed_ns[row] = max(tracks.claimed_ns[row], look.at_ns[j])


@kernel
def give_birth(tracks, row, track_id, index, look, j, chance, stamp, p, w):
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
    take_claim(tracks, index, row, look, j)

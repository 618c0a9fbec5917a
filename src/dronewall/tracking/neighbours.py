"""Who is near: hashes of space over tracks, and one of claimed addresses, all of linked rows.

A track lies in one of two hashes by how far from it its next plot may be: most are well known and lie in small cubes,
the few that are new or long unheard in large ones, so that they make nobody else's search wide. Sensors of directions
look far, and have a hash of large cubes with all heard tracks. Cubes are in ECEF; rows are only ever added between two
rebuilds, so a track born from one plot is found by the next. Buckets may hold rows of several cubes.

Beside the hashes, one line of memory for each track says all that a first test of distance needs.
"""

from __future__ import annotations

from math import floor, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.jit import inner, kernel
from dronewall.tracking.parameters import CRUISE, TURN

NEAR_CELL_M, FAR_CELL_M = 4_000.0, 16_000.0
NEAR_REACH_M = 2_000.0
"""A track whose next plot can be no farther than this lies in the small cubes."""
X, V, REACH, GROWTH = 0, 3, 6, 7
HEARD_EXISTENCE = 0.3
"""A track less likely to exist than this is not offered to sensors that measure directions only."""


class Neighbours(NamedTuple):
    """Heads and links of the chains, -1 ends one; tables' lengths are powers of two.

    `body` (capacity, 8) holds position and velocity at `at_ns`, how far off a plot may be at that time, and by how much
    more with each second of distance to it. `at_ns` (1,) is the instant that all of them stand for. `widest` (2,) is
    the longest reach and the fastest speed among the tracks in small cubes.
    """

    near_head: NDArray[np.int32]
    near_next: NDArray[np.int32]
    far_head: NDArray[np.int32]
    far_next: NDArray[np.int32]
    heard_head: NDArray[np.int32]
    heard_next: NDArray[np.int32]
    claim_head: NDArray[np.int32]
    claim_next: NDArray[np.int32]
    body: NDArray[np.float64]
    at_ns: NDArray[np.int64]
    widest: NDArray[np.float64]


def neighbours_for(capacity: int) -> Neighbours:
    """Return empty chains for up to `capacity` tracks."""
    buckets = 1 << max(10, (2 * capacity - 1).bit_length())

    def chain(size: int) -> NDArray[np.int32]:
        return np.full(size, -1, np.int32)

    return Neighbours(
        near_head=chain(buckets),
        near_next=chain(capacity),
        far_head=chain(buckets),
        far_next=chain(capacity),
        heard_head=chain(buckets),
        heard_next=chain(capacity),
        claim_head=chain(buckets),
        claim_next=chain(capacity),
        body=np.zeros((capacity, 8)),
        at_ns=np.zeros(1, np.int64),
        widest=np.zeros(2),
    )


@inner
def bucket_of(ix, iy, iz, buckets):
    """Return the bucket of a cube.

    Source:
        Teschner et al., Optimized Spatial Hashing for Collision Detection of Deformable Objects (2003): the primes.
    """
    return ((ix * 73856093) ^ (iy * 19349663) ^ (iz * 83492791)) & (buckets - 1)


@inner
def claim_bucket(address, buckets):
    """Return the bucket of a claimed address."""
    return (np.int64(address) * 2654435761 >> 7) & (buckets - 1)


@inner
def add_place(index, row, tracks, p):
    """Let `row` be found where it will be at the index's instant."""
    body = index.body[row]
    dt = (index.at_ns[0] - tracks.at_ns[row]) / 1e9
    speed_sq, spread, spread_speed = 0.0, 0.0, 0.0
    widest = TURN if tracks.weight[row, TURN] > 0.0 else CRUISE
    for a in range(3):
        v = tracks.mean[row, 0, 3 + a]
        body[X + a], body[V + a] = tracks.mean[row, 0, a] + dt * v, v
        speed_sq += v * v
        fast = tracks.cov[row, widest, 3 + a, 3 + a]
        spread += tracks.cov[row, widest, a, a] + 2.0 * dt * tracks.cov[row, widest, a, 3 + a] + dt * dt * fast
        spread_speed += fast
    later = abs(dt) + 1.0
    spread = max(spread, 0.0) + p.q_level_turn * later * later * later + spread_speed
    body[REACH] = sqrt(1.5 * p.gate_sq * spread)
    body[GROWTH] = sqrt(p.gate_sq * (spread_speed + p.q_level_turn * later))
    x = body[X : X + 3]
    if body[REACH] <= NEAR_REACH_M:
        index.widest[0] = max(index.widest[0], body[REACH])
        index.widest[1] = max(index.widest[1], sqrt(speed_sq))
        _link(index.near_head, index.near_next, row, x, NEAR_CELL_M)
    else:
        _link(index.far_head, index.far_next, row, x, FAR_CELL_M)
    if tracks.existence[row] > HEARD_EXISTENCE:
        _link(index.heard_head, index.heard_next, row, x, FAR_CELL_M)


@inner
def _link(head, following, row, x, cell_m):
    b = bucket_of(floor(x[0] / cell_m), floor(x[1] / cell_m), floor(x[2] / cell_m), len(head))
    following[row] = head[b]
    head[b] = row


@inner
def add_claim(index, row, address):
    """Let `row` be found by a claimed address."""
    b = claim_bucket(address, len(index.claim_head))
    index.claim_next[row] = index.claim_head[b]
    index.claim_head[b] = row


@inner
def rebuild(index, tracks, count, at_ns, p):
    """Forget all rows and add the first `count` tracks anew, where they will be at `at_ns`."""
    index.near_head[:] = -1
    index.far_head[:] = -1
    index.heard_head[:] = -1
    index.claim_head[:] = -1
    index.at_ns[0] = at_ns
    index.widest[:] = 0.0
    for row in range(count):
        add_place(index, row, tracks, p)
        if tracks.icao24[row] != 0:
            add_claim(index, row, tracks.icao24[row])


@inner
def rows_near(index, place, at_ns, sigma_m, p, found, seen, j):
    """Write into `found` (capacity,) the rows whose next plot may be at `place` (3,) at `at_ns`; return how many.

    `sigma_m` is the plot's own 1-σ in its worst direction; `seen` (capacity,) marks rows already found for plot `j`.
    """
    dt = (at_ns - index.at_ns[0]) / 1e9
    own = 5.0 * sigma_m
    radius = min(index.widest[0] + own + abs(dt) * index.widest[1], p.gate_m)
    count = _in_cubes(
        index.near_head, index.near_next, NEAR_CELL_M, index.body, place, radius, own, dt, p.gate_m, found, 0, seen, j
    )
    far = p.gate_m
    return _in_cubes(
        index.far_head, index.far_next, FAR_CELL_M, index.body, place, far, own, dt, far, found, count, seen, j
    )


@inner
def _in_cubes(head, following, cell_m, body, place, radius, own, dt, most, found, count, seen, j):
    x0, x1 = floor((place[0] - radius) / cell_m), floor((place[0] + radius) / cell_m)
    y0, y1 = floor((place[1] - radius) / cell_m), floor((place[1] + radius) / cell_m)
    z0, z1 = floor((place[2] - radius) / cell_m), floor((place[2] + radius) / cell_m)
    for ix in range(x0, x1 + 1):
        for iy in range(y0, y1 + 1):
            for iz in range(z0, z1 + 1):
                row = head[bucket_of(ix, iy, iz, len(head))]
                while row >= 0:
                    if seen[row] != j and _near_enough(body[row], place, own, dt, most):
                        seen[row] = j
                        found[count] = row
                        count += 1
                    row = following[row]
    return count


@inner
def _near_enough(body, place, own, dt, most):
    reach = min(body[REACH] + own + abs(dt) * body[GROWTH], most)
    apart = 0.0
    for a in range(3):
        gap = body[X + a] + dt * body[V + a] - place[a]
        apart += gap * gap
    return apart < reach * reach


@inner
def rows_within(index, site, at_ns, radius, found, seen, j):
    """Write into `found` (capacity,) the heard rows within `radius` m of `site` (3,) at `at_ns`; return how many."""
    dt = (at_ns - index.at_ns[0]) / 1e9
    count = 0
    x0, x1 = floor((site[0] - radius) / FAR_CELL_M), floor((site[0] + radius) / FAR_CELL_M)
    y0, y1 = floor((site[1] - radius) / FAR_CELL_M), floor((site[1] + radius) / FAR_CELL_M)
    z0, z1 = floor((site[2] - radius) / FAR_CELL_M), floor((site[2] + radius) / FAR_CELL_M)
    for ix in range(x0, x1 + 1):
        for iy in range(y0, y1 + 1):
            for iz in range(z0, z1 + 1):
                row = index.heard_head[bucket_of(ix, iy, iz, len(index.heard_head))]
                while row >= 0:
                    if seen[row] != j and _within(index.body[row], site, radius, dt):
                        seen[row] = j
                        found[count] = row
                        count += 1
                    row = index.heard_next[row]
    return count


@inner
def _within(body, site, radius, dt):
    apart = 0.0
    for a in range(3):
        gap = body[X + a] + dt * body[V + a] - site[a]
        apart += gap * gap
    return apart < radius * radius


@kernel
def longer(column, room):
    """Return a copy of `column` (n,) with room for `room` values."""
    more = np.empty(room, column.dtype)
    for i in range(len(column)):
        more[i] = column[i]
    return more

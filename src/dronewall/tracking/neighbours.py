"""Who is near: a hash of space over tracks, and one of claimed addresses, both of linked rows.

Space is cut into cubes in ECEF. Rows are only ever added between two rebuilds, so a track born from one plot is found
by the next. Buckets may hold rows of several cubes: callers check distances anyway.
"""

from __future__ import annotations

from math import floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.jit import kernel

CELL_M = 16_000.0


class Neighbours(NamedTuple):
    """Heads and links of the chains, -1 ends one. The tables' lengths are powers of two."""

    cell_head: NDArray[np.int32]
    cell_next: NDArray[np.int32]
    claim_head: NDArray[np.int32]
    claim_next: NDArray[np.int32]


def neighbours_for(capacity: int) -> Neighbours:
    """Return empty chains for up to `capacity` tracks."""
    buckets = 1 << max(10, (2 * capacity - 1).bit_length())
    return Neighbours(
        cell_head=np.full(buckets, -1, np.int32),
        cell_next=np.full(capacity, -1, np.int32),
        claim_head=np.full(buckets, -1, np.int32),
        claim_next=np.full(capacity, -1, np.int32),
    )


@kernel
def cell_of(coordinate):
    """Return the index of the cube's layer that holds a coordinate."""
    return floor(coordinate / CELL_M)


@kernel
def bucket_of(ix, iy, iz, buckets):
    """Return the bucket of a cube.

    Source:
        Teschner et al., Optimized Spatial Hashing for Collision Detection of Deformable Objects (2003): the primes.
    """
    return ((ix * 73856093) ^ (iy * 19349663) ^ (iz * 83492791)) & (buckets - 1)


@kernel
def claim_bucket(address, buckets):
    """Return the bucket of a claimed address."""
    return (np.int64(address) * 2654435761 >> 7) & (buckets - 1)


@kernel
def add_place(index, row, x):
    """Let `row` be found near the ECEF position `x`."""
    b = bucket_of(cell_of(x[0]), cell_of(x[1]), cell_of(x[2]), len(index.cell_head))
    index.cell_next[row] = index.cell_head[b]
    index.cell_head[b] = row


@kernel
def add_claim(index, row, address):
    """Let `row` be found by a claimed address."""
    b = claim_bucket(address, len(index.claim_head))
    index.claim_next[row] = index.claim_head[b]
    index.claim_head[b] = row


@kernel
def rebuild(index, tracks, count):
    """Forget all rows and add the first `count` tracks anew."""
    index.cell_head[:] = -1
    index.claim_head[:] = -1
    for row in range(count):
        add_place(index, row, tracks.mean[row, 0])
        if tracks.icao24[row] != 0:
            add_claim(index, row, tracks.icao24[row])

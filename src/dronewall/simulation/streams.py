"""Seeded streams of chance, one per subsystem, so that a new kind of sensor changes nothing in the others."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, subsystem: str, *indices: int) -> np.random.Generator:
    """Return the generator of one subsystem's draw, for instance `stream(seed, "radar", radar, scan)`.

    The same arguments always give the same numbers, whatever was drawn elsewhere before. Indices must not be negative.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(crc32(subsystem.encode()), *indices)))

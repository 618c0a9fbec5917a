"""How many objects fly in a group whose members a radar cannot all tell apart: a posterior over their number.

A radar gives one plot for all objects that share a resolution cell. So the plots of a scan are fewer than the objects
it detects, and their number rises ever more slowly with that of the objects until no further plot fits into the extent:
then it tells a least number only. What is not known of the cells and of the formation is a handful of hypotheses; each
is weighed by how well one number of objects explains every radar at once, for radars at different places merge
different objects.

Source:
    The jamming limit of cars of length 1 parked at random, 0.7476 a length, is A. Rényi's (1958); that in the plane it
    is that of two lines multiplied is Palásti's conjecture, true within half a per cent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CELL_SIGMAS = np.array([2.0, 2.8, 4.0, 5.6, 8.0])
CELL_P = np.array([0.1, 0.25, 0.3, 0.25, 0.1])
"""A cell is so many of the radar's sigmas wide, and how probable each is. No format declares it, and all axes get the
same: where in its cell an echo lies a radar tells several times better than how wide the cell is."""
APART = np.array([0.0, 0.5, 1.0, 2.0])
APART_P = np.array([0.3, 0.2, 0.3, 0.2])
"""How well objects keep apart by themselves, as drones in formation do, in units of the room that one has; 0: not."""
NUMBERS = np.unique(np.round(np.geomspace(1.0, 500.0, 240))).astype(np.int64)
FEWER = 1.5
"""Numbers of objects that are considered; before any radar has spoken, n is as probable as n to the power of -1.5: few
are more common than many, and where no radar could tell more, this is what bounds them."""
PARKED = 0.7476
MERGING_DOUBT, LEAST_DOUBT = 0.25, 0.03
"""1-σ of what the formula may be wrong by, as shares of the plots: times the root of the share lost to merging, and
always. Found on formations and radars that the tests make up, at a level at which intervals hold what they should."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What k radars say of a group, as means over their latest scans.

    `scans` (k,) is how many scans the means are worth; `plots` (k,) those of one scan in the group's extent, `clutter`
    (k,) how many of them are expected to be false; `pd` (k,) the chance that an object is detected. `extent` (k, 3) is
    how far the group reaches in range, azimuth and elevation, in the radar's 1-σ of each.
    """

    scans: FloatArray
    plots: FloatArray
    clutter: FloatArray
    pd: FloatArray
    extent: FloatArray


@dataclass(frozen=True, slots=True)
class Count:
    """How many objects: the median, and the ends of the interval that holds their number with 90 %."""

    middle: int
    low: int
    high: int


def posterior(seen: Seen, tracks: int) -> FloatArray:
    """Return how probable each of `NUMBERS` is, given what radars see and how many `tracks` are established."""
    prior = np.log(np.gradient(NUMBERS)) - FEWER * np.log(NUMBERS)
    log_p = prior + np.log(np.outer(APART_P, CELL_P).ravel())[:, None]
    for k in range(len(seen.scans)):
        apart = plots_expected(NUMBERS * seen.pd[k], NUMBERS, seen.extent[k])
        lost = NUMBERS * seen.pd[k] - apart
        noise = (apart * (1.0 - apart / (NUMBERS + 1.0)) + seen.clutter[k] + 0.25) / seen.scans[k]
        doubt = (MERGING_DOUBT * apart * np.sqrt(lost / (NUMBERS * seen.pd[k]))) ** 2 + (LEAST_DOUBT * apart) ** 2
        log_p += _normal(seen.plots[k] - apart - seen.clutter[k], noise + doubt)
    log_p += -0.5 * np.maximum(tracks - NUMBERS, 0.0) ** 2 / (1.0 + (LEAST_DOUBT * NUMBERS) ** 2)
    p = np.exp(log_p - log_p.max()).sum(axis=0)
    return np.asarray(p / p.sum())


def count_of(p: FloatArray) -> Count:
    """Return the median and the 5 % and 95 % points of a posterior over `NUMBERS`."""
    rows = np.minimum(np.searchsorted(np.cumsum(p), (0.05, 0.5, 0.95)), len(p) - 1)
    low, middle, high = NUMBERS[rows].tolist()
    return Count(middle, low, high)


def plots_expected(detected: FloatArray, number: NDArray[np.int64], extent: FloatArray) -> FloatArray:
    """Return how many plots a radar makes of so many detected objects of a group.

    Each is a new plot unless it shares the cell of one before. At first that is as probable as that two objects share a
    cell; as the extent fills it grows, till at the jamming limit no further one finds room. Objects that keep apart by
    themselves take away from the chance of two the room that one has.

    Args:
        detected: (n,) how many are detected.
        number: (n,) how many there are.
        extent: (3,) in sigmas.

    Returns:
        (apart * cells, n): for each of `APART` and each width of the cell.
    """
    cells = extent[None, :] / CELL_SIGMAS[:, None]
    jammed = np.prod(np.maximum(1.0, PARKED * (cells + 1.0)), axis=1)
    wide = np.maximum(cells, 1.0)
    pair = np.prod((2.0 * wide - 1.0) / wide**2, axis=1)
    chance = np.maximum(pair[None, :, None] - APART[:, None, None] / number, 0.0)
    return _parked(detected, np.tile(jammed, len(APART))[:, None], chance.reshape(-1, len(number)))


def _parked(detected: FloatArray, jammed: FloatArray, chance: FloatArray) -> FloatArray:
    """Return s of ds/dd = (1 - s / jammed) ** (chance * jammed), with the first for certain."""
    steep = chance * jammed
    steep = np.where(np.abs(steep - 1.0) < 1e-6, 1.0 + 1e-6, steep)
    room = np.maximum(1.0 - 1.0 / jammed, 1e-12)
    left = room ** (1.0 - steep) + (steep - 1.0) * (np.maximum(detected, 1.0) - 1.0) / jammed
    free = np.maximum(left, 1e-300) ** (1.0 / (1.0 - steep))
    s = jammed * (1.0 - np.clip(free, 0.0, 1.0))
    s = np.where(jammed <= 1.0 + 1e-9, 1.0, s)
    return np.asarray(np.where(detected < 1.0, detected, np.minimum(s, detected)))


def _normal(off: FloatArray, variance: FloatArray) -> FloatArray:
    return np.asarray(-0.5 * (off**2 / variance + np.log(variance)))

"""Tracks and plots of one look side by side: what each plot should read of each track, and how well it does.

A look works on copies of the tracks it may concern, each predicted to when it was read.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dronewall.geodesy.jit import inner, kernel
from dronewall.geodesy.kernels import axes_at
from dronewall.tracking.motion import copy_modes, predict, turn_noise
from dronewall.tracking.parameters import HOVER, MODES, TURN
from dronewall.tracking.update import innovate, innovation, is_astray, likelihood, model

_POSITION = 2
OWN_BLUNDER_SQ, OWN_BLUNDER_M, OWN_SPEED_MPS = 6.0, 2_000.0, 300.0
"""How far a plot with the track's own address may be off: made to look this many squared sigmas away, if it lies no
farther than this plus what an airliner flies meanwhile."""


class Copies(NamedTuple):
    """The tracks of one look, predicted to when they were read; `changed` tells which are to be written back."""

    row: NDArray[np.int32]
    mean: NDArray[np.float64]
    cov: NDArray[np.float64]
    weight: NDArray[np.float64]
    modes: NDArray[np.int64]
    at_ns: NDArray[np.int64]
    changed: NDArray[np.bool_]


class Edges(NamedTuple):
    """Every track with the plots in its gate, ordered by track from `first` (n + 1,).

    There is room for pairs beyond the last of `first`, which hold nothing. `model` is the row of `h`, `jac`, `pht`,
    `hph` that tells what the plot should read; `psi` the odds of the pair; `doubt` ≥ 1 how far the plot is widened;
    `like`, `nu`, `s_inverse` are by mode.
    """

    first: NDArray[np.int32]
    plot: NDArray[np.int32]
    model: NDArray[np.int32]
    doubt: NDArray[np.float64]
    psi: NDArray[np.float64]
    like: NDArray[np.float64]
    nu: NDArray[np.float64]
    s_inverse: NDArray[np.float64]
    dim: NDArray[np.int64]
    h: NDArray[np.float64]
    jac: NDArray[np.float64]
    pht: NDArray[np.float64]
    hph: NDArray[np.float64]


@kernel
def compared(tracks, look, rows, starts, plots, p, out, scratch):
    """Return copies of the tracks, each predicted to its first plot, and those pairs that fit; `plots` is reused."""
    n, count = len(rows), len(plots)
    copies = Copies(
        rows,
        np.empty((n, MODES, 6)),
        np.empty((n, MODES, 6, 6)),
        np.empty((n, MODES)),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.zeros(n, np.bool_),
    )
    edges = Edges(
        starts,
        plots,
        np.empty(count, np.int32),
        np.zeros(count),
        np.zeros(count),
        np.zeros((count, MODES)),
        np.empty((count, MODES, 3)),
        np.empty((count, MODES, 3, 3)),
        np.zeros(count, np.int64),
        np.empty((count, MODES, 3)),
        np.empty((count, MODES, 3, 6)),
        np.empty((count, MODES, 6, 3)),
        np.empty((count, MODES, 3, 3)),
    )
    _compare(tracks, look, copies, edges, p, out, scratch)
    return copies, edges


@inner
def _compare(tracks, look, copies, edges, p, out, scratch):
    """Fill copies, and the edges of those pairs that fit, moved together to the front."""
    rows, starts, plots = copies.row, edges.first, edges.plot
    axes, d, then = scratch.squares[0], scratch.lines[0], scratch.lines[1]
    kinds, site, z, noise, at_ns = look.kind, look.site, look.z, look.noise, look.at_ns
    transmitter = look.transmitter
    framed, kept = -1, 0
    for i in range(len(rows)):
        row, j = rows[i], plots[starts[i]]
        mean, cov, weight = copies.mean[i], copies.cov[i], copies.weight[i]
        copy_modes(tracks.mean[row], tracks.cov[row], tracks.weight[row], mean, cov, weight)
        before_ns, heard_ns = tracks.at_ns[row], tracks.heard_at_ns[row]
        modes = predict(mean, cov, weight, (at_ns[j] - before_ns) / 1e9, p, scratch.mixing)
        then_ns = max(at_ns[j], before_ns)
        copies.modes[i], copies.at_ns[i] = modes, then_ns
        begin, end, read, m = starts[i], starts[i + 1], -1, -1
        starts[i] = kept
        for e in range(begin, end):
            j = plots[e]
            kind, later_s = kinds[j], (at_ns[j] - then_ns) / 1e9
            if (before_ns - at_ns[j]) / 1e9 > p.late_s:
                out.late[j] = True
                continue
            if kind != _POSITION and (framed < 0 or not _same_site(site, framed, j)):
                axes_at(site[j, 0], site[j, 1], site[j, 2], axes)
                framed = j
            again = read >= 0 and later_s >= 0.0 and at_ns[read] >= then_ns
            if not (again and kinds[read] == kind and _reads_alike(kind, site, z, read, j)):
                read, m = j, kept
                edges.dim[m] = _expect(
                    mean, cov, modes, kind, z[j], site[j], transmitter[j], axes, min(later_s, 0.0), p, d, then,
                    edges.h[m], edges.jac[m], edges.pht[m], edges.hph[m],
                )  # fmt: skip
            dim = edges.dim[m]
            if dim == 0:
                continue
            # Every pair is tried in the next free place, and stays there if it fits.
            edges.plot[kept], edges.model[kept], edges.dim[kept] = j, m, dim
            own = look.icao24[j] != 0 and look.icao24[j] == tracks.icao24[row]
            blundered = own and _blundered(kind, look.place[j], mean[0], at_ns[j] - heard_ns)
            kept += _fits(
                mean, modes, kind, z[j], noise[j], max(later_s, 0.0), p.gate_sq, blundered, edges.dim[m],
                edges.h[m], edges.jac[m], edges.hph[m], edges.nu[kept], edges.s_inverse[kept], edges.like[kept],
                edges.doubt[kept : kept + 1],
            )  # fmt: skip
    starts[len(rows)] = kept


@inner
def _fits(mean, modes, kind, z, noise, later_s, gate_sq, blundered, dim, h, jac, hph, nu, s_inverse, like, doubt):
    """Return whether a plot is in a track's gate, 1 or 0, and write its likelihoods and `doubt` (1,)."""
    if _all_astray(mean, modes, kind, dim, z, noise, later_s, gate_sq, h, jac, hph, nu) and not blundered:
        return 0
    doubt[0] = 1.0
    nearest = _fit(modes, dim, noise, 1.0, hph, nu, s_inverse, like)
    if nearest >= gate_sq and blundered:
        doubt[0] = nearest / OWN_BLUNDER_SQ
        nearest = _fit(modes, dim, noise, doubt[0], hph, nu, s_inverse, like)
    return 1 if nearest < gate_sq else 0


@inner
def _expect(mean, cov, modes, kind, z, site, transmitter, axes, back_s, p, d, then, h, jac, pht, hph):
    """Write what a plot should read under each mode of a track; return its dimension, 0 if it reads nothing."""
    dim = 3
    for k in range(modes):
        q = turn_noise(mean[k], p) if k == TURN else (p.q_level_hover if k == HOVER else p.q_level_cruise)
        read = model(
            mean[k], cov[k], kind, z[1] == z[1], site, transmitter, axes, back_s, q, d, then,
            h[k], jac[k], pht[k], hph[k],
        )  # fmt: skip
        dim = min(dim, read)
    return dim


@inner
def _same_site(site, i, j):
    return site[i, 0] == site[j, 0] and site[i, 1] == site[j, 1] and site[i, 2] == site[j, 2]


@inner
def _reads_alike(kind, site, z, i, j):
    """Whether what is expected of one plot serves another of the same kind."""
    return kind == _POSITION or (_same_site(site, i, j) and np.isnan(z[i, 1]) == np.isnan(z[j, 1]))


@inner
def _all_astray(mean, modes, kind, dim, z, noise, later_s, gate_sq, h, jac, hph, nu):
    """Write a plot's innovation under each mode; return whether a glance shows that it is outside every gate."""
    astray = True
    for k in range(modes):
        innovation(mean[k], kind, dim, z, later_s, h[k], jac[k], nu[k])
        astray &= is_astray(dim, noise, hph[k], nu[k], gate_sq)
    return astray


@inner
def _fit(modes, dim, noise, doubt, hph, nu, s_inverse, like):
    """Write the likelihood of a plot under each mode; return the least squared distance from the track."""
    nearest = np.inf
    for k in range(modes):
        square, det = innovate(dim, noise, doubt, hph[k], nu[k], s_inverse[k])
        like[k] = 0.0
        if det > 0.0:
            nearest = min(nearest, square)
            like[k] = likelihood(min(square, 600.0), dim, det)
    return nearest


@inner
def _blundered(kind, place, x, silent_ns):
    """Whether a plot outside the gate that claims the track's own address is a blunder rather than another object.

    It is if the object could have got there: then its noise is widened till it fits.
    """
    if kind > _POSITION:
        return False
    apart = sqrt((place[0] - x[0]) ** 2 + (place[1] - x[1]) ** 2 + (place[2] - x[2]) ** 2)
    return apart < OWN_BLUNDER_M + OWN_SPEED_MPS * abs(silent_ns) / 1e9

"""The board of references in machine code: reports enter their aircraft's rings, and the nearest one is found."""

from __future__ import annotations

from math import hypot, sqrt

import numpy as np

from dronewall.geodesy.jit import kernel
from dronewall.registration.bias_model import MANOEUVRE_MPS2

REACH_S = 3.0
"""A reference is carried no further than this from its nearest report."""
DOUBT_NS = 60_000_000_000
JUMP_M, JUMP_SIGMAS = 200.0, 10.0
"""An aircraft that is further from where it said it was going has jumped, and is doubted for a minute."""
FASTEST_MPS = 400.0
SAME_MESSAGE_NS = 20_000_000


@kernel
def enter_reports(board, rows, at_ns, position, velocity, sigma_m, sigma_velocity_mps, pressure):
    """Enter reports (k,) into the rings of their aircraft `rows`; a message heard twice counts once."""
    ring = board.at_ns.shape[1]
    for i in range(len(rows)):
        row = rows[i]
        last = board.newest[row]
        dt = (at_ns[i] - board.at_ns[row, last]) / 1e9
        if abs(at_ns[i] - board.at_ns[row, last]) < SAME_MESSAGE_NS or dt < 0.0:
            continue
        if board.at_ns[row, last] > 0 and dt < 10.0 and _jumped(board, row, last, position[i], sigma_m[i], dt):
            board.doubted_ns[row] = at_ns[i] + DOUBT_NS
            board.at_ns[row, :] = 0
        at = (last + 1) % ring
        board.newest[row] = at
        board.at_ns[row, at] = at_ns[i]
        board.position[row, at] = position[i]
        board.velocity[row, at] = velocity[i]
        board.sigma_m[row, at] = sigma_m[i]
        board.sigma_velocity_mps[row, at] = sigma_velocity_mps[i]
        board.pressure[row] = pressure[i]
        if not np.isfinite(velocity[i, 0] + velocity[i, 1] + velocity[i, 2]):
            _velocity_from_positions(board, row, at)


@kernel
def _jumped(board, row, last, position, sigma_m, dt):
    """Return whether a position cannot follow the last one."""
    off_sq, known = 0.0, True
    for j in range(3):
        v = board.velocity[row, last, j]
        if not np.isfinite(v):
            known = False
            v = 0.0
        off = position[j] - board.position[row, last, j] - v * dt
        off_sq += off * off
    speed = 0.0 if known else FASTEST_MPS
    most = JUMP_M + JUMP_SIGMAS * sigma_m + speed * dt + 10.0 * dt * dt
    return off_sq > most * most


@kernel
def _velocity_from_positions(board, row, at):
    """Fill in a velocity that was not said, from the oldest report that is 2 to 15 s older."""
    best, best_dt = -1, 2.0
    for k in range(board.at_ns.shape[1]):
        dt = (board.at_ns[row, at] - board.at_ns[row, k]) / 1e9
        if board.at_ns[row, k] > 0 and best_dt <= dt < 15.0:
            best, best_dt = k, dt
    for j in range(3):
        board.velocity[row, at, j] = np.nan
        if best >= 0:
            board.velocity[row, at, j] = (board.position[row, at, j] - board.position[row, best, j]) / best_dt
    if best >= 0:
        spread = sqrt(2.0) * board.sigma_m[row, at] / best_dt
        board.sigma_velocity_mps[row, at] = hypot(spread, 0.5 * MANOEUVRE_MPS2 * best_dt)


@kernel
def nearest_report(board, row, at_ns):
    """Return the report of an aircraft that is nearest to an instant and has a velocity, -1 if none is near enough."""
    best, best_s = -1, REACH_S
    for k in range(board.at_ns.shape[1]):
        if board.at_ns[row, k] > 0 and np.isfinite(board.velocity[row, k, 0]):
            away_s = abs((at_ns - board.at_ns[row, k]) / 1e9)
            if away_s <= best_s:
                best, best_s = k, away_s
    return best

"""Tracks carried to the instants of other trackers' reports: the part of fusing that needs the tracks' own motion."""

from __future__ import annotations

import numpy as np

from dronewall.geodesy.jit import kernel
from dronewall.tracking.motion import ROOM, add_process_noise, local_up, merged, move, predict


@kernel
def states_at(tracks, rows, at_ns, p, x_out, p_out):
    """Write the means (n, 6) and covariances (n, 6, 6) of tracks `rows` (n,) at `at_ns` (n,); the tracks stay."""
    up, room = np.empty(3), np.empty(ROOM)
    for i in range(len(rows)):
        row = rows[i]
        m, c, w = tracks.mean[row].copy(), tracks.cov[row].copy(), tracks.weight[row].copy()
        dt = (at_ns[i] - tracks.at_ns[row]) / 1e9
        predict(m, c, w, dt, p, room)
        merged(m, c, w, x_out[i], p_out[i])
        if dt < 0.0:
            move(x_out[i], p_out[i], dt)
            local_up(x_out[i], up)
            add_process_noise(p_out[i], up, p.q_level_cruise, p.q_upright_cruise, -dt)


@kernel
def bring_forward(tracks, rows, at_ns, p):
    """Predict tracks `rows` (n,), each once, to `at_ns` (n,), where they are older than that."""
    room = np.empty(ROOM)
    for i in range(len(rows)):
        row = rows[i]
        dt = (at_ns[i] - tracks.at_ns[row]) / 1e9
        if dt > 0.0:
            predict(tracks.mean[row], tracks.cov[row], tracks.weight[row], dt, p, room)
            tracks.at_ns[row] = at_ns[i]

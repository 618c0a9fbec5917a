"""Settling: a recording as it would have come had every plot arrived the moment it was valid.

Plots that came late stand where they belong once the window has closed behind them, and nothing of the order in which
they came is left: the same plots mixed otherwise give the same. What a sound travelled is no lateness, for a sound's
time of validity is when it arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dronewall.engine.clock import NS_PER_S
from dronewall.feeds.feed import Decoded
from dronewall.model.plots import Plots

WINDOW_NS = 30 * NS_PER_S
"""How late a plot may be."""
TOO_LATE = ("later than the window of 30 s", "earlier than its time of validity by more than 30 s")


def settled(pieces: Iterator[Decoded]) -> Iterator[Decoded]:
    """Yield a recording's plots by time of validity, each received then, second by second.

    Plots received more than the window after (or before) they were valid are left out and counted as unplaceable; each
    is judged by itself, so that it does not matter what came before it.
    """
    held: dict[int, list[Plots]] = {}
    newest_ns = 0
    for decoded in pieces:
        plots = decoded.plots
        if not len(plots):
            yield decoded
            continue
        delay_ns = plots.received_ns - plots.at_ns
        late, early = delay_ns > WINDOW_NS, delay_ns < -WINDOW_NS
        counted = tuple((why, int(n)) for why, n in zip(TOO_LATE, (late.sum(), early.sum()), strict=True) if n)
        yield replace(decoded, plots=Plots.empty(), unplaceable=(*decoded.unplaceable, *counted))
        kept = plots.take(np.flatnonzero(~late & ~early))
        _hold(held, kept)
        newest_ns = max(newest_ns, int(plots.received_ns.max()))
        yield from _due(held, (newest_ns - WINDOW_NS) // NS_PER_S)
    yield from _due(held, None)


def _hold(held: dict[int, list[Plots]], plots: Plots) -> None:
    second = plots.at_ns // NS_PER_S
    for value in np.unique(second).tolist():
        held.setdefault(value, []).append(plots.take(np.flatnonzero(second == value)))


def _due(held: dict[int, list[Plots]], before: int | None) -> Iterator[Decoded]:
    """Take out the seconds before one, all if None, in order."""
    for second in sorted(held):
        if before is not None and second >= before:
            return
        plots = Plots.concat(held.pop(second))
        plots = plots.take(_canonical(plots))
        yield Decoded(replace(plots, received_ns=plots.at_ns))


def _canonical(plots: Plots) -> NDArray[np.intp]:
    """Return the rows in an order that depends on what the plots say alone: time, sensor, then all they measured."""
    rank = np.empty(len(plots.sensor_ids), np.int32)
    rank[sorted(range(len(rank)), key=plots.sensor_ids.__getitem__)] = np.arange(len(rank), dtype=np.int32)
    said = (plots.track_ref, plots.uas_id, plots.icao24, plots.lon_deg, plots.lat_deg, plots.elevation_rad)
    return np.lexsort(
        (*said, plots.range_sum_m, plots.range_m, plots.azimuth_rad, plots.scan_end, rank[plots.sensor], plots.at_ns)
    )

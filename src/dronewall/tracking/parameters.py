"""What the tracker assumes of the world. One set for everything: no sensor, country or scenario gets its own."""

from __future__ import annotations

from typing import NamedTuple

CRUISE, TURN, HOVER = range(3)
"""Motion modes: constant velocity with little noise, the same with enough noise for a manoeuvre, and hovering."""
MODES = 3
CELL_SIGMA = 4.0
"""A radar's resolution cell is taken to be so many of its sigmas wide on each axis: no format declares it."""
WEIGHTS_AT_BIRTH = (0.6, 0.4, 0.0)
"""Once its velocity is known: before, a track has the first mode alone, with weight 1."""


class Motion(NamedTuple):
    """How objects move and how far one may be from its track: what kernels are given, and nothing they do not read.

    A tuple is handed from kernel to kernel by value: with five fields more, the compiler no longer merges the
    innermost ones into their callers, and a look takes half as long again.

    Units in the names; `q_*` are power spectral densities of white acceleration noise, m²/s³.
    """

    q_level_cruise: float = 0.05
    q_upright_cruise: float = 0.012
    q_level_turn: float = 12.0
    """Of what stands still; it grows with the square of speed, for a turn's acceleration does with its radius given."""
    turn_speed_mps: float = 70.0
    """At this speed a manoeuvre's noise is twice that of what stands still."""
    q_upright_turn: float = 1.0
    q_level_hover: float = 2.0
    q_upright_hover: float = 0.5
    hover_forgets_s: float = 8.0
    """Time in which a hovering object's velocity falls by e."""
    hover_below_mps: float = 12.0
    """What is faster is not thought to hover, nor is what may well be, for its speed is not known better than this."""
    modes_forgotten_per_s: float = 1.0 / 30.0
    """How often the mode is drawn anew: a cruise lasts a quarter of an hour on average, a manoeuvre half a minute."""
    turn_share: float = 0.03
    hover_share: float = 0.2
    """Of what draws its mode anew: how much of the slow hovers, and how much of the rest manoeuvres."""
    gate_sq: float = 25.0
    """Squared Mahalanobis distance beyond which a plot is no candidate for a track."""
    gate_m: float = 13_500.0
    """No candidate lies farther than this, whatever the covariances say: it bounds the search."""
    late_s: float = 30.0
    """A plot older than its track by more than this is left out and counted."""
    birth_speed_sigma_mps: float = 120.0
    birth_climb_sigma_mps: float = 10.0


class Parameters(NamedTuple):
    """How objects move, and when their tracks begin, are confirmed and end."""

    motion: Motion = Motion()
    expected_births: float = 0.02
    """New objects that one radar expects in one scan of its whole coverage."""
    expected_births_at_first: float = 1.0
    """The same in a radar's first scan, when everything is new; falls by half each scan."""
    clutter_at_first: float = 8.0
    """Clutter plots per scan assumed until the radar has shown its own."""
    confirm_existence: float = 0.998
    drop_existence: float = 0.05
    confirm_hits: int = 3
    confirm_hits_claimed: int = 2
    confirm_hits_standing: int = 10
    tentative_silence_s: float = 35.0
    coast_s: float = 75.0
    """A confirmed track that nobody has heard for so long is dropped."""
    coast_level_sigma_m: float = 6_000.0
    """A track known no better than this is no longer one."""
